// The power sweep: plan, progress, curves, and the power into the settings.
"use strict";
(() => {
  const { el, text } = tally;
  const { get, device } = measure;
  const plan = get("plan"), go = get("go"), stop = get("stop"), progress = get("progress"), curves = get("curves"), use = get("use");
  const charts = new Map();
  let errand = null;

  marks.onChange(() => text(get("about"), marks.must.size ? "" : "mark tags that must be read first"));
  const label = (antenna, groups) => (antenna === "0" ? `Antennas ${groups["0"].join(", ")} together` : `Antenna ${antenna}`);
  const draw = (picture) => {
    const total = picture.done + picture.left;
    progress.max = Math.max(total, 1);
    progress.value = picture.done;
    const now = picture.now ? `: ${label(String(picture.now.antenna), picture.groups)} at ${picture.now.power_dbm} dBm` : "";
    if (picture.phase !== "done") text(get("phase"), `${picture.phase[0].toUpperCase()}${picture.phase.slice(1)}${now}. ${picture.left_s ? `About ${picture.left_s} s to go.` : ""}`);
    for (const [antenna, steps] of Object.entries(picture.steps)) {
      if (!charts.has(antenna)) {
        const chart = sweepChart(label(antenna, picture.groups));
        charts.set(antenna, chart);
        curves.append(chart.made);
      }
      charts.get(antenna).draw(steps, picture, picture.windows[antenna], picture.set_dbm[antenna]);
    }
  };
  const running = (on) => {
    go.disabled = on;
    text(go, on ? "Sweeping" : "Sweep again");
    stop.hidden = progress.hidden = !on;
    measure.held(on ? `${device} is held for the sweep: nothing is heard for the books.` : "");
    measure.awake(on);
  };
  plan.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = Object.fromEntries(new FormData(plan));
    running(true);
    marks.fold();
    tally.tell(null);
    curves.replaceChildren();
    charts.clear();
    use.hidden = true;
    errand = tally.act("sweep", { device, together: Boolean(asked.together), step_db: Number(asked.step_db), measure_s: Number(asked.measure_s), region: asked.region, gain_dbi: Number(asked.gain_dbi), cable_loss_db: Number(asked.cable_loss_db) }, draw);
    try {
      const told = await errand.done;
      draw(told);
      text(get("phase"), `Done: ${told.done} steps. The portal was not heard for the books for ${told.blind_s} s. ${told.cap ? `Limit: ${told.cap.rule}.` : ""}`);
      offer(told);
    } catch (trouble) {
      text(get("phase"), "Ended. The portal is as it was before.");
      if (trouble.code !== "cancelled") tally.tell(trouble);
    }
    running(false);
  });
  stop.addEventListener("click", () => { text(get("phase"), "Putting everything back"); errand?.cancel(); });

  const powers = (told) => {
    const found = {};
    for (const [antenna, one] of Object.entries(told.windows)) {
      if (one.use_dbm === null) continue;
      for (const number of told.groups[antenna]) found[number] = one.use_dbm;
    }
    return found;
  };
  const offer = (told) => {
    const found = powers(told), box = get("use-what");
    use.hidden = false;
    const lost = told.uncovered.length ? measure.says([`${told.uncovered.length} must-read tags are heard reliably by no antenna: ${told.uncovered.map((epc) => `…${epc.slice(-6)}`).join(", ")}.`]) : null;
    if (!Object.keys(found).length) {
      box.replaceChildren(...[lost, measure.says(["There is no power to apply. What to do stands at each curve."])].filter(Boolean));
      return;
    }
    const name = el("input", { class: "input", id: "by", autocomplete: "name", maxlength: "64", required: true });
    measure.remember(name);
    const apply = el("button", { class: "button big", type: "submit", id: "apply" }, "Apply the middle of the window");
    const form = el("form", { class: "measure-form" }, el("ul", { class: "measure-list" }, ...Object.entries(found).map(([antenna, dbm]) => el("li", {}, el("strong", {}, `Antenna ${antenna}`), el("span", {}, `${told.set_dbm[antenna] ?? "the reader's own"} → ${dbm} dBm`)))), el("div", { class: "measure-fields" }, el("label", { class: "label" }, "Your name", name)), el("div", { class: "measure-go" }, apply), el("p", { class: "measure-note" }, "It becomes a version of the settings that can be taken back; then the marked tags are listened to once more."));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      apply.disabled = true;
      text(apply, "Applying");
      try {
        const done = await tally.act("sweep.apply", { device, by: name.value, powers: found, antennas: Object.values(told.groups).flat() }, (now) => text(apply, now.phase === "verifying" ? "Listening once more" : "Applying")).done;
        box.replaceChildren(el("p", { class: "sweep-use", "data-found": done.verified ? "window" : "overlap", id: "applied" }, el("strong", {}, done.verified ? "Applied" : "Applied, with a doubt")), measure.says(done.says));
        tally.tell(null);
      } catch (trouble) {
        tally.tell(trouble);
        apply.disabled = false;
        text(apply, "Apply the middle of the window");
      }
    });
    box.replaceChildren(...[lost, form].filter(Boolean));
  };
})();
