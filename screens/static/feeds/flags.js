// What happened meanwhile, as flags at the top of a chart: each opens its page. Those that stand
// too close for a finger become one, with a list.
import { moment } from "./words.js";

const APART_PX = 24;
const SIGNS = { pass: "portal", movement: "ledger", review: "review", alert: "bell", fault: "device", setting: "target" };
export const KINDS = { pass: "Passes", movement: "Movements", review: "Reviews", alert: "Alerts", fault: "Device faults", setting: "Settings and calibrations" };
const RANK = ["plain", "good", "warn", "bad"];

const made = (name, attributes, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value) element.setAttribute(key, value);
  element.append(...children);
  return element;
};
const sign = (icons, kind) => {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ width: 12, height: 12, viewBox: "0 0 16 16", "aria-hidden": "true" })) drawn.setAttribute(key, value);
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${icons}#${SIGNS[kind] || "clock"}`);
  drawn.append(use);
  return drawn;
};
const said = (one) => `${one.says}, ${moment(one.at_s, 1)}`;

export class Flags {
  constructor(box, menu, icons) {
    this.box = box;
    this.menu = menu;
    this.icons = icons;
    this.rows = [];
    this.groups = [];
  }

  set(rows) {
    this.rows = rows;
  }

  // Flags that say the same stay, with whoever has the focus on them.
  keep() {
    const there = new Map([...this.box.children].map((element) => [element.dataset.of, element]));
    const wanted = this.groups.map((group) => {
      const of = JSON.stringify(group.rows.map((one) => [one.at_s, one.says]));
      const element = there.get(of) ?? this.flag(group);
      element.dataset.of = of;
      there.delete(of);
      return element;
    });
    for (const gone of there.values()) gone.remove();
    wanted.forEach((element, n) => { if (this.box.children[n] !== element) this.box.insertBefore(element, this.box.children[n] ?? null); });
  }

  // Put the flags where their times are now on the plot.
  place(u) {
    const { min, max } = u.scales.x;
    const left = u.over.offsetLeft;
    this.groups = [];
    for (const one of this.rows) {
      if (one.at_s < min || one.at_s > max) continue;
      const px = left + u.valToPos(one.at_s, "x");
      const last = this.groups.at(-1);
      if (last && px - last.px < APART_PX) last.rows.push(one);
      else this.groups.push({ px, rows: [one] });
    }
    this.keep();
    this.groups.forEach(({ px }, n) => { this.box.children[n].style.left = `${px}px`; });
    this.draw(u);
  }

  draw(u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink-3").trim();
    ctx.globalAlpha = 0.4;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const { rows } of this.groups) {
      const x = Math.round(u.valToPos(rows[0].at_s, "x", true));
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  flag({ rows }) {
    const tone = RANK[Math.max(...rows.map((one) => RANK.indexOf(one.tone)))];
    const [one] = rows;
    if (rows.length === 1 && one.href) return made("a", { class: "flag", "data-tone": tone, href: one.href, title: said(one), "aria-label": said(one) }, sign(this.icons, one.kind));
    const words = rows.length === 1 ? said(one) : `${rows.length} things happened from ${moment(one.at_s, 1)}`;
    const button = made("button", { class: "flag", "data-tone": tone, type: "button", title: words, "aria-label": words, "aria-haspopup": "dialog" }, rows.length === 1 ? sign(this.icons, one.kind) : String(rows.length));
    button.addEventListener("click", () => this.list(rows, button));
    return button;
  }

  list(rows, button) {
    this.menu.replaceChildren(made("ul", {}, ...rows.slice(0, 100).map((one) => {
      const text = [sign(this.icons, one.kind), made("span", {}, one.says, made("small", {}, moment(one.at_s, 1)))];
      return made("li", { "data-tone": one.tone }, one.href ? made("a", { href: one.href }, ...text) : made("p", {}, ...text));
    })));
    this.menu.showPopover();
    const at = button.getBoundingClientRect(), own = this.menu.getBoundingClientRect();
    this.menu.style.left = `${Math.max(8, Math.min(innerWidth - own.width - 8, at.left - 20))}px`;
    this.menu.style.top = `${Math.max(8, Math.min(innerHeight - own.height - 8, at.bottom + 6))}px`;
    this.menu.querySelector("a")?.focus();
  }
}
