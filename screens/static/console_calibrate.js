// The calibration wizard: the plate live above, one step after the other below.
"use strict";
(() => {
  const { el, number, text } = tally;
  const { get, device } = measure;
  const plan = get("plan"), bench = get("bench"), start = get("start"), result = get("result"), finish = get("finish");
  measure.remember(plan.elements.by);
  let errand = null, session = "", trace = null, ended = false, busy = null;

  const field = (name, words, props = {}) => el("label", { class: "label" }, words, el("input", { class: "input", name, type: "number", step: "any", min: "0", inputmode: "decimal", ...props }));
  const mass = () => [field("mass_g", "Mass, g"), field("uncertainty_g", "Uncertainty, g (k = 2)", { placeholder: "from its certificate" })];
  const pieces = () => [field("pieces", "or: pieces", { step: "1", inputmode: "numeric" }), field("piece_g", "each, g")];
  const seconds = (...choices) => el("label", { class: "label" }, "For", el("select", { name: "seconds" }, ...choices.map(([value, words, chosen]) => el("option", { value, selected: Boolean(chosen) }, words))));
  const corners = ["front-left", "front-right", "back-left", "back-right"];
  const steps = [
    { step: "noise", row: "noise", title: "Noise", does: "Leave the plate as it is and step back. This tells what rest means here.", fields: () => [seconds([5, "5 s"], [10, "10 s", true], [30, "30 s"], [120, "2 min"])], go: "Watch it" },
    { step: "zero", row: "zero", title: "Zero", does: "Take everything off the plate, and your hands too.", fields: () => [], go: "Capture zero" },
    { step: "span", row: "span", title: "Span", does: "Put a mass on that you know, in the middle; or so many pieces of known weight.", fields: () => [...mass(), ...pieces()], go: "It lies there" },
    { step: "second", row: "second", title: "Second mass", does: "Put another known mass on, about half of the first or twice: is the line straight?", fields: mass, go: "It lies there" },
    { step: "repeat", row: "repeat", title: "Three lifts", does: "Put the span mass on. Then lift it off and put it on again three times, as you are told; the plate sees it by itself.", fields: () => [], go: "Begin the lifts" },
    { step: "corner", row: "corners", title: "Corners", does: "Only for platforms: put about a third of the capacity on each corner in turn.", fields: () => [field("mass_g", "Mass, g")], go: null },
    { step: "creep", row: "creep", title: "Creep", does: "Leave the span mass on the plate and go for a coffee.", fields: () => [seconds([60, "1 min"], [300, "5 min", true], [1800, "30 min, as R 76 asks"], [5, "5 s, to try"])], go: "Watch it" },
    { step: "return", row: "return", title: "Return to zero", does: "Take everything off again.", fields: () => [], go: "It is empty" },
    { step: "unit", row: "unit", title: "Weight of a piece", does: "Put a counted number of equal pieces on: the more, the surer.", fields: () => [field("pieces", "Pieces", { step: "1", inputmode: "numeric" }), el("label", { class: "label" }, "Pieces differ by", el("select", { name: "cv" }, el("option", { value: "0.005" }, "0.5 %"), el("option", { value: "0.01", selected: true }, "1 %"), el("option", { value: "0.02" }, "2 %"), el("option", { value: "0.05" }, "5 %")))], go: "Learn it" },
  ];

  const made = new Map();
  const build = () => {
    made.clear();
    get("steps").replaceChildren(...steps.map((one) => {
      const state = el("span", { class: "tag" }, "not done");
      const form = el("form", { class: "measure-form" }, el("p", { class: "step-does" }, one.does), el("div", { class: "measure-fields" }, ...one.fields()));
      const buttons = one.go ? [el("button", { class: "button big", type: "submit" }, one.go)] : corners.map((corner) => el("button", { class: "button quiet", type: "submit", value: corner }, corner.replace("-", " ")));
      const now = el("p", { class: "step-now", role: "status" }), found = el("p", { class: "step-found" }), wrong = el("div", { class: "trouble", role: "alert", hidden: true }, el("strong"), el("span", { class: "hint" }));
      const cancel = el("button", { class: "button quiet", type: "button", hidden: true, onclick: () => busy?.errand.cancel() }, "Stop this step");
      form.append(el("div", { class: `measure-go ${one.go ? "" : "corner-picks"}` }, ...buttons, cancel), now, wrong, found);
      form.addEventListener("submit", (event) => { event.preventDefault(); measureStep(one, form, event.submitter?.value); });
      const box = el("details", { class: "step", name: "step", "data-step": one.step }, el("summary", {}, el("span", { class: "step-title" }, one.title), state), form);
      made.set(one.row, { one, box, state, found, now, wrong, buttons, cancel });
      return el("li", {}, box);
    }));
    made.get("noise").box.open = true;
  };
  const asked = (form) => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== "").map(([key, value]) => [key, Number(value)]));
  const measureStep = async (one, form, position) => {
    const row = made.get(one.row);
    const working = (on) => {
      for (const button of get("steps").querySelectorAll("button[type=submit]")) button.disabled = on;
      row.cancel.hidden = !on;
    };
    row.wrong.hidden = true;
    working(true);
    text(row.now, "Measuring");
    busy = { row, errand: tally.act("calibrate.step", { session, step: one.step, ...asked(form), ...(position ? { position } : {}) }) };
    try {
      const told = await busy.errand.done;
      results(told);
      text(row.now, one.step === "corner" ? `${told.corners.length} of 4 corners` : "Done");
      const next = steps[steps.indexOf(one) + 1];
      if (next && one.step !== "corner") made.get(next.row).box.open = true;
    } catch (trouble) {
      text(row.now, "");
      if (trouble.code !== "cancelled") {
        row.wrong.hidden = false;
        text(row.wrong.firstChild, trouble.text);
        text(row.wrong.lastChild, trouble.hint ?? "");
      }
    }
    busy = null;
    working(false);
  };
  const results = (told) => {
    for (const one of told.results) {
      const row = made.get(one.test);
      if (!row) continue;
      const fresh = measure.verdict(one.state);
      row.state.className = fresh.className;
      text(row.state, fresh.textContent);
      text(row.found, [one.value, one.limit ? `limit ${one.limit}` : "", one.says].filter(Boolean).join(". "));
    }
    const last = measure.verdict(told.verdict);
    get("verdict").replaceChildren(last);
  };
  const doing = (now) => {
    if (!busy || !now) return;
    const words = { off: `Lift ${now.lift} of ${now.of}: take the load off`, on: `Lift ${now.lift} of ${now.of}: put it on again`, wait: "Hands off: it settles" };
    if (now.want) text(busy.row.now, words[now.want]);
    else if (now.of_s) text(busy.row.now, `${Math.round(now.done_s)} of ${now.of_s} s${now.moved_g === undefined || now.moved_g === null ? "" : `, moved ${number(now.moved_g, 2)} g`}`);
    else if (now.waits_for) text(busy.row.now, `Waiting: ${now.waits_for}`);
  };

  const draw = (told) => {
    session = told.session;
    trace ??= liveTrace(get("trace"), 8);
    const now = told.now, grams = now && now.grams !== null;
    text(get("figure"), !now ? "–" : grams ? number(now.grams, 1) : number(now.value));
    text(get("unit"), grams ? " g" : ` ${told.unit}`);
    const words = told.trouble || (now ? (now.at_rest ? "at rest" : now.why_not) : "the device says nothing");
    text(get("rest-words"), words);
    get("rest").dataset.state = told.trouble ? "bad" : now?.at_rest ? "good" : "warn";
    get("rest").dataset.stable = String(Boolean(now?.at_rest));
    text(get("raw"), `${now && told.kind === "counts" ? `${number(now.value)} counts, ` : ""}${number(told.rate_hz, 1)} values a second${now?.temp_c ? `, ${number(now.temp_c, 1)} °C` : ""}`);
    text(get("good"), told.good_for_g ? `Good for pieces of ${number(told.good_for_g, told.good_for_g < 10 ? 1 : 0)} g and more, where it stands now.` : "");
    trace(told.trace, told.now_ms, Boolean(now?.at_rest));
    get("trace").dataset.points = told.trace.length;
    const left = told.left_on_g;
    text(get("left"), left ? `There are ${number(Math.abs(left))} g ${left > 0 ? "more" : "less"} on the plate than at the beginning: put it back as it was.` : told.kind === "grams" ? "This scale is adjusted by its own menu: here it is checked and certified." : "The calibration goes into the settings of this edge; the node is not flashed.");
    results(told);
    doing(told.running);
  };
  const over = () => {
    bench.hidden = true;
    start.hidden = false;
    measure.held("");
    measure.awake(false);
    get("go").disabled = false;
  };
  plan.addEventListener("submit", async (event) => {
    event.preventDefault();
    get("go").disabled = true;
    ended = false;
    result.replaceChildren();
    tally.tell(null);
    const form = new FormData(plan);
    const numbers = Object.fromEntries(["capacity_g", "division_g"].filter((key) => form.get(key)).map((key) => [key, Number(form.get(key))]));
    errand = tally.act("calibrate", { device, by: form.get("by"), ...numbers }, (told) => {
      if (bench.hidden) {
        bench.hidden = false;
        start.hidden = true;
        build();
        measure.held(`${device} is held for the calibration: nothing on it is booked.`);
        measure.awake(true);
      }
      draw(told);
    });
    try { await errand.done; } catch (trouble) {
      if (!ended) over();
      if (trouble.code !== "cancelled") tally.tell(trouble);
    }
  });
  get("stop").addEventListener("click", () => errand?.cancel());
  finish.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = get("done"), form = new FormData(finish);
    button.disabled = true;
    ended = true;
    const temperature = form.get("temperature_c");
    try {
      const kept = await tally.act("calibrate.finish", { session, note: form.get("note"), due_days: Number(form.get("due_days")), as_it_is: Boolean(form.get("as_it_is")), ...(temperature ? { temperature_c: Number(temperature) } : {}) }).done;
      over();
      show(kept);
    } catch (trouble) {
      ended = false;
      tally.tell(trouble);
      scrollTo({ top: 0, behavior: "smooth" });
    }
    button.disabled = false;
  });
  const show = ({ record, certificate }) => {
    const lines = [`Calibrate again by ${certificate.due}.`];
    if (certificate.good_for_pieces_g) lines.push(`Good for pieces of ${number(certificate.good_for_pieces_g, 1)} g and more.`);
    if (certificate.piece) lines.push(`Up to ${certificate.piece.countable} pieces of ${number(certificate.piece.piece_g, 2)} g are counted for sure.`);
    lines.push(certificate.applied ? "The calibration is in the settings." : certificate.measured === "grams" ? "The scale itself was not changed." : "The calibration was not put into the settings.");
    if (certificate.not_done.length) lines.push(`Not done: ${certificate.not_done.join(", ")}.`);
    result.replaceChildren(el("section", { class: "card measure", id: "kept" }, el("p", { class: "sweep-use", "data-found": certificate.verdict === "pass" ? "window" : "overlap" }, el("strong", {}, `Certificate: ${measure.verdict(certificate.verdict).textContent}`)), measure.says(lines), measure.downloads(record, false), measure.again("Calibrate again")));
    start.hidden = true;
    scrollTo({ top: 0, behavior: "smooth" });
  };
})();
