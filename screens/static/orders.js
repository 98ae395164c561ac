// Orders: lines as people paste and scan them, what an order would do before it is made, and the
// parts of bodies that stand in several fields.
"use strict";
(() => {
  const { builders } = window.acts;
  const lines = document.getElementById("order-lines");
  const preview = document.getElementById("lines-preview");
  const out = document.querySelector("form[data-way]")?.dataset.way === "out";

  // ---- "SKU <tab> how many <tab> lot or price", as a spreadsheet copies it
  const number = (text) => (/^\d[\d\s'\u00a0\u202f]*$/.test(text) ? Number(text.replace(/\D/g, "")) : NaN);
  const parts = (row) => row.split(["\t", ";", ","].find((one) => row.includes(one)) ?? /\s+/).map((one) => one.trim());
  const parsed = (text) => {
    const rows = text.split("\n").map((row) => row.trim()).filter(Boolean);
    return rows.flatMap((row, at) => {
      const [sku, many, more = ""] = parts(row);
      const quantity = number(many ?? "");
      if (!(quantity > 0)) {
        if (at === 0 && rows.length > 1 && !/\d/.test(many ?? "")) return [];
        throw new Error(`Line ${at + 1}, "${row}": say an item and how many, as in: OAT-500, 12`);
      }
      const line = { sku, quantity };
      if (more && out) line.lot = more;
      if (more && !out) {
        line.unit_price = Number(more.replace(",", "."));
        if (!(line.unit_price >= 0)) throw new Error(`Line ${at + 1}: "${more}" is no price`);
      }
      return [line];
    });
  };

  builders.order = (said, form) => ({
    ...said,
    lines: parsed(said.lines),
    ...(out ? { ship_to: said.ship_to ?? {}, substitution: form.elements.others.checked ? "allowed" : "none" } : {}),
  });
  // A change says all lines: those that are there by their names, new ones by the next free number.
  builders.change = (said, form) => {
    const kept = [...form.querySelectorAll("[data-change]")].filter((one) => Number(one.value) > 0).map((one) => ({ ...JSON.parse(one.dataset.change), quantity: Number(one.value) }));
    const names = new Set([...form.querySelectorAll("[data-change]")].map((one) => JSON.parse(one.dataset.change).line));
    let next = 1;
    const fresh = (said.lines ? parsed(said.lines) : []).map((line) => {
      while (names.has(String(next))) next += 1;
      names.add(String(next));
      return { line: String(next), ...line };
    });
    for (const field of form.querySelectorAll("[data-moment]")) {
      if (field.value === (field.dataset.filled ?? "")) delete said[field.name];
      else if (!field.value) said[field.name] = null;
    }
    return { ...said, lines: [...kept, ...fresh] };
  };
  // Browsers take a moment in the time of where they are.
  for (const field of document.querySelectorAll("[data-moment]")) {
    if (!field.dataset.moment) continue;
    const at = new Date(field.dataset.moment);
    field.value = field.dataset.filled = new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
  }
  builders.wave = (said) => {
    if (!said.orders?.length) throw new Error("Tick the orders that are to be picked together.");
    return said;
  };
  builders.release = (said, form) => ({ ...said, orders: [form.dataset.order] });
  const counted = (form, name) => [...form.querySelectorAll(`[data-${name}]`)].filter((one) => Number(one.value) > 0);
  builders.carton = (said, form) => ({ ...said, contents: counted(form, "carton").map((one) => ({ line: one.dataset.carton, quantity: Number(one.value) })) });
  builders.asn = (said, form, path) => {
    const found = counted(form, "asn").map((one) => ({ line: one.dataset.asn, sku: one.dataset.sku, lot: one.dataset.lot, quantity: Number(one.value) }));
    const units = path.sscc ? [{ sscc: path.sscc, contents: found.map(({ sku, lot, quantity }) => ({ sku, lot, quantity })) }] : [];
    return { ...said, lines: found, units };
  };
  builders.close = (said, form) => ({ reasons: Object.fromEntries([...form.querySelectorAll("[data-close]")].filter((one) => one.value).map((one) => [one.dataset.close, one.value])) });
  builders.return = (said, form) => {
    const found = [...form.querySelectorAll("[data-return]")].flatMap((part) => {
      const quantity = Number(part.querySelector("input").value);
      return quantity > 0 ? [{ line: part.dataset.return, order_line: part.dataset.return, sku: part.dataset.sku, quantity, reason: part.querySelector("select").value }] : [];
    });
    if (!found.length) throw new Error("Say how many of at least one item come back.");
    return { ...said, order: form.dataset.order, lines: found };
  };

  for (const one of document.querySelectorAll("[data-print]")) one.addEventListener("click", () => window.print());
  if (!lines) return;

  // ---- what it would do
  const asked = async (path) => {
    const answer = await fetch(path);
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.detail || `It was refused (${answer.status}).`);
    return told;
  };
  const cell = (kind, text, name = "") => Object.assign(document.createElement(kind), { textContent: text, className: name });
  const say = (text) => preview.replaceChildren(cell("p", text, "wrong"));
  const effect = async () => {
    let wanted;
    try { wanted = parsed(lines.value); } catch (error) { return say(error.message); }
    const sums = new Map();
    for (const one of wanted) sums.set(one.sku, (sums.get(one.sku) ?? 0) + one.quantity);
    const rows = await Promise.all([...sums].slice(0, 40).map(async ([sku, units]) => {
      const at = encodeURIComponent(sku);
      try {
        const item = await asked(`/items/${at}`);
        if (!out) return [item.name, units, "", ""];
        const free = (await asked(`/stock/${at}/available`)).available;
        return [item.name, units, free, Math.max(0, units - Math.max(0, free))];
      } catch (error) { return [`${sku}: ${error.message}`, units, "", ""]; }
    }));
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const [at, name] of ["Item", "Asked for", ...(out ? ["Free in all places", "Would wait"] : [])].entries()) head.append(Object.assign(cell("th", name, at ? "num" : ""), { scope: "col" }));
    const body = table.createTBody();
    for (const [name, ...figures] of rows) {
      const row = body.insertRow();
      row.append(Object.assign(cell("th", name), { scope: "row" }));
      for (const [at, one] of figures.slice(0, out ? 3 : 1).entries()) row.append(cell("td", one === "" ? "–" : one.toLocaleString(), at === 2 && one > 0 ? "num bad-text" : "num"));
    }
    const units = wanted.reduce((sum, one) => sum + one.quantity, 0);
    preview.replaceChildren(table, cell("p", `${wanted.length} lines, ${units.toLocaleString()} units.${sums.size > 40 ? " The first 40 items are shown." : ""}`, "meta"));
  };
  document.getElementById("check-lines").addEventListener("click", effect);

  // ---- a scan is a line, or one more of it
  document.getElementById("scan-line").addEventListener("keydown", async (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const field = event.target;
    const said = field.value.trim();
    if (!said) return;
    field.value = "";
    let sku = said;
    let many = 1;
    try {
      await asked(`/items/${encodeURIComponent(said)}`);
    } catch {
      try {
        const told = await asked(`/api/scan/code?code=${encodeURIComponent(said)}`);
        if (told.kind !== "goods" || !told.sku) throw new Error(told.says || `${said} is no item.`);
        sku = told.sku;
        many = told.quantity || told.units || 1;
      } catch (error) { return say(error.message); }
    }
    const rows = lines.value.split("\n").filter((row) => row.trim());
    const at = rows.findIndex((row) => parts(row)[0] === sku);
    if (at < 0) rows.push(`${sku}\t${many}`);
    else {
      const found = parts(rows[at]);
      found[1] = String(number(found[1]) + many);
      rows[at] = found.join("\t");
    }
    lines.value = `${rows.join("\n")}\n`;
    await effect();
  });
})();
