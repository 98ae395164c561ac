// The list of an edge's devices, live.
"use strict";
(() => {
  const { el, time, number, text, base } = tally;
  const list = document.getElementById("devices");
  const summary = document.getElementById("summary");
  const rows = new Map();

  const made = (name) => {
    const parts = {
      name: el("a", { class: "name", href: `${base}/device/${encodeURIComponent(name)}` }, name),
      where: el("p", { class: "meta" }),
      cause: el("p", { class: "cause" }),
      hint: el("p", { class: "hint" }),
      state: el("span"),
      rate: el("span", { class: "meta" }),
      retry: el("button", { class: "button quiet", type: "button", hidden: true }, "Try again now"),
    };
    parts.retry.addEventListener("click", async () => {
      parts.retry.disabled = true;
      try { await tally.act("retry", { device: name }).done; } catch (trouble) { tally.tell(trouble); }
      parts.retry.disabled = false;
    });
    parts.row = el("li", {}, el("span", { class: "dot", "aria-hidden": "true" }),
      el("div", { class: "device-what" }, parts.name, parts.where, parts.cause, parts.hint, parts.retry),
      el("div", { class: "device-state" }, parts.state, parts.rate));
    return parts;
  };
  const draw = (device, index) => {
    const parts = rows.get(device.name) ?? made(device.name);
    rows.set(device.name, parts);
    if (parts.row.className !== device.level) parts.row.className = device.level;
    text(parts.where, [device.driver, device.read_point, device.place].filter(Boolean).join(" · "));
    text(parts.cause, device.cause);
    text(parts.hint, device.hint);
    tally.state(parts.state, device);
    text(parts.rate, device.state === "running" ? `${number(device.readings_per_s ?? 0)} readings/s` : "");
    parts.retry.hidden = device.level === "good" || device.state === "held" || !tally.mayChange;
    if (list.children[index] !== parts.row) list.insertBefore(parts.row, list.children[index] ?? null);
  };

  tally.watch("watch", { every_ms: 500 }, ({ devices }) => {
    const names = new Set(devices.map((one) => one.name));
    for (const child of [...list.children]) if (!names.has(child.querySelector(".name")?.textContent)) child.remove();
    for (const name of rows.keys()) if (!names.has(name)) rows.delete(name);
    devices.forEach(draw);
    const bad = devices.filter((one) => one.level !== "good").length;
    text(summary, bad ? `${bad} of ${devices.length} need somebody` : `all ${devices.length} well`);
    if (!devices.length && !list.children.length) {
      list.append(el("li", {}, el("div", { class: "empty" }, el("p", {}, el("strong", {}, "No device yet")), el("p", {}, el("a", { class: "button", href: `${base}/find` }, "Find and add a device")))));
      text(summary, "");
    }
  });
})();
