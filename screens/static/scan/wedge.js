// A wedge scanner types what it reads. It is told from a person by its speed and by the key at the
// end; what people type is left alone. Pure: keys come in with their times, codes go out.

export const FASTEST_TYPIST_MS = 45; // between two keys; people who type fast need 60 to 100
export const FEWEST = 3; // characters of a code
const GS = "\x1d";

// The character that a key stands for; "" for keys that stand for none. The group separator comes
// as the control character itself, or as Ctrl and ], which is how keyboards send it.
export function characterOf({ key, ctrlKey = false, altKey = false, metaKey = false }) {
  if (key === GS || (ctrlKey && (key === "]" || key === "\u001d"))) return GS;
  if (ctrlKey || altKey || metaKey) return "";
  return key.length === 1 ? key : "";
}

export class Wedge {
  constructor({ gapMs = FASTEST_TYPIST_MS, fewest = FEWEST } = {}) {
    this.gapMs = gapMs;
    this.fewest = fewest;
    this.forget();
  }

  forget() {
    this.burst = "";
    this.lastMs = -Infinity;
    this.beganMs = -Infinity;
    this.alt = "";
  }

  // Whether the keys so far come as fast as only a scanner's.
  get isFast() {
    return this.burst.length >= 2;
  }

  // ``null``, or the code that ended with this key.
  key(event, atMs) {
    if (["Shift", "Control", "Alt", "AltGraph", "CapsLock", "Meta"].includes(event.key)) return null;
    const late = atMs - this.lastMs > this.gapMs;
    if (event.key === "Enter" || event.key === "Tab") {
      const code = late ? "" : this.burst;
      this.forget();
      return code.length >= this.fewest ? code : null;
    }
    const character = this.#alt(event) ?? characterOf(event);
    if (!character) return null;
    if (late) {
      this.burst = "";
      this.beganMs = atMs;
    }
    this.burst += character;
    this.lastMs = atMs;
    return null;
  }

  // Alt and digits of the number pad: some scanners send control characters so (Alt 0 2 9).
  #alt({ key, altKey = false }) {
    if (!altKey || !/^\d$/.test(key)) {
      this.alt = "";
      return null;
    }
    this.alt += key;
    const whole = /^0?29$/.test(this.alt) && (this.alt.length === 2 || this.alt.length === 3);
    if (whole || this.alt === "0029") {
      this.alt = "";
      return GS;
    }
    return "";
  }
}

// Catches bursts anywhere on the page and takes them out of the field that they were typed into.
export function listen(onCode, target = document) {
  const wedge = new Wedge();
  let field = null;
  let before = "";
  target.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const fresh = event.timeStamp - wedge.lastMs > wedge.gapMs;
    if (fresh) {
      const focused = document.activeElement;
      field = focused && "value" in focused && focused.tagName !== "BUTTON" ? focused : null;
      before = field ? field.value : "";
    }
    const wasFast = wedge.isFast;
    const code = wedge.key(event, event.timeStamp);
    if (code !== null) {
      event.preventDefault();
      event.stopPropagation();
      if (field) field.value = before;
      onCode(code);
      return;
    }
    // A blank would press the button that has the focus, and Ctrl with ] is a browser's shortcut.
    const inButton = document.activeElement?.tagName === "BUTTON";
    if ((wasFast && inButton && event.key === " ") || characterOf(event) === GS) event.preventDefault();
  }, true);
}
