// The records of this edge, each to be downloaded.
"use strict";
(() => {
  const { el, number, text } = tally;
  const list = document.getElementById("records");
  const titles = { calibration: "Calibration certificate", walk: "Walk test" };
  const row = (one) => {
    const late = one.due && one.due < new Date().toISOString().slice(0, 10);
    return el("li", {}, el("div", { class: "device-what" }, el("strong", {}, `${titles[one.kind] ?? one.kind}: ${one.device}`), el("p", { class: "meta" }, el("local-time", { at: Date.parse(one.at), dates: true }), ` by ${one.by}`), one.due ? el("p", { class: late ? "cause" : "meta" }, `calibrate again by ${one.due}${late ? ": overdue" : ""}`) : null, measure.downloads(one.name, one.recording)), el("div", { class: "device-state" }, measure.verdict(one.verdict)));
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
  load();
})();
