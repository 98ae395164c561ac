// The test read: one button, a few seconds, and the list of what was there.
"use strict";
(() => {
  const { el, number, text } = tally;
  const { get, device } = measure;
  const go = get("go"), stop = get("stop"), bar = get("bar"), seconds = get("seconds"), result = get("result");
  const progress = bar.querySelector("progress");
  const words = () => text(go, `Read for ${seconds.value} s`);
  seconds.addEventListener("change", words);
  words();

  const figures = (pairs) => el("section", { class: "figures console-figures", "aria-label": "What came" }, ...pairs.map(([name, value]) => el("div", { class: "figure" }, el("h2", {}, name), el("p", { class: "value" }, value))));
  const row = (one) => el("tr", {}, el("th", { scope: "row" }, el("span", { class: "name" }, measure.named(one)), el("span", { class: "code" }, one.epc)),
    el("td", { class: "num" }, Object.keys(one.antennas).join(", ")), el("td", { class: "num" }, number(one.peak_rssi_dbm, 1)), el("td", { class: "num" }, number(one.reads)));
  const draw = (told) => {
    const parts = [];
    if (told.weight) {
      parts.push(figures([["Last", `${told.weight.last} ${told.weight.unit ?? ""}`], ["Lowest", told.weight.least], ["Highest", told.weight.most], ["Stable", `${number(told.weight.stable)} of ${number(told.weight.values)}`]]));
    } else if (told.cell) {
      parts.push(figures([["Counts", told.cell.counts ?? "–"], ["Windows", number(told.cell.windows)]]));
    } else {
      parts.push(figures([["Different tags", number(told.different)], ["Reads", number(told.reads)], ["Antennas", String(told.antennas.length)], ["Scans", number(told.scans.length)]]));
    }
    if (told.antennas.length) {
      parts.push(measure.card("Antennas", el("ul", { class: "measure-list" }, ...told.antennas.map((one) => el("li", {}, el("strong", {}, `Antenna ${one.antenna}`), el("span", {}, `${number(one.tags)} tags`), el("span", {}, `${number(one.reads)} reads`), el("span", {}, `loudest ${number(one.peak_rssi_dbm, 1)} dBm`))))));
    }
    if (told.tags.length) {
      parts.push(measure.card("Tags, the loudest first", el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Tags" }, el("table", { class: "console-tags read-tags" },
        el("thead", {}, el("tr", {}, ...["Tag", "Antenna", "RSSI", "Reads"].map((one, i) => el("th", { scope: "col", class: i ? "num" : "" }, one)))), el("tbody", {}, ...told.tags.map(row))))));
    }
    if (told.scans.length) parts.push(measure.card("Scans", el("ul", { class: "measure-list" }, ...told.scans.map((one) => el("li", {}, el("strong", { class: "scan-data" }, one.data), el("span", {}, one.symbology ?? ""))))));
    return parts;
  };

  let errand = null;
  const running = (on) => {
    go.disabled = on;
    bar.hidden = !on;
    progress.value = 0;
  };
  go.addEventListener("click", async () => {
    running(true);
    tally.tell(null);
    result.replaceChildren();
    const whole = Number(seconds.value);
    errand = tally.act("test_read", { device, seconds: whole }, (told) => {
      progress.value = 100 * (1 - told.left_s / whole);
      result.replaceChildren(...draw(told));
    });
    try {
      const told = await errand.done;
      result.replaceChildren(el("section", { class: "card measure", id: "said" }, measure.says(told.says)), ...draw(told));
      result.dataset.done = "yes";
    } catch (trouble) {
      if (trouble.code !== "cancelled") tally.tell(trouble);
    }
    running(false);
  });
  stop.addEventListener("click", () => errand?.cancel());
})();
