// What the phone keeps: the queue, the package and the catalogue, settings. IndexedDB, each change
// in one transaction, so that several tabs see one truth.

const NAME = "tallyport-scan";
const VERSION = 1;

const told = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

export class Store {
  #database = null;

  constructor(name = NAME) {
    this.name = name;
  }

  async #open() {
    if (this.#database) return this.#database;
    const asked = indexedDB.open(this.name, VERSION);
    asked.onupgradeneeded = () => {
      const made = asked.result;
      const queue = made.createObjectStore("queue", { keyPath: "seq", autoIncrement: true });
      queue.createIndex("id", "id", { unique: true });
      made.createObjectStore("kept");
    };
    const database = await told(asked);
    // Another tab brings a newer shape: let it.
    database.onversionchange = () => {
      database.close();
      this.#database = null;
    };
    database.onclose = () => { this.#database = null; };
    this.#database = database;
    return database;
  }

  async #within(mode, names, work) {
    const database = await this.#open();
    const transaction = database.transaction(names, mode, { durability: "strict" });
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error ?? new Error("the phone could not keep this"));
    });
    const result = await work(transaction);
    await done;
    return result;
  }

  get(key) {
    return this.#within("readonly", ["kept"], (tx) => told(tx.objectStore("kept").get(key)));
  }

  put(key, value) {
    return this.#within("readwrite", ["kept"], (tx) => told(tx.objectStore("kept").put(value, key)));
  }

  commands() {
    return this.#within("readonly", ["queue"], (tx) => told(tx.objectStore("queue").getAll()));
  }

  // Add commands and change others, in one transaction: ``work`` is handed all that are there and
  // answers those that are to be kept (without ``seq``: new ones; ``{gone: true}``: taken out).
  change(work) {
    return this.#within("readwrite", ["queue"], async (tx) => {
      const queue = tx.objectStore("queue");
      const kept = work(await told(queue.getAll()));
      for (const one of kept) {
        if (one.gone) await told(queue.delete(one.seq));
        else one.seq = await told(queue.put(one));
      }
      return kept;
    });
  }
}
