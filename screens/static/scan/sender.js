// Sends the queue, one command after the other: one tab at a time, by a lock that all tabs of this
// browser share. What is sent twice all the same central carries out once.

import { ask } from "./api.js";
import { answered, next, recovered, settled, started } from "./queue.js";

const LOCK = "tallyport-scan";
const RECHECK_MS = 20_000;

export class Sender {
  // ``changed`` is called whenever something became of a command, ``state`` with one of online,
  // offline, signed-out.
  constructor({ store, changed, state, asking = ask, now = Date.now }) {
    this.store = store;
    this.changed = changed;
    this.state = state;
    this.asking = asking;
    this.now = now;
    this.who = null;
    this.timer = null;
    this.running = null;
  }

  // Send what there is; harmless however often it is called.
  poke() {
    this.again = true;
    this.running ??= this.#run().finally(() => { this.running = null; });
    return this.running;
  }

  async #run() {
    while (this.again) {
      this.again = false;
      await this.exclusively(() => this.#drain());
    }
  }

  // Alone among all tabs: nothing is on its way while ``work`` runs.
  async exclusively(work) {
    if (!navigator.locks) return work();
    return navigator.locks.request(LOCK, work);
  }

  async #drain() {
    await this.store.change((all) => all.filter((one) => one.state === "sending").map((one) => recovered(one, this.now())));
    for (;;) {
      const todo = next(await this.store.commands(), this.now(), this.who);
      if (todo === null) return;
      if (todo.waitMs) {
        this.#wake(todo.waitMs);
        return;
      }
      if (!(await this.#one(todo.send))) return;
    }
  }

  // Whether to go on with the next one.
  async #one(command) {
    const kept = await this.store.change((all) => {
      const there = all.find((one) => one.id === command.id);
      return there?.state === "waiting" ? [started(there)] : [];
    });
    if (!kept.length) return true; // it was taken out a moment ago
    const [sending] = kept;
    const { method, path, body } = sending;
    const outcome = await this.asking(path, { method, body });
    const after = answered(sending, outcome, this.now());
    await this.store.change((all) => {
      const there = all.find((one) => one.id === command.id);
      const held = { ...after, seq: there.seq };
      return [held, ...settled(all.map((one) => (one.id === held.id ? held : one)))];
    });
    this.changed(after);
    if (outcome.lost) this.state("offline");
    else if (outcome.status === 401) this.state("signed-out");
    else this.state("online");
    if (after.state === "waiting" && outcome.status !== 401) this.#wake(after.nextMs - this.now());
    return after.state !== "waiting";
  }

  #wake(afterMs) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.poke(), Math.min(afterMs, RECHECK_MS) + 5);
  }
}
