// How tasks stand on this phone: as the package told, and what was scanned since. Pure.
//
// Each command carries its effect, with the sign of what it does; the effects of those that the
// package knows already are left out, and of those that central refused.

const SHOWN = new Set(["waiting", "sending", "done"]);

// The effects that the package does not know, with their commands.
export function since(commands, askedMs, kind) {
  return commands.filter((one) => one.effect?.kind === kind && SHOWN.has(one.state) && !(one.state === "done" && one.doneMs < askedMs));
}

const sign = (command) => (command.undoes ? -1 : 1);

// ---- receiving ----------------------------------------------------------------------------
export function orderNow(order, commands, askedMs) {
  const lines = order.lines.map((one) => ({ ...one, pending: 0 }));
  const aside = new Map((order.aside ?? []).map((one) => [one.sku, one.quantity ?? one.units ?? 0]));
  for (const command of since(commands, askedMs, "receive")) {
    if (command.effect.order !== order.id) continue;
    const told = command.state === "done" && !command.undoes ? toldOf(command) : command.effect;
    for (const take of told.takes) {
      const line = lines.find((one) => one.line === take.line);
      if (!line) continue;
      line.received += sign(command) * take.posted;
      line.confirmed += sign(command) * (take.posted + take.confirmed);
      if (command.state !== "done") line.pending += 1;
    }
    if (told.aside) aside.set(told.sku, (aside.get(told.sku) ?? 0) + sign(command) * told.aside);
  }
  return { ...order, lines, unexpected: [...aside].filter(([, units]) => units > 0) };
}

// What central answered goes before what this phone thought.
export function toldOf(command) {
  const goods = command.answer?.goods;
  if (!goods) return command.effect;
  return {
    ...command.effect,
    takes: goods.flatMap((one) => one.lines.map((line) => ({ line: line.line, posted: line.posted, confirmed: line.confirmed }))),
    aside: goods.reduce((units, one) => units + one.aside, 0),
  };
}

// What goods in a hand are for an order, as central will rule (central/receiving/model.py).
export function ruled(order, sku, lot, units, condition = "good") {
  const same = order.lines.filter((one) => one.sku === sku);
  const fitting = same.filter((one) => !one.lot || !lot || one.lot === lot);
  if (!fitting.length) return { verdict: same.length ? "wrong_lot" : "unexpected", takes: [], aside: units, lacks: 0 };
  fitting.sort((one, other) => Number(one.lot !== lot) - Number(other.lot !== lot));
  let left = units;
  const takes = new Map();
  const take = (line, some, kind) => {
    if (some <= 0) return;
    const made = takes.get(line.line) ?? { line: line.line, posted: 0, confirmed: 0 };
    made[kind] += some;
    takes.set(line.line, made);
    left -= some;
  };
  for (const line of fitting) take(line, Math.min(left, Math.max(0, line.received - line.confirmed)), "confirmed");
  for (const line of fitting) take(line, Math.min(left, Math.max(0, line.quantity - line.received)), "posted");
  const over = left > 0;
  for (const line of fitting) {
    const most = line.quantity + Math.floor((line.quantity * (order.over_percent ?? 0)) / 100);
    const taken = takes.get(line.line)?.posted ?? 0;
    take(line, Math.min(left, Math.max(0, most - line.received - taken)), "posted");
  }
  const all = [...takes.values()];
  const lacks = fitting.reduce((sum, one) => sum + Math.max(0, one.quantity - one.received), 0) - all.reduce((sum, one) => sum + one.posted, 0);
  const verdict = condition === "damaged" && all.length ? "damaged" : over ? "over" : "expected";
  return { verdict, takes: all, aside: left, lacks: Math.max(0, lacks) };
}

// ---- picking, putting away, counting --------------------------------------------------------
export function walkNow(walk, commands, askedMs) {
  const picks = walk.picks.map((one) => ({ ...one, pending: 0 }));
  for (const command of since(commands, askedMs, "pick")) {
    const pick = picks.find((one) => one.id === command.effect.pick);
    if (!pick) continue;
    pick.picked += sign(command) * command.effect.units;
    pick.state = command.undoes || command.effect.reason === "later" ? "open" : "done";
    pick.reason = command.undoes ? "" : command.effect.reason;
    if (command.state !== "done") pick.pending += 1;
  }
  return { ...walk, picks };
}

export function lyingNow(goods, commands, askedMs) {
  const key = (one) => JSON.stringify([one.sku, one.lot, one.location]);
  const found = new Map(goods.map((one) => [key(one), { ...one }]));
  for (const command of since(commands, askedMs, "putaway")) {
    const { effect } = command;
    const account = key({ ...effect, location: effect.from });
    const there = found.get(account) ?? { sku: effect.sku, lot: effect.lot, location: effect.from, quantity: 0 };
    found.set(account, { ...there, quantity: there.quantity - sign(command) * effect.units });
  }
  return [...found.values()].filter((one) => one.quantity > 0);
}

export function countNow(count, commands, askedMs) {
  const entries = [...count.entries];
  const mine = since(commands, askedMs, "count").filter((one) => one.effect.count === count.id);
  for (const command of mine) {
    if (command.undoes) {
      const at = entries.findIndex((one) => one.id === command.undoes);
      if (at >= 0) entries.splice(at, 1);
    } else {
      const known = entries.findIndex((one) => one.id === command.id);
      const { sku, lot, location, units } = command.effect;
      const made = { id: command.id, sku, lot, location, quantity: units, by: command.by, pending: command.state !== "done" };
      if (known >= 0) entries[known] = made;
      else entries.push(made);
    }
  }
  const begun = count.state === "COUNTING" || since(commands, askedMs, "count-start").some((one) => one.effect.count === count.id);
  const ended = since(commands, askedMs, "count-finish").some((one) => one.effect.count === count.id);
  return { ...count, entries, begun, ended };
}

// The last thing that was done here and can be taken back.
export function lastOf(commands, task) {
  const gone = new Set(commands.filter((one) => one.undoes && one.state !== "dropped" && one.state !== "refused").map((one) => one.undoes));
  return commands.filter((one) => one.task === task && one.undo && !one.undoes && SHOWN.has(one.state) && !gone.has(one.id)).at(-1) ?? null;
}
