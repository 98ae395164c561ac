// The technician's console: asks, and what is told of them.
//   tally.ask(op, arguments, onTold)   for what changes nothing
//   tally.act(op, arguments, onTold)   for what changes something
// Both give {id, done, cancel}: `done` is a promise of the result; it throws a Trouble
// ({code, text, hint}). onTold is called with every progress: the whole picture, in place of the
// one before. tally.watch(op, arguments, onProgress) asks again by itself when the edge comes back.
"use strict";
const tally = (() => {
  const root = document.getElementById("console");
  const base = root?.dataset.base ?? "";
  const link = document.getElementById("link");
  const running = new Set();

  const say = (state, words) => {
    if (!link || link.dataset.state === state) return;
    link.dataset.state = state;
    link.querySelector(".link-text").textContent = words;
  };
  const headers = () => {
    const token = document.cookie.split("; ").find((one) => one.startsWith("tp_csrf="))?.slice(8);
    return { "content-type": "application/json", ...(token ? { "X-CSRF-Token": decodeURIComponent(token) } : {}) };
  };
  class Trouble extends Error {
    constructor({ code = "", text = "Something went wrong.", hint = "" }) {
      super(text);
      Object.assign(this, { code, text, hint });
    }
  }
  const away = () => new Trouble({ code: "away", text: "There is no answer.", hint: "Is the network up, and is the edge switched on? It is tried again by itself." });

  const begin = async (way, op, asked) => {
    let answer;
    try {
      answer = await fetch(`${base}/${way}/${op}`, { method: "POST", headers: headers(), body: JSON.stringify(asked) });
    } catch { throw away(); }
    if (answer.status === 401) { location.assign("/pin"); throw away(); }
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({}));
      throw new Trouble({ code: String(answer.status), text: said.detail || answer.statusText });
    }
    return (await answer.json()).id;
  };

  const follow = (id, onTold) => {
    let stream;
    const done = new Promise((resolve, reject) => {
      stream = new EventSource(`${base}/ask/${id}/live`);
      stream.addEventListener("told", (event) => {
        const told = JSON.parse(event.data);
        if (told.state === "running") {
          if (told.progress) onTold?.(told.progress);
          return;
        }
        stream.close();
        if (told.state === "done") resolve(told.result);
        else if (told.state === "failed") reject(new Trouble(told.error));
        else reject(new Trouble({ code: "cancelled", text: "It was ended before it was done." }));
      });
      stream.addEventListener("error", () => {
        say("lost", "Reconnecting");
        if (stream.readyState === EventSource.CLOSED) reject(away());
      });
    });
    return { done, close: () => stream.close() };
  };

  const start = (way, op, asked = {}, onTold = null) => {
    const errand = { id: null, over: false };
    errand.done = (async () => {
      errand.id = await begin(way, op, asked);
      if (errand.over) throw new Trouble({ code: "cancelled", text: "It was ended." });
      running.add(errand);
      const followed = follow(errand.id, onTold);
      errand.close = followed.close;
      try {
        return await followed.done;
      } finally {
        running.delete(errand);
        followed.close();
      }
    })();
    errand.cancel = () => {
      errand.over = true;
      if (errand.id) return fetch(`${base}/ask/${errand.id}`, { method: "DELETE", headers: headers(), keepalive: true }).catch(() => {});
      return Promise.resolve();
    };
    return errand;
  };

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const watch = async (op, asked, onProgress) => {
    for (;;) {
      try {
        await start("ask", op, asked, (progress) => {
          say("live", "Live");
          tell(null);
          onProgress(progress);
        }).done;
      } catch (trouble) {
        say("lost", "Reconnecting");
        tell(trouble);
        if (trouble.code === "no-such-device") return;
        await pause(2000);
      }
    }
  };

  // ---- the page's own words ------------------------------------------------------------------
  const el = (name, props = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(props)) {
      if (value === null || value === undefined || value === false) continue;
      if (key === "class") made.className = value;
      else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value === true) made.setAttribute(key, "");
      else made.setAttribute(key, value);
    }
    made.append(...children.filter((one) => one !== null && one !== undefined));
    return made;
  };
  const box = document.getElementById("trouble");
  let told = "";
  const tell = (trouble) => {
    const words = trouble ? `${trouble.text}|${trouble.hint}` : "";
    if (!box || words === told) return;
    told = words;
    box.replaceChildren();
    if (!trouble) return;
    box.append(el("div", { class: "trouble", role: "alert" }, el("strong", {}, trouble.text), trouble.hint ? el("span", { class: "hint" }, trouble.hint) : null));
  };
  const time = (us) => el("local-time", { at: Math.floor(us / 1000) });
  const number = (value, digits = 0) => Number(value).toLocaleString([], { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const text = (node, words) => { if (node.textContent !== words) node.textContent = words; };

  // A device's state in a word; since when, where somebody holds it.
  const words = { retrying: "trying again", refused: "stopped", held: "held since " };
  const state = (node, device) => {
    const since = device.state === "held" ? Math.floor(device.since_us / 1000) : null;
    const now = `${device.state} ${since}`;
    if (node.dataset.shown === now) return;
    node.dataset.shown = now;
    node.replaceChildren(words[device.state] ?? device.state, ...(since ? [el("local-time", { at: since })] : []));
  };

  addEventListener("pagehide", () => { for (const one of running) one.cancel(); });
  return {
    base, root, Trouble, el, tell, time, number, text, say, state, watch,
    ask: (op, asked, onTold) => start("ask", op, asked, onTold),
    act: (op, asked, onTold) => start("do", op, asked, onTold),
    mayChange: root?.dataset.mayChange === "yes",
  };
})();
