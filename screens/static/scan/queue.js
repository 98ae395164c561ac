// The commands that wait to be sent, in their order. Pure: what is kept comes in, what it becomes
// goes out; the clock is told.
//
// A command is one request that central carries out once by its id, however often it is sent.
//   waiting   not sent yet, or sent without an answer: it is sent (again) from ``nextMs`` on
//   sending   on its way; whether it arrived nobody knows
//   done      central carried it out
//   refused   central said no: kept with the reason until a person solves it
//   dropped   taken out by a person before it was ever sent
// ``needs`` names commands that must be done first; ``undoes`` the one that it reverses.

export const FIRST_PAUSE_MS = 1_000;
export const LONGEST_PAUSE_MS = 60_000;
export const MOST_FAULTS = 5; // answers 500 after which a person is asked
const OPEN = new Set(["waiting", "sending"]);
const BUSY = new Set([429, 502, 503, 504]);

export const isOpen = (command) => OPEN.has(command.state);

export function pauseMs(tries, random = Math.random()) {
  const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries - 1, 10));
  return most * (0.5 + random / 2);
}

// What to do next: ``{send: command}``, ``{waitMs}``, or ``null`` where nothing is to be sent.
export function next(commands, nowMs, who = null) {
  const by = new Map(commands.map((one) => [one.id, one]));
  for (const one of ordered(commands)) {
    if (!isOpen(one) || isHeld(one, by) || one.needs.some((name) => by.has(name) && isOpen(by.get(name)))) continue;
    if (who !== null && one.by !== who && !one.mayBeSentBy?.includes(who)) continue;
    return one.nextMs > nowMs ? { waitMs: one.nextMs - nowMs } : { send: one };
  }
  return null;
}

// Whether a command waits for one that was refused.
export function isHeld(command, by) {
  return command.needs.some((name) => {
    const needed = by.get(name);
    return needed !== undefined && (needed.state === "refused" || (isOpen(needed) && isHeld(needed, by)));
  });
}

export const ordered = (commands) => [...commands].sort((one, other) => one.seq - other.seq);

export const started = (command) => ({ ...command, state: "sending", tries: command.tries + 1 });

// What became of a command that was sent. ``outcome`` is ``{status, problem, answer, retryAfterMs}``
// of an answer, or ``{lost: true}`` where none came: the answer may have been lost, and not the
// request.
export function answered(command, outcome, nowMs, random = Math.random()) {
  if (outcome.lost) return waits(command, nowMs + pauseMs(command.tries, random));
  const { status } = outcome;
  if (status >= 200 && status < 300) {
    return { ...command, state: "done", doneMs: nowMs, answer: outcome.answer, problem: null };
  }
  if (status === 401) return waits({ ...command, tries: Math.max(1, command.tries) }, nowMs);
  if (BUSY.has(status)) {
    return waits(command, nowMs + Math.max(outcome.retryAfterMs ?? 0, pauseMs(command.tries, random)));
  }
  if (status >= 500) {
    const faults = (command.faults ?? 0) + 1;
    const again = waits({ ...command, faults }, nowMs + pauseMs(command.tries, random));
    return faults < MOST_FAULTS ? again : refused(command, { status, detail: "Central failed at this again and again. Send it again later, or tell whoever looks after central." });
  }
  return refused(command, { status, ...(outcome.problem ?? {}) });
}

const waits = (command, nextMs) => ({ ...command, state: "waiting", nextMs });
const refused = (command, problem) => ({ ...command, state: "refused", problem, faults: 0 });

// A page that was closed while it was sending left these behind: they are sent again.
export const recovered = (command, nowMs) => (command.state === "sending" ? waits(command, nowMs) : command);

// Take back a command. Answers ``{changed}``, the commands that become others, and ``{reverse}``:
// whether a reversing command must be queued, since it was sent or may have been.
export function undo(commands, id) {
  const command = commands.find((one) => one.id === id);
  if (!command) return { changed: [], reverse: true };
  if (command.state === "refused" || (command.state === "waiting" && command.tries === 0)) {
    return { changed: [{ ...command, state: "dropped" }, ...orphans(commands, id)], reverse: false };
  }
  return { changed: [], reverse: command.state !== "dropped" };
}

// Commands that can never be sent now that the one they need is gone. A reversal of it is moot; what
// else needed it a person must solve: nothing is dropped unseen.
function orphans(commands, id) {
  const why = { status: 0, detail: "What this belongs to was refused or taken back. Discard it, or do it again." };
  return commands.filter((one) => isOpen(one) && one.needs.includes(id)).flatMap((one) =>
    one.undoes === id ? [{ ...one, state: "dropped" }] : [refused(one, why)]);
}

// A reversal has nothing to do where what it reverses was refused.
export function settled(commands) {
  const gone = new Set(commands.filter((one) => one.state === "refused" || one.state === "dropped").map((one) => one.id));
  return commands.filter((one) => isOpen(one) && one.undoes && gone.has(one.undoes)).map((one) => ({ ...one, state: "dropped" }));
}

// A person solves a refusal: the same again, another content (which needs a fresh id), or never.
export const again = (command, nowMs) => ({ ...command, state: "waiting", tries: 0, faults: 0, nextMs: nowMs, problem: null });

export function otherwise(commands, id, fresh, changes, nowMs) {
  const before = commands.find((one) => one.id === id);
  const undoing = "undo" in changes ? changes.undo : before.undo;
  const after = {
    ...again(before, nowMs), ...changes, id: fresh, body: { ...before.body, ...changes.body, id: fresh },
    undo: undoing && JSON.parse(JSON.stringify(undoing).replaceAll(id, fresh)),
  };
  const follow = commands.filter((one) => one.needs.includes(id)).map((one) => ({
    ...one, needs: one.needs.map((name) => (name === id ? fresh : name)),
  }));
  return [after, ...follow];
}

export function discarded(commands, id) {
  const command = commands.find((one) => one.id === id);
  return [{ ...command, state: "dropped" }, ...orphans(commands, id)];
}

// How many wait, were refused, or are another person's.
export function counted(commands, who = null) {
  const open = commands.filter(isOpen);
  return {
    waiting: open.length,
    refused: commands.filter((one) => one.state === "refused").length,
    others: who === null ? 0 : open.filter((one) => one.by !== who && !one.mayBeSentBy?.includes(who)).length,
  };
}
