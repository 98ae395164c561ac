// Picking: the task's places in walking order; the place and the item are confirmed by scanning.

import { bar, button, h, icon, number } from "../dom.js";
import { walkNow } from "../effects.js";
import { askQuantity, choose } from "../pad.js";
import { gathered, times } from "./goods.js";
import { nothing } from "./receive.js";

export function walks(page) {
  const { floor } = page;
  return {
    title: "Pick", back: "#",
    render() {
      const known = floor.package?.picking;
      if (!known) return [nothing(floor, "No tasks are on this phone.")];
      const found = known.map((one) => walkNow(one, floor.commands, floor.askedMs));
      found.sort((one, other) => Number(other.assigned_to === floor.who) - Number(one.assigned_to === floor.who));
      if (!found.length) return [h("p", { class: "empty" }, "Nothing is to be picked. Orders are let go at a desk.")];
      return [h("ul", { class: "floor-list" }, found.map((one) => {
        const done = one.picks.filter((pick) => pick.state !== "open").length;
        return h("li", {}, h("a", { class: "floor-row", href: `#walk/${encodeURIComponent(one.id)}` },
          h("div", { class: "floor-grow" }, h("strong", {}, one.id), h("span", { class: "meta" }, one.assigned_to === floor.who ? "yours" : one.assigned_to ? `of ${one.assigned_to}` : ""), bar(done, one.picks.length)),
          h("span", { class: "floor-count" }, `${done} / ${one.picks.length}`), icon("next", 20)));
      }))];
    },
  };
}

