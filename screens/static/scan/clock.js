// Central's time, as a phone whose own clock is wrong knows it. Pure.
//
// Central wrote ``atMs`` into an answer between our sending and receiving: it is ahead of our clock
// by at least ``atMs - receivedMs``. That least is taken, so that nothing ever seems to have
// happened later than central's now.

export function measured(before, { sentMs, receivedMs, atMs }) {
  const made = { offsetMs: atMs - receivedMs, tripMs: receivedMs - sentMs, atMs: receivedMs };
  if (!before) return made;
  const shifted = Math.abs(made.offsetMs - before.offsetMs) > made.tripMs + before.tripMs;
  const old = receivedMs - before.atMs > 600_000 || receivedMs < before.atMs;
  return shifted || old || made.tripMs <= before.tripMs ? made : before;
}

export const centralMs = (clock, nowMs = Date.now()) => nowMs + (clock?.offsetMs ?? 0);

export const iso = (ms) => new Date(ms).toISOString();

// How wrong the phone's clock is, in words; "" where nobody would notice.
export function wrongBy(clock) {
  const off = Math.abs(clock?.offsetMs ?? 0) / 1000;
  if (off < 90) return "";
  const behind = clock.offsetMs > 0 ? "behind" : "ahead";
  const said = off < 5400 ? `${Math.round(off / 60)} min` : off < 129_600 ? `${Math.round(off / 3600)} h` : `${Math.round(off / 86_400)} days`;
  return `This phone's clock is ${said} ${behind}. Times are put right when they are sent.`;
}
