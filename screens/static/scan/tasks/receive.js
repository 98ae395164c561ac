// Receiving against an order: lines tick off, what is over or on no line is said at once.

import { bar, button, h, icon, number } from "../dom.js";
import { orderNow, ruled } from "../effects.js";
import { askQuantity, choose } from "../pad.js";
import { uuid7 } from "../uuid7.js";
import { withLot } from "./goods.js";

const SAID = {
  expected: ["good", "Taken"], over: ["look", "More than ordered"], damaged: ["look", "Taken as damaged"],
  unexpected: ["look", "Not on this order"], wrong_lot: ["look", "Another lot than ordered"],
  already: ["look", "Received before"], in_stock: ["look", "In stock elsewhere"], foreign: ["look", "Not a piece of this order"],
};

export function orders(page) {
  const { floor } = page;
  return {
    title: "Receive", back: "#",
    render() {
      const known = floor.package?.receiving;
      if (!known) return [nothing(floor, "No orders are on this phone.")];
      const found = known.map((one) => orderNow(one, floor.commands, floor.askedMs));
      if (!found.length) return [h("p", { class: "empty" }, "No order is open. Orders are made at a desk or come from the ERP.")];
      return [h("ul", { class: "floor-list" }, found.map(card))];
    },
  };
}

export function nothing(floor, words) {
  if (floor.package) return h("p", { class: "empty" }, "You may not see these tasks. Ask whoever manages access.");
  return h("p", { class: "empty" }, `${words} Get your tasks on the first page while there is a network.`);
}

function card(order) {
  const all = order.lines.reduce((sum, one) => sum + one.quantity, 0);
  const came = order.lines.reduce((sum, one) => sum + Math.min(one.received, one.quantity), 0);
  return h("li", {}, h("a", { class: "floor-row", href: `#order/${encodeURIComponent(order.id)}` },
    h("div", { class: "floor-grow" }, h("strong", {}, order.reference), h("span", { class: "meta" }, `${order.supplier}, to ${order.location}`), bar(came, all)),
    h("span", { class: "floor-count" }, `${number(came)} / ${number(all)}`), icon("next", 20)));
}

// What is still to come of a line, or where goods go that it does not take.
function restOf(rule, place) {
  if (!rule.takes.length) return place ? `Put it to ${place}. Somebody decides what becomes of it.` : "It is not received. Somebody decides what becomes of it.";
  if (rule.aside) return `${number(rule.aside)} beyond what is taken.`;
  return rule.lacks ? `${number(rule.lacks)} still to come.` : "This line is full.";
}

