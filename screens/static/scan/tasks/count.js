// Counting a place: blind, scan by scan. What is expected this phone is never told.

import { button, h, icon, number } from "../dom.js";
import { countNow } from "../effects.js";
import { askQuantity, choose } from "../pad.js";
import { times } from "./goods.js";
import { nothing } from "./receive.js";

export function counts(page) {
  const { floor } = page;
  return {
    title: "Count", back: "#",
    render() {
      const known = floor.package?.counts;
      if (!known) return [nothing(floor, "No counts are on this phone.")];
      const found = known.map((one) => countNow(one, floor.commands, floor.askedMs)).filter((one) => !one.ended);
      if (!found.length) return [h("p", { class: "empty" }, "No count was asked for. Somebody at a desk asks for them, or the calendar does.")];
      return [h("ul", { class: "floor-list" }, found.map((one) => h("li", {}, h("a", { class: "floor-row", href: `#counting/${encodeURIComponent(one.id)}` },
        h("div", { class: "floor-grow" }, h("strong", {}, one.location), h("span", { class: "meta" }, [floor.lookup.place(one.location)?.name, one.below && "and all within", one.skus.length && `${one.skus.length} items`, one.round > 0 && "again"].filter(Boolean).join(", "))),
        h("span", { class: "floor-count" }, one.begun ? "begun" : ""), icon("next", 20)))))];
    },
  };
}

