// One panel: lines over a common grid of stretches, up to two axes by unit. Between a line's least
// and greatest values lies a band, so that a spike of one second is seen in a chart of a year.
import { amount, inZone, marks } from "./words.js";

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const COLOURS = 8;
export const colour = (n) => token(`--feed-${(n % COLOURS) + 1}`);
const soft = (hex, share) => `${hex}${Math.round(share * 255).toString(16).padStart(2, "0")}`;
const stepped = () => uPlot.paths.stepped({ align: 1 });

// Points without a neighbour have no line that could show them.
const alone = (u, at) => {
  const values = u.data[at];
  const found = [];
  for (let n = 0; n < values.length; n += 1) {
    if (values[n] !== null && (values[n - 1] ?? null) === null && (values[n + 1] ?? null) === null) found.push(n);
  }
  return found;
};

const lines = (one, scale) => {
  const paths = one.feed.step ? stepped() : undefined;
  const edge = { scale, stroke: soft(one.colour, 0.4), width: 1, points: { show: false }, paths };
  const line = {
    label: one.feed.title, scale, paths, stroke: one.dashed ? soft(one.colour, 0.75) : one.colour, width: one.dashed ? 1.5 : 2,
    dash: one.dashed ? [5, 5] : undefined, points: { show: false, filter: alone, size: 5, fill: one.colour, width: 0 },
  };
  return one.dashed ? [line] : [edge, edge, line];
};

// From the stretch `sure` on more may arrive: that end of the lines is pale.
const pale = (u, sure) => {
  const { left, top, width, height } = u.bbox, at = u.data[0][sure];
  const from = at === undefined ? left + width : Math.max(left, u.valToPos(at, "x", true));
  if (from >= left + width) return;
  u.ctx.fillStyle = soft(token("--card"), 0.65);
  u.ctx.fillRect(from, top, left + width - from, height);
};

// The least and greatest value with some room; counts begin at nought.
const room = (one) => (_, low, high) => {
  if (low === null || !Number.isFinite(low)) return [0, 1];
  const more = (high - low) * 0.1 || Math.max(Math.abs(high) * 0.05, 1);
  const bottom = low >= 0 ? (one.feed.zero ? 0 : Math.max(0, low - more)) : low - more;
  return [bottom, high < 0 ? Math.min(0, high + more) : high + more];
};

const options = (panel, shown, size) => {
  const units = [...new Set(shown.map((one) => one.feed.unit))];
  const axis = { stroke: token("--ink-3"), grid: { stroke: token("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const series = [{}], bands = [];
  for (const one of shown) {
    const made = lines(one, one.feed.unit);
    if (made.length === 3) bands.push({ series: [series.length, series.length + 1], fill: soft(one.colour, 0.22) });
    series.push(...made);
    one.at = series.length - 1;
  }
  const scales = Object.fromEntries(units.map((unit) => [unit, { auto: true, range: room(shown.find((one) => one.feed.unit === unit)) }]));
  const valued = (unit, n) => ({
    ...axis, scale: unit, side: n ? 1 : 3, size: 60, grid: n ? { show: false } : axis.grid,
    values: (_, found) => found.map((value) => amount(value, 3)), label: size.small ? undefined : unit, labelSize: 18, labelFont: "12px system-ui, sans-serif",
  });
  return {
    width: size.width, height: size.height, padding: [size.flags ? 26 : 10, units.length > 1 ? 0 : 14, 0, 0],
    tzDate: inZone, legend: { show: false }, bands, series,
    scales: { x: { auto: false }, ...scales },
    axes: [{ ...axis, values: (_, found, __, ___, step) => marks(found, step), size: 40, space: 80 }, ...units.map(valued)],
    cursor: {
      drag: { x: false, y: false, setScale: false }, focus: { prox: 24 }, points: { size: 8 },
      sync: panel.group ? { key: panel.group, setSeries: false } : undefined,
    },
    focus: { alpha: 0.35 },
    hooks: {
      setCursor: [(u) => panel.looked(u.cursor.idx)],
      draw: [(u) => pale(u, panel.sure), (u) => panel.drawn(u)],
    },
  };
};

export class Panel {
  // `group` ties the reading lines of panels together; `looked(index)` hears where one reads,
  // `drawn(uPlot)` that it was drawn anew.
  constructor(box, { group = "", looked = () => {}, drawn = () => {} } = {}) {
    this.box = box;
    this.group = group;
    this.looked = looked;
    this.drawn = drawn;
    this.plot = null;
    this.built = "";
    this.sure = 0;
  }

  // `shown`: [{feed, colour, dashed, data: {value, low, high, sure}}], over `times`, seen [from, to].
  show(shown, times, from, to, size) {
    const box = { ...size, width: this.box.clientWidth, height: this.box.clientHeight };
    const built = JSON.stringify([shown.map((one) => [one.feed.key, one.colour, one.dashed]), size, token("--card")]);
    const data = [times];
    this.sure = Math.min(times.length, ...shown.filter((one) => !one.dashed).map((one) => one.data.sure));
    for (const { data: { value, low, high }, dashed } of shown) data.push(...(dashed ? [value] : [high, low, value]));
    if (built !== this.built) {
      this.end();
      this.plot = new uPlot(options(this, shown, box), data, this.box);
      this.built = built;
    } else {
      this.plot.setData(data, false);
    }
    this.see(from, to);
  }

  see(from, to) {
    this.plot?.setScale("x", { min: from, max: to });
  }

  resize() {
    this.plot?.setSize({ width: this.box.clientWidth, height: this.box.clientHeight });
  }

  // Everything but one line steps back; all come forward without a number.
  highlight(at) {
    this.plot?.setSeries(at ?? null, { focus: at !== null });
  }

  end() {
    this.plot?.destroy();
    this.plot = null;
    this.built = "";
  }
}
