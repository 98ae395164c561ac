// The chart of one feed: asks for the chosen span every two seconds while the page is seen.
"use strict";
(() => {
  const box = document.getElementById("chart");
  if (!box) return;
  const note = document.getElementById("chart-note");
  const feedSelect = document.getElementById("chart-feed");
  const spanSelect = document.getElementById("chart-span");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let plot = null;
  let drawn = "";
  let feeds = [];

  const build = (feed) => {
    if (plot) plot.destroy();
    const line = colour("--fill-2");
    const axis = { stroke: colour("--ink-3"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    plot = new uPlot({
      width: box.clientWidth - 20,
      height: box.clientHeight,
      cursor: { points: { size: 7 }, drag: { x: false, y: false } },
      legend: { show: false },
      scales: { y: { range: (_, low, high) => {
        if (low === null) return [0, 1];
        const room = (high - low) * 0.12 || Math.max(Math.abs(high) * 0.1, 1);
        return [low >= 0 ? (feed.step ? Math.max(0, low - room) : 0) : low - room, high < 0 ? Math.min(0, high + room) : high + room];
      } } },
      axes: [{ ...axis, values: (_, ticks) => ticks.map(clock) }, { ...axis, size: 58 }],
      series: [{}, {
        stroke: line, width: 2, fill: line + "1f", points: { show: false },
        paths: feed.step ? uPlot.paths.stepped({ align: 1 }) : undefined,
        spanGaps: feed.step,
      }],
      hooks: { setCursor: [(u) => {
        const at = u.cursor.idx;
        if (at != null && u.data[1][at] != null) {
          const when = new Date(u.data[0][at] * 1000).toLocaleTimeString([], { hourCycle: "h23" });
          note.textContent = `${when}: ${round(u.data[1][at])} ${feed.unit}`;
        }
      }] },
    }, [[], []], box);
  };
  const clock = (seconds) => {
    const moment = new Date(seconds * 1000);
    if (Number(spanSelect.value) > 86400) return moment.toLocaleDateString([], { day: "numeric", month: "short" });
    const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    if (seconds % 60) parts.second = "2-digit";
    return moment.toLocaleTimeString([], parts);
  };
  const round = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(1));

  const loadFeeds = async () => {
    const answer = await fetch("/series/feeds");
    if (!answer.ok) return;
    const found = (await answer.json()).feeds;
    if (found.length === feeds.length) return;
    const chosen = feedSelect.value;
    feeds = found;
    feedSelect.replaceChildren();
    const groups = new Map();
    for (const feed of feeds) {
      if (!groups.has(feed.group)) {
        const group = document.createElement("optgroup");
        group.label = feed.group;
        groups.set(feed.group, group);
        feedSelect.append(group);
      }
      const option = document.createElement("option");
      option.value = feed.key;
      option.textContent = feed.label;
      groups.get(feed.group).append(option);
    }
    if (chosen) feedSelect.value = chosen;
  };

  const draw = async () => {
    const feed = feeds.find((each) => each.key === feedSelect.value) || feeds[0];
    if (!feed) return;
    const span = spanSelect.value;
    const asked = new URLSearchParams({ feed: feed.key, seconds: span, max_points: String(Math.max(60, Math.round(box.clientWidth / 3))) });
    const answer = await fetch(`/series?${asked}`);
    if (!answer.ok) {
      note.textContent = "The measurements cannot be read just now.";
      return;
    }
    const series = await answer.json();
    const shown = `${feed.key} ${dark.matches}`;
    if (drawn !== shown) { build(feed); drawn = shown; }
    const to = series.to_s, from = series.from_s;
    plot.setData([series.times_s, series.values], false);
    plot.setScale("x", { min: from, max: to });
    const last = series.values.at(-1);
    box.setAttribute("aria-label", last == null ? `${feed.label}: nothing in this span` : `${feed.label}, last ${round(last)} ${feed.unit}`);
    if (plot.cursor.idx == null) {
      note.textContent = last == null ? `${feed.label}: nothing measured in this span.` : `${feed.label}: ${round(last)} ${feed.unit}`;
    }
  };

  let busy = false;
  let turns = 0;
  const turn = async () => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      if (feeds.length === 0 || turns++ % 5 === 0) await loadFeeds();
      await draw();
    } catch {
      note.textContent = "The measurements cannot be reached just now; trying again.";
    } finally {
      busy = false;
    }
  };
  for (const select of [feedSelect, spanSelect]) select.addEventListener("change", turn);
  document.getElementById("chart-form").addEventListener("submit", (event) => event.preventDefault());
  new ResizeObserver(() => { if (plot) plot.setSize({ width: box.clientWidth - 20, height: box.clientHeight }); }).observe(box);
  dark.addEventListener("change", turn);
  turn();
  setInterval(turn, 2000);
})();