export function receive(page, name) {
  const { floor } = page;
  const task = `receive:${name}`;
  const view = { title: "Receive", back: "#receive", task, condition: "good" };
  const order = () => {
    const known = floor.package?.receiving?.find((one) => one.id === name);
    return known ? orderNow(known, floor.commands, floor.askedMs) : null;
  };

  view.render = () => {
    const now = order();
    if (!now) return [h("p", { class: "empty" }, "This order is not on this phone. It may be closed by now.")];
    view.title = now.reference;
    return [prompt(view, page), h("ul", { class: "floor-list" }, now.lines.map((one) => line(one, floor, () => byHand(one)))),
      now.unexpected.length > 0 && h("section", { class: "card floor-card" }, h("h2", {}, "Not taken for a line"),
        h("ul", {}, now.unexpected.map(([sku, units]) => h("li", {}, `${number(units)} x ${floor.lookup.item(sku).name || sku}`)))),
      button("Finish", () => finish(now), { kind: "quiet", symbol: "check", id: "finish" })].filter(Boolean);
  };

  view.scan = async (told) => {
    const now = order();
    if (!now) return undefined;
    if (told.kind === "place") return page.say("bad", told.place, "This is a place. Scan goods, or a pallet's label.");
    if (told.kind === "unit") {
      await take(now, { code: told.code, symbology: told.symbology, label: `Pallet ${told.sscc}`, sku: "", takes: [], aside: 0 });
      return page.say("good", "Pallet", `${told.sscc}. What is on it central knows.`);
    }
    if (told.kind === "unknown") return stranger(now, told);
    const labelled = await withLot(page, told);
    if (!labelled) return undefined;
    let { quantity } = told;
    if (floor.settings.ask && !told.serials.length) {
      quantity = await askQuantity({ title: told.name || told.sku, note: "How many are in your hand?", start: told.quantity });
      if (quantity === null) return undefined;
    }
    return goods(order(), labelled, quantity);
  };

  view.answered = (command) => {
    if (command.task !== task || command.undoes) return;
    if (command.state === "refused") page.say("bad", "Refused", command.problem.detail);
    else if (command.state === "done" && command.answer?.verdict && command.answer.verdict !== command.effect.verdict) {
      const [kind, title] = SAID[command.answer.verdict] ?? ["look", command.answer.verdict];
      page.say(kind, title, command.answer.says);
    }
  };

  async function byHand(one) {
    const item = floor.lookup.item(one.sku);
    if (item.tracking === "serial") return page.say("look", one.sku, "Scan the label of each piece: it is tracked by serial number.");
    const quantity = await askQuantity({ title: item.name || one.sku, note: `${number(one.received)} of ${number(one.quantity)} came so far.`, start: Math.max(1, one.quantity - one.received), hints: [1, one.quantity] });
    if (quantity === null) return undefined;
    const told = await withLot(page, { sku: one.sku, name: item.name, lot: one.lot, serials: [], code: null });
    return told && goods(order(), told, quantity);
  }

  async function goods(now, told, quantity) {
    const rule = ruled(now, told.sku, told.lot, quantity, view.condition);
    const [kind, title] = SAID[rule.verdict];
    const label = `${number(quantity)} x ${told.name || told.sku}`;
    await take(now, { ...told, quantity, label, ...rule });
    page.say(kind, `${title}: ${label}`, restOf(rule, floor.settings.aside));
  }

  async function stranger(now, told) {
    if (floor.link === "online") return page.say("bad", "Not known", told.says);
    page.say("bad", "Not known here", told.says);
    const answer = await choose({ title: "This phone does not know the code", note: `${told.says} Central may know it when there is a network.`, answers: [["keep", "Keep the scan for central"]] });
    if (answer === "keep") await take(now, { code: told.code, symbology: told.symbology, label: `Code ${told.code.slice(0, 40)}`, sku: "", takes: [], aside: 0 });
    return undefined;
  }

  async function take(now, one) {
    const session = await sessionOf(now);
    const said = one.code ? { code: one.code, ...(one.lot ? { lot: one.lot } : {}), ...(one.symbology ? { symbology: one.symbology } : {}), ...(one.quantity && !one.serials?.length ? { quantity: one.quantity } : {}) } : { sku: one.sku, quantity: one.quantity, ...(one.lot ? { lot: one.lot } : {}) };
    const condition = view.condition === "damaged" ? { condition: "damaged" } : {};
    await floor.add({
      task, label: one.label, needs: [session.id],
      effect: { kind: "receive", order: name, sku: one.sku, takes: one.takes, aside: one.aside, verdict: one.verdict },
      make: (id, time) => ({
        path: `/api/receiving/${encodeURIComponent(session.id)}/receipts`, body: { id, ...said, ...condition, event_time: time },
      }),
      undo: (id) => ({ path: `/api/receiving/${encodeURIComponent(session.id)}/receipts/${id}/take-back` }),
    });
  }

  // One session of an order for each phone: begun by the first scan, also without a network.
  async function sessionOf(now) {
    const key = `session:${name}`;
    const kept = await floor.store.get(key);
    if (kept) return kept;
    const session = { id: uuid7() };
    await floor.store.put(key, session);
    await floor.add({ task, label: `Begin to receive ${now.reference}`, effect: null, make: () => ({ path: "/api/receiving", body: { id: session.id, order: name, ...(floor.settings.aside ? { aside: floor.settings.aside } : {}) } }), id: session.id });
    return session;
  }

  async function finish(now) {
    const session = await floor.store.get(`session:${name}`);
    const lacking = now.lines.filter((one) => one.received < one.quantity).length;
    const answer = await choose({ title: lacking ? `${lacking} ${lacking === 1 ? "line lacks" : "lines lack"} goods` : "Everything is here", note: "The order stays open for what is still to come.", answers: [["finish", "Finish for now"]] });
    if (answer !== "finish") return;
    if (session) {
      await floor.add({ task, label: `Finish ${now.reference}`, effect: null, needs: [session.id], make: () => ({ path: `/api/receiving/${encodeURIComponent(session.id)}/close` }) });
      await floor.store.put(`session:${name}`, null);
    }
    location.hash = "#receive";
  }
  return view;
}

function prompt(view, page) {
  const flip = () => { view.condition = view.condition === "good" ? "damaged" : "good"; page.render(); };
  return h("div", { class: "floor-prompt" }, h("strong", {}, "Scan the goods"),
    h("button", { type: "button", class: `button ${view.condition === "damaged" ? "danger" : "quiet"} floor-chip`, "aria-pressed": String(view.condition === "damaged"), id: "damaged", onclick: flip }, "Damaged"));
}

function line(one, floor, onclick) {
  const state = one.received > one.quantity ? "over" : one.received >= one.quantity ? "full" : one.received > 0 ? "part" : "none";
  const unseen = one.received - one.confirmed;
  const item = floor.lookup.item(one.sku);
  const words = { full: "full", over: `${number(one.received - one.quantity)} over`, part: `${number(one.quantity - one.received)} lack`, none: "" }[state];
  const notes = [one.lot && `lot ${one.lot}`, unseen > 0 && `${number(unseen)} seen by a portal`, one.pending > 0 && "not sent yet"].filter(Boolean).join(", ");
  return h("li", {}, h("button", { type: "button", class: `floor-row line-${state}`, "data-line": one.line, onclick },
    h("span", { class: "floor-tick", "aria-hidden": "true" }, state === "full" ? icon("check", 26) : state === "over" ? icon("warn", 26) : ""),
    h("span", { class: "floor-grow" }, h("strong", {}, item.name || one.sku), h("span", { class: "meta" }, [item.name ? one.sku : "", notes].filter(Boolean).join(", "))),
    h("span", { class: "floor-count" }, h("b", {}, `${number(one.received)} / ${number(one.quantity)}`), words && h("small", {}, words))));
}
