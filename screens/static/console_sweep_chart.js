// The curve of one antenna: how many of each set answer at which power, and the window between.
"use strict";
const sweepChart = (() => {
  const { el, number } = tally;
  const colour = (token) => getComputedStyle(document.documentElement).getPropertyValue(token).trim();
  const HEIGHT = 260;

  const shade = (state) => (plot) => {
    const found = state.window;
    if (!found || found.found !== "window") return;
    const { ctx } = plot, { top, height } = plot.bbox;
    const low = plot.valToPos(found.low_dbm, "x", true), high = plot.valToPos(found.high_dbm, "x", true), use = plot.valToPos(found.use_dbm, "x", true);
    ctx.save();
    ctx.fillStyle = colour("--good-soft");
    ctx.fillRect(low, top, Math.max(high - low, 2), height);
    ctx.strokeStyle = colour("--good");
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(use, top);
    ctx.lineTo(use, top + height);
    ctx.stroke();
    ctx.restore();
  };

  return (title) => {
    const state = { window: null };
    const box = el("div", { class: "sweep-chart", role: "img", "aria-label": title });
    const head = el("p", { class: "sweep-use" });
    const lines = el("div");
    const rows = el("tbody");
    const table = el("details", { class: "measure-more" }, el("summary", {}, "The figures as a table"), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Figures of ${title}` }, el("table", {},
      el("thead", {}, el("tr", {}, ...["Power", "Must", "Must not", "Tags", "Reads/s", "RSSI p10", "p50"].map((one, i) => el("th", { scope: "col", class: i ? "num" : "" }, one)))), rows)));
    const key = el("ul", { class: "sweep-key", "aria-hidden": "true" }, el("li", { class: "must" }, "must be read, reliably"), el("li", { class: "must-not" }, "must not, but answer"), el("li", { class: "rate" }, "reads a second"));
    const made = el("section", { class: "card sweep-curve" }, el("header", { class: "card-head" }, el("h2", {}, title), el("span", { class: "aside" })), head, key, box, lines, table);
    let plot = null;
    const axis = () => ({ stroke: colour("--ink-3"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" });
    const build = () => {
      plot = new uPlot({
        width: box.clientWidth, height: HEIGHT, legend: { show: false }, cursor: { drag: { x: false, y: false } }, padding: [10, 6, 0, 0],
        scales: { x: { time: false }, share: { range: [0, 104] }, rate: { range: (_, __, most) => [0, Math.max(10, most * 1.1)] } },
        axes: [{ ...axis(), values: (_, ticks) => ticks.map((one) => `${one}`), label: "dBm", labelSize: 18, labelFont: "12px system-ui, sans-serif" }, { ...axis(), scale: "share", values: (_, ticks) => ticks.map((one) => `${one} %`), size: 48 }, { ...axis(), scale: "rate", side: 1, grid: { show: false }, size: 44 }],
        series: [{}, { scale: "rate", stroke: colour("--ink-3"), width: 1, points: { show: false } }, { scale: "share", stroke: colour("--fill-2"), width: 2.5, points: { size: 5 } }, { scale: "share", stroke: colour("--bad"), width: 2.5, dash: [6, 3], points: { size: 5 } }],
        hooks: { drawClear: [shade(state)] },
      }, [[], [], [], []], box);
      new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: HEIGHT })).observe(box);
    };
    const share = (count, of) => (of ? Math.round((1000 * count) / of) / 10 : null);
    const draw = (steps, picture, found, use) => {
      if (!plot) build();
      state.window = found;
      const own = found?.jobs?.length ? found.jobs : picture.must;
      // One digit for each tag: in how many slots of the step it was heard.
      const places = own.map((epc) => picture.must.indexOf(epc));
      const reliable = (step) => places.filter((at) => Number(step.must[at]) >= step.slots).length;
      const stray = (step) => [...step.must_not].filter((slots) => slots !== "0").length;
      plot.setData([steps.map((one) => one.power_dbm), steps.map((one) => one.reads_per_s), steps.map((one) => share(reliable(one), own.length)), steps.map((one) => share(stray(one), picture.must_not.length))]);
      rows.replaceChildren(...steps.map((one) => el("tr", { class: found?.found === "window" && one.power_dbm >= found.low_dbm && one.power_dbm <= found.high_dbm ? "inside" : "" }, el("th", { scope: "row" }, `${one.power_dbm} dBm`), ...[`${reliable(one)}/${own.length}`, `${stray(one)}/${picture.must_not.length}`, number(one.tags), number(one.reads_per_s), one.p10_dbm ?? "–", one.p50_dbm ?? "–"].map((cell) => el("td", { class: "num" }, String(cell))))));
      made.querySelector(".aside").textContent = use === null || use === undefined ? "" : `now ${use} dBm`;
      if (!found) return;
      const words = found.found === "window" || found.found === "spare" ? `Use ${found.use_dbm} dBm` : found.found === "unmarked" ? "Nothing to recommend" : found.found === "overlap" ? "No window" : "Out of reach";
      head.replaceChildren(el("strong", {}, words), found.found === "window" ? el("span", {}, `window ${found.low_dbm} to ${found.high_dbm} dBm`) : found.found === "spare" ? el("span", {}, "not needed for these tags") : "");
      head.dataset.found = found.found;
      lines.replaceChildren(measure.says(found.says));
      box.setAttribute("aria-label", `${title}. ${words}. ${found.says.join(" ")}`);
    };
    return { made, draw };
  };
})();
