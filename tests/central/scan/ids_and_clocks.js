// Ids and clocks.
async () => {
  const { uuid7 } = await import("/static/scan/uuid7.js");
  const { measured, centralMs, wrongBy } = await import("/static/scan/clock.js");
  const ids = Array.from({ length: 300 }, (_, at) => uuid7(1_770_000_000_000 + at));
  const off = measured(null, { sentMs: 1000, receivedMs: 1200, atMs: 3_600_000 + 1100 });
  const better = measured(off, { sentMs: 5000, receivedMs: 5020, atMs: 3_600_000 + 5010 });
  const worse = measured(better, { sentMs: 6000, receivedMs: 6900, atMs: 3_600_000 + 6400 });
  const set = measured(worse, { sentMs: 9_000_000, receivedMs: 9_000_400, atMs: 9_000_200 });
  return {
    sorted: [...ids].sort().join() === ids.join(), unlike: new Set(ids).size,
    form: ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
    never: centralMs(off, 1200) <= 3_600_000 + 1200, better: better.tripMs, worse: worse.tripMs, set: set.offsetMs,
    says: wrongBy(better), silent: wrongBy(set),
  };
}
