// What the pages that measure share: the device's state, a name that is remembered, files, verdicts.
"use strict";
const measure = (() => {
  const { el, number, text } = tally;
  const get = (id) => document.getElementById(id);
  const device = tally.root.dataset.device;

  // The head: what the agent says of the device, and the dot that says that we are connected.
  const head = () => tally.watch("watch", { device, every_ms: 1000 }, (picture) => {
    const tag = get("state");
    tally.state(tag, picture.device);
    tag.className = `tag ${picture.device.level}`;
  });

  const key = "tallyport-technician";
  const remember = (input) => {
    try { input.value ||= localStorage.getItem(key) ?? ""; } catch { /* a browser that keeps nothing */ }
    input.addEventListener("change", () => { try { localStorage.setItem(key, input.value); } catch { /* as above */ } });
  };

  const held = (words) => {
    const box = get("held");
    if (!box) return;
    box.hidden = !words;
    text(box, words ?? "");
  };

  // A screen that goes dark in the middle of a walk is no help on a ladder.
  let lock = null;
  const awake = async (on) => {
    try {
      if (on) lock = await navigator.wakeLock?.request("screen");
      else { await lock?.release(); lock = null; }
    } catch { /* the browser decides */ }
  };

  const fetched = async (name, form) => {
    const parts = [];
    let got = 0, told = null;
    do {
      told = await tally.ask("record", { name, form, offset: got }).done;
      const bytes = Uint8Array.from(atob(told.base64), (one) => one.charCodeAt(0));
      if (!bytes.length) break;
      parts.push(bytes);
      got += bytes.length;
    } while (got < told.bytes);
    return { blob: new Blob(parts, { type: told.media_type }), as: told.file };
  };
  const file = async (name, form) => {
    const { blob, as } = await fetched(name, form);
    const link = el("a", { href: URL.createObjectURL(blob), download: as });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  const downloads = (name, recording) => el("div", { class: "measure-go" }, ...[["pdf", "PDF to sign"], ["json", "JSON"], ...(recording ? [["tar.gz", "Recordings"]] : [])].map(([form, words], index) => el("button", {
    class: `button ${index ? "quiet" : ""}`, type: "button", "data-form": form, onclick: async (event) => {
      event.target.disabled = true;
      try { await file(name, form); tally.tell(null); } catch (trouble) { tally.tell(trouble); }
      event.target.disabled = false;
    },
  }, words)));

  // What a walk's passes came to, by whoever judged them.
  const passes = (told) => el("table", { class: "walk-passes" }, el("thead", {}, el("tr", {}, ...["Pass", "Heard", "Right way", "Decided", "Missed"].map((one, i) => el("th", { scope: "col", class: i ? "num" : "" }, one)))),
    el("tbody", {}, ...told.passes.map((one) => el("tr", {}, el("th", { scope: "row" }, `${one.number} ${one.want}`), el("td", { class: `num ${one.missed.length ? "walk-bad" : "walk-good"}` }, `${one.heard}/${one.expected}`), el("td", { class: `num ${one.wrong ? "walk-bad" : ""}` }, told.judges_direction ? [one.right, one.wrong ? `${one.wrong} wrong` : "", one.asked ? `${one.asked} to be asked` : "", one.unknown ? `${one.unknown} not told` : "", one.others ? `${one.others} told that nobody carried` : ""].filter((part) => part !== "").join(", ") : "–"), el("td", { class: "num" }, `${number(one.decided_s, 1)} s`), el("td", { class: "num code" }, one.missed.slice(0, 3).map((epc) => `…${epc.slice(-6)}`).join(" ") || "none")))));

  const verdicts = { pass: ["good", "passed"], fail: ["bad", "failed"], noted: ["", "noted"], "not done": ["", "not done"], incomplete: ["warn", "incomplete"] };
  const verdict = (state) => el("span", { class: `tag ${verdicts[state]?.[0] ?? ""}` }, verdicts[state]?.[1] ?? state);

  const card = (title, ...children) => el("section", { class: "card" }, el("header", { class: "card-head" }, el("h2", {}, title)), ...children);
  const says = (lines) => el("ul", { class: "measure-says" }, ...lines.map((one) => el("li", {}, one.replaceAll("`", ""))));
  const again = (words) => el("div", { class: "measure-go" }, el("button", { class: "button quiet", type: "button", onclick: () => location.reload() }, words));
  const named = (row) => (row.key ? `${row.key} ${row.value}${row.serial ? ` · ${row.serial}` : ""}` : row.scheme || "Tag");

  if (device && get("state")) head();
  return { get, device, remember, held, awake, fetched, downloads, passes, verdict, card, says, again, named };
})();
