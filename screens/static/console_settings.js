// The settings file: an editor whose mistakes the edge itself finds, and its versions.
"use strict";
(() => {
  const { el, text, time } = tally;
  const at = (id) => document.getElementById(id);
  const box = at("text"), gutter = at("gutter");
  const state = { kept: "", base: "", checked: null, wrong: new Set(), versions: [], busy: false };
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  // ---- the editor ------------------------------------------------------------------------------
  const number = () => {
    const count = box.value.split("\n").length;
    while (gutter.children.length < count) gutter.append(el("i", {}, String(gutter.children.length + 1)));
    while (gutter.children.length > count) gutter.lastChild.remove();
    [...gutter.children].forEach((one, index) => one.classList.toggle("fault", state.wrong.has(index + 1)));
    gutter.scrollTop = box.scrollTop;
  };
  box.addEventListener("scroll", () => { gutter.scrollTop = box.scrollTop; });
  box.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); at("apply-form").requestSubmit(); }
  });
  const go = (line, column) => {
    const start = box.value.split("\n").slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
    box.focus();
    box.setSelectionRange(start, start);
    box.scrollTop = Math.max(0, (line - 6) * 21);
  };
  const buttons = () => {
    const changed = box.value !== state.kept;
    at("reload").disabled = !changed || state.busy;
    at("apply").disabled = !changed || state.busy || !state.checked || state.checked.text !== box.value || state.checked.mistakes.length > 0 || !tally.mayChange;
    box.readOnly = state.busy;
  };
  const drawMistakes = (mistakes) => {
    state.wrong = new Set(mistakes.map((one) => one.line));
    at("mistakes").replaceChildren(...mistakes.map((one) => el("li", {}, el("button", { type: "button", onclick: () => go(one.line, one.column) },
      el("span", { class: "at" }, `line ${one.line}:${one.column}`),
      el("span", { class: "what" }, `${one.key}${one.value !== null && one.value !== undefined ? ` = ${one.value}` : ""}: ${one.problem}.`),
      one.accepted || one.nearest ? el("span", { class: "near" }, [one.nearest ? `Did you mean ${one.nearest}?` : "", one.accepted ? `Accepted: ${one.accepted}.` : ""].filter(Boolean).join(" ")) : null))));
    number();
  };
  let timer = 0, checking = null;
  const check = async () => {
    const wanted = box.value;
    checking?.cancel();
    const mine = checking = tally.ask("config.check", { text: wanted });
    try {
      const found = await mine.done;
      if (checking !== mine) return;
      state.checked = { ...found, text: wanted };
      drawMistakes(found.mistakes);
      const count = found.mistakes.length;
      const changes = found.changes ?? [];
      at("changes-box").hidden = !changes.length;
      drawChanges(at("changes"), changes, ["is", "becomes"]);
      text(at("verdict"), count ? `${count} ${count === 1 ? "mistake" : "mistakes"}` : "no mistakes");
      at("needs").hidden = !found.restart.length;
      text(at("needs"), found.restart.length ? `[${found.restart.join("], [")}] cannot be changed while the agent runs: it starts anew, which takes some seconds. Nothing that was heard is lost.` : "");
      tally.tell(null);
      tally.say("live", "Live");
    } catch (trouble) { if (trouble.code !== "cancelled") tally.tell(trouble); }
    buttons();
  };
  box.addEventListener("input", () => {
    number();
    buttons();
    clearTimeout(timer);
    timer = setTimeout(check, 350);
  });
  const load = async () => {
    const shown = await tally.ask("config.get").done;
    Object.assign(state, { kept: shown.text, base: shown.sha256 });
    box.value = shown.text;
    box.disabled = false;
    text(at("path"), shown.path.split("/").pop());
    at("path").title = shown.path;
    text(at("which"), shown.version ? `version ${shown.version}` : "changed by hand");
    number();
    await Promise.all([check(), loadVersions()]);
  };
  at("reload").addEventListener("click", () => { box.value = state.kept; number(); check(); });
  addEventListener("beforeunload", (event) => { if (box.value !== state.kept && !state.busy) event.preventDefault(); });

  // ---- applying ----------------------------------------------------------------------------------
  const say = (how, what) => {
    at("apply-state").hidden = false;
    at("apply-state").dataset.state = how;
    text(at("apply-state").querySelector("b"), what);
  };
  const outcome = async (version) => {
    for (let tries = 0; tries < 200; tries += 1) {
      await pause(500);
      try {
        const { versions } = await tally.ask("config.versions").done;
        const row = versions.find((one) => one.version === version);
        if (row && !["trial", ""].includes(row.outcome)) return row;
      } catch { /* it is starting anew: asked again */ }
    }
    throw new tally.Trouble({ text: "The agent did not come back to this address.", hint: "Was the address of this page changed? Else look at the agent's log." });
  };
  const change = async (op, asked, doing) => {
    state.busy = true;
    buttons();
    say("waiting", doing);
    try {
      const done = await tally.act(op, asked, (now) => say("waiting", `On trial: waiting for ${now.waiting_for.join(", ")}, ${now.left_s} s`)).done;
      if (done.restart) {
        say("waiting", "The agent starts anew");
        const row = await outcome(done.version);
        if (row.outcome !== "applied") throw new tally.Trouble({ text: `It went back: ${row.why}` });
      }
      say("good", done.changed ? `Version ${done.version} is in use` : "Nothing was changed");
      at("reason").value = "";
      await load();
    } catch (trouble) {
      say("bad", [trouble.text, trouble.hint].filter(Boolean).join(" "));
      await loadVersions().catch(() => {});
    }
    state.busy = false;
    buttons();
  };
  at("apply-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!at("apply").disabled) change("config.apply", { text: box.value, base: state.base, reason: at("reason").value.trim() }, "Applying");
  });

  // ---- versions ----------------------------------------------------------------------------------
  const outcomes = { applied: "applied", went_back: "went back", interrupted: "not used", trial: "on trial" };
  const restore = (row, button) => {
    if (button.dataset.sure !== "yes") {
      button.dataset.sure = "yes";
      text(button, `Restore ${row.version}?`);
      setTimeout(() => { button.dataset.sure = ""; text(button, "Restore"); }, 4000);
      return;
    }
    change("config.rollback", { version: row.version }, `Restoring version ${row.version}`);
    at("apply-state").scrollIntoView({ block: "center" });
  };
  // What differs, key by key: a group for each section or device, what it was and what it is.
  const value = (words, label, kind) => el("span", { class: `value ${kind}` }, el("span", { class: "label" }, label), words === null ? el("i", {}, "not set") : el("code", {}, words));
  const drawChanges = (list, changes, labels = ["was", "is"]) => {
    const groups = new Map();
    for (const one of changes) groups.set(one.where, [...(groups.get(one.where) ?? []), one]);
    list.replaceChildren(...[...groups].map(([where, ones]) => el("li", {}, el("strong", {}, where), ...ones.map((one) => !one.key
      ? el("p", { class: "change whole" }, one.before === null ? `comes: ${one.after}` : `goes: ${one.before}`)
      : el("p", { class: "change" }, el("span", { class: "key" }, one.key), value(one.before, labels[0], "before"), value(one.after, labels[1], "after"))))));
  };
  const compare = async (row) => {
    try {
      const { lines, changes } = await tally.ask("config.diff", { old: row.version, new: 0 }).done;
      text(at("h-diff"), `From version ${row.version} to what is in use now`);
      const kind = (line) => line.startsWith("@@") || line.startsWith("---") || line.startsWith("+++") ? "hunk" : line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : "";
      at("diff").replaceChildren(...(lines.length ? lines : ["There is no difference."]).map((line) => el("div", { class: kind(line) }, line || " ")));
      drawChanges(at("diff-keys"), changes ?? []);
      at("diff-none").hidden = Boolean(changes?.length);
      text(at("diff-none"), !lines.length ? "There is no difference." : changes ? "Only comments, order or spaces differ: see the text." : "One of them cannot be read as settings: see the text.");
      at("diff-text").hidden = !lines.length;
      at("diff-text").open = !changes?.length;
      at("diff-card").hidden = false;
      at("h-diff").focus();
    } catch (trouble) { tally.tell(trouble); }
  };
  at("diff-close").addEventListener("click", () => { at("diff-card").hidden = true; });
  const loadVersions = async () => {
    const { versions } = await tally.ask("config.versions").done;
    if (!versions.length) {
      at("versions").replaceChildren(el("li", {}, el("span"), el("span", { class: "meta" }, "Nothing was changed from here yet. The file as it is becomes version 1 with the first change.")));
      return;
    }
    at("versions").replaceChildren(...versions.map((row) => {
      const back = el("button", { class: "button quiet", type: "button", disabled: !tally.mayChange }, "Restore");
      back.addEventListener("click", () => restore(row, back));
      return el("li", {}, el("span", { class: "no" }, String(row.version)),
        el("div", {}, el("div", { class: "what" }, el("b", {}, row.reason || "no reason given"), row.in_use ? el("span", { class: "tag applied" }, "in use") : row.outcome && row.outcome !== "applied" ? el("span", { class: `tag ${row.outcome}` }, outcomes[row.outcome]) : null),
          el("p", { class: "meta" }, time(row.at_us), ` by ${row.author}`)),
        row.in_use ? el("span") : el("div", { class: "acts" }, el("button", { class: "button quiet", type: "button", onclick: () => compare(row) }, "Compare"), back),
        row.why ? el("p", { class: "why" }, row.why) : null);
    }));
  };
  // ---- the agent -----------------------------------------------------------------------------------
  const anew = at("restart");
  anew.disabled = !tally.mayChange;
  anew.addEventListener("click", async () => {
    if (anew.dataset.sure !== "yes") {
      anew.dataset.sure = "yes";
      text(anew, "Really start it anew?");
      setTimeout(() => { anew.dataset.sure = ""; text(anew, "Start it anew"); }, 4000);
      return;
    }
    anew.disabled = true;
    try {
      const before = await tally.ask("config.get").done;
      await tally.act("restart").done;
      text(at("restart-note"), "It starts anew.");
      for (let tries = 0; tries < 120; tries += 1) {
        await pause(500);
        const now = await tally.ask("config.get").done.catch(() => null);
        if (now && now.started_us !== before.started_us) { text(at("restart-note"), "It runs again."); break; }
      }
    } catch (trouble) { tally.tell(trouble); }
    anew.disabled = false;
  });
  load().catch((trouble) => tally.tell(trouble));
})();
