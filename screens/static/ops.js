// Items, places and shelves: small forms that are commands of the API, with undo; the list's
// address; and the tree by keyboard.
"use strict";
(() => {
  const token = () => document.cookie.split("; ").find((one) => one.startsWith("tp_csrf="))?.slice(8);
  // crypto.randomUUID is only there over HTTPS; a central in the house often speaks plain HTTP.
  const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");

  const send = async (path, body, method = "POST", more = {}) => {
    const headers = { "Content-Type": "application/json", ...more };
    const shown = token();
    if (shown) headers["X-CSRF-Token"] = decodeURIComponent(shown);
    let answer;
    try {
      answer = await fetch(path, { method, headers, body: JSON.stringify(body) });
    } catch {
      throw new Error("Central cannot be reached. Nothing is lost: try again.");
    }
    if (answer.headers.get("content-type")?.startsWith("application/pdf")) return answer.blob();
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.detail || told.title || `It was refused (${answer.status}).`);
    return told;
  };

  // ---- words at the foot of the page, with an undo where there is one
  let words = null;
  let going = 0;
  const say = (text, undo = null, bad = false) => {
    words ??= document.body.appendChild(Object.assign(document.createElement("div"), { className: "toast", role: "status" }));
    words.classList.toggle("bad", bad);
    words.replaceChildren(Object.assign(document.createElement("span"), { textContent: text }));
    if (undo) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "button quiet", textContent: "Undo" });
      button.addEventListener("click", async () => {
        button.disabled = true;
        try { await undo(); say("Undone"); } catch (error) { say(error.message, null, true); }
      });
      words.append(button);
    }
    words.hidden = false;
    clearTimeout(going);
    going = setTimeout(() => { words.hidden = true; }, undo ? 12000 : 6000);
  };

  window.commands = { send, say, newId };

  // The way back of a movement is a movement that corrects it.
  const back = (move) => async () => {
    const id = newId();
    return send("/stock/move", {
      id, sku: move.sku, lot: move.lot, quantity: move.quantity, serials: move.serials || [],
      source: move.destination, destination: move.source, status: move.destination_status,
      corrects: move.id, reason: "undone",
    });
  };

  // ---- forms
  const body = (form) => {
    const fields = new FormData(form);
    const said = { id: form.dataset.id, sku: form.dataset.sku };
    for (const [name, value] of fields) {
      if (value === "" && name !== "reason") continue;
      said[name] = ["quantity", "counted", "change", "copies"].includes(name) ? Number(value) : value;
    }
    if (said.serials) said.serials = said.serials.split(/[\n,]+/).map((one) => one.trim()).filter(Boolean);
    const held = form.querySelector("select[name=source], select[name=location]")?.selectedOptions[0];
    if (held?.dataset.status) {
      said.lot = held.dataset.lot;
      said.status = held.dataset.status;
    }
    if (form.dataset.send === "/labels") {
      const [kind, lot = ""] = String(said.label).split(/:(.*)/s);
      const printer = said.printer ? { printer: said.printer } : {};
      return { id: said.id, kind, copies: said.copies, labels: [form.dataset.place ? { place: form.dataset.place } : { sku: said.sku, lot }], ...printer };
    }
    return said;
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-send]");
    if (!form) return;
    event.preventDefault();
    const wrong = form.querySelector(".wrong");
    const button = form.querySelector("[type=submit]");
    wrong.hidden = true;
    button.disabled = true;
    try {
      const said = body(form);
      const told = await send(said.printer ? "/labels/print" : form.dataset.send, said);
      form.closest("dialog").close();
      form.reset();
      if (told instanceof Blob) {
        const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(told), download: "labels.pdf" });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60000);
        say(form.dataset.done);
      } else if (said.printer) {
        say(`${said.printer} prints it`);
      } else {
        const move = "movement" in told ? told.movement : told;
        if (move) say(`${form.dataset.done}: ${move.quantity} from ${move.source} to ${move.destination}`, back(move));
        else say("The books say the same already.");
      }
    } catch (error) {
      wrong.textContent = error.message;
      wrong.hidden = false;
    } finally {
      button.disabled = false;
    }
  });

  document.addEventListener("click", async (event) => {
    const open = event.target.closest("[data-open]");
    if (open) {
      const dialog = document.getElementById(`form-${open.dataset.open}`);
      dialog.querySelector("form").dataset.id = newId();
      dialog.querySelector(".wrong").hidden = true;
      dialog.showModal();
      dialog.querySelector("input, select")?.focus();
      return;
    }
    if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
    else if (event.target.nodeName === "DIALOG") event.target.close();
    const post = event.target.closest("[data-post]");
    // The second of a double click comes when the first may be answered, and would ask anew.
    if (!post || event.detail > 1) return;
    if (post.dataset.sure && post.dataset.asked !== "yes") {
      post.dataset.asked = "yes";
      post.dataset.words = post.textContent;
      post.textContent = post.dataset.sure;
      return;
    }
    post.disabled = true;
    try {
      const said = JSON.parse(post.dataset.body || "{}");
      if (said.id === "") said.id = newId();
      await send(post.dataset.post, said);
      say(post.dataset.done);
    } catch (error) {
      say(error.message, null, true);
      if (post.dataset.words) post.textContent = post.dataset.words;
      delete post.dataset.asked;
    } finally {
      post.disabled = false;
    }
  });

  // ---- the list: its address is what is shown, so that it can be kept and sent
  const list = document.getElementById("list-form");
  list?.addEventListener("input", () => {
    const said = new URLSearchParams();
    for (const [name, value] of new FormData(list)) if (value && !(name === "sort" && value === "sku")) said.set(name, value);
    history.replaceState(null, "", String(said) ? `?${said}` : location.pathname);
    for (const chip of document.querySelectorAll(".filters a")) {
      const to = new URL(chip.href);
      for (const name of ["q", "sort"]) said.get(name) ? to.searchParams.set(name, said.get(name)) : to.searchParams.delete(name);
      chip.href = to;
    }
  });
  list?.addEventListener("submit", (event) => {
    const first = document.querySelector("#rows .row-link");
    if (!first || document.querySelectorAll("#rows .row-link").length > 1) return;
    event.preventDefault();
    first.click();
  });

  // ---- the tree of places: one stop of the tab key, arrows within (WAI-ARIA's tree pattern)
  const tree = document.querySelector("[role=tree]");
  if (!tree) return;
  const seen = () => [...tree.querySelectorAll("[role=treeitem]")].filter((one) => !one.parentElement.closest("[aria-expanded=false]"));
  const go = (item) => {
    if (!item) return;
    for (const one of tree.querySelectorAll("[tabindex='0']")) one.tabIndex = -1;
    item.tabIndex = 0;
    item.focus();
  };
  const fold = (item, open) => {
    if (!item.hasAttribute("aria-expanded")) return;
    item.setAttribute("aria-expanded", String(open));
    const later = item.querySelector(":scope > ul[hx-get]");
    if (open && later) htmx.trigger(later, "unfold");
  };
  const first = tree.querySelector("[role=treeitem]");
  if (first) first.tabIndex = 0;
  tree.addEventListener("click", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (!item || event.target.closest("a")) return;
    fold(item, item.getAttribute("aria-expanded") !== "true");
    go(item);
  });
  tree.addEventListener("keydown", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = seen();
    const at = all.indexOf(item);
    const open = item.getAttribute("aria-expanded");
    const keys = {
      ArrowDown: () => go(all[at + 1]),
      ArrowUp: () => go(all[at - 1]),
      Home: () => go(all[0]),
      End: () => go(all.at(-1)),
      ArrowRight: () => (open === "false" ? fold(item, true) : open === "true" && go(item.querySelector("[role=treeitem]"))),
      ArrowLeft: () => (open === "true" ? fold(item, false) : go(item.parentElement.closest("[role=treeitem]"))),
      Enter: () => item.querySelector("a").click(),
      " ": () => fold(item, open !== "true"),
    };
    const letter = event.key.length === 1 && event.key !== " " ? event.key.toLowerCase() : "";
    if (keys[event.key]) keys[event.key]();
    else if (letter) go([...all.slice(at + 1), ...all.slice(0, at)].find((one) => one.dataset.name.startsWith(letter)));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
})();
