// One device, live: antennas and tags of a reader, the weight of a scale, scans as they come.
"use strict";
(() => {
  const { el, time, number, text } = tally;
  const get = (id) => document.getElementById(id);
  const name = tally.root.dataset.device;
  const live = get("live");
  const svg = (tag, props) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(props)) made.setAttribute(key, value);
    return made;
  };
  const card = (title, ...children) => {
    const aside = el("span", { class: "aside" });
    const made = el("section", { class: "card" }, el("header", { class: "card-head" }, el("h2", {}, title), aside), ...children);
    return { made, aside };
  };
  const figure = (label) => {
    const value = el("p", { class: "value" }, "–");
    return { value, made: el("div", { class: "figure" }, el("h2", {}, label), value) };
  };
  const figures = (...ones) => el("section", { class: "figures console-figures", "aria-label": "Now" }, ...ones.map((one) => one.made));

  // ---- the head -------------------------------------------------------------------------------
  const retry = get("retry");
  retry.addEventListener("click", async () => {
    retry.disabled = true;
    try { await tally.act("retry", { device: name }).done; } catch (trouble) { tally.tell(trouble); }
    retry.disabled = false;
  });
  const days = (count) => `${number(count)} day${count === 1 ? "" : "s"}`;
  const due = (paper) => {
    const line = get("due");
    line.hidden = !paper;
    if (!paper) return;
    line.dataset.level = paper.level;
    const left = paper.days_left;
    const when = left < 0 ? `Calibration overdue since ${paper.due}: ${days(-left)}` : left === 0 ? "Calibration due today" : `Calibration due in ${days(left)}, on ${paper.due}`;
    text(line.lastChild, paper.passed ? when : `Failed its calibration of ${paper.on}: calibrate again`);
  };
  const head = (device) => {
    const tag = get("state");
    tally.state(tag, device);
    tag.className = `tag ${device.level}`;
    text(get("place"), [device.driver, device.read_point, device.place].filter(Boolean).join(" · "));
    const cause = get("cause");
    cause.hidden = !device.cause;
    text(cause.querySelector("strong"), device.cause);
    text(cause.querySelector(".hint"), device.hint);
    due(device.certificate);
    const family = device.driver === "llrp" ? "tags" : device.driver.startsWith("scanner") ? "scans" : "weight";
    for (const one of document.querySelectorAll("[data-for]")) one.hidden = one.dataset.for !== family;
    retry.hidden = device.level === "good" || device.state === "held" || !tally.mayChange;
    const counters = Object.entries(device.counters);
    get("counters-card").hidden = !counters.length;
    const shown = get("counters");
    counters.forEach(([key, value], index) => {
      const pair = shown.children[index] ?? shown.appendChild(el("div", {}, el("dt"), el("dd", { class: "num" })));
      text(pair.firstChild, key.replaceAll("_", " "));
      text(pair.lastChild, number(value));
    });
  };
  const events = (found) => {
    get("events-card").hidden = !found.length;
    get("events").replaceChildren(...found.map((one) => el("li", {}, time(one.at_us), el("span", {}, [one.name.replaceAll("_", " "), one.port === null ? "" : `${one.port} ${one.state ? "on" : "off"}`, one.text].filter(Boolean).join(" · ")))));
  };

  // ---- a reader -------------------------------------------------------------------------------
  const LOW = -80, HIGH = -25, TRACE = 120;
  const reader = () => {
    const rate = figure("Reads a second"), present = figure("Tags now"), different = figure("Different tags"), reads = figure("Reads since you look");
    const antennas = el("ul", { class: "console-antennas" });
    const rows = el("tbody");
    const table = el("table", { class: "console-tags" }, el("thead", {}, el("tr", {}, ...["Tag", "Antenna", "RSSI", "Reads", "Last"].map((one, i) => el("th", { scope: "col", class: i ? "num" : "" }, one)))), rows);
    const tags = card("Last tags", el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Last tags" }, table));
    live.replaceChildren(figures(rate, present, different, reads), card("Antennas", antennas).made, tags.made);
    const known = new Map();

    const antenna = (one, sides) => {
      let row = known.get(one.antenna);
      if (!row) {
        const bar = svg("rect", { height: 10, rx: 3, class: "bar" }), level = svg("rect", { height: 10, rx: 3, class: "bar level" });
        const line = svg("polyline", { class: "trace", points: "" });
        const chart = svg("svg", { viewBox: `0 0 ${TRACE} 32`, preserveAspectRatio: "none", class: "trace-box", "aria-hidden": "true" });
        chart.append(line);
        const rail = (inner, label) => {
          const made = svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", class: "rail-bar", role: "img", "aria-label": label });
          made.append(svg("rect", { width: 100, height: 10, rx: 3, class: "bar-rail" }), inner);
          return made;
        };
        row = { bar, level, line, points: [], rate: el("b", { class: "num" }), rssi: el("b", { class: "num" }), count: el("span", { class: "meta" }) };
        const side = sides.get(one.antenna);
        row.made = el("li", {}, el("div", { class: "antenna-name" }, el("strong", {}, `Antenna ${one.antenna}`), el("span", { class: "meta" }, side ?? "")),
          el("div", { class: "antenna-rate" }, row.rate, el("span", { class: "meta" }, " reads/s"), rail(bar, "reads a second")),
          el("div", { class: "antenna-rssi" }, row.rssi, el("span", { class: "meta" }, " dBm peak"), rail(level, "peak RSSI")),
          el("div", { class: "antenna-trace" }, chart), row.count);
        known.set(one.antenna, row);
        row.made.dataset.antenna = one.antenna;
        antennas.insertBefore(row.made, [...antennas.children].find((other) => Number(other.dataset.antenna) > one.antenna) ?? null);
      }
      return row;
    };
    const draw = (found, device) => {
      text(rate.value, number(found.reads_per_s));
      text(present.value, number(found.present));
      text(different.value, number(found.different));
      text(reads.value, number(found.reads));
      const sides = new Map((device.antennas ?? []).map((one) => [one.antenna, [one.alias, one.side === "unknown" ? "" : one.side].filter(Boolean).join(", ")]));
      const most = Math.max(10, ...found.antennas.map((one) => one.reads_per_s));
      // An antenna of the settings that hears nothing is shown too: it may not be screwed on.
      const heard = new Set(found.antennas.map((one) => one.antenna));
      const silent = [...sides.keys()].filter((one) => !heard.has(one)).map((one) => ({ antenna: one, reads_per_s: 0, peak_rssi_dbm: null, mean_rssi_dbm: null, tags: 0, reads: 0 }));
      for (const one of [...found.antennas, ...silent]) {
        const row = antenna(one, sides);
        text(row.rate, number(one.reads_per_s));
        text(row.rssi, one.peak_rssi_dbm === null ? "–" : number(one.peak_rssi_dbm, 1));
        text(row.count, one.reads ? `${number(one.tags)} ${one.tags === 1 ? "tag" : "tags"} now, ${number(one.reads)} reads` : "nothing heard since you look");
        row.bar.setAttribute("width", Math.round(100 * one.reads_per_s / most));
        const at = one.peak_rssi_dbm === null ? 0 : Math.min(1, Math.max(0.02, (one.peak_rssi_dbm - LOW) / (HIGH - LOW)));
        row.level.setAttribute("width", Math.round(100 * at));
        row.points.push(one.mean_rssi_dbm === null ? 0 : Math.min(1, Math.max(0.02, (one.mean_rssi_dbm - LOW) / (HIGH - LOW))));
        if (row.points.length > TRACE) row.points.shift();
        row.line.setAttribute("points", row.points.map((y, x) => `${TRACE - row.points.length + x},${(31 - 30 * y).toFixed(1)}`).join(" "));
      }
      found.tags.forEach((one, index) => {
        const row = rows.children[index] ?? rows.appendChild(el("tr", {}, el("th", { scope: "row" }, el("span", { class: "name" }), el("span", { class: "code" })), ...Array.from({ length: 4 }, () => el("td", { class: "num" }))));
        const [what, ant, rssi, count, ago] = row.children;
        text(what.firstChild, one.key ? `${one.key} ${one.value}${one.serial ? ` · ${one.serial}` : ""}` : one.scheme);
        text(what.lastChild, one.epc);
        text(ant, one.antenna === null ? "" : String(one.antenna));
        text(rssi, one.peak_rssi_dbm === null ? "" : number(one.peak_rssi_dbm, 1));
        text(count, number(one.count));
        text(ago, one.ago_ms < 1000 ? "now" : `${Math.round(one.ago_ms / 1000)} s`);
        row.className = one.ago_ms > 2000 ? "gone" : "";
      });
      while (rows.children.length > found.tags.length) rows.lastChild.remove();
      text(tags.aside, found.different > found.tags.length ? `the newest ${found.tags.length} of ${number(found.different)}` : "");
    };
    return draw;
  };

  // ---- a scale --------------------------------------------------------------------------------
  const SPAN_S = 60;
  const scale = () => {
    const big = el("p", { class: "weight-now" }, el("b", { id: "weight" }, "–"), el("span", { class: "unit" }));
    const steady = el("p", { class: "weight-state" }, el("span", { class: "dot", "aria-hidden": "true" }), el("span"));
    const pairs = Object.fromEntries(["gross", "net", "tare"].map((key) => [key, figure(key[0].toUpperCase() + key.slice(1))]));
    const frames = figure("Frames a second");
    const chart = el("div", { class: "weight-chart", role: "img", "aria-label": "The weight of the last minute" });
    const trace = card("The last minute", chart);
    live.replaceChildren(el("section", { class: "card weight", "aria-label": "Weight" }, big, steady), figures(pairs.gross, pairs.net, pairs.tare, frames), trace.made);
    const colour = (token) => getComputedStyle(document.documentElement).getPropertyValue(token).trim();
    const axis = { stroke: colour("--ink-3"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const plot = new uPlot({
      width: chart.clientWidth, height: 220, legend: { show: false }, cursor: { drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: false, range: () => [-SPAN_S, 0] }, y: { range: (_, low, high) => {
        if (low === null) return [0, 1];
        const room = Math.max((high - low) * 0.15, Math.abs(high) * 0.001, 0.001);
        return [low - room, high + room];
      } } },
      axes: [{ ...axis, values: (_, ticks) => ticks.map((one) => (one === 0 ? "now" : `${one} s`)) }, { ...axis, size: 74 }],
      series: [{}, { stroke: colour("--warn-dot"), width: 2, points: { show: false } }, { stroke: colour("--fill-2"), width: 2.5, points: { show: false } }],
    }, [[], [], []], chart);
    new ResizeObserver(() => plot.setSize({ width: chart.clientWidth, height: 220 })).observe(chart);
    let points = [];
    return (found, _device, at_us) => {
      text(big.firstChild, found.value ?? "–");
      text(big.lastChild, found.unit ? ` ${found.unit}` : "");
      const state = found.status !== "ok" ? found.status : found.stable === null ? "the scale does not say whether it is stable" : found.stable ? "stable" : "moving";
      text(steady.lastChild, [state, found.zero ? "zero" : "", found.compare ?? ""].filter(Boolean).join(" · "));
      steady.dataset.state = found.status !== "ok" ? "bad" : found.stable === false ? "warn" : "good";
      for (const key of ["gross", "net", "tare"]) text(pairs[key].value, found[key] === null ? "–" : `${found[key]} ${found.unit ?? ""}`);
      text(frames.value, number(found.frames_per_s));
      const newest = points.at(-1)?.[0] ?? 0;
      points.push(...found.trace.filter((one) => one[0] > newest));
      const now = at_us / 1000;
      points = points.filter((one) => one[0] > now - SPAN_S * 1000);
      // The line of a stable weight lies over that of all, so that what moves shows in amber.
      plot.setData([points.map((one) => (one[0] - now) / 1000), points.map((one) => one[1]), points.map((one) => (one[2] === false ? null : one[1]))]);
    };
  };

  // ---- a scanner ------------------------------------------------------------------------------
  const scanner = () => {
    const list = el("ul", { class: "console-scans", "aria-live": "polite" });
    const scans = card("Last scans", list);
    live.replaceChildren(scans.made);
    let newest = 0;
    return (found) => {
      const fresh = found.filter((one) => one.no > newest).reverse();
      for (const one of fresh) {
        const facts = ["gtin", "sscc", "lot", "expiry", "serial", "quantity"].filter((key) => one[key] !== undefined).map((key) => el("span", { class: "tag" }, `${key.toUpperCase()} ${one[key]}`));
        list.prepend(el("li", { "data-enter": true }, el("div", {}, el("p", { class: "name scan-data" }, ...one.data.split("\u241d").flatMap((part, at) => (at ? [el("span", { class: "separator", title: "group separator" }, "GS"), part] : [part]))), el("p", { class: "scan-facts" }, ...facts), one.note ? el("p", { class: "meta" }, one.note) : null), el("div", { class: "device-state" }, time(one.at_us), el("span", { class: "meta" }, one.symbology ?? ""))));
        newest = one.no;
      }
      while (list.children.length > 20) list.lastChild.remove();
    };
  };

  // ---- a load cell without a calibration, or nothing yet ---------------------------------------
  const cell = () => {
    const mean = figure("Mean, counts"), spread = figure("Spread, counts"), samples = figure("Samples"), saturated = figure("Saturated");
    live.replaceChildren(figures(mean, spread, samples, saturated));
    return (found) => {
      text(mean.value, found.mean_counts ?? "–");
      text(spread.value, found.std_counts ?? "–");
      text(samples.value, number(found.samples));
      text(saturated.value, number(found.saturated));
    };
  };
  const silent = () => {
    live.replaceChildren(el("section", { class: "card" }, el("div", { class: "empty" }, el("p", {}, el("strong", {}, "Nothing heard since you look")), el("p", {}, "Bring a tag to an antenna, put something on the scale, or scan a code."))));
    return () => {};
  };

  const kinds = { tags: reader, weight: scale, scans: scanner, cell, none: silent };
  let kind = "", draw = null, lastEvent = -1;
  tally.watch("watch", { device: name, every_ms: 100 }, (picture) => {
    head(picture.device);
    const now = ["tags", "weight", "scans", "cell"].find((one) => picture[one] !== undefined) ?? "none";
    if (now !== kind) {
      kind = now;
      live.dataset.kind = kind;
      draw = kinds[kind]();
    }
    draw(picture[kind], picture.device, picture.at_us);
    live.dataset.at = picture.at_us;
    const event = picture.events[0]?.no ?? 0;
    if (event !== lastEvent) events(picture.events);
    lastEvent = event;
  });
})();
