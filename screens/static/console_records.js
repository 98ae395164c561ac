// The records of this edge, each to be downloaded.
"use strict";
(() => {
  const { el, number, text } = tally;
  const list = document.getElementById("records");
  const titles = { calibration: "Calibration certificate", walk: "Walk test" };
  // What was judged of a walk is asked for when somebody looks: a list of many stays small.
  const judged = (made) => {
    const by = made.judged_by;
    const told = made.summary.direction !== null;
    const who = by?.who === "central" ? `Judged by central as in production: ${by.software}, weights ${by.weights}.` : made.direction;
    return [el("p", { class: "meta" }, who), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Passes at ${made.device}` }, measure.passes({ passes: made.passes, judges_direction: told }))];
  };
  const evidence = (one) => {
    const inner = el("div", { class: "record-judged" }, el("p", { class: "meta" }, "The record is on its way …"));
    const part = el("details", {}, el("summary", {}, "What was judged of each pass"), inner);
    part.addEventListener("toggle", async () => {
      if (!part.open || part.dataset.asked) return;
      part.dataset.asked = "";
      try {
        const { blob } = await measure.fetched(one.name, "json");
        inner.replaceChildren(...judged(JSON.parse(await blob.text())));
      } catch (trouble) {
        delete part.dataset.asked;
        inner.replaceChildren(el("p", { class: "cause" }, trouble.text || trouble.message || "The record cannot be read now: open it again."));
      }
    });
    return part;
  };
  const row = (one) => {
    const late = one.due && one.due < new Date().toISOString().slice(0, 10);
    return el("li", {}, el("div", { class: "device-what" }, el("strong", {}, `${titles[one.kind] ?? one.kind}: ${one.device}`), el("p", { class: "meta" }, el("local-time", { at: Date.parse(one.at), dates: true }), ` by ${one.by}`), one.due ? el("p", { class: late ? "cause" : "meta" }, `calibrate again by ${one.due}${late ? ": overdue" : ""}`) : null, one.kind === "walk" ? evidence(one) : null, measure.downloads(one.name, one.recording)), el("div", { class: "device-state" }, measure.verdict(one.verdict)));
  };
  const load = async () => {
    try {
      const { records } = await tally.ask("records", { most: 100 }).done;
      tally.say("live", "Live");
      text(document.getElementById("summary"), records.length ? number(records.length) : "");
      list.replaceChildren(...records.map(row));
      if (!records.length) list.replaceChildren(el("li", {}, el("div", { class: "empty" }, el("strong", {}, "No records yet"), el("p", {}, "Calibrate a scale or walk a portal: the certificate is kept here."))));
    } catch (trouble) {
      list.replaceChildren();
      tally.tell(trouble);
    }
  };
  // At central: who asked this edge for what, and how that ended, out of the audit.
  const asked = document.getElementById("asked");
  const ops = {
    calibrate: "Calibration", "calibrate.step": "Calibration: a step", "calibrate.finish": "Calibration finished", "config.apply": "Settings applied", "config.rollback": "Settings restored",
    "device.add": "Device added", "device.edit": "Device changed", "device.remove": "Device removed", discover: "Looked for devices", marks: "Tags marked", restart: "Agent started anew", retry: "Tried again",
    sweep: "Power sweep", "sweep.apply": "Power put to use", test_read: "Test read", try_device: "Device tried", walk: "Walk test", "walk.finish": "Walk test finished", "walk.tell": "Walk test: a pass ended or discarded",
  };
  const ends = { done: ["good", "done"], failed: ["bad", "failed"], cancelled: ["", "cancelled"], lost: ["warn", "lost"], "": ["", "under way"] };
  const ending = (one) => el("div", { class: "device-state" }, el("span", { class: `tag ${ends[one.state]?.[0] ?? ""}` }, ends[one.state]?.[1] ?? one.state), one.ended_us ? el("span", { class: "meta" }, tally.time(one.ended_us)) : null);
  const line = (one) => el("li", { "data-id": one.id, "data-state": one.state }, el("div", { class: "device-what" }, el("strong", {}, [ops[one.op] ?? one.op, one.device].filter(Boolean).join(": ")), el("p", { class: "meta" }, tally.time(one.at_us), ` by ${one.by}`),
    one.state === "lost" ? el("p", { class: "hint" }, `Nobody can tell whether it was done${one.code ? ` (${one.code})` : ""}: look at the device.`) : one.code ? el("p", { class: "hint" }, `Because: ${one.code}`) : null), ending(one));
  const loadAsked = async () => {
    const answer = await fetch(`${tally.base}/asked`).catch(() => null);
    if (!answer?.ok) {
      asked.replaceChildren(el("li", {}, el("p", { class: "cause" }, "What was asked cannot be read from central now. Load the page again.")));
      return;
    }
    const found = (await answer.json()).asked;
    asked.replaceChildren(...found.map(line));
    if (!found.length) asked.replaceChildren(el("li", {}, el("div", { class: "empty" }, el("strong", {}, "Nothing was asked yet"), el("p", {}, "A test read, a calibration, a change of the settings: each is kept here with who asked and how it ended."))));
  };
  load();
  if (asked) loadAsked();
})();
