// The first page: what there is to do, how fresh the data is, and the phone's settings.

import { hasCamera, hasDetector } from "../camera.js";
import { ago, button, h, icon, number } from "../dom.js";
import { signal } from "../feedback.js";
import { lyingNow, orderNow, walkNow } from "../effects.js";
import { askText, choose } from "../pad.js";
import { keepDecoder } from "../shell.js";

export function home(page) {
  const { floor } = page;
  return {
    title: "Scan",
    render() {
      return [tiles(floor), freshness(floor), queue(floor), settings(page)];
    },
  };
}

function tiles(floor) {
  const { package: known, commands, askedMs } = floor;
  const open = (known?.receiving ?? []).map((one) => orderNow(one, commands, askedMs)).filter((one) => one.lines.some((line) => line.received < line.quantity));
  const walks = (known?.picking ?? []).map((one) => walkNow(one, commands, askedMs)).filter((one) => one.picks.some((pick) => pick.state === "open"));
  const lying = lyingNow(known?.putaway ?? [], commands, askedMs);
  const counts = known?.counts ?? [];
  const tile = (to, symbol, label, count, words) => h("a", { class: "floor-tile", href: to }, icon(symbol, 30), h("strong", {}, label), h("span", { class: "meta" }, words(count)));
  const some = (none, one, more) => (count) => (known === null ? " " : count === 0 ? none : count === 1 ? `1 ${one}` : `${number(count)} ${more}`);
  return h("nav", { class: "floor-tiles", "aria-label": "Tasks" },
    tile("#receive", "in", "Receive", open.length, some("no order is open", "order", "orders")),
    tile("#putaway", "place", "Put away", lying.length, some("nothing waits", "item waits", "items wait")),
    tile("#pick", "ledger", "Pick", walks.length, some("no task", "task", "tasks")),
    tile("#count", "check", "Count", counts.length, some("no count", "count", "counts")),
    tile("#move", "box", "Move", 0, () => "from place to place"));
}

function freshness(floor) {
  const { package: known, catalogue } = floor;
  const now = Date.now();
  const whole = catalogue?.content.whole;
  const told = known
    ? [`Your tasks came ${ago(known.askedMs, now)}.`, catalogue && `${number(catalogue.content.items.length)} items and ${number(catalogue.content.places.length)} places are on this phone.`]
    : ["Nothing is on this phone yet. Get your tasks while there is a network: then you can go where there is none."];
  const notWhole = whole && (!whole.items || !whole.places) && "The catalogue is too large for a phone. The items of your tasks are here; others are known only while there is a network.";
  return h("section", { class: "card floor-card" }, h("h2", {}, "On this phone"),
    told.filter(Boolean).map((one) => h("p", {}, one)), notWhole && h("p", { class: "meta" }, notWhole),
    button(floor.loading ? "Getting" : "Get the newest", () => floor.refresh(), { kind: "quiet", symbol: "download", id: "get-newest", disabled: floor.loading }));
}

function queue(floor) {
  const { waiting, refused } = floor.counts;
  if (!waiting && !refused) return null;
  return h("section", { class: "card floor-card" }, h("h2", {}, "Not with central yet"),
    h("p", {}, [waiting && `${waiting} to send`, refused && `${refused} refused`].filter(Boolean).join(", ")),
    h("a", { class: "button big", href: "#waiting" }, refused ? "Solve" : "Look"));
}

function settings(page) {
  const { floor } = page;
  const toggle = (name, label, note) => h("label", { class: "floor-switch" }, h("span", {}, h("strong", {}, label), h("span", { class: "meta" }, note)),
    h("input", { type: "checkbox", role: "switch", id: `set-${name}`, checked: floor.settings[name], onchange: async (event) => {
      await floor.set(name, event.target.checked);
      signal("good", floor.settings);
    } }));
  return h("section", { class: "card floor-card" }, h("h2", {}, "Settings"),
    toggle("sound", "Sound", "one tone for taken, another for look again"),
    toggle("vibration", "Vibration", "where the phone can"),
    toggle("ask", "Ask for the quantity", "at each scan; else a scan counts what its label says"),
    h("div", { class: "floor-switch" }, h("span", {}, h("strong", {}, "Unexpected goods"), h("span", { class: "meta" }, floor.settings.aside ? `are set aside at ${floor.settings.aside}` : "are not received: somebody decides first")),
      h("button", { type: "button", class: "button quiet", id: "set-aside", onclick: () => aside(floor) }, "Change")),
    hasCamera() && !hasDetector() && h("div", { class: "floor-switch" }, h("span", {}, h("strong", {}, "Camera without a network"), h("span", { class: "meta" }, floor.decoder ? "ready" : "reads barcodes offline once it is here (1 MB)")),
      !floor.decoder && h("button", { type: "button", class: "button", id: "keep-decoder", onclick: async () => { floor.decoder = await keepDecoder(); floor.render(); } }, "Get")),
    h("p", { class: "meta" }, floor.who ? `Signed in as ${floor.who}.` : "Nobody is signed in."),
    button("Log out", () => leave(page), { kind: "quiet" }));
}

// Where goods go that no line takes; it holds for orders that are begun from now on.
async function aside(floor) {
  const answer = await choose({ title: "Goods that no line takes", answers: [["place", "Set them aside at a place"], ["none", "Do not receive them"]] });
  if (answer === "none") await floor.set("aside", "");
  if (answer !== "place") return;
  const typed = await askText({ title: "Which place?", note: "Its code, as on its label.", value: floor.settings.aside });
  const place = typed && floor.lookup.locally(typed).place;
  if (place) await floor.set("aside", place);
  else if (typed) floor.failed(new Error(`This phone knows no place ${typed}.`));
}

async function leave({ floor }) {
  const { waiting, refused } = floor.counts;
  const left = waiting + refused;
  if (left) {
    const answer = await choose({
      title: left === 1 ? "1 thing is not with central yet" : `${left} things are not with central yet`,
      note: "They stay on this phone and are sent when you sign in here again.",
      answers: [["stay", "Stay and send first"], ["leave", "Log out all the same", "danger"]],
    });
    if (answer !== "leave") return;
  }
  const token = document.cookie.split("; ").find((one) => one.startsWith("tp_csrf="))?.slice(8) ?? "";
  const form = h("form", { method: "post", action: "/logout" }, h("input", { type: "hidden", name: "csrf", value: decodeURIComponent(token) }));
  document.body.append(form);
  form.submit();
}
