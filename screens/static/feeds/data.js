// Asks central for feeds and their samples, and puts samples on one grid of equal stretches.
const KEPT = 80;
const LATE_S = 3;
const kept = new Map();

let ahead = 0;
// Central's clock, seconds since 1970: a tablet's may be minutes off.
export const now = () => Date.now() / 1000 + ahead;

const asked = async (address, signal) => {
  const answer = await fetch(address, { signal, headers: { accept: "application/json" } });
  const off = (Date.parse(answer.headers.get("date")) - Date.now()) / 1000;
  ahead = Math.abs(off) > 2 ? off : 0;
  if (answer.ok) return answer.json();
  let why = `${answer.status}`;
  try { why = (await answer.json()).detail || why; } catch { /* not a problem document */ }
  throw new Error(why);
};

export const feeds = (said, signal) => asked(`/series/feeds?${new URLSearchParams(said)}`, signal);

// What is known of these feeds, by key.
export const described = async (keys) => {
  const found = keys.length ? (await feeds(keys.map((key) => ["feed", key]))).feeds : [];
  return new Map(found.map((feed) => [feed.key, feed]));
};

export const happenings = async (keys, span, to, signal) => {
  const said = new URLSearchParams(keys.map((key) => ["feed", key]));
  said.set("seconds", String(Math.round(span)));
  if (to !== null) said.set("to_s", String(to));
  return asked(`/series/happenings?${said}`, signal);
};

export const csv = (keys, span, to) => {
  const said = new URLSearchParams(keys.map((key) => ["feed", key]));
  said.set("seconds", String(Math.ceil(span)));
  if (to !== null) said.set("to_s", String(Math.ceil(to)));
  return `/series/export?${said}`;
};

// Samples of one feed. What is over is asked for once.
export const samples = async (key, span, to, most, signal) => {
  const said = new URLSearchParams({ feed: key, seconds: String(Math.ceil(span)), max_points: String(most) });
  if (to !== null) said.set("to_s", String(Math.ceil(to)));
  const address = `/series?${said}`;
  const over = to !== null && to < now() - 600;
  if (over && kept.has(address)) return kept.get(address);
  const found = await asked(address, signal);
  if (over) {
    kept.set(address, found);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  }
  return found;
};

// The stretches that a chart has, by its first answer: every series shares them.
export const grid = (answer) => {
  const count = Math.max(1, Math.round((answer.to_s - answer.from_s) / answer.step_s));
  const from = Math.floor(answer.from_s / answer.step_s) * answer.step_s;
  return { from, step: answer.step_s, times: Float64Array.from({ length: count }, (_, n) => from + n * answer.step_s) };
};

// An answer on the grid, `shift` seconds later: value, low and high of each stretch, null where
// nothing was measured. Counts are zero where nothing was counted, from their first one on; levels
// keep what they were. Of the stretches before `sure` everything has arrived.
export const laid = (answer, on, feed, shift, now) => {
  const count = on.times.length;
  const value = Array(count).fill(null), low = Array(count).fill(null), high = Array(count).fill(null);
  answer.times_s.forEach((at, n) => {
    const place = Math.round((at + shift - on.from) / on.step - 0.001);
    if (place < 0 || place >= count) return;
    value[place] = answer.values[n];
    low[place] = low[place] === null ? answer.low[n] : Math.min(low[place], answer.low[n]);
    high[place] = high[place] === null ? answer.high[n] : Math.max(high[place], answer.high[n]);
  });
  const end = Math.min(count, Math.floor((now + shift - on.from) / on.step) + 1);
  const begin = answer.began_s === null ? end : Math.max(0, Math.floor((answer.began_s + shift - on.from) / on.step));
  // What was heard a moment ago is on its way: the newest stretch is not zero yet.
  if (feed.zero) fill(value, low, high, begin, Math.min(count, Math.floor((now - LATE_S + shift - on.from) / on.step)));
  else if (feed.step) carry(value, low, high, end, answer.before);
  return { value, low, high, sure: settled(on, feed, now + shift, count) };
};

// A stretch that is long beside what is still on its way is as good as whole.
const settled = (on, feed, now, count) => {
  const over = Math.floor((now - feed.settles_s - on.from) / on.step);
  return Math.max(0, Math.min(count, on.step > 4 * feed.settles_s ? over + 1 : over));
};

// The newest stretch with a value of which everything has arrived; without one the newest.
export const newest = ({ value, sure }) => {
  const there = (one) => one !== null;
  const found = value.slice(0, sure).findLastIndex(there);
  return found < 0 ? value.findLastIndex(there) : found;
};

const fill = (value, low, high, begin, end) => {
  for (let n = begin; n < end; n += 1) {
    if (value[n] === null) value[n] = low[n] = high[n] = 0;
  }
};

const carry = (value, low, high, end, before) => {
  let last = before;
  for (let n = 0; n < end; n += 1) {
    if (value[n] === null) value[n] = low[n] = high[n] = last;
    else last = value[n];
  }
};

// Least, greatest, mean and last of what is seen.
export const summary = ({ value, low, high }) => {
  const there = value.filter((one) => one !== null);
  if (!there.length) return null;
  const least = low.reduce((a, b) => (b === null ? a : Math.min(a, b)), Infinity);
  const most = high.reduce((a, b) => (b === null ? a : Math.max(a, b)), -Infinity);
  return { least, most, mean: there.reduce((a, b) => a + b, 0) / there.length, last: there.at(-1) };
};
