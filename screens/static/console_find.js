// Adding a device: pick it, prove it by live data, place it, name it. Nothing is written before
// the last step, and that is one step for the edge as well.
"use strict";
(() => {
  const { el, text, base } = tally;
  const at = (id) => document.getElementById(id);
  const steps = ["pick", "prove", "place", "name", "done"];
  const state = { fields: {}, more: "", hit: null, tried: null, trying: null, looking: null, devices: [] };

  const show = (name) => {
    steps.forEach((one) => { at(one).hidden = one !== name; });
    const now = steps.indexOf(name);
    [...at("steps").children].forEach((one, index) => {
      one.classList.toggle("past", index < now);
      if (index === now) one.setAttribute("aria-current", "step"); else one.removeAttribute("aria-current");
    });
    tally.tell(null);
    const heading = at(name).querySelector("h2[tabindex]");
    if (heading) heading.focus({ preventScroll: true });
    if (name !== "pick") scrollTo({ top: 0 });
  };
  for (const button of document.querySelectorAll("[data-back]")) {
    button.addEventListener("click", () => { state.trying?.cancel(); show(button.dataset.back); });
  }

  // ---- 1: pick --------------------------------------------------------------------------------
  const names = { llrp: "Readers", usb: "USB", bluetooth: "Bluetooth", mdns: "Announced" };
  const words = { new: "new", known: "known", busy: "busy", wrong_mode: "wrong mode" };
  const drawSources = (sources) => {
    at("sources").replaceChildren(...sources.map((one) => el("li", { "data-state": one.state },
      el("span", { class: "dot", "aria-hidden": "true" }), el("b", {}, names[one.source]),
      el("span", {}, one.text || "waiting", one.hint ? el("span", { class: "hint" }, one.hint) : null))));
  };
  const drawHit = (hit) => {
    const acts = el("div", { class: "hit-acts" });
    if (hit.moved_from) acts.append(el("button", { class: "button", type: "button", onclick: (event) => follow(hit, event.currentTarget) }, `Let ${hit.device} follow`));
    else if (hit.device) acts.append(el("a", { class: "button quiet", href: `${base}/device/${encodeURIComponent(hit.device)}` }, "Open"));
    else if (hit.state !== "wrong_mode" && !["broker", "tallyport", "other"].includes(hit.kind)) acts.append(el("button", { class: `button${hit.state === "busy" ? " quiet" : ""}`, type: "button", onclick: () => choose(hit) }, "Add"));
    const facts = [hit.where, hit.identity && hit.identity !== hit.where ? hit.identity : ""].filter(Boolean).join(" · ");
    return el("li", {},
      el("div", { class: "hit-title" }, el("span", { class: `tag ${hit.state}` }, words[hit.state]), hit.title, hit.device ? el("span", { class: "meta" }, hit.device) : null),
      el("div", { class: "code meta" }, facts),
      el("div", { class: "meta" }, [hit.moved_from ? `It was at ${hit.moved_from}.` : "", hit.held_by ? `Held: ${hit.held_by}.` : "", hit.detail, hit.advice].filter(Boolean).join(" ")),
      acts.childElementCount ? acts : null);
  };
  const draw = (found) => {
    drawSources(found.sources);
    const over = found.sources.every((one) => one.state !== "running");
    if (found.hits.length) at("hits").replaceChildren(...found.hits.map(drawHit));
    else if (over) at("hits").replaceChildren(el("li", {}, el("div", { class: "empty" }, el("p", {}, el("strong", {}, "Nothing was found")), el("p", {}, "Has the device power, and is it in this network? It can be added by hand as well."))));
  };
  const look = async (asked = state.asked ?? {}) => {
    state.asked = asked;
    await state.looking?.cancel();
    at("again").disabled = true;
    const looking = state.looking = tally.act("discover", asked, draw);
    try { draw(await looking.done); } catch (trouble) { if (trouble.code !== "cancelled") tally.tell(trouble); }
    if (state.looking === looking) at("again").disabled = false;
  };
  at("again").addEventListener("click", () => look());
  at("network").addEventListener("submit", (event) => {
    event.preventDefault();
    look({ subnets: at("subnet").value.split(/[\s,]+/).filter(Boolean) });
  });
  const follow = async (hit, button) => {
    button.disabled = true;
    // A port that is not told is the usual one: another one must not stay behind.
    const usual = hit.kind === "reader" ? { port: null } : {};
    const fields = { ...usual, ...Object.fromEntries(Object.entries(hit.options).filter(([key]) => ["host", "port", "address", "node"].includes(key))) };
    try {
      await tally.act("device.edit", { device: hit.device, fields, must_run: true, reason: `${hit.device} moved from ${hit.moved_from} to ${hit.where}` }, (now) => text(button, `Waiting, ${now.left_s} s`)).done;
      await look();
    } catch (trouble) { tally.tell(trouble); button.disabled = false; text(button, "Try again"); }
  };
  const choose = (hit) => {
    state.hit = hit;
    if (!hit.driver) { byHand(hit); return; }
    state.fields = { driver: hit.driver, ...hit.options };
    state.more = "";
    prove();
  };

  // by hand: the fields that a kind is reached by
  const ways = (driver) => {
    if (driver === "llrp") return [["host", "Address of the reader", "192.168.1.20", true], ["port", "Port", "5084", false, true]];
    if (driver.startsWith("ble-")) return [["address", "Bluetooth address or name", "C0:12:34:56:78:9A", true]];
    if (driver === "load-cell-mqtt") return [["node", "Name of the node", "shelf-3", true]];
    if (driver === "modbus-tcp") return [["host", "Address", "192.168.1.30", true], ["port", "Port", "502", false, true]];
    if (driver === "scanner-hid") return [["port", "Device", "/dev/input/by-id/...", true]];
    return [["port", "Serial port, or the number of a network port", "/dev/serial/by-id/usb-...", true, "either"], ["host", "Address, if it is on the network", "", false]];
  };
  const drawFields = (known = {}) => {
    const driver = at("driver").value;
    const kind = state.kinds?.find((one) => one.kind === driver);
    text(at("families"), kind?.families ?? "");
    at("hand-fields").replaceChildren(...ways(driver).map(([key, label, hint, needed]) => el("div", {},
      el("label", { class: "label", for: `f-${key}` }, label),
      el("input", { class: "input", id: `f-${key}`, name: key, placeholder: hint, required: needed, value: known[key] ?? "", autocomplete: "off", autocapitalize: "none", spellcheck: "false" }))));
  };
  const byHand = (hit) => {
    drawFields(hit.options);
    if (hit.options.ble) at("more").value = `ble = { address = "${hit.options.ble.address}" }`;
    at("by-hand").scrollIntoView({ block: "start" });
    at("driver").focus({ preventScroll: true });
  };
  at("driver").addEventListener("change", () => drawFields(Object.fromEntries(new FormData(at("by-hand")))));
  at("by-hand").addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = { driver: at("driver").value };
    for (const [key, value] of new FormData(event.currentTarget)) {
      if (value.trim()) fields[key] = key === "port" && /^\d+$/.test(value.trim()) ? Number(value) : value.trim();
    }
    state.fields = fields;
    state.more = at("more").value;
    prove();
  });

  // ---- 2: prove -------------------------------------------------------------------------------
  const ask = () => {
    const driver = state.fields.driver;
    if (driver === "llrp") return "Hold a tag in front of an antenna.";
    return driver.startsWith("scanner") ? "Scan any code." : "Put something on it, and take it off again.";
  };
  const line = (one) => {
    if (one.kind === "tag") return [one.value ? `${one.key} ${one.value}${one.serial ? ` serial ${one.serial}` : ""}` : one.epc, `antenna ${one.antenna}, ${one.peak_rssi_dbm ?? "?"} dBm`];
    if (one.kind === "weight") return [`${one.value ?? one.status} ${one.unit ?? ""}`, one.stable === true ? "stable" : one.stable === false ? "moving" : ""];
    if (one.kind === "code" || one.kind === "scan") return [one.data, one.symbology ?? ""];
    return [one.mean !== undefined ? `${one.mean} counts` : JSON.stringify(one), one.node ?? ""];
  };
  const say = (node, how, what) => { node.dataset.state = how; text(node.querySelector("b"), what); };
  const drawProof = (now) => {
    const heard = now.count > 0;
    say(at("prove-state"), heard ? "good" : "waiting", heard ? "It is heard" : now.state === "connected" ? "Connected" : "Connecting");
    text(at("prove-hint"), heard ? now.says : now.state === "connected" ? `${now.says ? `${now.says}. ` : ""}${ask()}` : "");
    at("prove-antennas").replaceChildren(...Object.entries(now.antennas ?? {}).map(([antenna, count]) => el("li", { class: "tag" }, `antenna ${antenna}: ${count}`)));
    at("prove-readings").replaceChildren(...(now.readings ?? []).map((one) => el("li", {}, ...line(one).map((part) => el("span", {}, part)))).reverse());
  };
  const prove = async () => {
    show("prove");
    state.trying = null;
    state.tried = null;
    at("prove-next").disabled = true;
    at("prove-again").hidden = true;
    const { host, port, address, node } = state.fields;
    text(at("prove-where"), [state.fields.driver, host && port ? `${host}:${port}` : host ?? port ?? address ?? node].filter(Boolean).join(" · "));
    drawProof({ count: 0, state: "connecting" });
    await state.looking?.cancel();
    const trying = state.trying = tally.act("try_device", { fields: state.fields, more: state.more }, drawProof);
    try {
      const tried = await trying.done;
      if (state.trying !== trying) return;
      drawProof(tried);
      say(at("prove-state"), "good", "It works");
      Object.assign(state, { tried, fields: tried.fields });
      at("prove-next").disabled = false;
      at("prove-next").focus({ preventScroll: true });
    } catch (trouble) {
      if (state.trying !== trying || trouble.code === "cancelled") return;
      say(at("prove-state"), "bad", trouble.text);
      text(at("prove-hint"), trouble.hint ?? "");
      at("prove-again").hidden = false;
    }
  };
  at("prove-again").addEventListener("click", () => prove());
  at("prove-next").addEventListener("click", () => place());

  // ---- 3: place -------------------------------------------------------------------------------
  const isReader = () => state.fields.driver === "llrp";
  const isScanner = () => state.fields.driver.startsWith("scanner");
  const isScale = () => !isReader() && !isScanner();
  const place = () => {
    show("place");
    at("read-points").replaceChildren(...[...new Set(state.devices.map((one) => one.read_point))].map((one) => el("option", { value: one })));
    at("plate-row").hidden = !isScale();
    at("antenna-rows").hidden = !isReader();
    if (!isReader()) return;
    const heard = state.tried.antennas ?? {};
    const count = state.tried.ports || Math.max(1, ...Object.keys(heard).map(Number));
    at("antennas").replaceChildren(...Array.from({ length: count }, (_, index) => {
      const antenna = String(index + 1);
      const choice = el("select", { class: "input", "data-antenna": antenna, "aria-label": `Side of antenna ${antenna}` },
        ...[["", "not used"], ["outside", "outside"], ["inside", "inside"], ["unknown", "one side only"]].map(([value, label]) => el("option", { value }, label)));
      choice.value = heard[antenna] ? (index % 2 ? "inside" : "outside") : "";
      return el("li", {}, el("span", {}, `Antenna ${antenna}`, heard[antenna] ? el("span", { class: "heard" }, "heard") : null), choice);
    }));
  };
  const freePlate = () => {
    const taken = new Set(state.devices.filter((one) => one.read_point === at("read-point").value).map((one) => one.plate));
    let free = 1;
    while (taken.has(free)) free += 1;
    at("plate").value = free;
  };
  at("read-point").addEventListener("change", freePlate);
  at("place-form").addEventListener("submit", (event) => { event.preventDefault(); name(); });

  // ---- 4: name --------------------------------------------------------------------------------
  const whole = () => {
    const fields = { name: at("device-name").value, driver: state.fields.driver, read_point: at("read-point").value };
    if (isScale()) fields.plate = Number(at("plate").value);
    if (state.tried.identity) fields.identity = state.tried.identity;
    for (const [key, value] of Object.entries(state.fields)) if (!(key in fields)) fields[key] = value;
    if (isReader()) {
      const rows = [...document.querySelectorAll("[data-antenna]")].filter((one) => one.value);
      if (rows.length) fields.antennas = rows.map((one) => ({ antenna: Number(one.dataset.antenna), side: one.value }));
    }
    return fields;
  };
  const toml = (value) => Array.isArray(value) ? `[${value.map(toml).join(", ")}]` : value && typeof value === "object" ? `{ ${Object.entries(value).map(([key, one]) => `${key} = ${toml(one)}`).join(", ")} }` : JSON.stringify(value);
  const preview = () => {
    const { antennas = [], ...plain } = whole();
    const lines = ["[[devices]]", ...Object.entries(plain).map(([key, value]) => `${key} = ${toml(value)}`)];
    for (const one of antennas) lines.push("", "[[devices.antennas]]", ...Object.entries(one).map(([key, value]) => `${key} = ${toml(value)}`));
    text(at("preview"), lines.join("\n"));
  };
  const name = () => {
    show("name");
    at("save-state").hidden = true;
    const point = at("read-point").value;
    const taken = new Set(state.devices.map((one) => one.name));
    const stem = isReader() ? `${point}-reader` : isScanner() ? `${point}-scanner` : `${point}-plate-${at("plate").value}`;
    let free = stem;
    for (let number = 2; taken.has(free); number += 1) free = `${stem}-${number}`;
    at("device-name").value = free;
    preview();
  };
  at("device-name").addEventListener("input", preview);
  at("name-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = whole();
    at("save").disabled = true;
    at("save-state").hidden = false;
    say(at("save-state"), "waiting", "Starting it");
    try {
      const done = await tally.act("device.add", { fields, proof: state.tried.proof }, (now) => say(at("save-state"), "waiting", `Waiting for ${now.waiting_for.join(", ")}, ${now.left_s} s`)).done;
      show("done");
      text(at("h-done"), done.restart ? `${fields.name} is saved; the agent starts anew` : `${fields.name} runs`);
      at("done-open").href = `${base}/device/${encodeURIComponent(fields.name)}`;
      await aboutPlate(fields);
    } catch (trouble) {
      say(at("save-state"), "bad", `${trouble.text} ${trouble.hint ?? ""}`);
    }
    at("save").disabled = false;
  });
  // Goods are the books' matter: where they are asked, what lies on the plate is said right here.
  const aboutPlate = async (fields) => {
    const box = at("done-plate");
    box.hidden = !isScale();
    if (box.hidden) return;
    const address = box.dataset.setupAt?.replace("{point}", encodeURIComponent(fields.read_point)).replace("{plate}", fields.plate);
    if (address) await shelf.part(box, address);
    else text(at("done-where"), `What lies on plate ${fields.plate}, and where it lies, is said at central: Shelves, ${fields.read_point}, Arrange plates.`);
  };
  at("done-more").addEventListener("click", () => { load(); show("pick"); look(); });

  const load = async () => {
    try {
      [{ devices: state.devices }, { kinds: state.kinds }] = await Promise.all([tally.ask("devices").done, tally.ask("kinds").done]);
      tally.say("live", "Live");
    } catch (trouble) { tally.tell(trouble); return; }
    const chosen = at("driver").value;
    at("driver").replaceChildren(...state.kinds.map((one) => el("option", { value: one.kind }, one.families ? `${one.kind}: ${one.families.length > 52 ? `${one.families.slice(0, 50)}...` : one.families}` : one.kind)));
    at("driver").value = chosen || "llrp";
    drawFields();
  };
  load();
  look();
})();
