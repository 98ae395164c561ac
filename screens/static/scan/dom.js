// Making elements without markup in strings: what people and labels say is never read as markup.

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(9).filter((one) => one !== null && one !== undefined && one !== false && one !== ""));
  return made;
}

export function icon(name, size = 24) {
  const made = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", width: size, height: size, class: "icon", "aria-hidden": "true" })) {
    made.setAttribute(key, value);
  }
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  made.append(use);
  return made;
}

export const button = (label, onclick, { kind = "", symbol = null, id = null, disabled = false } = {}) =>
  h("button", { type: "button", class: `button big ${kind}`.trim(), onclick, id, disabled }, symbol && icon(symbol, 22), h("span", {}, label));

export const number = (value) => new Intl.NumberFormat().format(value);

export function ago(ms, nowMs) {
  const s = Math.max(0, (nowMs - ms) / 1000);
  if (s < 60) return "just now";
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 129_600) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} days ago`;
}

export const clock = (ms) => new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }).format(ms);

export function bar(done, all) {
  const share = all ? Math.min(1, done / all) : 0;
  const made = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 100 6", preserveAspectRatio: "none", class: "floor-bar", role: "img", "aria-label": `${done} of ${all}` })) made.setAttribute(key, value);
  for (const [width, name] of [[100, "floor-rail"], [share * 100, done > all ? "floor-over" : "floor-full"]]) {
    const one = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ width, height: 6, rx: 3, class: name })) one.setAttribute(key, value);
    made.append(one);
  }
  return made;
}
