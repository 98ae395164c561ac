// Sheets over the page: a pad for quantities, questions with a few answers, a field to type a code.

import { button, h, number } from "./dom.js";

function sheet(label, ...children) {
  const made = h("dialog", { class: "floor-sheet", "aria-label": label }, ...children);
  document.body.append(made);
  return made;
}

function shown(made) {
  return new Promise((resolve) => {
    made.addEventListener("close", () => {
      made.remove();
      resolve(made.answer ?? null);
    });
    made.showModal();
  });
}

const close = (made, answer) => {
  made.answer = answer;
  made.close();
};

// A number, or ``null``. ``hints`` are quantities that one tap gives.
export function askQuantity({ title, note = "", start = 1, hints = [], least = 1 }) {
  let typed = "";
  const field = h("output", { class: "floor-number", id: "pad-number", "aria-live": "polite" }, String(start));
  const value = () => (typed === "" ? start : Number(typed));
  const say = () => { field.textContent = String(value()); };
  const press = (one) => { if (typed.length < 9) typed = `${typed}${one}`.replace(/^0+(?=\d)/, ""); say(); };
  const key = (one) => h("button", { type: "button", class: "floor-key", onclick: () => press(one) }, one);
  const made = sheet(title,
    h("h2", {}, title), note && h("p", { class: "meta" }, note), field,
    hints.length > 0 && h("div", { class: "floor-hints" }, hints.map((one) =>
      h("button", { type: "button", class: "button quiet", onclick: () => { typed = String(one); say(); } }, number(one)))),
    h("div", { class: "floor-keys" }, ["1", "2", "3", "4", "5", "6", "7", "8", "9"].map(key),
      h("button", { type: "button", class: "floor-key", "aria-label": "Delete the last digit", onclick: () => { typed = typed.slice(0, -1); if (!typed) { typed = "0"; } say(); } }, "⌫"),
      key("0"),
      h("button", { type: "button", class: "floor-key", "aria-label": "One more", onclick: () => { typed = String(value() + 1); say(); } }, "+1")),
    h("div", { class: "floor-acts" }, button("Cancel", () => close(made, null), { kind: "quiet" }),
      button("OK", () => { if (value() >= least) close(made, value()); }, { id: "pad-ok" })));
  made.addEventListener("keydown", (event) => {
    if (/^\d$/.test(event.key)) press(event.key);
    else if (event.key === "Backspace") { typed = typed.slice(0, -1); say(); }
    else if (event.key === "Enter" && event.target.tagName !== "BUTTON") { if (value() >= least) close(made, value()); }
  });
  return shown(made);
}

// One of ``answers`` (``[value, label, kind]``), or ``null``.
export function choose({ title, note = "", answers }) {
  const made = sheet(title, h("h2", {}, title), note && h("p", {}, note),
    h("div", { class: "floor-stack" }, answers.map(([value, label, kind = ""]) => button(label, () => close(made, value), { kind })),
      button("Cancel", () => close(made, null), { kind: "quiet" })));
  return shown(made);
}

// What somebody typed, or ``null``.
export function askText({ title, note = "", value = "" }) {
  const field = h("input", { class: "input floor-input", id: "typed", autocomplete: "off", autocapitalize: "off", spellcheck: "false", enterkeyhint: "done", "aria-label": title, value });
  const made = sheet(title, h("h2", {}, title), note && h("p", { class: "meta" }, note),
    h("form", { method: "dialog", class: "floor-stack", onsubmit: (event) => { event.preventDefault(); if (field.value.trim()) close(made, field.value.trim()); } },
      field, h("div", { class: "floor-acts" }, button("Cancel", () => close(made, null), { kind: "quiet" }), h("button", { class: "button big" }, "OK"))));
  const answer = shown(made);
  field.focus();
  return answer;
}
