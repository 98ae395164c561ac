// Alert rules and channels: hours at which nobody is told, and who is told, as lists that a form makes
// and changes; a channel that is tried.
"use strict";
(() => {
  const MOST = 20;

  // ---- rows of hours: a template, as often as somebody wants
  const rows = (list) => [...list.querySelectorAll("[data-hours-row]")];
  const number = (list) => {
    rows(list).forEach((row, at) => row.setAttribute("aria-label", `Hours ${at + 1}`));
    list.querySelector("[data-hours-more]").hidden = rows(list).length >= MOST;
  };
  const add = (list, hours = { start: "", end: "", days: [] }) => {
    const row = list.querySelector("template").content.firstElementChild.cloneNode(true);
    for (const one of ["start", "end"]) row.querySelector(`[data-hours=${one}]`).value = hours[one];
    for (const day of row.querySelectorAll("[data-hours=days]")) day.checked = hours.days.includes(day.value);
    list.querySelector("[data-hours-more]").before(row);
    number(list);
    return row;
  };
  document.addEventListener("click", (event) => {
    const more = event.target.closest("[data-hours-more]");
    if (more) add(more.closest("[data-hours-list]")).querySelector("input").focus();
    const less = event.target.closest("[data-hours-less]");
    if (less) {
      const list = less.closest("[data-hours-list]");
      less.closest("[data-hours-row]").remove();
      number(list);
      list.querySelector("[data-hours-more]").focus();
    }
  });

  // ---- a rule or channel that is changed begins with its own lists
  document.addEventListener("click", (event) => {
    const open = event.target.closest("[data-open=change][data-fixed]");
    if (!open) return;
    const now = JSON.parse(open.dataset.fixed);
    const form = document.querySelector("#form-change form");
    for (const one of form.querySelectorAll("[data-list]")) one.checked = now[one.name].includes(one.value);
    const list = form.querySelector("[data-hours-list]");
    for (const row of rows(list)) row.remove();
    for (const hours of now[list.dataset.hoursList]) add(list, hours);
    number(list);
    for (const to of form.querySelectorAll("[name=to]")) to.value = now.to.join("\n");
    form.querySelector("[data-follow]")?.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // ---- what the form says of them; channels stay as they are where they cannot be seen
  const ticked = (said, form, ...names) => {
    for (const name of names) {
      const every = [...form.querySelectorAll(`[data-list][name=${name}]`)];
      if (every.length) said[name] = every.filter((one) => one.checked).map((one) => one.value);
    }
  };
  const hours = (form) => rows(form).map((row) => ({
    start: row.querySelector("[data-hours=start]").value,
    end: row.querySelector("[data-hours=end]").value,
    days: [...row.querySelectorAll("[data-hours=days]:checked")].map((one) => one.value),
  }));
  window.acts.builders.rule = (said, form) => {
    ticked(said, form, "tell", "escalate_to");
    said.muted = hours(form);
    return said;
  };
  window.acts.builders.channel = (said, form) => {
    ticked(said, form, "kinds", "hears");
    said.quiet = hours(form);
    said.to ??= [];
    for (const name of ["location", "rings"]) said[name] = form.elements[name].value.trim() || null;
    return said;
  };

  document.addEventListener("click", (event) => {
    const make = event.target.closest("[data-make-key]");
    if (!make) return;
    const key = make.parentElement.querySelector("[name=secret]");
    key.value = `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;
    key.select();
  });

  // ---- a channel that is tried: what came of it stays beside it
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-try]");
    if (!button) return;
    const told = document.getElementById(button.getAttribute("aria-describedby"));
    button.disabled = true;
    told.className = "meta";
    told.textContent = "A message is on its way …";
    try {
      const { works, why } = await window.commands.send(button.dataset.try, {});
      told.className = works ? "tried good" : "tried bad";
      told.textContent = works ? `It works: the message was taken${why ? ` (${why})` : ""}.` : `It does not work: ${why}`;
    } catch (error) {
      told.className = "tried bad";
      told.textContent = error.message;
    } finally { button.disabled = false; }
  });
})();
