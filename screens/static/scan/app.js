// The page of the floor: which view is shown, and what a scan does there.

import { Camera, hasCamera } from "./camera.js";
import { wrongBy } from "./clock.js";
import { button, h, icon } from "./dom.js";
import { signal, wake } from "./feedback.js";
import { Floor } from "./floor.js";
import { askText } from "./pad.js";
import { hasDecoder, register } from "./shell.js";
import { count, counts } from "./tasks/count.js";
import { home } from "./tasks/home.js";
import { move } from "./tasks/move.js";
import { pick, walks } from "./tasks/pick.js";
import { putaway } from "./tasks/putaway.js";
import { orders, receive } from "./tasks/receive.js";
import { waiting } from "./tasks/waiting.js";
import { listen } from "./wedge.js";

const VIEWS = { "": home, receive: orders, order: receive, putaway, move, pick: walks, walk: pick, count: counts, counting: count, waiting };
const COMMANDS = { receive: "#receive", "move-to": "#move", pick: "#pick", count: "#count" };
const LINKS = {
  checking: ["Connecting", ""], online: ["Online", "good"], offline: ["No network", "warn"],
  "signed-out": ["Signed out", "bad"], trouble: ["Central is in trouble", "bad"],
};

const part = (id) => document.getElementById(id);
const floor = new Floor({ render: () => page.render() });

const page = {
  floor, view: null, message: null, due: 0,

  async go() {
    const [name, ...rest] = decodeURIComponent(location.hash.slice(1)).split("/");
    if (camera.open) this.camera();
    this.message = null;
    const make = VIEWS[name] ?? home;
    this.view = make(this, rest.join("/"));
    this.render();
    part("screen").focus({ preventScroll: true });
    window.scrollTo(0, 0);
  },

  // ``kind``: good, done, look or bad.
  say(kind, title, text = "") {
    this.message = { kind, title, text };
    signal(kind, floor.settings);
    this.render();
  },

  render() {
    cancelAnimationFrame(this.due);
    this.due = requestAnimationFrame(() => { if (this.view) draw(this); });
  },

  // ``code`` from a scanner, the camera or the keyboard, wherever the page is. One after the other:
  // a quick hand scans the next thing while the last one is still looked up.
  scanned(code, symbology = null) {
    document.querySelector("dialog[open]")?.close();
    this.line = (this.line ?? Promise.resolve()).then(() => this.heard(code, symbology)).catch((error) => floor.failed(error));
    return this.line;
  },

  async heard(code, symbology) {
    const told = await floor.meaning(code, symbology);
    if (told.kind === "command") this.command(told.command);
    else if (this.view.scan) await this.view.scan(told);
    else if (told.kind === "unknown") this.say("bad", "Not known", told.says);
    else this.say("look", told.name || told.sku || told.place || told.sscc, "Choose first what you want to do.");
  },

  command(name) {
    if (name === "undo") this.undo();
    else location.hash = COMMANDS[name];
  },

  async undo() {
    const last = this.view.task ? floor.last(this.view.task) : null;
    if (!last) return this.say("bad", "Nothing to undo", "Nothing was done here that can be taken back.");
    const said = await floor.takeBack(last);
    return this.say("look", "Undone", said);
  },

  async type() {
    const code = await askText({ title: "Type a code", note: "A barcode's digits, an item, or a place." });
    if (code) await this.scanned(code);
  },

  camera() {
    if (camera.open) {
      camera.hide();
      part("camera").replaceChildren();
      part("camera").hidden = true;
    } else {
      part("camera").hidden = false;
      camera.show(part("camera"));
    }
    this.render();
  },
};

const camera = new Camera({
  onCode: (code, symbology) => page.scanned(code, symbology),
  onTrouble: (why) => {
    part("camera").hidden = true;
    page.say("bad", "No camera", why);
  },
});

function draw({ view }) {
  const shown = [...notices(), ...view.render()].filter(Boolean); // it may learn its title so
  document.title = `${view.title} - Tallyport`;
  part("title").textContent = view.title;
  part("back").href = view.back ?? "/";
  part("back").setAttribute("aria-label", view.back ? "Back" : "Leave scanning");
  drawLink();
  drawMessage();
  const focused = describe(document.activeElement);
  part("screen").replaceChildren(...shown);
  part("dock").replaceChildren(...dock(view));
  part("dock").hidden = !view.scan;
  refocus(focused);
}

