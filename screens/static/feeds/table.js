// The chart in words and as a table, for those who do not see it, and for whoever wants the figures.
import { summary } from "./data.js";
import { amount, moment, withUnit } from "./words.js";

const ROWS = 40;
const cell = (name, text, scope) => {
  const made = document.createElement(name);
  made.textContent = text;
  if (scope) made.scope = scope;
  return made;
};
const row = (...cells) => {
  const made = document.createElement("tr");
  made.append(...cells);
  return made;
};

// One sentence for each line.
export const told = (shown) => shown.map(({ feed, name, data }) => {
  const found = summary(data);
  const what = `${name}, ${feed.quantity.toLowerCase()}`;
  if (!found) return `${what}: nothing was measured.`;
  return `${what}: last ${withUnit(found.last, feed)}, from ${amount(found.least, feed.digits)} to ${withUnit(found.most, feed)}.`;
}).join(" ");

// At most 40 moments, evenly spread over what is seen.
export const table = (element, shown, times, step) => {
  const head = document.createElement("thead"), body = document.createElement("tbody"), foot = document.createElement("tfoot");
  head.append(row(cell("th", "Time", "col"), ...shown.map(({ feed, name }) => cell("th", `${name}, ${feed.quantity.toLowerCase()} (${feed.unit})`, "col"))));
  const some = shown.some(({ data }) => data.value.some((one) => one !== null));
  const apart = Math.max(1, Math.ceil(times.length / ROWS));
  for (let n = 0; some && n < times.length; n += apart) {
    if (shown.every(({ data }) => data.value[n] === null)) continue;
    body.append(row(cell("th", moment(times[n], step), "row"), ...shown.map(({ feed, data }) => cell("td", amount(data.value[n], feed.digits)))));
  }
  for (const [name, of] of [["Least", "least"], ["Greatest", "most"], ["Mean", "mean"], ["Last", "last"]]) {
    foot.append(row(cell("th", name, "row"), ...shown.map(({ feed, data }) => cell("td", amount(summary(data)?.[of] ?? null, feed.digits)))));
  }
  element.replaceChildren(head, body, foot);
};
