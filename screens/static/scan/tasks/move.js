// Moving goods: from a place, an item, how many, to a place. Each scan fills in what it is.

import { button, h } from "../dom.js";
import { expires, facts, gathered, inHand, times, withLot } from "./goods.js";

export function move(page) {
  const { floor } = page;
  const fresh = { from: null, goods: null, units: 0, serials: [] };
  let now = { ...fresh };
  const view = { title: "Move", back: "#", task: "move" };

  const wanted = () => (!now.from ? "Scan the place that you take from" : !now.goods ? "Scan the goods" : "Scan the place that you bring to");
  const clear = (names) => () => { now = { ...now, ...names }; page.render(); };

  view.render = () => [
    h("div", { class: "floor-prompt" }, h("strong", {}, wanted())),
    h("section", { class: "card floor-card" }, facts([
      ["From", now.from, now.from ? "set" : "next"],
      ["Goods", now.goods && `${times(now.units, now.goods.name || now.goods.sku)}${now.goods.lot ? `, lot ${now.goods.lot}` : ""}${expires(now.goods)}${now.serials.length ? `, ${now.serials.join(", ")}` : ""}`, now.goods ? "set" : now.from ? "next" : ""],
      ["To", "", now.goods ? "next" : ""],
    ])),
    (now.from || now.goods) && button("Begin again", clear(fresh), { kind: "quiet", id: "begin-again" }),
  ].filter(Boolean);

  view.scan = async (told) => {
    if (told.kind === "place") return now.from && now.goods ? bring(told.place) : from(told.place);
    if (told.kind === "goods") return take(told);
    if (told.kind === "unit") return page.say("bad", "A pallet's label", "Scan what is on it: pallets are moved item by item.");
    return page.say("bad", "Not known", told.says);
  };

  function from(place) {
    now = { ...now, from: place };
    page.say("good", `From ${place}`, now.goods ? "Now the place that you bring to." : "Now the goods.");
  }

  async function take(scanned) {
    const told = await withLot(page, scanned);
    if (!told) return undefined;
    if (now.goods && now.goods.sku === told.sku && told.serials.length) {
      now.serials = gathered(page, now.serials, told);
      now.units = now.serials.length;
      return page.say("good", times(now.units, told.name || told.sku), "Scan another piece, or the place.");
    }
    const hand = await inHand(page, told, { note: now.from ? `from ${now.from}` : "" });
    if (!hand) return undefined;
    now = { ...now, goods: told, ...hand };
    return page.say("good", times(now.units, told.name || told.sku), now.from ? "Now the place that you bring to." : "Now the place that you take from.");
  }

  async function bring(place) {
    if (place === now.from) return page.say("bad", place, "That is where the goods come from. Scan another place.");
    const { from: source, goods, units, serials } = now;
    const what = times(units, goods.name || goods.sku);
    const body = { sku: goods.sku, quantity: units, ...(goods.lot ? { lot: goods.lot } : {}), ...(serials.length ? { serials } : {}) };
    now = { ...fresh, from: source };
    await floor.add({
      task: "move", label: `${what} from ${source} to ${place}`, effect: { kind: "move" },
      make: (id, time) => ({ path: "/stock/move", body: { id, ...body, from: source, to: place, event_time: time } }),
      undo: (id) => ({ path: "/stock/move", body: { ...body, from: place, to: source, corrects: id, reason: "undone on the phone", event_time: "now" } }),
    });
    return page.say("good", `Moved ${what}`, `From ${source} to ${place}.`);
  }

  view.answered = (command) => {
    if (command.task === "move" && command.state === "refused") page.say("bad", "Refused", `${command.label}: ${command.problem.detail}`);
  };
  return view;
}