export function count(page, name) {
  const { floor } = page;
  const task = `count:${name}`;
  const view = { title: "Count", back: "#count", task };
  let place = null;
  const known = () => {
    const found = floor.package?.counts?.find((one) => one.id === name);
    return found ? countNow(found, floor.commands, floor.askedMs) : null;
  };

  view.render = () => {
    const now = known();
    if (!now) return [h("p", { class: "empty" }, "This count is not on this phone. It may be finished by now.")];
    view.title = `Count ${now.location}`;
    if (now.ended) return [h("div", { class: "floor-prompt done" }, icon("check", 40), h("strong", {}, "Counted"))];
    const here = place ?? now.location;
    const others = [...new Set(now.entries.map((one) => one.by).filter((one) => one && one !== floor.who))];
    return [h("div", { class: "floor-prompt" }, h("strong", {}, now.below ? `Scan what is at ${here}` : "Scan everything that is here"), now.below && h("span", { class: "meta" }, "Scan a place to count there.")),
      others.length > 0 && h("p", { class: "floor-notice warn", role: "status" }, `${others.join(", ")} counts here, too. What both of you scan is added up.`),
      now.entries.length ? h("ul", { class: "floor-list" }, totals(now)) : h("p", { class: "empty" }, "Nothing counted so far."),
      button("All counted", () => finish(now), { symbol: "check", id: "finish-count" })].filter(Boolean);
  };

  function totals(now) {
    const sums = new Map();
    for (const one of now.entries) {
      const key = JSON.stringify([one.sku, one.lot, one.location]);
      const sum = sums.get(key) ?? { ...one, quantity: 0, pending: false };
      sums.set(key, { ...sum, quantity: sum.quantity + one.quantity, pending: sum.pending || one.pending });
    }
    return [...sums.values()].reverse().map((one) => h("li", {}, h("button", { type: "button", class: "floor-row", onclick: () => byHand(now, one) },
      h("span", { class: "floor-grow" }, h("strong", {}, floor.lookup.item(one.sku).name || one.sku || "Not known yet"), h("span", { class: "meta" }, [now.below && one.location, one.lot && `lot ${one.lot}`, one.pending && "not sent yet"].filter(Boolean).join(", "))),
      h("span", { class: "floor-count" }, h("b", {}, number(one.quantity))))));
  }

  view.scan = async (told) => {
    const now = known();
    if (!now) return undefined;
    if (now.ended) return page.say("bad", "This count is finished", "Choose another one.");
    if (told.kind === "place") return enter(now, told.place);
    if (told.kind === "unit") return page.say("bad", "A pallet's label", "Count what is on it, item by item.");
    if (told.kind === "unknown") return page.say("bad", "Not known", told.says);
    if (now.skus.length && !now.skus.includes(told.sku)) return page.say("bad", told.name || told.sku, "This count is not of it. Leave it where it is.");
    let { quantity } = told;
    if (!told.serials.length && (floor.settings.ask || !told.code)) {
      quantity = await askQuantity({ title: told.name || told.sku, note: `How many are at ${place ?? now.location}?`, start: told.quantity, least: 0 });
      if (quantity === null) return undefined;
    }
    return found(now, told, quantity);
  };

  function enter(now, code) {
    if (code === now.location) place = null;
    else if (now.below) place = code;
    else return page.say("bad", `This is ${code}`, `The count is of ${now.location}.`);
    return page.say("good", code, "Scan what is here.");
  }

  async function byHand(now, one) {
    if (floor.lookup.item(one.sku).tracking === "serial") return page.say("look", one.sku, "Scan each piece: it is tracked by serial number.");
    const units = await askQuantity({ title: floor.lookup.item(one.sku).name || one.sku, note: "How many more?", start: 1, hints: [1, 10] });
    return units === null ? undefined : found(now, { sku: one.sku, name: floor.lookup.item(one.sku).name, lot: one.lot, code: null, serials: [] }, units);
  }

  async function found(now, told, units) {
    const location = place ?? now.location;
    const needs = now.begun ? startOf() : [(await begin(now)).id];
    const said = told.code && units ? { code: told.code, ...(told.symbology ? { symbology: told.symbology } : {}), ...(told.serials.length ? {} : { quantity: units }) } : { sku: told.sku, lot: told.lot, quantity: units };
    await floor.add({
      task, label: `Counted ${times(units, told.name || told.sku)} at ${location}`, needs,
      effect: { kind: "count", count: name, sku: told.sku, lot: told.lot, location, units },
      make: (id, time) => ({ path: `/api/counts/${encodeURIComponent(name)}/entries`, body: { id, ...said, location, counted_at: time, ...(floor.who === "api" ? { by: "phone" } : {}) } }),
      undo: (id) => ({ path: `/api/counts/${encodeURIComponent(name)}/entries/${id}`, method: "DELETE" }),
    });
    page.say("good", times(units, told.name || told.sku), told.lot ? `Lot ${told.lot}.` : `At ${location}.`);
  }

  const startOf = () => floor.commands.filter((one) => one.effect?.kind === "count-start" && one.effect.count === name).map((one) => one.id);

  function begin(now) {
    return floor.add({
      task, label: `Begin to count ${now.location}`, effect: { kind: "count-start", count: name },
      make: (_id, time) => ({ path: `/api/counts/${encodeURIComponent(name)}/start`, body: { began_at: time } }),
    });
  }

  async function finish(now) {
    const answer = await choose({
      title: "Is everything counted?", note: "What the books have here and you did not scan is then missing.",
      answers: [["all", "Everything is counted"], ["part", "Only what I scanned"]],
    });
    if (!answer) return;
    const needs = now.begun ? startOf() : [(await begin(now)).id];
    const entries = floor.commands.filter((one) => one.task === task && one.state !== "done" && one.effect?.kind === "count").map((one) => one.id);
    await floor.add({
      task, label: `Finish the count of ${now.location}`, effect: { kind: "count-finish", count: name }, needs: [...needs, ...entries],
      make: () => ({ path: `/api/counts/${encodeURIComponent(name)}/finish`, body: { complete: answer === "all" } }),
    });
    page.say("done", "Counted", "Somebody looks at what differs from the books.");
  }

  view.answered = (command) => {
    if (command.task === task && command.state === "refused") page.say("bad", "Refused", `${command.label}: ${command.problem.detail}`);
  };
  return view;
}
