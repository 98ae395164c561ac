// Putting away: what waits at the docks, where it should go, and that it went there.

import { ask } from "../api.js";
import { h, icon, number } from "../dom.js";
import { lyingNow } from "../effects.js";
import { expires, facts, gathered, inHand, times } from "./goods.js";
import { nothing } from "./receive.js";

const sentence = (reasons) => reasons.join(", ").replace(/^./, (one) => one.toUpperCase());

export function putaway(page) {
  const { floor } = page;
  const fresh = { goods: null, from: null, units: 0, serials: [], proposals: null, asked: false };
  let now = { ...fresh };
  const view = { title: "Put away", back: "#", task: "putaway" };
  const lying = () => lyingNow(floor.package?.putaway ?? [], floor.commands, floor.askedMs);

  view.render = () => {
    if (!floor.package) return [nothing(floor, "Nothing is on this phone.")];
    return now.goods ? chosen() : list();
  };

  function list() {
    const found = lying();
    return [h("div", { class: "floor-prompt" }, h("strong", {}, "Scan goods that wait")),
      found.length ? h("ul", { class: "floor-list" }, found.map(row)) : h("p", { class: "empty" }, "Nothing waits at the docks. Goods that were received show up here.")];
  }

  const row = (one) => h("li", {}, h("button", { type: "button", class: "floor-row", onclick: () => start(one, { sku: one.sku, name: floor.lookup.item(one.sku).name, lot: one.lot, quantity: one.quantity, serials: [] }) },
    h("span", { class: "floor-grow" }, h("strong", {}, floor.lookup.item(one.sku).name || one.sku), h("span", { class: "meta" }, [one.location, one.lot && `lot ${one.lot}`].filter(Boolean).join(", "))),
    h("span", { class: "floor-count" }, number(one.quantity)), icon("next", 20)));

  function chosen() {
    const { goods, from, units, proposals, asked } = now;
    const shown = proposals?.length
      ? h("ol", { class: "floor-list", id: "proposals" }, proposals.map((one, at) => h("li", { class: `floor-row ${at === 0 ? "best" : ""}` },
        h("span", { class: "floor-grow" }, h("strong", {}, one.location), h("span", { class: "meta" }, sentence(one.reasons))), h("span", { class: "floor-count" }, `takes ${number(one.quantity)}`))))
      : h("p", { class: "meta floor-pad" }, asked ? (proposals ? "No place with room was found. Choose one yourself." : "Proposals need the network. Choose a place yourself: its rules are asked when this is sent.") : "Looking for a place");
    return [h("div", { class: "floor-prompt" }, h("strong", {}, proposals?.length ? `Bring it to ${proposals[0].location} and scan the place` : "Scan the place that you bring it to")),
      h("section", { class: "card floor-card" }, facts([["Goods", `${times(units, goods.name || goods.sku)}${goods.lot ? `, lot ${goods.lot}` : ""}${expires(goods)}`, "set"], ["From", from, "set"]])),
      h("h2", { class: "floor-head" }, "Proposed"), shown,
      h("button", { type: "button", class: "button big quiet", onclick: () => { now = { ...fresh }; page.render(); } }, "Other goods")];
  }

  view.scan = async (told) => {
    if (told.kind === "place") return now.goods ? bring(told.place) : page.say("bad", told.place, "Scan the goods first, then their place.");
    if (told.kind !== "goods") return page.say("bad", "Not known", told.says ?? "Scan the goods, not the pallet.");
    if (now.goods?.sku === told.sku && told.serials.length) {
      now.serials = gathered(page, now.serials, told);
      now.units = now.serials.length;
      return page.say("good", times(now.units, told.name || told.sku), "Scan another piece, or the place.");
    }
    const found = lying().filter((one) => one.sku === told.sku && (!told.lot || one.lot === told.lot));
    if (!found.length) return page.say("bad", told.name || told.sku, "None of it waits at a dock. Use Move for goods that lie elsewhere.");
    return start(found[0], told);
  };

  async function start(there, told) {
    const hand = await inHand(page, told, { most: there.quantity, note: `${number(there.quantity)} wait at ${there.location}.` });
    if (!hand) return;
    now = { ...fresh, goods: { ...told, lot: there.lot }, from: there.location, ...hand };
    page.say("good", times(now.units, told.name || told.sku), `From ${there.location}.`);
    await propose();
  }

  // The last proposals for the same goods are kept: better than none where there is no network.
  async function propose() {
    const mine = now;
    const key = `proposals:${mine.goods.sku}:${mine.goods.lot}:${mine.from}`;
    const query = new URLSearchParams({ sku: mine.goods.sku, quantity: mine.units, from: mine.from, lot: mine.goods.lot });
    const told = floor.link === "online" ? await ask(`/api/putaway/proposals?${query}`, { patienceMs: 6_000 }) : { lost: true };
    const proposals = told.status === 200 ? told.answer.proposals : ((await floor.store.get(key)) ?? null);
    if (told.status === 200) await floor.store.put(key, proposals);
    if (now === mine) now = { ...mine, proposals, asked: true };
    page.render();
  }

  async function bring(place) {
    const { goods, from, units, serials, proposals } = now;
    if (place === from) return page.say("bad", place, "The goods are there already. Scan the place that you bring them to.");
    const what = times(units, goods.name || goods.sku);
    const body = { sku: goods.sku, quantity: units, ...(goods.lot ? { lot: goods.lot } : {}), ...(serials.length ? { serials } : {}) };
    const astray = proposals?.length && !proposals.some((one) => one.location === place);
    now = { ...fresh };
    await floor.add({
      task: "putaway", label: `${what} from ${from} to ${place}`, effect: { kind: "putaway", sku: goods.sku, lot: goods.lot, from, units },
      make: (id, time) => ({ path: "/api/putaway", body: { id, ...body, from, to: place, event_time: time } }),
      undo: (id) => ({ path: "/stock/move", body: { ...body, from: place, to: from, corrects: id, reason: "undone on the phone", event_time: "now" } }),
    });
    return page.say(astray ? "look" : "good", `${what} to ${place}`, astray ? "This place was not proposed. Undo it if that was a mistake." : "Put away.");
  }

  view.answered = (command) => {
    if (command.task === "putaway" && command.state === "refused") page.say("bad", "Refused", `${command.label}: ${command.problem.detail}`);
  };
  return view;
}
