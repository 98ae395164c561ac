// Everything the pages of the floor share: what this phone knows, and how it does things.

import { ask } from "./api.js";
import { centralMs, iso, measured } from "./clock.js";
import { lastOf, toldOf } from "./effects.js";
import { Lookup, meaning } from "./lookup.js";
import { counted, undo } from "./queue.js";
import { Sender } from "./sender.js";
import { Store } from "./store.js";
import { uuid7 } from "./uuid7.js";

const SETTLED_MS = 4_000; // after the last answer the tasks are asked for anew
const KNOCK_MS = 15_000; // central may be back though the browser tells of no change

export class Floor {
  constructor({ store = new Store(), render = () => {} } = {}) {
    this.store = store;
    this.render = render;
    this.commands = [];
    this.package = null;
    this.catalogue = null;
    this.lookup = new Lookup();
    this.clock = null;
    this.settings = { sound: true, vibration: true, ask: false, aside: "" };
    this.link = navigator.onLine ? "checking" : "offline";
    this.who = null;
    this.loading = false;
    this.channel = "BroadcastChannel" in window ? new BroadcastChannel("tallyport-scan") : null;
    this.sender = new Sender({
      store, state: (link) => this.#linked(link), changed: (command) => this.#answered(command),
    });
    this.heard = new Set(); // called with each command that was answered
  }

