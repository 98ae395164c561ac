// The course of an item (what was, and what is expected), and a plate's weight with what happened.
"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const zone = document.documentElement.dataset.zone || undefined;
  const day = (at) => new Date(at * 1000).toLocaleDateString([], { day: "numeric", month: "short", timeZone: zone });
  const time = (at) => new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
  const number = (value) => value.toLocaleString([], { maximumFractionDigits: 1 });
  const axis = () => ({ stroke: colour("--ink-3"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" });
  const size = (box) => ({ width: Math.max(200, box.clientWidth - 20), height: box.clientHeight });
  const keep = (box, plot) => {
    box.plot?.destroy();
    box.plot = plot;
    box.watch ??= new ResizeObserver(() => box.plot.setSize(size(box)));
    box.watch.observe(box);
  };

  // ---- an item: the ledger's steps, and the forecast's curves on the same axis
  const course = document.getElementById("course");
  const drawCourse = async () => {
    const note = document.getElementById("course-note");
    const answer = await fetch(course.dataset.history);
    if (!answer.ok) { note.textContent = "The ledger cannot be read just now."; return; }
    const told = await answer.json();
    const past = told.times_s.map((at, no) => [at, told.on_hand[no], null, null, null]);
    const ahead = told.ahead_s.map((at, no) => [at, null, told.least[no], told.median[no], told.most[no]]);
    const rows = [...past, ...ahead];
    const data = [0, 1, 2, 3, 4].map((column) => rows.map((row) => row[column]));
    const line = colour("--fill-2"), next = colour("--out");
    keep(course, new uPlot({
      ...size(course),
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 7 } },
      scales: { y: { range: (_, low, high) => [0, Math.max(1, high) * 1.1] } },
      axes: [{ ...axis(), space: 70, values: (_, ticks) => ticks.map(rows.at(-1)[0] - rows[0][0] > 259200 ? day : time) }, { ...axis(), size: 52, values: (_, ticks) => ticks.map(number) }],
      bands: [{ series: [4, 2], fill: next + "26" }],
      series: [{},
        { stroke: line, width: 2, fill: line + "1f", points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) },
        { stroke: next + "66", width: 1, points: { show: false } },
        { stroke: next, width: 2, dash: [6, 5], points: { show: false } },
        { stroke: next + "66", width: 1, points: { show: false } }],
      hooks: { setCursor: [(plot) => {
        const at = plot.cursor.idx;
        if (at == null || !rows[at]) { note.textContent = summary(told); return; }
        const [when, held, least, median, most] = rows[at];
        note.textContent = held != null ? `${day(when)} ${time(when)}: ${number(held)} on hand` : `${day(when)}: ${number(median)} left, ${number(least)} to ${number(most)} with 90 %`;
      }] },
    }, data, course));
    note.textContent = summary(told);
    course.setAttribute("aria-label", `On hand over the last 90 days. ${summary(told)}`);
  };
  const summary = (told) => {
    if (told.runs_out_s == null) return told.note || "Nothing on hand.";
    const last = told.not_after_s == null ? "" : ` and ${day(told.not_after_s)}`;
    return `Runs out about ${day(told.runs_out_s)}, with 90 % between ${day(told.not_before_s)}${last || " and later than is told"}. Leaves: ${number(told.per_day)} a day.`;
  };
  if (course) {
    drawCourse();
    dark.addEventListener("change", drawCourse);
    document.getElementById("live")?.addEventListener("moved", drawCourse);
  }

  // ---- a plate: its weight, and what happened beside it as marks in three shapes
  const kinds = { change: ["--good", "Change"], hand: ["--warn-dot", "Hand on it"], zero: ["--out", "Zero"] };
  const drawTrace = async (box) => {
    const note = document.getElementById(box.dataset.note);
    const span = document.getElementById("trace-span");
    const answer = await fetch(`${box.dataset.trace}?seconds=${span.value}`);
    if (!answer.ok) { note.textContent = "The measurements cannot be read just now."; return; }
    const told = await answer.json();
    const line = colour("--fill-2");
    const mark = (plot) => {
      const context = plot.ctx, { top, height } = plot.bbox;
      context.save();
      for (const one of told.events) {
        const x = Math.round(plot.valToPos(one.at_s, "x", true));
        if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
        context.strokeStyle = context.fillStyle = colour(kinds[one.kind][0]);
        context.lineWidth = devicePixelRatio;
        context.setLineDash(one.kind === "hand" ? [3, 3] : []);
        context.beginPath();
        context.moveTo(x, top + 8);
        context.lineTo(x, top + height);
        context.stroke();
        context.beginPath();
        const side = 5 * devicePixelRatio;
        if (one.kind === "change") context.arc(x, top + 6, side * 0.8, 0, 7);
        else if (one.kind === "hand") context.rect(x - side / 2, top + 2, side, side);
        else { context.moveTo(x, top); context.lineTo(x + side, top + side * 1.6); context.lineTo(x - side, top + side * 1.6); }
        context.fill();
      }
      context.restore();
    };
    keep(box, new uPlot({
      ...size(box),
      legend: { show: false },
      cursor: { drag: { x: true, y: false }, points: { size: 7 } },
      scales: { x: { range: [told.from_s, told.to_s] }, y: { range: (_, low, high) => {
        const room = (high - low) * 0.14 || Math.max(Math.abs(high) * 0.1, 1);
        return low == null ? [0, 1] : [low - room, high + room];
      } } },
      axes: [{ ...axis(), values: (_, ticks) => ticks.map(Number(span.value) > 86400 ? day : time) }, { ...axis(), size: 62, values: (_, ticks) => ticks.map(number) }],
      series: [{}, { stroke: line, width: 2, fill: line + "1f", points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }), spanGaps: true }],
      hooks: { draw: [mark], setCursor: [(plot) => {
        const at = plot.cursor.idx;
        if (at != null && plot.data[1][at] != null) note.textContent = `${time(plot.data[0][at])}: ${number(plot.data[1][at])} g`;
      }] },
    }, [told.times_s, told.values], box));
    const last = told.values.at(-1);
    note.textContent = last == null ? "Nothing was weighed in this span." : `${number(last)} g now. ${told.events.length} event${told.events.length === 1 ? "" : "s"} in this span.`;
    box.setAttribute("aria-label", `Weight of the plate. ${note.textContent}`);
  };
  const traces = document.querySelectorAll("[data-trace]");
  const drawAll = () => { for (const box of traces) if (box.offsetParent) drawTrace(box); };
  if (traces.length) {
    drawAll();
    dark.addEventListener("change", drawAll);
    document.getElementById("trace-span").addEventListener("change", drawAll);
    document.getElementById("live")?.addEventListener("moved", drawAll);
    const choose = () => {
      const chosen = location.hash.replace("#plate-", "");
      for (const box of document.querySelectorAll("[data-plate]")) box.hidden = box.dataset.plate !== (chosen || traces[0].dataset.of);
      mark();
      drawAll();
    };
    // The chosen plate is marked in the drawing, which comes anew whenever something is weighed.
    const mark = () => {
      const chosen = document.querySelector("[data-plate]:not([hidden])")?.dataset.plate;
      for (const one of document.querySelectorAll("[data-drawn]")) {
        if (one.dataset.drawn === chosen) one.setAttribute("aria-current", "true"); else one.removeAttribute("aria-current");
      }
    };
    document.addEventListener("htmx:after:swap", mark);
    addEventListener("hashchange", choose);
    choose();
  }
})();
