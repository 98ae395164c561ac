// The walk test: passes count themselves; the record is signed here.
"use strict";
(() => {
  const { el, number, text } = tally;
  const { get, device, passes } = measure;
  const plan = get("plan"), start = get("start"), live = get("live"), result = get("result"), go = get("go");
  measure.remember(plan.elements.by);
  let errand = null, session = "", finished = false, shown = "";
  marks.onChange(() => { go.disabled = !marks.must.size; });

  const percent = (share) => (share === null || share === undefined ? "–" : `${number(100 * share, share === 1 ? 0 : 1)} %`);
  const figures = (sum) => el("section", { class: "figures console-figures", "aria-label": "All passes" }, ...[["Detected", percent(sum.detected)], ["Right way", !sum.direction ? "not judged" : sum.direction.share === null ? "nothing told" : percent(sum.direction.share)], ["To a decision", sum.decided_s === null ? "–" : `${number(sum.decided_s, 1)} s`], ["Passes", number(sum.passes)]].map(([name, value]) => el("div", { class: "figure" }, el("h2", {}, name), el("p", { class: "value" }, value))));
  const judgedBy = (told) => el("p", { class: "measure-note", id: "judged-by" }, !told.judges_direction ? "Which way is not judged here: no antenna of this portal has a side (outside, inside) in the settings." : `Which way: by the order of the antennas, for now.${tally.base ? " When you finish, central judges it as in production, and the record says so." : " Central judges with more evidence."}`);
  const coverage = (sum) => el("ul", { class: "measure-list" }, ...Object.entries(sum.coverage).map(([antenna, share]) => el("li", {}, el("strong", {}, `Antenna ${antenna}`), el("span", {}, `heard ${percent(share)} of the tags`))));

  const draw = (told) => {
    session = told.session;
    const total = told.wanted.length, done = told.passes.length;
    text(get("next"), told.done ? `All ${total} passes walked` : `Pass ${done + 1} of ${total}: ${told.next}`);
    text(get("count"), told.now ? `${told.now.heard}/${told.expected.length}` : told.done ? `${told.summary.heard}/${told.summary.expected}` : `0/${told.expected.length}`);
    text(get("missing"), told.now ? (told.now.missing.length ? `still missing: ${told.now.missing.slice(0, 6).map((epc) => `…${epc.slice(-6)}`).join(" ")}` : "all heard") : told.done ? "Sign below, or discard the last pass and walk it again." : "Push when you are ready.");
    text(get("discard"), told.now ? "Discard this pass" : "Discard the last pass");
    get("end").disabled = !told.now;
    get("discard").disabled = !told.now && !done;
    const now = JSON.stringify(told.passes);
    if (now === shown) return;
    shown = now;
    if (!done) { result.replaceChildren(); return; }
    result.replaceChildren(figures(told.summary), measure.card("Passes", el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Passes" }, passes(told)), judgedBy(told)), measure.card("Antennas", coverage(told.summary)), sign());
  };
  const sign = () => {
    const signer = el("input", { class: "input", name: "signer", maxlength: "64", autocomplete: "off" }), site = el("input", { class: "input", name: "signed_for", maxlength: "64" }), note = el("input", { class: "input", name: "note", maxlength: "500" });
    const button = el("button", { class: "button big", type: "submit", id: "finish" }, "Finish and keep the record");
    const form = el("form", { class: "measure-form" }, el("div", { class: "measure-fields" }, el("label", { class: "label" }, "Accepted by", signer), el("label", { class: "label" }, "For", site), el("label", { class: "label wide" }, "Note", note)), el("div", { class: "measure-go" }, button));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      finished = true;
      try {
        const kept = await tally.act("walk.finish", { session, signer: signer.value, signed_for: site.value, note: note.value }).done;
        over();
        start.hidden = get("marks").hidden = true;
        const made = kept.acceptance;
        result.replaceChildren(el("section", { class: "card measure", id: "kept" }, el("p", { class: "sweep-use", "data-found": made.verdict === "pass" ? "window" : "overlap" }, el("strong", {}, made.verdict === "pass" ? "Passed" : "Not passed"), el("span", {}, ` ${made.summary.heard} of ${made.summary.expected} tags heard`)), measure.says([made.direction, `The portal was not heard for the books for ${Math.round(made.blind_s)} s.`]), measure.downloads(kept.record, true), measure.again("Another walk test")), figures(made.summary), measure.card("Passes", el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Passes" }, passes({ passes: made.passes, judges_direction: made.summary.direction !== null }))), measure.card("Antennas", coverage(made.summary)));
        tally.tell(null);
      } catch (trouble) {
        finished = false;
        tally.tell(trouble);
        button.disabled = false;
      }
    });
    return measure.card("Sign", form);
  };
  const over = () => {
    live.hidden = true;
    start.hidden = false;
    get("marks").hidden = false;
    measure.held("");
    measure.awake(false);
    go.disabled = !marks.must.size;
  };
  plan.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = Object.fromEntries(new FormData(plan));
    go.disabled = true;
    finished = false;
    shown = "";
    result.replaceChildren();
    tally.tell(null);
    errand = tally.act("walk", { device, by: asked.by, passes: Number(asked.passes), first: asked.first, tags: [...marks.must] }, (told) => {
      if (live.hidden) {
        live.hidden = false;
        start.hidden = get("marks").hidden = true;
        measure.held(`${device} is held for the walk test: nothing is heard for the books.`);
        measure.awake(true);
      }
      draw(told);
    });
    try { await errand.done; } catch (trouble) {
      if (!finished) { over(); result.replaceChildren(); }
      if (trouble.code !== "cancelled") tally.tell(trouble);
    }
  });
  const say = (what) => async () => {
    try { draw(await tally.act("walk.tell", { session, do: what }).done); tally.tell(null); } catch (trouble) { tally.tell(trouble); }
  };
  get("end").addEventListener("click", say("end"));
  get("discard").addEventListener("click", say("discard"));
  get("stop").addEventListener("click", () => errand?.cancel());
})();
