// What is not with central yet: what waits, and what was refused and a person must solve.

import { button, clock, h, icon } from "../dom.js";
import { again, discarded, isHeld, isOpen, ordered, otherwise } from "../queue.js";
import { askQuantity, askText, choose } from "../pad.js";
import { uuid7 } from "../uuid7.js";

export function waiting(page) {
  const { floor } = page;
  return {
    title: "To send", back: "#",
    render() {
      const by = new Map(floor.commands.map((one) => [one.id, one]));
      const all = ordered(floor.commands);
      const refused = all.filter((one) => one.state === "refused");
      const open = all.filter(isOpen);
      if (!refused.length && !open.length) return [h("div", { class: "floor-prompt done" }, icon("check", 40), h("strong", {}, "Central has everything"))];
      return [
        refused.length > 0 && h("h2", { class: "floor-head" }, "Refused: what now?"),
        refused.length > 0 && h("ul", { class: "floor-list" }, refused.map((one) => h("li", { class: "card floor-card refused", "data-id": one.id }, what(one), h("p", { class: "floor-why" }, one.problem.detail), h("div", { class: "floor-stack" }, ways(page, one))))),
        open.length > 0 && h("h2", { class: "floor-head" }, "To send, in this order"),
        open.length > 0 && h("ul", { class: "floor-list" }, open.map((one) => h("li", { class: "floor-row", "data-id": one.id }, what(one, state(one, by, floor))))),
        foreign(floor),
        open.length > 0 && button("Send now", () => floor.refresh(), { id: "send-now" }),
      ].filter(Boolean);
    },
  };
}

const what = (one, ...more) => h("span", { class: "floor-grow" }, h("strong", {}, one.label), h("span", { class: "meta" }, [clock(one.madeMs), ...more].join(", ")));

function state(one, by, floor) {
  if (isHeld(one, by)) return "waits for what was refused above";
  if (floor.who && one.by !== floor.who && !one.mayBeSentBy?.includes(floor.who)) return `of ${one.by}: sent when ${one.by} signs in`;
  if (one.state === "sending") return "on its way";
  return one.tries ? `tried ${one.tries} ${one.tries === 1 ? "time" : "times"}, tried again by itself` : "not tried yet";
}

function foreign(floor) {
  const others = floor.commands.filter((one) => isOpen(one) && floor.who && one.by !== floor.who && !one.mayBeSentBy?.includes(floor.who));
  if (!others.length) return null;
  const names = [...new Set(others.map((one) => one.by))].join(", ");
  return button(`Send what ${names} did in my name`, async () => {
    const sure = await choose({ title: `Send ${others.length} as ${floor.who}?`, note: `The books will say that ${floor.who} did it, not ${names}.`, answers: [["yes", `Send as ${floor.who}`]] });
    if (sure) await floor.solve((all) => all.filter((one) => others.some((other) => other.id === one.id)).map((one) => ({ ...one, mayBeSentBy: [...(one.mayBeSentBy ?? []), floor.who] })));
  }, { kind: "quiet" });
}

// What may be done about a refusal, by what was refused and why.
function ways(page, one) {
  const { floor } = page;
  const replaced = (changes) => floor.solve((all) => otherwise(all, one.id, uuid7(), changes, Date.now()));
  const made = [];
  if (one.problem.type?.endsWith("expiry-differs")) {
    made.push(button("The label's day is right", () => replaced({ body: { expiry: "scanned" } })), button("The known day is right", () => replaced({ body: { expiry: "known" } }), { kind: "quiet" }));
  }
  if (one.path.endsWith("/receipts") && /session .* is closed/.test(one.problem.detail)) {
    made.push(button("Receive it anew", () => anew(floor, one)));
  }
  if (one.body && "quantity" in one.body && !one.body.serials?.length) {
    made.push(button("Change the quantity", async () => {
      const quantity = await askQuantity({ title: one.label, note: one.problem.detail, start: one.body.quantity });
      if (quantity !== null) await replaced(withUnits(one, quantity));
    }, { kind: "quiet" }));
  }
  for (const [end, words] of [["from", "Change where it came from"], ["to", "Change where it went"]]) {
    if (one.body && end in one.body) {
      made.push(button(words, async () => {
        const typed = await askText({ title: words, note: one.problem.detail, value: one.body[end] });
        const place = typed && (floor.lookup.locally(typed).place ?? typed);
        if (place) await replaced({ label: one.label.replace(` ${end} ${one.body[end]}`, ` ${end} ${place}`), body: { [end]: place }, undo: null });
      }, { kind: "quiet" }));
    }
  }
  made.push(button("Send again", () => floor.solve((all) => all.filter((kept) => kept.id === one.id).map((kept) => again(kept, Date.now()))), { kind: "quiet" }));
  made.push(button("Discard", async () => {
    const sure = await choose({ title: "Discard it?", note: `${one.label}. Central will never hear of it.`, answers: [["yes", "Discard", "danger"]] });
    if (sure) await floor.solve((all) => discarded(all, one.id));
  }, { kind: "danger" }));
  return made;
}

function withUnits(one, quantity) {
  const effect = one.effect && "units" in one.effect ? { ...one.effect, units: quantity } : one.effect;
  return { label: one.label.replace(/\d+(?= x )/, String(quantity)), effect, body: { quantity }, undo: one.undo?.body ? null : one.undo };
}

async function anew(floor, one) {
  const session = uuid7();
  const { order } = one.effect;
  await floor.store.put(`session:${order}`, { id: session });
  await floor.add({ task: one.task, label: "Begin to receive again", effect: null, id: session, make: () => ({ path: "/api/receiving", body: { id: session, order } }) });
  const path = `/api/receiving/${session}/receipts`;
  await floor.solve((all) => otherwise(all, one.id, uuid7(), { path, needs: [session], undo: null }, Date.now()));
}
