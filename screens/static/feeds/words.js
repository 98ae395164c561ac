// Times and numbers as the reader's country writes them, times in the site's zone.
const zone = () => document.documentElement.dataset.zone || undefined;
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

const formats = new Map();
const format = (said) => {
  const name = JSON.stringify(said);
  if (!formats.has(name)) formats.set(name, new Intl.DateTimeFormat([], { ...said, timeZone: zone() }));
  return formats.get(name);
};
const written = (seconds, said) => format(said).format(new Date(seconds * 1000));

export const dated = (seconds) => new Date(seconds * 1000 + 0);
export const inZone = (seconds) => (zone() ? uPlot.tzDate(dated(seconds), zone()) : dated(seconds));

export const amount = (value, digits) => (value === null || value === undefined
  ? "–"
  : value.toLocaleString([], { maximumFractionDigits: Math.abs(value) >= 1000 ? 0 : digits }));

export const withUnit = (value, feed) => (value === null || value === undefined ? "no value" : `${amount(value, feed.digits)} ${feed.unit}`);

// A moment, as exact as the stretches are long.
export const moment = (seconds, step) => {
  const day = { day: "numeric", month: "short", year: "numeric" };
  if (step >= 86400) return written(seconds, day);
  return written(seconds, { ...day, ...CLOCK, ...(step < 60 ? { second: "2-digit" } : {}) });
};

// The marks of the time axis, `step` apart: the day stands where it begins.
export const marks = (times, step) => {
  let before = "";
  return times.map((at) => {
    const day = written(at, { day: "numeric", month: "short" });
    if (step >= 86400 * 300) return written(at, { year: "numeric" });
    if (step >= 86400 * 27) return written(at, { month: "short", year: "numeric" });
    if (step >= 86400) return day;
    const clock = written(at, { ...CLOCK, ...(step < 60 ? { second: "2-digit" } : {}) });
    const first = before !== "" && before !== day;
    before = day;
    return first ? `${clock}\n${day}` : clock;
  });
};

// "10:00 to 11:00 on 3 Feb 2026", as short as is clear.
export const spanned = (from, to) => {
  const fine = to - from < 600 ? 1 : 60;
  const a = moment(from, fine), b = moment(to, fine);
  const day = written(from, { day: "numeric", month: "short", year: "numeric" });
  if (day !== written(to, { day: "numeric", month: "short", year: "numeric" })) return `${a} to ${b}`;
  const clock = { ...CLOCK, ...(fine < 60 ? { second: "2-digit" } : {}) };
  return `${day}, ${written(from, clock)} to ${written(to, clock)}`;
};

export const length = (seconds) => {
  const units = [[31536000, "year"], [86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const [size, name] = units.find(([each]) => seconds >= each * 1.5 || Math.round(seconds) === each) || units[4];
  const count = Math.round((seconds / size) * 10) / 10;
  return `${count.toLocaleString()} ${name}${count === 1 ? "" : "s"}`;
};
