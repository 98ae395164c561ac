// Runs the queue against a model of central, with every accident that can be thought of; answers
// what was wrong in the end.
async ([runs, seed]) => {
  const q = await import("/static/scan/queue.js");
  let state = seed;
  const random = () => { // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const wrong = [];
  for (let run = 0; run < runs; run += 1) {
    // Central: what was carried out, by id; some contents it refuses, whoever sends them.
    const books = new Map(); let effects = 0; const order = [];
    const carry = (one) => {
      if (one.body.refuse) return { status: 409, problem: { detail: "no" } };
      if (one.undoes && !books.has(one.undoes)) return { status: 404, problem: { detail: "what?" } };
      if (!books.has(one.id)) { books.set(one.id, one); effects += one.undoes ? -1 : 1; order.push(one.id); }
      return { status: 200, answer: {} };
    };
    let now = 0; let seq = 0; let all = []; let wanted = new Set(); const ids = [];
    const put = (changed) => { for (const one of changed) all = all.map((kept) => (kept.id === one.id || kept.seq === one.seq ? { ...one } : kept)); };
    const add = (more) => { seq += 1; const one = { id: `c${run}-${seq}`, seq, state: "waiting", tries: 0, nextMs: 0, by: "anna", needs: [], body: {}, undoes: null, ...more }; all.push(one); return one; };
    let sending = null;
    for (let step = 0; step < 120 || all.some(q.isOpen) || all.some((one) => one.state === "refused"); step += 1) {
      if (step > 3000) { wrong.push(`run ${run} never ends`); break; }
      now += Math.floor(random() * 3000);
      const dice = random();
      const early = step < 120;
      if (early && dice < 0.25) {
        const needs = random() < 0.3 && ids.length ? [ids[Math.floor(random() * ids.length)]].filter((id) => all.some((one) => one.id === id && one.state !== "dropped" && one.state !== "refused")) : [];
        const made = add({ needs, body: { refuse: random() < 0.15 } }); ids.push(made.id); wanted.add(made.id);
      } else if (early && dice < 0.35 && ids.length) {
        const id = ids[Math.floor(random() * ids.length)];
        const there = all.find((one) => one.id === id);
        if (there && there.state !== "dropped" && !all.some((one) => one.undoes === id && one.state !== "dropped")) {
          const told = q.undo(all, id); put(told.changed); wanted.delete(id);
          for (const one of told.changed) if (one.state === "dropped") wanted.delete(one.id);
          if (told.reverse) add({ undoes: id, needs: [id] });
        }
      } else if (dice < 0.45) {
        // The page is closed and opened again, whatever it was doing.
        put(all.filter((one) => one.state === "sending").map((one) => q.recovered(one, now))); sending = null;
      } else if (dice < 0.55) {
        const one = all.find((each) => each.state === "refused");
        if (one) {
          if (random() < 0.5 || one.undoes) { put(q.discarded(all, one.id)); wanted.delete(one.id); }
          else { const fresh = `${one.id}x`; wanted.delete(one.id); const i = ids.indexOf(one.id); if (i >= 0) ids[i] = fresh; put(q.otherwise(all, one.id, fresh, { body: { refuse: false } }, now)); wanted.add(fresh); }
        }
      } else if (!sending) {
        const todo = q.next(all, now, "anna", random());
        if (todo?.send) { sending = q.started(todo.send); put([sending]); }
        else if (todo?.waitMs) now += todo.waitMs;
      } else {
        const fate = random();
        const there = all.find((one) => one.id === sending.id);
        let outcome;
        if (fate < 0.2) outcome = { lost: true };                                    // never arrived
        else if (fate < 0.4) { carry(sending); outcome = { lost: true }; }            // the answer was lost
        else if (fate < 0.45) outcome = { status: 503, retryAfterMs: 1000 };
        else if (fate < 0.5) outcome = { status: 401 };
        else outcome = carry(sending);
        put([{ ...q.answered(there, outcome, now, random()), seq: there.seq }]);
        put(q.settled(all));
        sending = null;
      }
    }
    // Whatever happened: what people wanted and did not take back was carried out, once, in order.
    const refusedOrGone = new Set(all.filter((one) => one.state === "dropped").map((one) => one.id));
    for (const id of wanted) if (!refusedOrGone.has(id) && !books.has(id)) wrong.push(`run ${run}: ${id} was lost`);
    const reversed = new Set([...books.values()].filter((one) => one.undoes).map((one) => one.undoes));
    for (const [id, one] of books) if (!one.undoes && !wanted.has(id) && !reversed.has(id)) wrong.push(`run ${run}: ${id} was taken back and stands`);
    for (const id of wanted) if (reversed.has(id)) wrong.push(`run ${run}: ${id} was reversed by nobody's wish`);
    for (const [id, one] of books) for (const need of one.needs) {
      if (books.has(need) && order.indexOf(need) > order.indexOf(id)) wrong.push(`run ${run}: ${id} before what it needs`);
    }
    if (effects !== [...wanted].filter((id) => books.has(id)).length) wrong.push(`run ${run}: ${effects} effects for ${wanted.size} wishes`);
  }
  return wrong.slice(0, 10);
}
