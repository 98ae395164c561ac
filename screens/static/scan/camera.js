// The camera as a scanner: the browser's own detector where it has one, else the vendored decoder
// in a worker, which is loaded when the camera is first opened.

import { h } from "./dom.js";

const FORMATS = ["code_128", "ean_13", "ean_8", "upc_a", "upc_e", "itf", "data_matrix", "qr_code", "code_39"];
const AIMS = { ean_13: "]E0", upc_a: "]E0", ean_8: "]E4" };
const PAUSE_MS = 90;
const SAME_MS = 1_600; // the same code again only after it was out of sight for so long
const WIDEST = 1_280; // pixels of a frame that is decoded

export const hasDetector = () => "BarcodeDetector" in window;
export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

async function detector() {
  if (hasDetector()) {
    const can = await window.BarcodeDetector.getSupportedFormats();
    const formats = FORMATS.filter((one) => can.includes(one));
    if (formats.length) {
      const own = new window.BarcodeDetector({ formats });
      return { read: async (video) => (await own.detect(video)).map((one) => ({ code: one.rawValue, symbology: AIMS[one.format] ?? null })), close() {} };
    }
  }
  return decoder();
}

function decoder() {
  const worker = new Worker("/scan/decoder.js");
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  let waiting = null;
  worker.onmessage = ({ data }) => { waiting?.resolve(data); waiting = null; };
  worker.onerror = (event) => { waiting?.reject(new Error(event.message || "the decoder could not be loaded")); waiting = null; };
  return {
    read(video) {
      const shrink = Math.min(1, WIDEST / video.videoWidth);
      canvas.width = Math.round(video.videoWidth * shrink);
      canvas.height = Math.round(video.videoHeight * shrink);
      pen.drawImage(video, 0, 0, canvas.width, canvas.height);
      const frame = pen.getImageData(0, 0, canvas.width, canvas.height);
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        worker.postMessage(frame, [frame.data.buffer]);
      }).then((told) => {
        if (told.error) throw new Error(told.error);
        return told.codes;
      });
    },
    close() { worker.terminate(); },
  };
}

function why(error) {
  if (error.name === "NotAllowedError") return "The camera was not allowed. Allow it in the browser's settings for this site, or type the code.";
  if (error.name === "NotFoundError") return "This device has no camera. Use a scanner, or type the code.";
  return `The camera cannot be used: ${error.message}`;
}

export class Camera {
  constructor({ onCode, onTrouble }) {
    this.onCode = onCode;
    this.onTrouble = onTrouble;
    this.seen = new Map();
    this.open = false;
  }

  // Shows what the camera sees in ``box``, and reads until it is closed.
  async show(box) {
    this.open = true;
    const video = h("video", { muted: true, playsinline: true, autoplay: true, "aria-label": "What the camera sees" });
    video.muted = true;
    box.replaceChildren(video, h("div", { class: "floor-aim", "aria-hidden": "true" }));
    try {
      if (!hasCamera()) throw new DOMException("this page needs https, or a browser with a camera", "NotSupportedError");
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false, video: { facingMode: { ideal: "environment" }, width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
      if (!this.open) return this.hide();
      video.srcObject = this.stream;
      await video.play();
      this.#torch(box);
      this.detector = await detector();
      await this.#watch(video);
    } catch (error) {
      if (this.open) this.onTrouble(why(error));
      this.hide();
    }
    return undefined;
  }

  async #watch(video) {
    while (this.open) {
      if (video.readyState >= 2 && !document.hidden) this.#told(await this.detector.read(video));
      await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
    }
  }

  #told(found) {
    const now = performance.now();
    for (const { code, symbology } of found) {
      const fresh = now - (this.seen.get(code) ?? -Infinity) > SAME_MS;
      this.seen.set(code, now);
      if (fresh && this.open) this.onCode(code, symbology);
    }
  }

  #torch(box) {
    const [track] = this.stream.getVideoTracks();
    if (!track.getCapabilities?.().torch) return;
    let lit = false;
    box.append(h("button", { type: "button", class: "button big floor-torch", onclick: () => {
      lit = !lit;
      track.applyConstraints({ advanced: [{ torch: lit }] });
    } }, "Light"));
  }

  hide() {
    this.open = false;
    this.stream?.getTracks().forEach((one) => one.stop());
    this.detector?.close();
    this.stream = null;
    this.detector = null;
    this.seen.clear();
  }
}
