// Choosing what to chart: found by device, read point, item and quantity; each with how its last
// day went.
import { feeds, grid, laid, now, samples } from "./data.js";
import { withUnit } from "./words.js";

const REST_MS = 150;
const DAY_S = 86400;
const SVG = "http://www.w3.org/2000/svg";

export class Chooser {
  // `chosen()` answers the keys that are charted, `toggle(feed, on)` is told what changes.
  constructor(dialog, { chosen, toggle, most }) {
    this.dialog = dialog;
    this.chosen = chosen;
    this.toggle = toggle;
    this.most = most;
    this.search = dialog.querySelector("input");
    this.list = dialog.querySelector("[data-list]");
    this.note = dialog.querySelector("[data-note]");
    this.due = 0;
    this.turn = 0;
    this.seen = new IntersectionObserver((found) => {
      for (const { target, isIntersecting } of found) if (isIntersecting) { this.seen.unobserve(target); this.sketch(target); }
    }, { root: this.list });
    this.search.addEventListener("input", () => { clearTimeout(this.due); this.due = setTimeout(() => this.find(), REST_MS); });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }

  open() {
    this.dialog.showModal();
    this.search.focus();
    this.search.select();
    this.find();
  }

  async find() {
    const turn = ++this.turn;
    let found;
    try {
      found = await feeds({ search: this.search.value, limit: "100" });
    } catch (error) {
      this.note.textContent = `The list cannot be read: ${error.message}. Try again in a moment.`;
      return;
    }
    if (turn !== this.turn) return;
    this.seen.disconnect();
    this.show(found.feeds);
    this.note.textContent = found.feeds.length === 0
      ? "Nothing measured has these words. Try a device, a read point, an item or a quantity such as weight."
      : found.more ? "The first 100. More words find fewer." : `${found.feeds.length} found.`;
  }

  show(found) {
    const groups = new Map();
    for (const feed of found) groups.set(feed.group, [...(groups.get(feed.group) || []), feed]);
    this.list.replaceChildren(...[...groups].map(([name, each]) => {
      const group = document.createElement("fieldset");
      const head = document.createElement("legend");
      head.textContent = name;
      group.append(head, ...each.map((feed) => this.row(feed)));
      return group;
    }));
    this.limit();
  }

  row(feed) {
    const row = document.createElement("label");
    row.className = "feed-row";
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = this.chosen().includes(feed.key);
    box.addEventListener("change", () => { this.toggle(feed, box.checked); this.limit(); });
    const name = document.createElement("span");
    name.className = "feed-name";
    const what = document.createElement("small");
    what.textContent = [feed.quantity, feed.read_point && !feed.title.startsWith(feed.read_point) ? `at ${feed.read_point}` : "", feed.sku && !feed.title.startsWith(feed.sku) ? feed.sku : ""].filter(Boolean).join(" · ");
    name.append(feed.title, what);
    const line = document.createElementNS(SVG, "svg");
    line.setAttribute("viewBox", "0 0 80 24");
    line.setAttribute("aria-hidden", "true");
    line.classList.add("sketch");
    const last = document.createElement("span");
    last.className = "feed-last";
    row.append(box, name, line, last);
    row.feed = feed;
    this.seen.observe(row);
    return row;
  }

  // Not more lines than can be told apart.
  limit() {
    const full = this.chosen().length >= this.most;
    for (const box of this.list.querySelectorAll("input")) box.disabled = full && !box.checked;
    if (full) this.note.textContent = `${this.most} feeds are the most that one chart can show.`;
  }

  async sketch(row) {
    const { feed } = row;
    let answer;
    try { answer = await samples(feed.key, DAY_S, null, 48); } catch { return; }
    const on = grid(answer);
    const { value, high } = laid(answer, on, feed, 0, now());
    const there = high.map((one, n) => [n, one]).filter(([, one]) => one !== null);
    const last = answer.values.at(-1) ?? answer.before ?? value.findLast((one) => one !== null);
    row.querySelector(".feed-last").textContent = last === null || last === undefined ? "nothing today" : withUnit(last, feed);
    if (there.length < 2) return;
    const values = there.map(([, one]) => one);
    const least = Math.min(...values), span = Math.max(...values) - least || 1;
    const points = there.map(([n, one]) => `${((n / (value.length - 1)) * 78 + 1).toFixed(1)},${(22 - ((one - least) / span) * 20).toFixed(1)}`);
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", points.join(" "));
    row.querySelector(".sketch").replaceChildren(line);
  }
}
