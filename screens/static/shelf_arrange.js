// Arranging the plates of a shelf: dragged (shelf_board.js), moved by keys, or told in numbers. What
// cannot be is looked up at central after each change, by the rules that judge it when it is saved.
"use strict";
(() => {
  const root = document.getElementById("arrange");
  const at = (id) => document.getElementById(id);
  const code = root.dataset.code;
  const path = `${shelf.point(code)}/layout`;
  const known = new Map(JSON.parse(root.dataset.known).map((one) => [one.plate, one]));
  const { el } = shelf;
  const state = { layout: { boards: [], plates: [] }, saved: "", tag: "", undo: [], chosen: null, wrong: [], asked: 0 };

  const grid = () => Number(at("grid").value);
  const snap = (mm) => Math.round(mm / grid()) * grid();
  const clamp = (value, low, high) => Math.max(low, Math.min(value, Math.max(low, high)));
  const plateOf = (number) => state.layout.plates.find((one) => one.plate === number);
  const boardOf = (number) => state.layout.boards.find((one) => one.board === number);
  const nameOf = (number) => known.get(number)?.name || "no item yet";
  const perMm = () => 1000 / Math.max(1, ...state.layout.boards.map((one) => one.width_mm));
  const words = (one) => `Plate ${one.plate}, ${nameOf(one.plate)}. Board ${one.board}, ${one.x_mm} mm from the left, ${one.y_mm} mm from the front, ${one.width_mm} by ${one.depth_mm} mm`;
  const speak = (text) => { at("spoken").textContent = text; };
  const dirty = () => JSON.stringify(state.layout) !== state.saved;

  // ---- changes: each is one step of undo
  const change = (act, again = false) => {
    const before = JSON.stringify(state.layout);
    act();
    if (JSON.stringify(state.layout) === before) return;
    if (!again) state.undo.push(before);
    draw();
    look();
  };
  const undo = () => {
    const before = state.undo.pop();
    if (!before) return;
    state.layout = JSON.parse(before);
    if (!plateOf(state.chosen)) state.chosen = null;
    draw();
    look();
    speak("Undone");
  };
  const move = (number, by) => change(() => {
    const one = plateOf(number);
    const board = boardOf(one.board);
    for (const [key, step] of Object.entries(by)) {
      const size = { x_mm: "width_mm", y_mm: "depth_mm" }[key];
      if (size) one[key] = clamp(snap(one[key] + step), 0, (board?.[size] ?? 0) - one[size]);
      else one[key] = Math.max(10, snap(one[key] + step));
    }
    speak(words(one));
  });
  const toBoard = (number, board) => {
    if (!boardOf(board)) return;
    change(() => { plateOf(number).board = board; speak(words(plateOf(number))); });
  };
  const takeOff = (number) => {
    at("plate-setup").hidden = true;
    change(() => { state.layout.plates = state.layout.plates.filter((one) => one.plate !== number); state.chosen = null; });
    speak(`Plate ${number} is on no board`);
    at("tray").querySelector("button")?.focus();
  };
  const putOn = (number) => {
    change(() => {
      const size = shelf.usual(state.layout);
      let spot = shelf.room(state.layout, size);
      if (!spot) {
        const board = shelf.newBoard(state.layout);
        state.layout.boards.push(board);
        spot = { board: board.board, x_mm: 0, y_mm: 0, width_mm: Math.min(size.width_mm, board.width_mm), depth_mm: Math.min(size.depth_mm, board.depth_mm) };
      }
      state.layout.plates.push({ plate: number, ...spot });
      state.chosen = number;
      at("plate-setup").hidden = true;
    });
    speak(words(plateOf(number)));
    document.querySelector(`[data-plate="${number}"]`)?.focus();
  };
  // What the drawing and the pointer need to know of the page.
  const page = {
    boards: at("boards"), plateOf, boardOf, nameOf, words, snap, clamp,
    scale: () => perMm(),
    layout: () => state.layout,
    wrong: () => state.wrong,
    chosen: () => state.chosen,
    choose: (number) => choose(number),
    drop: (number) => dropBoard(number),
    moving: () => showNumbers(),
    moved: (one, before) => {
      if (before && JSON.stringify(state.layout) !== before) state.undo.push(before);
      speak(words(one));
      draw();
      look();
    },
  };
  const addBoard = () => change(() => { state.layout.boards.push(shelf.newBoard(state.layout)); });
  const dropBoard = (number) => change(() => {
    const { boards, plates } = state.layout;
    state.layout.boards = boards.filter((one) => one.board !== number).map((one) => (one.board > number ? { ...one, board: one.board - 1 } : one));
    state.layout.plates = plates.filter((one) => one.board !== number).map((one) => (one.board > number ? { ...one, board: one.board - 1 } : one));
  });

  // ---- the drawing
  // What is being typed stays: an answer may come in the middle of it.
  const put = (inputs, value) => {
    for (const input of inputs) if (input !== document.activeElement) input.value = value(input);
  };
  const draw = () => {
    const held = document.activeElement?.closest?.("[data-plate], [data-key], [data-field]");
    const again = held && (held.dataset.plate ? `[data-plate="${held.dataset.plate}"]` : held.dataset.key ? `[data-board="${held.dataset.board}"][data-key="${held.dataset.key}"]` : `[data-field="${held.dataset.field}"]`);
    const k = perMm();
    const boards = state.layout.boards.toSorted((one, other) => other.board - one.board);
    const drawn = [...at("boards").children];
    // What was there stays there: a button that is being pressed must not be put anew.
    if (boards.length && drawn.map((li) => li.dataset.boardNo).join() === boards.map((one) => one.board).join()) {
      boards.forEach((one, index) => {
        const made = shelf.boardNode(one, k, page), li = drawn[index];
        li.className = "";
        li.firstChild.className = made.firstChild.className;
        put(li.querySelectorAll("input"), (input) => one[input.dataset.key]);
        li.querySelector("svg").replaceWith(made.querySelector("svg"));
      });
    } else if (boards.length) at("boards").replaceChildren(...boards.map((one) => shelf.boardNode(one, k, page)));
    else at("boards").replaceChildren(el("li", { class: "meta" }, "No board yet. Add one, or put a plate on a board: it brings its own."));
    drawForm();
    drawTray();
    at("undo").disabled = !state.undo.length;
    at("save").disabled = !dirty();
    at("state").textContent = dirty() ? `Not saved yet${state.wrong.length ? `, ${state.wrong.length} to mend` : ""}` : state.layout.boards.length ? "As it is saved" : "Nothing is laid out yet";
    if (again) document.querySelector(again)?.focus({ preventScroll: true });
  };
  const drawTray = () => {
    const laid = new Set(state.layout.plates.map((one) => one.plate));
    if (!at("new-number").value || known.has(Number(at("new-number").value))) at("new-number").value = Math.max(0, ...known.keys()) + 1;
    const loose = [...known.values()].filter((one) => !laid.has(one.plate));
    at("tray").replaceChildren(...(loose.length ? loose.map((one) => el("li", {}, el("button", { class: "choice", type: "button", "data-put": one.plate, onclick: () => putOn(one.plate) }, el("b", { class: "plate-no" }, String(one.plate)), el("span", { class: "name" }, nameOf(one.plate)), el("span", { class: "put" }, "Put on a board"))))
      : [el("li", { class: "meta" }, known.size ? "Every plate has its place." : "This shelf has no plates yet: set the first one up.")]));
  };
  const FIELDS = { x_mm: "From the left, mm", y_mm: "From the front, mm", width_mm: "Width, mm", depth_mm: "Depth, mm" };
  const drawForm = () => {
    const one = plateOf(state.chosen);
    at("plate-form").hidden = !one && !at("plate-setup").hidden;
    if (!one) {
      at("plate-form").replaceChildren(el("p", { class: "meta" }, "Choose a plate in the drawing, or put one of those below on a board."));
      at("plate-form").dataset.of = "";
      if (!at("plate-form").hidden) at("h-plate").textContent = "Plate";
      return;
    }
    at("h-plate").textContent = `Plate ${one.plate}: ${nameOf(one.plate)}`;
    const numbers = state.layout.boards.map((board) => board.board).sort((a, b) => a - b);
    const of = JSON.stringify([one.plate, numbers, known.get(one.plate)?.sku]);
    if (at("plate-form").dataset.of !== of) at("plate-form").replaceChildren(...formOf(one.plate, numbers));
    at("plate-form").dataset.of = of;
    showNumbers();
  };
  const showNumbers = () => {
    const one = plateOf(state.chosen);
    put(at("plate-form").querySelectorAll("[data-field]"), (input) => one[input.dataset.field]);
  };
  const formOf = (number, boards) => {
    const nudge = (label, sign, key, way) => el("button", { class: "button quiet", type: "button", "aria-label": label, onclick: () => move(number, { [key]: way * grid() }) }, sign);
    const set = (key, value) => { if (Number.isInteger(value)) change(() => { plateOf(number)[key] = value; }); };
    return [
      el("div", { class: "fields" },
        ...Object.entries(FIELDS).map(([key, label]) => el("label", { class: "label" }, label, el("input", { class: "input", type: "number", inputmode: "numeric", step: 1, "data-field": key, onchange: (event) => set(key, Number(event.target.value)) }))),
        el("label", { class: "label" }, "Board", el("select", { class: "input", "data-field": "board", onchange: (event) => toBoard(number, Number(event.target.value)) }, ...boards.map((board) => el("option", { value: board }, String(board)))))),
      el("div", { class: "nudges", role: "group", "aria-label": `Move plate ${number}` },
        nudge("Left", "←", "x_mm", -1), nudge("Right", "→", "x_mm", 1), nudge("To the back", "↑", "y_mm", 1), nudge("To the front", "↓", "y_mm", -1)),
      el("div", { class: "nudges" },
        el("button", { class: "button quiet", type: "button", "data-item": number, onclick: () => setUp(number) }, known.get(number)?.sku ? "Another item" : "What lies on it?"),
        el("button", { class: "button quiet", type: "button", onclick: () => takeOff(number) }, "Take off"))];
  };
  const choose = (number) => {
    if (state.chosen !== number) at("plate-setup").hidden = true;
    state.chosen = number;
    for (const node of document.querySelectorAll("[data-plate].drawn")) node.setAttribute("aria-pressed", String(Number(node.dataset.plate) === number));
    drawForm();
  };

  at("boards").addEventListener("change", (event) => {
    const { board, key } = event.target.dataset;
    const value = Number(event.target.value);
    if (key && Number.isInteger(value) && value > 0) change(() => { boardOf(Number(board))[key] = value; });
  });

  // ---- by keyboard
  at("boards").addEventListener("focusin", (event) => {
    const node = event.target.closest("[data-plate]");
    if (node) choose(Number(node.dataset.plate));
  });
  at("boards").addEventListener("keydown", (event) => {
    const node = event.target.closest("g[data-plate]");
    if (!node || event.ctrlKey || event.metaKey || event.altKey) return;
    const number = Number(node.dataset.plate), step = grid(), far = event.shiftKey;
    const one = plateOf(number);
    const keys = {
      ArrowLeft: () => move(number, far ? { width_mm: -step } : { x_mm: -step }),
      ArrowRight: () => move(number, far ? { width_mm: step } : { x_mm: step }),
      ArrowUp: () => move(number, far ? { depth_mm: step } : { y_mm: step }),
      ArrowDown: () => move(number, far ? { depth_mm: -step } : { y_mm: -step }),
      PageUp: () => toBoard(number, one.board + 1),
      PageDown: () => toBoard(number, one.board - 1),
      Delete: () => takeOff(number),
      Enter: () => at("plate-form").querySelector("input")?.focus(),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.target.matches("input, select, textarea")) return;
    event.preventDefault();
    undo();
  });

  // ---- what cannot be, and saving
  const showWrong = (wrong) => {
    const same = JSON.stringify(wrong) === JSON.stringify(state.wrong);
    state.wrong = wrong;
    at("wrong-count").textContent = wrong.length ? String(wrong.length) : "";
    at("wrongs").replaceChildren(...(wrong.length ? wrong.map((one) => el("li", {}, el("button", { class: "choice", type: "button", disabled: !one.plates.length, onclick: () => { choose(one.plates[0]); document.querySelector(`[data-plate="${one.plates[0]}"]`)?.focus(); } }, el("span", { class: "name" }, one.where), el("span", {}, one.what))))
      : [el("li", { class: "meta" }, "None: it can be saved.")]));
    if (!same) draw();
  };
  let waiting = 0;
  const look = () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const asked = ++state.asked;
      try {
        const { told } = await shelf.send("POST", `${path}/preview`, state.layout);
        if (asked !== state.asked) return;
        if (pointer.busy()) look();
        else showWrong(told.mistakes);
      } catch (error) { at("state").textContent = error.message; }
    }, 150);
  };
  const save = async () => {
    at("save").disabled = true;
    try {
      const { told, tag } = await shelf.send("PUT", path, state.layout, state.tag);
      Object.assign(state, { layout: told, tag, saved: JSON.stringify(told), undo: [] });
      draw();
      at("state").replaceChildren("Saved. ", el("a", { href: `/screen/shelves/${encodeURIComponent(code)}` }, "See the shelf"));
    } catch (error) {
      at("save").disabled = false;
      if (error.mistakes) {
        showWrong(error.mistakes);
        at("state").textContent = `Not saved: ${error.mistakes.length} to mend`;
        at("h-wrong").focus();
      } else if (error.status === 412) {
        at("state").replaceChildren("Somebody else changed it meanwhile. ", el("button", { class: "button quiet", type: "button", onclick: () => { state.saved = JSON.stringify(state.layout); location.reload(); } }, "Load theirs"));
      } else at("state").textContent = error.message;
    }
  };
  const setUp = async (number) => {
    at("plate-setup").hidden = false;
    await shelf.part(at("plate-setup"), `/screen/shelves/${encodeURIComponent(code)}/${number}/setup`);
    at("plate-setup").querySelector("[data-lies-on]")?.remove();
    at("plate-setup").querySelector("input")?.focus();
  };
  at("plate-setup").addEventListener("set-up", (event) => {
    const number = Number(event.detail.plate);
    const held = at("plate-setup").querySelector(".setup-now");
    known.set(number, { plate: number, sku: held.dataset.held, name: held.querySelector("b").textContent });
    at("plate-setup").querySelector("[data-lies-on]")?.remove();
    draw();
    look();
  });
  at("new-plate").addEventListener("submit", (event) => {
    event.preventDefault();
    const number = Number(at("new-number").value);
    if (known.has(number)) { plateOf(number) ? choose(number) : putOn(number); return; }
    state.chosen = null;
    at("plate-setup").hidden = false;
    drawForm();
    at("h-plate").textContent = `Plate ${number}`;
    setUp(number);
  });
  at("undo").addEventListener("click", undo);
  at("add-board").addEventListener("click", addBoard);
  at("save").addEventListener("click", save);
  addEventListener("beforeunload", (event) => { if (dirty()) event.preventDefault(); });

  const pointer = shelf.drag(page);
  const load = async () => {
    try {
      const { told, tag } = await shelf.send("GET", path);
      Object.assign(state, { layout: told, tag, saved: JSON.stringify(told) });
      draw();
      look();
    } catch (error) { at("state").textContent = error.message; }
  };
  load();
})();
