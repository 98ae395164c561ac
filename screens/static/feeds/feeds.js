// The page of sensor feeds: what is chosen, over which time, against what, and all that follows.
import * as data from "./data.js";
import { Flags } from "./flags.js";
import * as states from "./state.js";
import { table, told } from "./table.js";
import { length, moment, spanned, withUnit } from "./words.js";
import { Wall } from "./wall.js";
import { colour } from "./chart.js";

const by = (id) => document.getElementById(id);
const REST_MS = 120;
const COARSE = 100;
const YOUNG_S = 300;
const page = by("feeds");
const dark = matchMedia("(prefers-color-scheme: dark)");
let state = states.read(location.search);
let known = new Map();
let shown = [];
let on = null;
let turn = 0;
let due = 0;
let asking = new AbortController();

const seen = () => {
  const to = state.to ?? data.now();
  return [to - state.span, to];
};

// ---- what changes the state ----
const commit = (next, { push = true } = {}) => {
  const address = states.write(next);
  state = next;
  if (address !== location.search) history[push ? "pushState" : "replaceState"](null, "", address);
  controls();
  wall.see(...seen());
  later();
};
const settle = (from, to) => commit(states.between(state, from, to, data.now()));
const acts = {
  pan: (share) => commit(states.moved(state, share, data.now()), { push: false }),
  zoom: (share) => { const [from, to] = seen(), half = (state.span * (1 - share)) / 2; settle(from + half, to - half); },
  wider: () => commit(states.wider(state, data.now())),
  live: () => commit({ ...state, to: null }),
  back: () => history.back(),
  read: (step) => { const at = wall.read(step); if (at !== null) by("feeds-said").textContent = values(at); },
};
const toggle = (feed, add) => {
  known.set(feed.key, feed);
  const feeds = state.feeds.filter((key) => key !== feed.key);
  commit({ ...state, feeds: add ? [...feeds, feed.key] : feeds });
};

// ---- what is seen ----
const wall = new Wall(by("feeds-panels"), { seen, settle, acts, looked: (at) => legend(at), placed: (u) => flags.place(u) });
const flags = new Flags(by("feeds-flags"), by("feeds-menu"), page.dataset.icons);
let chooser = null;
// Loaded when it is wanted: most who look at a chart came by a link.
const choose = async () => {
  const { Chooser } = await import("./chooser.js");
  chooser ??= new Chooser(by("feeds-chooser"), { chosen: () => state.feeds, toggle, most: states.MOST_FEEDS });
  chooser.open();
};

const controls = () => {
  for (const button of page.querySelectorAll("[data-span]")) button.setAttribute("aria-pressed", String(Number(button.dataset.span) === state.span));
  by("feeds-live").setAttribute("aria-pressed", String(state.to === null));
  by("feeds-flags-on").setAttribute("aria-pressed", String(state.flags));
  by("feeds-stacked").setAttribute("aria-pressed", String(state.stacked));
  by("feeds-with").value = state.against;
  by("feeds-csv").href = data.csv(state.feeds, state.span, state.to);
  page.dataset.empty = String(state.feeds.length === 0);
};

const names = () => shown.map(({ feed, dashed }) => `${feed.title}${dashed ? (state.against === "day" ? ", the day before" : ", the week before") : ""}`);
const values = (at) => `${moment(on.times[at], on.step)}: ${shown.map(({ feed, data: { value } }, n) => `${names()[n]} ${withUnit(value[at], feed)}`).join(", ")}`;

const legend = (at = null) => {
  const list = by("feeds-legend");
  shown.forEach(({ feed, data: line }, n) => {
    const row = list.children[n];
    if (!row) return;
    const { value, low, high } = line;
    const place = at ?? data.newest(line);
    row.querySelector(".now").textContent = withUnit(value[place] ?? null, feed);
    row.querySelector(".range").textContent = place >= 0 && low[place] !== null && low[place] !== high[place] ? `${withUnit(low[place], { ...feed, unit: "" }).trim()} to ${withUnit(high[place], feed)}` : "";
  });
  by("feeds-when").textContent = at === null || !on ? spanned(...seen()) : moment(on.times[at], on.step);
};

