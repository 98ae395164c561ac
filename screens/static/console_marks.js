// Marking tags: what is heard now, tapped into "must be read" or "must not be read". Kept on the edge.
"use strict";
const marks = (() => {
  const { el, number, text } = tally;
  const { get, device } = measure;
  const box = get("marks"), count = get("marks-count");
  const both = box.closest("#console").querySelector("#curves") !== null;
  const must = new Set(), mustNot = new Set(), heard = new Map();
  let told = () => {};

  const list = el("ul", { class: "mark-list" });
  const listen = el("button", { class: "button quiet", type: "button", id: "listen" }, "Listen for 5 s");
  const all = el("button", { class: "button quiet", type: "button", id: "all-must" }, both ? "All heard must be read" : "All heard are on it");
  const rest = el("button", { class: "button quiet", type: "button", id: "rest-not" }, "The others must not");
  const clear = el("button", { class: "button quiet", type: "button" }, "Clear");
  const typed = el("textarea", { class: "input", rows: "3", id: "typed", placeholder: "EPCs in hexadecimal, one a line", "aria-label": "EPCs, one a line" });
  const add = el("button", { class: "button quiet", type: "button" }, "Add these");
  const more = el("details", { class: "measure-more" }, el("summary", {}, "Type tags instead"), el("div", { class: "measure-type" }, typed, add));
  const fold = el("details", { class: "mark-fold", open: true }, el("summary", {}, "Tags"), list);
  box.append(el("div", { class: "measure-go" }, listen, all, both ? rest : null, clear), fold, more);

  const save = async () => {
    draw();
    try {
      await tally.act("marks", { device, must: [...must], must_not: [...mustNot] }).done;
      box.dataset.saved = `${must.size}/${mustNot.size}`;
      tally.tell(null);
    } catch (trouble) { tally.tell(trouble); }
  };
  const mark = (epc, into) => {
    const was = into.has(epc);
    must.delete(epc);
    mustNot.delete(epc);
    if (!was) into.add(epc);
    save();
  };
  const pick = (epc, into, words, kind) => el("button", { class: `mark ${kind}`, type: "button", "aria-pressed": String(into.has(epc)), "data-mark": kind, onclick: () => mark(epc, into) }, words);
  const draw = () => {
    const epcs = [...new Set([...heard.keys(), ...must, ...mustNot])];
    const shown = epcs.slice(0, 200);
    list.replaceChildren(...shown.map((epc) => {
      const row = heard.get(epc);
      const facts = row ? `${number(row.peak_rssi_dbm, 1)} dBm, antenna ${Object.keys(row.antennas).join(", ")}` : "not heard just now";
      const what = row?.key ? `${row.serial ? `${row.serial} · ` : ""}${row.key} ${row.value}` : `…${epc.slice(-8)}`;
      return el("li", { "data-epc": epc }, el("div", { class: "mark-tag" }, el("span", { class: "name" }, what), el("span", { class: "code" }, epc), el("span", { class: "meta" }, facts)),
        el("div", { class: "mark-picks", role: "group", "aria-label": `Mark ${epc.slice(-8)}` }, pick(epc, must, both ? "Must" : "On it", "must"), both ? pick(epc, mustNot, "Must not", "must-not") : null));
    }));
    if (!shown.length) list.append(el("li", { class: "mark-none" }, both ? "Put the goods where they must be read, and listen." : "Put the tagged goods near an antenna, and listen."));
    if (epcs.length > shown.length) list.append(el("li", { class: "mark-none" }, `and ${number(epcs.length - shown.length)} more`));
    text(count, both ? `${must.size} must, ${mustNot.size} must not` : `${must.size} tags`);
    all.disabled = rest.disabled = !heard.size;
    clear.disabled = !must.size && !mustNot.size;
    told();
  };
  listen.addEventListener("click", async () => {
    listen.disabled = true;
    const hear = (picture) => {
      for (const one of picture.tags) heard.set(one.epc, one);
      text(listen, picture.left_s === undefined ? "Listen for 5 s" : `Listening, ${picture.left_s} s`);
      draw();
    };
    heard.clear();
    try { hear(await tally.ask("listen", { device, seconds: 5 }, hear).done); tally.tell(null); } catch (trouble) { tally.tell(trouble); }
    text(listen, "Listen again");
    listen.disabled = false;
  });
  all.addEventListener("click", () => { for (const epc of heard.keys()) if (!mustNot.has(epc)) must.add(epc); save(); });
  rest.addEventListener("click", () => { for (const epc of heard.keys()) if (!must.has(epc)) mustNot.add(epc); save(); });
  clear.addEventListener("click", () => { must.clear(); mustNot.clear(); save(); });
  add.addEventListener("click", () => {
    for (const one of typed.value.split(/[\s,;]+/)) if (one) { must.add(one.toUpperCase()); mustNot.delete(one.toUpperCase()); }
    typed.value = "";
    save();
  });
  const load = async () => {
    try {
      const kept = await tally.act("marks", { device }).done;
      for (const epc of kept.must) must.add(epc);
      for (const epc of kept.must_not) mustNot.add(epc);
    } catch (trouble) { tally.tell(trouble); }
    draw();
    box.dataset.ready = "yes";
  };
  load();
  return { must, mustNot, fold: () => { fold.open = false; }, onChange: (then) => { told = then; } };
})();
