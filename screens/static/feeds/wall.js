// The panels of a chart: one for all, one for each pair of units, or one for each feed, with one
// reading line and one time axis in common.
import { Panel } from "./chart.js";
import { hands, keys } from "./hands.js";

const GROUP = "feeds";

export class Wall {
  constructor(box, { seen, settle, acts, looked, placed }) {
    Object.assign(this, { box, seen, settle, acts, looked, placed });
    this.panels = [];
    this.held = false;
    this.at = null;
    new ResizeObserver(() => this.panels.forEach((panel) => panel.resize())).observe(box);
  }

  // As many stretches as there are pixels across.
  columns() {
    return Math.max(120, Math.min(2000, Math.round(this.box.clientWidth - 70)));
  }

  groups(shown, stacked) {
    if (stacked) return [...new Set(shown.map((one) => one.feed.key))].map((key) => shown.filter((one) => one.feed.key === key));
    const units = [...new Set(shown.map((one) => one.feed.unit))];
    const found = [];
    for (let n = 0; n < units.length; n += 2) found.push(shown.filter((one) => units.slice(n, n + 2).includes(one.feed.unit)));
    return found;
  }

  show(shown, times, span, { stacked, flags }) {
    const groups = this.groups(shown, stacked);
    while (this.panels.length > groups.length) { const gone = this.panels.pop(); gone.end(); gone.box.remove(); }
    while (this.panels.length < groups.length) this.panels.push(this.panel());
    this.box.dataset.many = String(groups.length > 1);
    this.shown = shown;
    groups.forEach((group, n) => {
      const panel = this.panels[n], before = panel.plot;
      panel.drawn = n === 0 ? (u) => this.placed(u) : () => {};
      panel.show(group, times, ...span, { flags: flags && n === 0, small: this.box.clientWidth < 560 });
      panel.lines = group;
      if (panel.plot !== before) this.handle(panel);
    });
  }

  panel() {
    const box = document.createElement("div");
    box.className = "feeds-panel";
    this.box.append(box);
    return new Panel(box, { group: GROUP, looked: (at) => { this.at = at ?? null; this.looked(this.at); } });
  }

  handle(panel) {
    hands(panel, {
      seen: this.seen,
      move: (from, to) => { this.held = true; this.see(from, to); },
      settle: (from, to) => { this.held = false; this.settle(from, to); },
      wider: this.acts.wider,
    });
  }

  keys(box) {
    keys(box, this.acts);
  }

  see(from, to) {
    for (const panel of this.panels) panel.see(from, to);
  }

  redraw() {
    for (const panel of this.panels) panel.plot?.redraw(false);
  }

  highlight(n) {
    const one = n === null ? null : this.shown[n];
    for (const panel of this.panels) panel.highlight(one && panel.lines.includes(one) ? one.at : null);
  }

  // The reading line by one stretch; answers the stretch that is read, or null.
  read(step) {
    const plot = this.panels[0]?.plot;
    if (!plot) return null;
    const [from, to] = this.seen(), times = plot.data[0];
    const first = times.findIndex((at) => at >= from), last = times.findLastIndex((at) => at <= to);
    const at = Math.max(first, Math.min(last, (this.at ?? (step > 0 ? first - 1 : last + 1)) + step));
    for (const panel of this.panels) panel.plot.setCursor({ left: panel.plot.valToPos(times[at], "x"), top: panel.plot.over.clientHeight / 2 });
    return at;
  }

  plots() {
    return this.panels.map((panel) => panel.plot).filter(Boolean);
  }
}
