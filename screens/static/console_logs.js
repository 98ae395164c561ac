// The log of an edge as it comes, the newest line on top.
"use strict";
(() => {
  const { el, time } = tally;
  const list = document.getElementById("lines");
  const form = document.getElementById("filter");
  const button = document.getElementById("pause");
  const asked = new URLSearchParams(location.search);
  let paused = false, running = null, newest = 0, last = [];

  if (asked.get("level")) form.level.value = asked.get("level");
  if (asked.get("device")) {
    form.device.append(el("option", { value: asked.get("device") }, asked.get("device")));
    form.device.value = asked.get("device");
  }
  tally.ask("devices").done.then(({ devices }) => {
    for (const { name } of devices.sort((a, b) => a.name.localeCompare(b.name))) {
      if (![...form.device.options].some((one) => one.value === name)) form.device.append(el("option", { value: name }, name));
    }
  }).catch(() => { /* the log itself tells what is wrong */ });

  const line = (one) => {
    const fields = Object.entries(one.fields).filter(([key]) => key !== "edge" && key !== "timestamp");
    return el("li", { class: one.level, "data-no": one.no },
      el("span", { class: "log-when" }, time(one.at_us)), el("span", { class: `tag ${{ error: "bad", critical: "bad", warning: "warn" }[one.level] ?? ""}` }, one.level),
      el("div", { class: "log-what" }, el("p", {}, el("b", {}, one.event.replaceAll("_", " ")), one.device ? el("span", { class: "meta" }, ` ${one.device}`) : null),
        fields.length ? el("p", { class: "code" }, fields.map(([key, value]) => `${key}=${value}`).join("  ")) : null));
  };
  const draw = () => {
    if (paused) return;
    const fresh = last.filter((one) => one.no > newest);
    if (!newest) list.replaceChildren();
    for (const one of fresh) list.prepend(line(one));
    newest = last.at(-1)?.no ?? newest;
    while (list.children.length > 300) list.lastChild.remove();
    if (!list.children.length) list.append(el("li", { class: "log-none" }, el("p", { class: "meta" }, "No such line so far.")));
    else if (list.children.length > 1) list.querySelector(".log-none")?.remove();
  };
  const begin = async () => {
    running?.cancel();
    newest = 0;
    last = [];
    const own = running = tally.ask("logs", { level: form.level.value, device: form.device.value || null, follow: true }, ({ lines }) => {
      if (own !== running) return;
      tally.say("live", "Live");
      tally.tell(null);
      last = lines;
      draw();
    });
    try { await own.done; } catch (trouble) {
      if (own !== running) return;
      tally.tell(trouble);
      setTimeout(() => { if (own === running) begin(); }, 2000);
    }
  };
  form.addEventListener("change", begin);
  form.addEventListener("submit", (event) => event.preventDefault());
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", paused);
    button.textContent = paused ? "Go on" : "Pause";
    draw();
  });
  begin();
})();