// What had the focus has it again, though it was drawn anew: keyboards and screen readers stay where
// they were.
const NAMES = ["id", "data-line", "data-pick", "href"];

function describe(one) {
  if (!one || one === part("screen") || !(part("screen").contains(one) || part("dock").contains(one))) return null;
  const name = NAMES.find((each) => one.hasAttribute(each));
  return { name, value: name && one.getAttribute(name), tag: one.tagName, text: one.textContent };
}

function refocus(was) {
  if (!was) return;
  const found = [...document.querySelectorAll(`#screen ${was.tag}, #dock ${was.tag}`)].find((one) =>
    (was.name ? one.getAttribute(was.name) === was.value : one.textContent === was.text));
  found?.focus({ preventScroll: true });
}

function drawLink() {
  const [words, kind] = LINKS[floor.link];
  const { waiting: open, refused } = floor.counts;
  part("link").className = `floor-link ${kind}`;
  if (part("link").textContent !== words) part("link").textContent = words;
  part("queue").hidden = !open && !refused;
  part("queue").className = `floor-queue ${refused ? "bad" : ""}`;
  part("queue").textContent = refused ? `${refused} refused` : `${open} to send`;
}

// Where there is nothing to say its room is kept: what is below never jumps.
const IDLE = { kind: "idle", title: "Ready", text: "Use a scanner, the camera, or type a code." };

function drawMessage() {
  const message = page.message ?? (page.view.scan ? IDLE : null);
  const box = part("message");
  if (box.said === message) return; // once is enough for those who hear it
  box.said = message;
  box.className = `floor-message ${message?.kind ?? "none"}`;
  const symbol = { good: "check", done: "check", look: "warn", bad: "close", idle: "scan" }[message?.kind];
  box.replaceChildren(...(message ? [icon(symbol, 28), h("div", {}, h("strong", {}, message.title), message.text && h("span", {}, message.text))] : []));
}

function notices() {
  const { waiting: open, others } = floor.counts;
  const made = [];
  const from = encodeURIComponent(`/scan${location.hash}`);
  if (floor.link === "signed-out") {
    made.push(notice("bad", open ? `Sign in to send ${open} ${open === 1 ? "thing" : "things"}.` : "Sign in to get your tasks.", "Nothing of it is lost.", h("a", { class: "button big", href: `/login?next=${from}` }, "Sign in")));
  }
  if (others) made.push(notice("warn", `${others} of somebody else wait here.`, "They are sent when that person signs in.", h("a", { class: "button big quiet", href: "#waiting" }, "Look")));
  if (floor.trouble) made.push(notice("bad", "This phone has a problem", floor.trouble));
  if (floor.refusedPackage) made.push(notice("bad", "Your tasks were not given", floor.refusedPackage));
  const wrong = wrongBy(floor.clock);
  if (wrong && !page.view.scan) made.push(notice("warn", wrong));
  if (!window.isSecureContext) made.push(notice("warn", "This works only while there is a network.", "For more, and for the camera, central must be reached by https."));
  if (page.update) made.push(notice("warn", "There is a new version.", "What you scanned stays.", button("Reload", page.update)));
  return made;
}

const notice = (kind, title, text = "", act = null) => h("div", { class: `floor-notice ${kind}`, role: "status" }, h("div", {}, h("strong", {}, title), text && h("span", {}, text)), act);

function dock(view) {
  const last = view.task ? floor.last(view.task) : null;
  return [
    hasCamera() && button(camera.open ? "Close" : "Camera", () => page.camera(), { symbol: camera.open ? "close" : "camera", id: "open-camera" }),
    button("Type", () => page.type(), { kind: "quiet", symbol: "ledger", id: "type-code" }),
    view.task && button("Undo", () => page.undo(), { kind: "quiet", symbol: "undo", id: "undo", disabled: !last }),
  ].filter(Boolean);
}

listen((code) => page.scanned(code));
for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, wake, { once: false, passive: true });
window.addEventListener("hashchange", () => page.go());
floor.heard.add((command) => page.view?.answered?.(command));
page.go();
floor.open().catch((error) => floor.failed(error));
register((reload) => { page.update = reload; page.render(); }).catch((error) => floor.failed(new Error(`These pages cannot be kept on this phone: ${error.message}`)));
hasDecoder().then((there) => { floor.decoder = there; page.render(); });
setInterval(() => { if (!page.view.scan && !document.hidden) page.render(); }, 30_000); // how old things are
