// Alert rules: hours at which nobody is told, and who is told, as lists that a form makes and changes.
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

  // ---- a rule that is changed begins with its own lists
  document.addEventListener("click", (event) => {
    const open = event.target.closest("[data-open=change][data-fixed]");
    if (!open) return;
    const rule = JSON.parse(open.dataset.fixed);
    const form = document.querySelector("#form-change form");
    for (const one of form.querySelectorAll("[data-list]")) one.checked = rule[one.name].includes(one.value);
    const list = form.querySelector("[data-hours-list]");
    for (const row of rows(list)) row.remove();
    for (const hours of rule.muted) add(list, hours);
    number(list);
  });

  // ---- what the form says of them; channels stay as they are where they cannot be seen
  window.acts.builders.rule = (said, form) => {
    for (const name of ["tell", "escalate_to"]) {
      const every = [...form.querySelectorAll(`[data-list][name=${name}]`)];
      if (every.length) said[name] = every.filter((one) => one.checked).map((one) => one.value);
    }
    said.muted = rows(form).map((row) => ({
      start: row.querySelector("[data-hours=start]").value,
      end: row.querySelector("[data-hours=end]").value,
      days: [...row.querySelectorAll("[data-hours=days]:checked")].map((one) => one.value),
    }));
    return said;
  };
})();