export function pick(page, name) {
  const { floor } = page;
  const task = `pick:${name}`;
  const view = { title: name, back: "#pick", task };
  let at = { pick: null, there: false, serials: [] };
  const walk = () => {
    const known = floor.package?.picking?.find((one) => one.id === name);
    return known ? walkNow(known, floor.commands, floor.askedMs) : null;
  };
  // What lies where the person stands, else the next on the way; what was put off comes last.
  const current = (now) => {
    const open = now.picks.filter((one) => one.state === "open");
    const next = open.filter((one) => one.reason !== "later");
    return next.find((one) => at.there && one.location === at.place) ?? next[0] ?? open[0] ?? null;
  };
  const isThere = (one) => at.there && at.place === one.location;
  const left = (one) => one.quantity - one.picked;

  view.render = () => {
    const now = walk();
    if (!now) return [h("p", { class: "empty" }, "This task is not on this phone. It may be done by now.")];
    const one = current(now);
    const done = now.picks.filter((pick) => pick.state !== "open").length;
    return [one ? next(one) : h("div", { class: "floor-prompt done" }, icon("check", 40), h("strong", {}, "All is picked")),
      bar(done, now.picks.length),
      h("ol", { class: "floor-list" }, now.picks.map((each) => row(each, each === one)))];
  };

  function next(one) {
    const item = floor.lookup.item(one.sku);
    return h("section", { class: "floor-next", id: "next-pick" },
      h("p", { class: isThere(one) ? "floor-place there" : "floor-place" }, icon("place", 28), h("strong", {}, one.location), isThere(one) && icon("check", 28)),
      h("p", { class: "floor-what" }, h("b", {}, number(left(one))), h("span", {}, item.name || one.sku)),
      h("p", { class: "meta" }, [item.name && one.sku, one.lot && `lot ${one.lot}`, one.substituted_for && `instead of ${one.substituted_for}`, `order ${one.order_id}`].filter(Boolean).join(", ")),
      h("p", { class: "floor-todo" }, isThere(one) ? (item.tracking === "serial" ? `Scan each piece: ${at.serials.length} of ${left(one)}` : "Scan the goods") : "Go there and scan the place"),
      isThere(one) && button("Cannot pick all", () => short(one, at.serials.length), { kind: "quiet", id: "short" }));
  }

  const row = (one, isNext) => h("li", { class: `floor-row ${isNext ? "best" : ""} line-${one.state === "open" ? "none" : one.picked < one.quantity ? "over" : "full"}`, "data-pick": one.id },
    h("span", { class: "floor-tick", "aria-hidden": "true" }, one.state !== "open" && icon("check", 24)),
    h("span", { class: "floor-grow" }, h("strong", {}, one.location), h("span", { class: "meta" }, [floor.lookup.item(one.sku).name || one.sku, one.lot && `lot ${one.lot}`, { later: "put off", damaged: "damaged", "not-there": "not there" }[one.reason], one.pending > 0 && "not sent yet"].filter(Boolean).join(", "))),
    h("span", { class: "floor-count" }, `${number(one.picked)} / ${number(one.quantity)}`));

  view.scan = async (told) => {
    const now = walk();
    const one = now && current(now);
    if (!one) return page.say("done", "All is picked", "Bring the goods to where the orders leave.");
    if (told.kind === "place") return arrive(now, one, told.place);
    if (told.kind !== "goods") return page.say("bad", "Not known", told.says ?? "Scan the goods, not a pallet.");
    if (!isThere(one)) return page.say("bad", `First the place: ${one.location}`, "Scan the label of the place, then the goods.");
    if (told.sku !== one.sku) return page.say("bad", `This is ${told.name || told.sku}`, `${floor.lookup.item(one.sku).name || one.sku} is asked for.`);
    if (told.lot && told.lot !== one.lot) return page.say("bad", `This is lot ${told.lot}`, `${one.lot ? `Lot ${one.lot}` : "No lot"} is asked for.`);
    return found(one, told);
  };

  function arrive(now, one, place) {
    const other = now.picks.find((each) => each.state === "open" && each.reason !== "later" && each.location === place);
    if (place !== one.location && !other) return page.say("bad", `This is ${place}`, `Go to ${one.location}.`);
    at = { there: true, place, serials: [] };
    if (place !== one.location) return page.say("look", `This is ${place}`, `${one.location} comes first on your way. Take ${times(left(other), floor.lookup.item(other.sku).name || other.sku)} here now, or go there.`);
    return page.say("good", place, `Take ${times(left(one), floor.lookup.item(one.sku).name || one.sku)}.`);
  }

  async function found(one, told) {
    if (told.serials.length && floor.lookup.item(one.sku).tracking === "serial") {
      at.serials = gathered(page, at.serials, told);
      if (at.serials.length < left(one)) return page.say("good", `${at.serials.length} of ${left(one)}`, "Scan the next piece.");
      return brought(one, at.serials.length, "", at.serials);
    }
    if (floor.lookup.item(one.sku).tracking === "serial") return page.say("look", one.sku, "Scan the label of each piece: it is tracked by serial number.");
    const units = await askQuantity({ title: `${floor.lookup.item(one.sku).name || one.sku} at ${one.location}`, note: `${number(left(one))} are asked for.`, start: left(one), hints: [left(one)], least: 0 });
    if (units === null) return undefined;
    if (units > left(one)) return page.say("bad", `${number(left(one))} are asked for`, "Put the rest back.");
    return units < left(one) ? short(one, units) : brought(one, units, "", []);
  }

  async function short(one, units) {
    const lacking = left(one) - units;
    const reason = await choose({
      title: `${number(lacking)} ${lacking === 1 ? "is" : "are"} missing. Why?`, note: units ? `${number(units)} ${units === 1 ? "is" : "are"} in your hand.` : "",
      answers: [["not-there", "Not there: the books are wrong"], ["damaged", "Damaged: not to be sold"], ["later", "I come back for the rest"]],
    });
    if (reason) await brought(one, units, reason, at.serials.slice(0, units));
  }

  async function brought(one, units, reason, serials) {
    const what = times(units, floor.lookup.item(one.sku).name || one.sku);
    at = { ...at, serials: [] };
    const body = { location: one.location, sku: one.sku, quantity: units, lot: one.lot, ...(reason ? { reason } : {}), ...(serials.length ? { serials } : {}) };
    const reversible = units > 0 && !["not-there", "damaged"].includes(reason);
    await floor.add({
      task, label: `${what} from ${one.location}${reason ? ` (${reason.replace("-", " ")})` : ""}`,
      effect: { kind: "pick", pick: one.id, units, reason },
      make: (id, time) => ({ path: `/api/picking/picks/${one.id}/confirm`, body: { id, ...body, event_time: time } }),
      undo: reversible ? (id) => ({ path: `/api/picking/picks/${one.id}/put-back`, body: { command: id }, plain: true }) : null,
    });
    const more = current(walk());
    if (!more) return page.say("done", "All is picked", "Bring the goods to where the orders leave.");
    if (at.place !== more.location) at.there = false;
    return page.say("good", `Taken: ${what}`, more.location === one.location ? "The next one is here." : `Next: ${more.location}.`);
  }

  view.answered = (command) => {
    if (command.task === task && command.state === "refused") page.say("bad", "Refused", `${command.label}: ${command.problem.detail}`);
  };
  return view;
}
