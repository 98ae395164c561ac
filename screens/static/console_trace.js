// The last seconds of a plate, live: rest in one colour, movement in another.
"use strict";
const liveTrace = (box, spanS) => {
  const colour = (token) => getComputedStyle(document.documentElement).getPropertyValue(token).trim();
  const axis = { stroke: colour("--ink-3"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const height = () => Math.max(box.clientHeight, 80);
  const range = (_, low, high) => {
    if (low === null) return [0, 1];
    const room = Math.max((high - low) * 0.2, Math.abs(high) * 1e-6, 1e-3);
    return [low - room, high + room];
  };
  const plot = new uPlot({
    width: Math.max(box.clientWidth, 200), height: height(), legend: { show: false }, cursor: { show: false },
    scales: { x: { time: false, range: () => [-spanS, 0] }, y: { range } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map((one) => (one === 0 ? "now" : `${one} s`)) }, { ...axis, size: 78 }],
    series: [{}, { stroke: colour("--warn-dot"), width: 2, points: { show: false } }, { stroke: colour("--fill-2"), width: 2.5, points: { show: false } }],
  }, [[], [], []], box);
  new ResizeObserver(() => plot.setSize({ width: Math.max(box.clientWidth, 200), height: height() })).observe(box);
  const rest = [];
  return (points, nowMs, atRest) => {
    // The device's own word about rest where it has one, ours where it has none.
    for (const one of points) if (one[2] === null && !rest.some((known) => known[0] === one[0])) rest.push([one[0], atRest]);
    while (rest.length && rest[0][0] < nowMs - spanS * 1000) rest.shift();
    const ours = new Map(rest);
    const calm = (one) => (one[2] === null ? ours.get(one[0]) : one[2]);
    plot.setData([points.map((one) => (one[0] - nowMs) / 1000), points.map((one) => one[1]), points.map((one) => (calm(one) ? one[1] : null))]);
  };
};
