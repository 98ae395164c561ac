// Everything of an edge that can be well or not.
"use strict";
(() => {
  const { el, text, base } = tally;
  const lists = { first: document.getElementById("first"), well: document.getElementById("well") };
  let before = "";
  const act = (one) => {
    if (one.action === "calibrate") return el("a", { class: "button quiet", href: `${base}/device/${encodeURIComponent(one.device)}/calibrate` }, "Calibrate");
    const button = el("button", { class: "button quiet", type: "button" }, "Try again now");
    button.addEventListener("click", async () => {
      button.disabled = true;
      try { await tally.act(one.action, { device: one.device }).done; } catch (trouble) { tally.tell(trouble); }
      button.disabled = false;
    });
    return button;
  };
  const row = (one) => el("li", { class: one.level }, el("span", { class: "dot", "aria-hidden": "true" }),
    el("div", { class: "device-what" },
      one.device ? el("a", { class: "name", href: `${base}/device/${encodeURIComponent(one.device)}` }, one.what) : el("p", { class: "name" }, one.what),
      el("p", { class: "cause" }, one.text), one.hint ? el("p", { class: "hint" }, one.hint) : null,
      one.action && tally.mayChange ? act(one) : null),
    el("p", { class: "device-state" }, { bad: "now", warn: "soon", good: "well" }[one.level]));
  tally.watch("health", { follow: true }, ({ findings }) => {
    const now = JSON.stringify(findings);
    if (now === before) return;
    before = now;
    const first = findings.filter((one) => one.level !== "good");
    const focus = document.activeElement?.closest("li")?.querySelector(".name")?.textContent;
    lists.first.replaceChildren(...(first.length ? first.map(row) : [el("li", {}, el("div", { class: "device-what empty" }, el("p", {}, el("strong", {}, "Nothing needs you")), el("p", {}, "Every device runs, and central has all that was heard.")))]));
    lists.well.replaceChildren(...findings.filter((one) => one.level === "good").map(row));
    if (focus) [...document.querySelectorAll(".console-list li")].find((one) => one.querySelector(".name")?.textContent === focus)?.querySelector("button, a")?.focus();
  });
})();