const entry = ({ feed, dashed, colour: line }, n, name) => {
  const row = by("feeds-entry").content.firstElementChild.cloneNode(true);
  row.querySelector("line").setAttribute("stroke", line);
  if (dashed) row.querySelector("line").setAttribute("stroke-dasharray", "5 4");
  row.querySelector(".what").firstChild.textContent = name;
  row.querySelector("small").textContent = feed.quantity;
  const away = row.querySelector("button");
  if (dashed) away.remove();
  else {
    away.setAttribute("aria-label", `Take ${feed.title}, ${feed.quantity.toLowerCase()}, off the chart`);
    away.addEventListener("click", () => toggle(feed, false));
  }
  row.addEventListener("pointerenter", () => wall.highlight(n));
  row.addEventListener("pointerleave", () => wall.highlight(null));
  return row;
};

const draw = () => {
  wall.show(shown, on.times, seen(), { stacked: state.stacked, flags: state.flags });
  const called = names();
  const signature = JSON.stringify([shown.map((one) => [one.feed.key, one.dashed, one.colour]), called]);
  if (by("feeds-legend").dataset.of !== signature) {
    by("feeds-legend").dataset.of = signature;
    by("feeds-legend").replaceChildren(...shown.map((one, n) => entry(one, n, called[n])));
  }
  legend();
  const columns = on.times.length;
  const growing = state.to === null && shown.some(({ feed, data: { sure } }) => feed.settles_s && sure < columns);
  by("feeds-note").textContent = columns ? `Each point stands for ${length(on.step)}; the band goes from the least to the greatest value measured in it.${growing ? " What is pale is still arriving." : ""}` : "";
  const lines = shown.map((one, n) => ({ ...one, name: called[n] }));
  if (state.to !== null || page.dataset.told !== signature) by("feeds-said").textContent = told(lines);
  page.dataset.told = signature;
  by("feeds-chart").setAttribute("aria-label", `Chart of ${called.join(", ") || "nothing"}, ${spanned(...seen())}`);
  if (by("feeds-table").open) table(by("feeds-table").querySelector("table"), lines, on.times, on.step);
};

// ---- what is asked for: coarse first, then as fine as there are pixels ----
const ask = async (most, signal) => {
  const [, end] = seen(), { feeds, span, to, against } = state;
  const answers = await Promise.all(feeds.map((key) => data.samples(key, span, to, most, signal)));
  const lines = feeds.map((key, n) => ({ key, answer: answers[n], shift: 0, dashed: false, place: n }));
  if (against && answers.length) {
    const shift = states.SHIFTS[against], step = answers[0].step_s, until = Math.ceil(end / step) * step - shift;
    const before = await Promise.all(feeds.map((key) => data.samples(key, span, until, most, signal)));
    feeds.forEach((key, n) => lines.push({ key, answer: before[n], shift, dashed: true, place: n }));
  }
  return lines;
};

const take = (lines) => {
  on = lines.length ? data.grid(lines[0].answer) : { from: 0, step: 1, times: new Float64Array() };
  shown = lines.filter(({ key }) => known.has(key)).map(({ key, answer, shift, dashed, place }) => {
    const feed = known.get(key);
    return { feed, dashed, colour: colour(place), data: data.laid(answer, on, feed, shift, data.now()) };
  });
  draw();
};

const load = async ({ coarse = false } = {}) => {
  const mine = ++turn;
  asking.abort();
  asking = new AbortController();
  clearTimeout(due);
  page.setAttribute("aria-busy", "true");
  try {
    const missing = state.feeds.filter((key) => !known.has(key));
    if (missing.length) known = new Map([...known, ...await data.described(missing)]);
    const steps = coarse ? [COARSE, wall.columns()] : [wall.columns()];
    for (const most of steps) {
      const lines = await ask(most, asking.signal);
      if (mine !== turn) return;
      take(lines);
    }
    await flagged(mine);
    by("feeds-trouble").hidden = true;
  } catch (error) {
    if (mine !== turn || error.name === "AbortError") return;
    by("feeds-trouble").hidden = false;
    by("feeds-why").textContent = `${error.message}. It is tried again every few seconds.`;
  }
  page.setAttribute("aria-busy", "false");
  follow();
};

