// The small chart of the first page: one feed that is chosen from a list, always live.
import { Panel, colour } from "./chart.js";
import * as data from "./data.js";
import { write } from "./state.js";
import { spanned, withUnit } from "./words.js";

const PAUSE_MS = 2000;
const box = document.getElementById("chart");
const note = document.getElementById("chart-note");
const choice = document.getElementById("chart-feed");
const spans = document.getElementById("chart-span");
const open = document.getElementById("chart-open");
let feeds = [];
let turns = 0;
let busy = false;
let now = null;

const said = (at = null) => {
  if (!now) return;
  const { feed, line, on } = now;
  const place = at ?? data.newest(line);
  const value = line.value[place] ?? null;
  note.textContent = value === null ? `${feed.label}: nothing measured in this span.` : `${at === null ? feed.label : spanned(on.times[at], on.times[at] + on.step)}: ${withUnit(value, feed)}`;
};
const panel = new Panel(box, { looked: (at) => said(at ?? null) });

const list = async () => {
  const found = (await data.feeds({ limit: "200" })).feeds;
  if (found.length === feeds.length) return;
  const chosen = choice.value;
  feeds = found;
  const groups = new Map();
  for (const feed of feeds) {
    if (!groups.has(feed.group)) {
      const group = document.createElement("optgroup");
      group.label = feed.group;
      groups.set(feed.group, group);
    }
    groups.get(feed.group).append(new Option(feed.label, feed.key));
  }
  choice.replaceChildren(...groups.values());
  if (chosen) choice.value = chosen;
};

const draw = async () => {
  const feed = feeds.find((each) => each.key === choice.value) || feeds[0];
  if (!feed) return;
  const span = Number(spans.value);
  open.href = `/feeds${write({ feeds: [feed.key], span, to: null, against: "", stacked: false, flags: true })}`;
  const answer = await data.samples(feed.key, span, null, Math.max(60, Math.round(box.clientWidth / 3)));
  const on = data.grid(answer), end = data.now(), line = data.laid(answer, on, feed, 0, end);
  now = { feed, line, on };
  panel.show([{ feed, colour: colour(0), dashed: false, data: line }], on.times, end - span, end, { flags: false, small: true });
  const last = line.value[data.newest(line)];
  box.setAttribute("aria-label", `${feed.label}, last ${withUnit(last ?? null, feed)}`);
  if (panel.plot.cursor.idx == null) said();
};

const turn = async () => {
  if (busy || document.hidden) return;
  busy = true;
  try {
    if (feeds.length === 0 || turns++ % 5 === 0) await list();
    await draw();
  } catch (error) {
    note.textContent = `The measurements cannot be read just now (${error.message}); trying again.`;
  } finally {
    busy = false;
  }
};
for (const select of [choice, spans]) select.addEventListener("change", turn);
document.getElementById("chart-form").addEventListener("submit", (event) => event.preventDefault());
new ResizeObserver(() => panel.resize()).observe(box);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", turn);
turn();
setInterval(turn, PAUSE_MS);
