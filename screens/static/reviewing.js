// The review queue: keys, taps, what is new, and who else looks. What is on the screen stays where
// it is: new questions are added at the list's end, and those that others answered only turn pale.
"use strict";
(() => {
  const root = document.getElementById("reviewing");
  if (!root) return;
  const desk = document.getElementById("desk");
  const list = document.getElementById("queue-list");
  const filter = document.getElementById("queue-filter");
  const toast = document.getElementById("toast");
  const keys = document.getElementById("keys");
  const tab = Math.random().toString(36).slice(2, 12);
  const cookie = (name) => document.cookie.split("; ").find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  let lastAnswer = "";
  let busy = false;
  let turn = 0;

  const ask = async (url, method = "GET", body) => {
    const headers = {};
    const shown = cookie("tp_csrf");
    if (shown) headers["X-CSRF-Token"] = decodeURIComponent(shown);
    if (body !== undefined) headers["Content-Type"] = "application/json";
    return fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  };
  const part = (html) => document.createRange().createContextualFragment(html);

  // ---- the list ----------------------------------------------------------------------------
  const rows = () => [...list.querySelectorAll("#asked-list > li")];
  const waiting = () => rows().filter((row) => !row.classList.contains("gone"));
  const current = () => document.getElementById("review")?.dataset.review || "";
  const count = () => {
    const asked = document.getElementById("asked-list");
    const many = Math.max(Number(asked?.dataset.count || 0), 0);
    document.getElementById("queue-count").textContent = many === 0 ? "" : many === 1 ? "1 waits" : `${many} wait`;
    for (const one of document.querySelectorAll("[data-count=reviews]")) one.textContent = asked?.dataset.all > 0 ? asked.dataset.all : "";
    document.title = many ? `(${many}) Reviews · Tallyport` : "Reviews · Tallyport";
  };
  const mark = () => {
    for (const row of rows()) {
      if (row.dataset.review === current()) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  };
  const fresh = async () => {
    const answer = await fetch(`/screen/reviews/list?${new URLSearchParams(new FormData(filter))}`);
    return answer.ok ? part(await answer.text()) : null;
  };
  const renew = async (whole = false) => {
    const come = await fresh();
    if (!come) return;
    const open = document.getElementById("answered")?.open;
    const had = document.getElementById("asked-list");
    const has = come.getElementById("asked-list");
    if (!whole) {
      const now = new Map([...has.children].map((row) => [row.dataset.review, row]));
      const kept = [];
      for (const row of [...had.children]) {
        const newer = now.get(row.dataset.review);
        now.delete(row.dataset.review);
        if (newer) kept.push(newer);
        else {
          row.classList.add("gone");
          row.querySelector(".row-state").textContent = "answered";
          kept.push(row);
        }
      }
      has.replaceChildren(...kept, ...now.values());
    }
    list.replaceChildren(come);
    if (open) document.getElementById("answered").open = true;
    mark();
    count();
    await look();
  };
  // What was pale goes when one moves on, and not under one's finger.
  const tidy = () => { for (const row of rows()) if (row.classList.contains("gone")) row.remove(); };

  // ---- one review --------------------------------------------------------------------------
  const show = async (id, { slide = true, focus = false } = {}) => {
    const mine = ++turn;
    if (!id) {
      location.assign("/screen/reviews");
      return;
    }
    const answer = await fetch(`/screen/reviews/${encodeURIComponent(id)}?tab=${tab}`);
    if (mine !== turn) return;
    if (!answer.ok) {
      say("This review cannot be shown just now.");
      return;
    }
    const html = await answer.text();
    if (mine !== turn) return;
    desk.classList.remove("next");
    desk.replaceChildren(part(html));
    if (slide) { void desk.offsetWidth; desk.classList.add("next"); }
    history.replaceState(null, "", `/screen/reviews?${new URLSearchParams([...new FormData(filter).entries(), ["open", id]].filter(([, value]) => value))}`);
    if (focus) document.getElementById("h-review")?.focus({ preventScroll: true });
    if (slide && scrollY > 120) scrollTo({ top: 0 });
    mark();
    looking();
  };
  const step = async (by, { forget = false } = {}) => {
    const before = rows();
    const at = before.findIndex((row) => row.dataset.review === current());
    const order = by > 0 ? before.slice(at + 1) : before.slice(0, Math.max(at, 0)).reverse();
    const found = order.find((row) => !row.classList.contains("gone"));
    const next = found ?? (forget ? waiting().find((row) => row.dataset.review !== current()) : null);
    if (next) {
      const id = next.dataset.review;
      await show(id);
      tidy();
      document.getElementById(`row-${id}`)?.scrollIntoView({ block: "nearest" });
    } else if (forget) {
      tidy();
      await finished();
    }
  };
  const finished = async () => {
    const come = await fresh();
    const left = come?.querySelector("#asked-list > li");
    if (left) await show(left.dataset.review);
    else {
      const answer = await fetch("/screen/reviews");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      desk.replaceChildren(...page.getElementById("desk").children);
      history.replaceState(null, "", "/screen/reviews");
    }
  };

  // ---- answering ---------------------------------------------------------------------------
  const chosen = () => desk.querySelector("#choices input:checked");
  const arm = () => {
    const button = document.getElementById("confirm");
    if (!button) return;
    const one = chosen();
    button.disabled = !one;
    button.textContent = one ? `Confirm: ${one.closest(".choice").querySelector(".choice-says").textContent}` : "Choose what happened";
  };
  const answered = async (body) => {
    const id = current();
    if (busy || !id) return false;
    busy = true;
    let told = null;
    try {
      const answer = await ask(`/reviews/${encodeURIComponent(id)}/resolve`, "POST", { id: `screen-${crypto.randomUUID ? crypto.randomUUID() : Date.now() + tab}`, by: "somebody at the screen", ...body });
      told = await answer.json();
      if (!answer.ok) {
        await refused(id, told);
        return false;
      }
      lastAnswer = id;
    } catch {
      say("Central cannot be reached: nothing was posted. Try again.");
      return false;
    } finally {
      busy = false;
    }
    // From here on it may be undone, also while the next one is on its way.
    say(`${told.movements.length ? "Posted" : "Kept"}: ${told.says}`, { undo: id });
    gone(id, "answered");
    await step(1, { forget: true });
    return true;
  };
  const gone = (id, words) => {
    const row = document.getElementById(`row-${id}`);
    row?.classList.add("gone");
    if (row) row.querySelector(".row-state").textContent = words;
  };
  const refused = async (id, told) => {
    const first = (told.type || "").endsWith("already-decided");
    banner(first ? "Somebody was faster. Nothing was posted by you." : "This could not be posted.", told.detail || "", first);
    if (first) gone(id, "answered");
  };
  const banner = (title, detail, over) => {
    desk.querySelector(".banner")?.remove();
    const box = document.createElement("div");
    box.className = "banner";
    box.setAttribute("role", "alert");
    const head = document.createElement("strong");
    head.textContent = title;
    const text = document.createElement("span");
    text.textContent = detail;
    box.append(head, text);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = over ? "Next review" : "Look again";
    button.addEventListener("click", () => (over ? step(1, { forget: true }) : show(current(), { slide: false })));
    box.append(button);
    desk.querySelector(".review-head")?.after(box);
    if (over) for (const one of desk.querySelectorAll("#choices input, #choices button, #other-form button")) one.disabled = true;
  };
  const undo = async (id) => {
    if (busy || !id) return;
    busy = true;
    try {
      const answer = await ask(`/reviews/${encodeURIComponent(id)}/undo`, "POST");
      const told = await answer.json();
      if (!answer.ok) {
        say(told.detail || "This cannot be undone.");
        return;
      }
      lastAnswer = "";
      say("Taken back. The question is asked again.");
      await renew();
      await show(told.review);
    } catch {
      say("Central cannot be reached: nothing was undone.");
    } finally {
      busy = false;
    }
  };

  let until = 0;
  const say = (words, { undo: id } = {}) => {
    toast.replaceChildren();
    const text = document.createElement("span");
    text.textContent = words;
    toast.append(text);
    if (id) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Undo";
      button.addEventListener("click", () => undo(id));
      toast.append(button);
    }
    toast.hidden = false;
    clearTimeout(until);
    until = setTimeout(() => { toast.hidden = true; }, id ? 12000 : 6000);
  };

  // ---- hands -------------------------------------------------------------------------------
  desk.addEventListener("change", (event) => { if (event.target.name === "hypothesis") arm(); });
  desk.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.id === "choices") {
      const one = chosen();
      if (one) answered({ hypothesis: Number(one.value) });
    } else if (event.target.id === "other-form") said(event.target);
  });
  const said = async (form) => {
    const told = Object.fromEntries(new FormData(form));
    const line = { sku: told.sku.trim(), quantity: Number(told.quantity), from: told.source, to: told.destination };
    await answered({ movements: [line], note: told.note });
  };
  desk.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.id === "skip") step(1, { forget: true });
    else if (button?.id === "dismiss") answered({ dismiss: true, note: document.querySelector("#other-form [name=note]").value });
    else if (button?.dataset.undo) undo(button.dataset.undo);
  });
  list.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const row = link.closest("li");
    show(row.dataset.review || row.dataset.done, { focus: true });
  });
  filter.addEventListener("change", () => renew(true));
  filter.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("keys-open").addEventListener("click", () => keys.showModal());
  desk.addEventListener("toggle", async (event) => {
    if (event.target.id !== "other" || !event.target.open) return;
    const names = document.getElementById("skus");
    const answer = await fetch("/items?limit=200");
    if (!answer.ok || !names) return;
    for (const item of (await answer.json()).rows) {
      const option = document.createElement("option");
      option.value = item.sku;
      option.textContent = item.name;
      names.append(option);
    }
  }, true);

  const typing = (target) => target.closest("input:not([type=radio]), textarea, select, dialog[open]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || keys.open) return;
    const act = {
      j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
      s: () => step(1, { forget: true }), u: () => undo(lastAnswer), "?": () => keys.showModal(),
      e: () => { const other = document.getElementById("other"); if (other) { other.open = true; other.querySelector("input").focus(); } },
    }[event.key];
    if (act) {
      event.preventDefault();
      act();
    } else if (/^[1-9]$/.test(event.key)) {
      const one = desk.querySelectorAll("#choices .choice")[Number(event.key) - 1]?.querySelector("input:not(:disabled)");
      if (!one) return;
      event.preventDefault();
      one.checked = true;
      arm();
    } else if (event.key === "Enter" && !event.target.closest("a, button, summary")) {
      const one = chosen();
      if (one) { event.preventDefault(); answered({ hypothesis: Number(one.value) }); }
    }
  });

  // ---- who looks, and what is new ----------------------------------------------------------
  const looking = () => {
    if (document.hidden) return;
    const open = document.getElementById("review")?.dataset.status === "open" ? current() : "none";
    ask(`/screen/reviews/${encodeURIComponent(open || "none")}/looking?tab=${tab}`, "POST").catch(() => {});
  };
  const look = async () => {
    const article = document.getElementById("review");
    const id = current();
    if (!id || article.dataset.status !== "open") return;
    const answer = await fetch(`/screen/reviews/${encodeURIComponent(id)}?tab=${tab}`);
    if (!answer.ok || current() !== id) return;
    const come = part(await answer.text());
    document.getElementById("others").replaceChildren(...come.getElementById("others").childNodes);
    if (come.getElementById("review").dataset.status !== "open" && !busy && lastAnswer !== id) {
      banner("Somebody has just answered this.", come.querySelector(".ended")?.textContent.replace(/\s+/g, " ").trim() || "", true);
      gone(id, "answered");
    }
  };
  setInterval(looking, 10000);
  document.addEventListener("visibilitychange", looking);
  document.getElementById("live").addEventListener("moved", () => renew());
  arm();
  mark();
  count();
  looking();
})();
