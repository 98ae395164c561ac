// Forms that act: each is one command of the API. What it says is built from its fields; what it
// did is told on the page that follows, with the way back where there is one.
"use strict";
(() => {
  const { send, say, newId } = window.commands;
  const KEPT = "tallyport.told";
  const NAME = "tallyport.name";

  // ---- what was done is told after the page stands again
  const kept = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  if (kept) {
    const { words, undo } = JSON.parse(kept);
    say(words, undo && (async () => {
      await send(undo.path, undo.body, undo.method || "POST");
      leave(location.href, "Undone");
    }));
  }
  const leave = (to, words, undo = null) => {
    sessionStorage.setItem(KEPT, JSON.stringify({ words, undo }));
    if (new URL(to, location.href).href === location.href) location.reload();
    else location.assign(to);
  };

  // ---- from fields to a body: a dot in a name is an object within
  const readers = {
    number: Number,
    grams: (text) => Math.round(Number(text) * 1000),
    lines: (text) => text.split(/[\n,;]+/).map((one) => one.trim()).filter(Boolean),
    moment: (text) => new Date(text).toISOString(),
    json: JSON.parse,
    yes: (text) => text === "yes",
  };
  const put = (said, name, value) => {
    const parts = name.split(".");
    const last = parts.pop();
    let at = said;
    for (const part of parts) at = at[part] ??= {};
    at[last] = value;
  };
  const read = (form) => {
    const said = JSON.parse(form.dataset.fixed || "{}");
    const path = {};
    for (const field of form.elements) {
      if (!field.name || field.disabled || field.closest("[hidden]") || field.type === "submit") continue;
      if (field.type === "radio" && !field.checked) continue;
      if (field.type === "checkbox") {
        if ("path" in field.dataset) path[field.name] = field.checked;
        else if (!("list" in field.dataset)) put(said, field.name, field.checked);
        else if (field.checked) (said[field.name] ??= []).push(field.value);
        continue;
      }
      const text = field.value.trim();
      if ("path" in field.dataset) path[field.name] = text;
      else if (text !== "" || "keep" in field.dataset) put(said, field.name, (readers[field.dataset.as] || String)(text));
    }
    return { said, path };
  };
  const filled = (text, words) => text.replace(/\{([\w.]+)\}/g, (whole, name) => {
    const told = name.split(".").reduce((at, part) => at?.[part], words);
    return told === undefined || told === null ? whole : told;
  });
  const address = (text, words) => filled(text, Object.fromEntries(Object.entries(words).map(([name, value]) => [name, typeof value === "object" ? value : encodeURIComponent(value)])));

  // A name that people can read out, made once for each form: sent again it does nothing twice.
  const named = (form) => {
    if (form.dataset.name === undefined) return null;
    const now = new Date();
    const day = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((one) => String(one).padStart(2, "0")).join("-");
    return form.dataset.made ??= form.dataset.name ? `${form.dataset.name}-${day}-${newId().slice(0, 6)}` : newId();
  };

  const failed = (form, error) => {
    const wrong = form.querySelector(".wrong");
    if (!wrong) return say(error.message, null, true);
    wrong.textContent = error.message;
    wrong.hidden = false;
    wrong.scrollIntoView({ block: "nearest" });
  };

  // Forms of an area may need more than one field for a part of their body.
  const builders = {};
  const run = async (form) => {
    const { said, path } = read(form);
    const id = named(form);
    if (id && !said.id) said.id = id;
    const body = await (builders[form.dataset.build]?.(said, form, path) ?? said);
    const told = await send(address(form.dataset.act, { ...path, id: said.id ?? "" }), body, form.dataset.method || "POST", form.dataset.match ? { "If-Match": form.dataset.match } : {});
    const words = { ...body, ...path, ...told };
    if (told instanceof Blob) {
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(told), download: form.dataset.file || "labels.pdf" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      form.closest("dialog")?.close();
      return say(form.dataset.done);
    }
    await steps[form.dataset.then]?.(words, form, said);
    const undo = form.dataset.undo ? { path: address(form.dataset.undo, words), method: form.dataset.undoMethod, body: JSON.parse(form.dataset.undoBody || "{}") } : null;
    leave(form.dataset.to ? address(form.dataset.to, words) : location.href, filled(form.dataset.done, words), undo);
  };
  const steps = {};
  window.acts = { builders, steps, leave, read };

  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-act]");
    if (!form) return;
    event.preventDefault();
    const button = event.submitter || form.querySelector("[type=submit]");
    const wrong = form.querySelector(".wrong");
    if (wrong) wrong.hidden = true;
    if (button) button.disabled = true;
    const by = form.querySelector("[name=by]");
    if (by?.value) localStorage.setItem(NAME, by.value.trim());
    try { await run(form); } catch (error) { failed(form, error); } finally { if (button) button.disabled = false; }
  });

  // ---- fields that stand only where another one says so: data-when="field=value value"
  const follow = (form) => {
    for (const part of form.querySelectorAll("[data-when]")) {
      const [name, values] = part.dataset.when.split("=");
      const field = form.elements[name];
      const said = field instanceof RadioNodeList || field?.type !== "checkbox" ? field?.value : field.checked ? "yes" : "no";
      part.hidden = !values.split(" ").includes(said);
      for (const one of part.querySelectorAll("input, select, textarea")) one.disabled = part.hidden;
    }
  };
  for (const form of document.querySelectorAll("form")) if (form.querySelector("[data-when]")) follow(form);
  document.addEventListener("change", (event) => { if (event.target.form?.querySelector("[data-when]")) follow(event.target.form); });

  const name = localStorage.getItem(NAME);
  if (name) for (const field of document.querySelectorAll("input[name=by]")) field.value ||= name;

  // A page whose thing went on under it is drawn anew, but for what somebody is filling in.
  const state = document.querySelector("[data-drawn]");
  if (state) document.addEventListener("htmx:after:swap", () => {
    const now = document.querySelector("[data-now]")?.dataset.now;
    if (now && now !== state.dataset.drawn && !document.querySelector("dialog[open]")) location.reload();
  });

  // What follows the books waits while somebody ticks or fills in something of it.
  document.addEventListener("htmx:before:request", (event) => {
    const live = event.target.closest?.("[data-live]");
    if (live && (document.querySelector("dialog[open]") || live.querySelector("input:checked, input:focus, select:focus"))) event.preventDefault();
  });

  // ---- one form for many rows: its button says what it is filled with
  document.addEventListener("click", (event) => {
    const open = event.target.closest("[data-open][data-fill]");
    if (!open) return;
    const form = document.querySelector(`#form-${open.dataset.open} form`);
    for (const name of ["fixed", "match"]) if (open.dataset[name]) form.dataset[name] = open.dataset[name];
    for (const [name, value] of Object.entries(JSON.parse(open.dataset.fill))) {
      const field = form.elements[name];
      if (!field) continue; // not for whoever sees this form
      if (field.type === "checkbox") field.checked = value;
      else field.value = value ?? "";
    }
  });

  // ---- a list's address is what is shown
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });
})();