  async open() {
    const [kept, clock, settings, who] = await Promise.all(["package", "clock", "settings", "who"].map((key) => this.store.get(key)));
    this.package = kept ?? null;
    this.clock = clock ?? null;
    this.settings = { ...this.settings, ...settings };
    this.who = who ?? null;
    this.catalogue = (await this.store.get("catalogue")) ?? null;
    this.lookup = new Lookup(this.catalogue?.content);
    await this.reread();
    if (this.channel) this.channel.onmessage = () => this.reread();
    window.addEventListener("online", () => this.refresh());
    window.addEventListener("offline", () => this.#linked("offline"));
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.refresh(); });
    setInterval(() => { if (this.link !== "online" && !document.hidden) this.refresh(); }, KNOCK_MS);
    this.render();
    await navigator.storage?.persist?.().catch(() => false);
    await this.refresh();
  }

  // ---- what is known -------------------------------------------------------------------------
  get askedMs() { return this.package?.askedMs ?? 0; }
  get counts() { return counted(this.commands, this.who); }
  nowMs() { return centralMs(this.clock); }
  now() { return iso(this.nowMs()); }

  async reread() {
    this.commands = await this.store.commands();
    this.render();
  }

  // Send what waits, then ask for what is new.
  async refresh() {
    this.asked = true; // again, where that is going on
    if (this.loading) return;
    this.loading = true;
    this.render();
    try {
      while (this.asked) {
        this.asked = false;
        if (await this.#whoami()) {
          await this.sender.poke();
          await this.sender.exclusively(() => this.#download());
        }
      }
    } finally {
      this.loading = false;
      await this.reread();
    }
  }

  async #whoami() {
    const told = await ask("/whoami", { patienceMs: 6_000 });
    if (told.lost) this.#linked("offline");
    else if (told.status === 401) this.#linked("signed-out");
    else if (told.status !== 200) this.#linked("trouble");
    if (told.status !== 200) return false;
    this.who = told.answer.name;
    this.sender.who = this.who;
    await this.store.put("who", this.who);
    this.#linked("online");
    return true;
  }

  async #download() {
    const askedMs = Date.now();
    const told = await ask("/api/scan/package", { patienceMs: 30_000 });
    if (told.status !== 200) {
      if (told.lost) this.#linked("offline");
      this.refusedPackage = told.problem?.detail ?? null;
      return;
    }
    this.refusedPackage = null;
    const atMs = Number(told.headers.get("x-central-time-us")) / 1000;
    this.clock = measured(this.clock, { ...told, atMs });
    this.package = { ...told.answer, askedMs };
    await this.store.put("clock", this.clock);
    await this.store.put("package", this.package);
    await this.store.change((all) => all.filter((one) => (one.state === "done" && one.doneMs < askedMs) || one.state === "dropped").map((one) => ({ ...one, gone: true })));
    await this.#catalogue();
  }

  async #catalogue() {
    const wanted = new Set();
    for (const order of this.package.receiving ?? []) for (const line of order.lines) wanted.add(line.sku);
    for (const walk of this.package.picking ?? []) for (const pick of walk.picks) wanted.add(pick.sku);
    const query = new URLSearchParams([...wanted].slice(0, 100).map((sku) => ["wanted", sku]));
    const headers = this.catalogue?.etag ? { "if-none-match": this.catalogue.etag } : {};
    const told = await ask(`/api/scan/catalogue?${this.catalogue?.content.whole.items ? "" : query}`, { headers, patienceMs: 60_000 });
    if (told.status !== 200) return;
    this.catalogue = { etag: told.headers.get("etag"), content: told.answer, atMs: Date.now() };
    this.lookup = new Lookup(told.answer);
    await this.store.put("catalogue", this.catalogue);
  }

  // ---- doing -----------------------------------------------------------------------------------
  // Queue a command; it is kept before this answers, and sent as soon as that is possible.
  // ``make`` is handed the id and the time, and answers ``{path, method, body}``.
  // ``undo`` makes, of the id, the request that reverses it.
  async add({ task, label, effect, make, needs = [], undoes = null, undo: reversing = null, id = uuid7() }) {
    const made = { method: "POST", body: null, ...make(id, this.now()) };
    const command = {
      id, task, label, effect, needs, undoes, undo: reversing?.(id) ?? null, ...made,
      state: "waiting", tries: 0, nextMs: 0, by: this.who ?? "", madeMs: Date.now(),
    };
    const [kept] = await this.store.change(() => [command]);
    this.commands = [...this.commands, kept];
    this.#tell();
    this.sender.poke().catch((error) => this.failed(error));
    return kept;
  }

  async solve(work) {
    await this.store.change(work);
    await this.reread();
    this.#tell();
    this.sender.poke().catch((error) => this.failed(error));
  }

  last(task) {
    return lastOf(this.commands, task);
  }

  // Take back what was done last; what happened, in words.
  async takeBack(command) {
    let reverse = true;
    await this.store.change((all) => {
      const told = undo(all, command.id);
      reverse = told.reverse;
      return told.changed;
    });
    await this.reread();
    this.#tell();
    if (!reverse) return `Taken out: ${command.label}. It had not been sent.`;
    const { path, method = "POST", body = null, plain = false } = command.undo;
    await this.add({
      task: command.task, label: `Undo: ${command.label}`, effect: command.effect?.kind === "receive" ? toldOf(command) : command.effect, needs: [command.id], undoes: command.id,
      make: (id, now) => ({ path, method, body: plain ? body : body && { ...body, id, ...(body.event_time ? { event_time: now } : {}) } }),
    });
    return this.link === "online" ? `Taken back: ${command.label}.` : `${command.label} may have been sent already. It is taken back when the network is there again.`;
  }

  // What a code means: central is asked while it can be.
  meaning(code, symbology) {
    const asking = this.link === "online" && navigator.onLine ? (...said) => this.#ask(...said) : null;
    return meaning(this.lookup, code, symbology, asking);
  }

  async set(name, value) {
    this.settings = { ...this.settings, [name]: value };
    await this.store.put("settings", this.settings);
    this.render();
  }

  #tell() {
    this.channel?.postMessage("changed");
    this.render();
  }

  // One lost answer is enough: the next scan does not wait for a network that is not there.
  async #ask(...said) {
    const told = await ask(...said);
    if (told.lost) {
      this.#linked("offline");
      setTimeout(() => this.refresh(), SETTLED_MS);
    }
    return told;
  }

  #linked(link) {
    if (this.link === link) return;
    this.link = link;
    this.render();
  }

  async #answered(command) {
    await this.reread();
    this.channel?.postMessage("changed");
    for (const one of this.heard) one(command);
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.refresh(), SETTLED_MS);
  }

  failed(error) {
    this.trouble = String(error?.message ?? error);
    this.render();
  }
}