const flagged = async (mine) => {
  const wanted = state.flags && state.feeds.length;
  const found = wanted ? await data.happenings(state.feeds, state.span, state.to, asking.signal) : { rows: [] };
  if (mine !== turn) return;
  flags.set(found.rows);
  wall.redraw();
};

// After a hand has rested; live charts as often as they have something new to show.
const later = () => { turn += 1; page.setAttribute("aria-busy", "true"); clearTimeout(due); due = setTimeout(() => load({ coarse: true }), REST_MS); };
const follow = () => {
  clearTimeout(due);
  const failed = !by("feeds-trouble").hidden;
  if (state.to !== null && !failed) return;
  const pause = failed ? 3000 : Math.min(30_000, Math.max(1000, (on?.step || 1) * 500));
  due = setTimeout(() => (document.hidden || wall.held ? follow() : load()), pause);
};

// A site that began a moment ago is not shown as an hour of nothing.
const fitting = async (taken) => {
  const answers = await Promise.all(taken.map((feed) => data.samples(feed.key, YOUNG_S, null, 2))).catch(() => []);
  const began = Math.min(...answers.map((answer) => answer.began_s ?? Infinity));
  return data.now() - began < 2 * YOUNG_S ? YOUNG_S : state.span;
};

const begin = async () => {
  if (!state.feeds.length && !location.search) {
    const { feeds: first } = await data.feeds({ limit: "200" }).catch(() => ({ feeds: [] }));
    const some = first.filter((feed) => feed.zero).slice(0, 2);
    const taken = some.length ? some : first.slice(0, 1);
    for (const feed of taken) known.set(feed.key, feed);
    state = { ...state, feeds: taken.map((feed) => feed.key), span: await fitting(taken) };
    page.dataset.nothing = String(first.length === 0);
    if (taken.length) history.replaceState(null, "", states.write(state));
  }
  controls();
  await load({ coarse: true });
};

for (const button of page.querySelectorAll("[data-span]")) button.addEventListener("click", () => commit({ ...state, span: Number(button.dataset.span) }));
by("feeds-live").addEventListener("click", () => commit({ ...state, to: state.to === null ? Math.floor(data.now()) : null }));
by("feeds-wider").addEventListener("click", acts.wider);
by("feeds-earlier").addEventListener("click", () => acts.pan(-0.5));
by("feeds-later").addEventListener("click", () => acts.pan(0.5));
by("feeds-flags-on").addEventListener("click", () => commit({ ...state, flags: !state.flags }));
by("feeds-stacked").addEventListener("click", () => commit({ ...state, stacked: !state.stacked }));
by("feeds-with").addEventListener("change", (event) => commit({ ...state, against: event.target.value }));
for (const button of page.querySelectorAll("[data-choose]")) button.addEventListener("click", choose);
by("feeds-table").addEventListener("toggle", () => { if (on) draw(); });
by("feeds-png").addEventListener("click", async () => {
  const { picture, save } = await import("./picture.js");
  const called = names();
  const lines = shown.map((one, n) => ({ colour: one.colour, dashed: one.dashed, text: `${called[n]}: ${one.feed.quantity.toLowerCase()} (${one.feed.unit})` }));
  save(await picture({ title: `Feeds, ${spanned(...seen())}`, legend: lines, panels: wall.plots() }), "feeds.png");
});
addEventListener("popstate", () => { state = states.read(location.search); controls(); load({ coarse: true }); });
dark.addEventListener("change", () => { if (on) load(); });
wall.keys(by("feeds-chart"));
begin();
