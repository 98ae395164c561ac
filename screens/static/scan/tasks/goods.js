// What the tasks that move goods share: how many are in the hand, piece by piece where items are
// tracked by serial numbers.

import { h, number } from "../dom.js";
import { askQuantity, askText } from "../pad.js";

// The goods with their lot, which is asked for where the label does not tell it; ``null``: nobody said.
export async function withLot(page, told) {
  const item = page.floor.lookup.item(told.sku);
  if (item.tracking !== "lot" || told.lot) return told;
  const lot = await askText({ title: `Which lot of ${told.name || told.sku}?`, note: "It is tracked by lot. Scan a label that tells it, or type it." });
  return lot === null ? null : { ...told, lot };
}

// Units in the hand of a scanned item, or ``null``: as the label says, or as somebody types.
export async function inHand(page, told, { most = null, note = "" } = {}) {
  if (told.serials?.length) return { units: told.serials.length, serials: told.serials };
  const item = page.floor.lookup.item(told.sku);
  if (item.tracking === "serial") {
    page.say("look", told.name || told.sku, "Scan the label of each piece: it is tracked by serial number.");
    return null;
  }
  const hints = [...new Set([1, told.quantity, most].filter((one) => one))];
  const units = await askQuantity({ title: told.name || told.sku, note, start: most ?? told.quantity ?? 1, hints });
  return units === null ? null : { units, serials: [] };
}

// The piece beside those that were scanned before; says so where it was one of them.
export function gathered(page, before, told) {
  const again = told.serials.filter((one) => before.includes(one));
  if (again.length) {
    page.say("look", `Piece ${again[0]}`, "It was scanned before.");
    return before;
  }
  return [...before, ...told.serials];
}

export const facts = (rows) => h("dl", { class: "floor-facts" }, rows.map(([name, value, kind = "", act = null]) =>
  h("div", { class: kind }, h("dt", {}, name), h("dd", {}, value || "…"), act)));

export const times = (units, name) => `${number(units)} x ${name}`;

export const expires = (told) => (told.expiry ? `, expires ${told.expiry}` : "");
