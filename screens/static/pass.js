// One pass: what the antennas heard of the chosen tags, and putting right what was judged wrongly.
"use strict";
(() => {
  const root = document.getElementById("pass");
  if (!root) return;
  const id = root.dataset.pass;
  const names = JSON.parse(root.dataset.names);
  const box = document.getElementById("traces");
  const note = document.getElementById("traces-note");
  const what = document.getElementById("trace-what");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const cookie = (name) => document.cookie.split("; ").find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  const picks = () => [...root.querySelectorAll("[data-trace]")];  // more come when they are asked for
  const SCALE = { rssi: 10, phase: 100, doppler: 10 };
  const UNIT = { rssi: "dBm", phase: "rad", doppler: "Hz" };
  let heard = null;
  let plot = null;

  // Colours that are told apart on both grounds; which side is told by the line: dashed is outside.
  const hues = () => (dark.matches
    ? ["#5fd0bb", "#8db4ff", "#f2bd5c", "#e59be0", "#ff8f87", "#a9d86e", "#6fd0ee", "#c9b8ff"]
    : ["#0b6b5e", "#2456b8", "#a35c00", "#8d2f86", "#b3261e", "#4d7a12", "#06708f", "#5b45b0"]);
  const chosen = () => picks().filter((one) => one.checked).map((one) => one.dataset.trace);
  const colours = () => {
    const found = new Map(chosen().map((epc, n) => [epc, hues()[n % hues().length]]));
    for (const one of picks()) one.parentElement.querySelector(".tag-colour").style.background = found.get(one.dataset.trace) || "transparent";
    return found;
  };
  const draw = () => {
    if (!heard) return;
    const found = colours();
    const kind = what.value;
    const traces = heard.traces.filter((one) => found.has(one.epc) && one[kind]);
    plot?.destroy();
    plot = null;
    box.replaceChildren(document.createElement("span"));  // a card with an empty part is hidden
    if (!traces.length) {
      note.textContent = found.size ? "Nothing was heard of these tags that the log still has." : "Choose a tag below to draw it.";
      return;
    }
    const tables = traces.map((one) => [one.ms.map((ms) => ms / 1000), one[kind].map((value) => (value === null ? null : value / SCALE[kind]))]);
    const axis = { stroke: token("--ink-3"), grid: { stroke: token("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const series = traces.map((one) => ({
      label: `…${one.epc.slice(-6)} ${heard.ears[one.ear].join(" ")}`,
      stroke: found.get(one.epc), width: 1.6, spanGaps: true,
      paths: kind === "rssi" ? undefined : () => null,
      dash: heard.ears[one.ear][1] === "outside" ? [5, 4] : undefined,
      points: { show: kind !== "rssi", size: 4, fill: found.get(one.epc) },
    }));
    plot = new uPlot({
      width: box.clientWidth - 16, height: box.clientHeight,
      legend: { show: false }, cursor: { drag: { x: true, y: false }, points: { size: 6 } },
      scales: { x: { time: false } },
      axes: [{ ...axis, values: (_, ticks) => ticks.map((one) => `${one} s`) }, { ...axis, size: 52 }],
      series: [{}, ...series],
      hooks: {
        drawClear: [(u) => {
          for (const [since, until] of heard.dark) {
            const from = u.valToPos(since / 1000, "x", true), to = u.valToPos(until / 1000, "x", true);
            u.ctx.fillStyle = token("--warn-soft");
            u.ctx.fillRect(from, u.bbox.top, Math.max(to - from, 2), u.bbox.height);
          }
        }],
        setCursor: [(u) => {
          const at = u.cursor.idx;
          if (at == null) return caption();
          const seen = series.map((one, n) => [one.label, u.data[n + 1][at]]).filter(([, value]) => value != null);
          if (seen.length) note.textContent = `${u.data[0][at].toFixed(2)} s: ${seen.slice(0, 3).map(([name, value]) => `${name} ${value.toFixed(kind === "phase" ? 2 : 0)} ${UNIT[kind]}`).join(", ")}`;
        }],
      },
    }, uPlot.join(tables), box);
    caption();
  };
  const caption = () => {
    note.textContent = `${heard.sightings.toLocaleString()} sightings; dashed is outside, solid inside${heard.dark.length ? "; the photo-eye was dark in the shaded time" : ""}. Drag to zoom, double-click for all.`;
  };
  // Only what is drawn is asked for: a lorry's load has thousands of traces.
  const asked = new Set();
  const load = async () => {
    const missing = chosen().filter((epc) => !asked.has(epc)).slice(0, 100);
    if (heard && !missing.length) return draw();
    for (const epc of missing) asked.add(epc);
    try {
      const answer = await fetch(`/screen/passes/${encodeURIComponent(id)}/signal?${new URLSearchParams(missing.map((epc) => ["tag", epc]))}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const come = await answer.json();
      heard = { ...come, traces: [...(heard?.traces ?? []), ...come.traces] };
      for (const kind of ["phase", "doppler"]) what.querySelector(`[value=${kind}]`).disabled = !heard.traces.some((one) => one[kind]);
      draw();
    } catch {
      for (const epc of missing) asked.delete(epc);
      note.textContent = "What was heard cannot be shown just now. Load the page again.";
    }
  };
  root.addEventListener("change", (event) => { if (event.target.closest("[data-trace]")) load(); });
  what.addEventListener("change", draw);
  dark.addEventListener("change", draw);
  new ResizeObserver(() => plot?.setSize({ width: box.clientWidth - 16, height: box.clientHeight })).observe(box);
  load();

  // ---- correcting ----------------------------------------------------------------------------
  const dialog = document.getElementById("preview");
  const body = document.getElementById("preview-body");
  const confirm = document.getElementById("preview-confirm");
  const toast = document.getElementById("toast");
  let wanted = null;
  const post = async (path, content) => {
    const headers = { "Content-Type": "application/json" };
    const shown = cookie("tp_csrf");
    if (shown) headers["X-CSRF-Token"] = decodeURIComponent(shown);
    const answer = await fetch(`/passes/${encodeURIComponent(id)}/corrections${path}`, { method: "POST", headers, body: content ? JSON.stringify(content) : undefined });
    return [answer.ok, await answer.json()];
  };
  const line = (words, tone) => {
    const one = document.createElement("p");
    one.textContent = words;
    if (tone) one.className = tone;
    return one;
  };
  const named = (code) => names[code] || code;
  const shownEffect = (told) => {
    const list = document.createElement("ul");
    for (const one of told.movements) {
      const item = document.createElement("li");
      item.textContent = `Posts ${one.quantity} × ${named(one.sku)}, ${named(one.source)} → ${named(one.destination)}`;
      list.append(item);
    }
    for (const one of told.effect) {
      const item = document.createElement("li");
      item.append(`On hand of ${named(one.sku)} at ${named(one.location)}: `);
      const numbers = document.createElement("b");
      numbers.textContent = `${one.now} → ${one.after}`;
      item.append(numbers);
      list.append(item);
    }
    if (!told.movements.length) list.append(line("Stock stays as it is. It is kept as what really happened."));
    return list;
  };
  const ask = async (content) => {
    wanted = content;
    document.getElementById("h-preview").textContent = "What this does";
    body.replaceChildren(line("Looking at stock …", "meta"));
    confirm.disabled = true;
    dialog.showModal();
    try {
      const [, told] = await post("/preview", content);
      const says = told.says ? `${told.says[0].toUpperCase()}${told.says.slice(1)}` : "This cannot be corrected";
      document.getElementById("h-preview").textContent = says;
      if (told.refused || told.detail) body.replaceChildren(line(told.refused || told.detail, "wrong"));
      else {
        body.replaceChildren(shownEffect(told));
        confirm.disabled = false;
        confirm.focus();
      }
    } catch {
      body.replaceChildren(line("Central cannot be reached. Try again.", "wrong"));
    }
  };
  const say = (words) => { toast.textContent = words; toast.hidden = false; };
  const reload = () => location.reload();
  confirm.addEventListener("click", async () => {
    confirm.disabled = true;
    try {
      const [ok, told] = await post("", { id: `screen-${Math.random().toString(36).slice(2)}${Date.now().toString(36)}`, ...wanted });
      if (ok) return reload();
      body.replaceChildren(line(told.detail, "wrong"));
    } catch {
      body.replaceChildren(line("Central cannot be reached: nothing was posted. Try again.", "wrong"));
    }
  });
  document.getElementById("preview-cancel").addEventListener("click", () => dialog.close());
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.whole) ask({ whole: button.dataset.whole });
    else if (button.dataset.every) ask({ tags: Object.fromEntries(JSON.parse(root.dataset.epcs).map((epc) => [epc, button.dataset.every])) });
    else if (button.dataset.way) ask({ tags: { [button.closest("[data-epc]").dataset.epc]: button.dataset.way } });
    else if (button.dataset.undo) {
      button.disabled = true;
      const [ok, told] = await post(`/${encodeURIComponent(button.dataset.undo)}/undo`);
      if (ok) reload();
      else { say(told.detail); button.disabled = false; }
    }
  });
})();
