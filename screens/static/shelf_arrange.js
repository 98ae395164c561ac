// Arranging the plates of a shelf: dragged, moved by keys, or told in numbers. What cannot be is
// looked up at central after each change, by the rules that will judge it when it is saved.
"use strict";
(() => {
  const root = document.getElementById("arrange");
  const at = (id) => document.getElementById(id);
  const code = root.dataset.code;
  const path = `${shelf.point(code)}/layout`;
  const known = new Map(JSON.parse(root.dataset.known).map((one) => [one.plate, one]));
  const SVG = "http://www.w3.org/2000/svg";
  const state = { layout: { boards: [], plates: [] }, saved: "", tag: "", undo: [], chosen: null, wrong: [], asked: 0 };

  const el = (name, props = {}, ...children) => {
    const made = ["svg", "g", "rect", "path", "foreignObject"].includes(name) ? document.createElementNS(SVG, name) : document.createElement(name);
    for (const [key, value] of Object.entries(props)) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((one) => one !== null && one !== undefined));
    return made;
  };
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
    });
    speak(words(plateOf(number)));
    document.querySelector(`[data-plate="${number}"]`)?.focus();
  };
  const addBoard = () => change(() => { state.layout.boards.push(shelf.newBoard(state.layout)); });
  const dropBoard = (number) => change(() => {
    const { boards, plates } = state.layout;
    state.layout.boards = boards.filter((one) => one.board !== number).map((one) => (one.board > number ? { ...one, board: one.board - 1 } : one));
    state.layout.plates = plates.filter((one) => one.board !== number).map((one) => (one.board > number ? { ...one, board: one.board - 1 } : one));
  });

  // ---- the drawing
  const place = (node, one, board, k) => {
    const x = one.x_mm * k, y = (board.depth_mm - one.y_mm - one.depth_mm) * k, width = one.width_mm * k, depth = one.depth_mm * k;
    for (const part of node.querySelectorAll("rect:not(.grip), foreignObject")) {
      for (const [key, value] of Object.entries({ x, y, width: Math.max(1, width), height: Math.max(1, depth) })) part.setAttribute(key, value);
    }
    const grip = node.querySelector(".grip");
    grip.setAttribute("x", x + width - 60);
    grip.setAttribute("y", y - 14);
    node.querySelector(".grip-mark").setAttribute("d", `M${x + width - 34} ${y + 12}h22v22`);
  };
  const plateNode = (one, board, k) => {
    const wrong = state.wrong.some((each) => each.plates.includes(one.plate));
    const node = el("g", { class: `drawn movable${wrong ? " wrong" : ""}`, role: "button", tabindex: 0, "data-plate": one.plate, "aria-pressed": String(state.chosen === one.plate), "aria-label": `${words(one)}${wrong ? ". There is a mistake" : ""}` },
      el("rect", { class: "drawn-plate", rx: 10 }), el("rect", { class: "drawn-edge", rx: 10 }),
      el("foreignObject", {}, el("div", { class: "cell" }, el("p", { class: "cell-head" }, el("b", { class: "cell-no" }, String(one.plate)), wrong ? el("span", { class: "cell-state" }, "mistake") : null), el("p", { class: "cell-share" }, `${one.width_mm} x ${one.depth_mm}`), el("p", { class: "cell-name" }, nameOf(one.plate)))),
      el("path", { class: "grip-mark", "aria-hidden": "true" }),
      el("rect", { class: "grip", width: 74, height: 74, "data-grip": true }));
    place(node, one, board, k);
    return node;
  };
  const boardNode = (board, k) => {
    const depth = board.depth_mm * k;
    const wrong = state.wrong.some((each) => each.boards.includes(board.board));
    const size = (key, label) => el("label", { class: "board-size" }, el("span", { class: "sr" }, `${label} of board ${board.board}, mm`), el("input", { class: "input", type: "number", inputmode: "numeric", value: board[key], min: 50, max: 20000, step: 1, "data-board": board.board, "data-key": key }));
    const on = state.layout.plates.filter((one) => one.board === board.board);
    const head = el("div", { class: `board-name${wrong ? " bad-text" : ""}` }, `Board ${board.board}`, el("span", { class: "board-sizes" }, size("width_mm", "Width"), " x ", size("depth_mm", "Depth"), " mm"), el("button", { class: "button quiet drop", type: "button", "aria-label": `Remove board ${board.board}`, title: "Remove this board", onclick: () => dropBoard(board.board) }, "✕"));
    return el("li", { "data-board-no": board.board }, head,
      el("svg", { class: "board", viewBox: `0 0 1000 ${depth + 14}`, role: "group", "aria-label": `Board ${board.board}, ${on.length} plates` },
        el("rect", { class: "board-top", width: board.width_mm * k, height: depth }),
        el("rect", { class: "board-front", y: depth, width: board.width_mm * k, height: 12, rx: 3 }),
        ...on.toSorted((one, other) => one.x_mm - other.x_mm).map((one) => plateNode(one, board, k))));
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
        const made = boardNode(one, k), li = drawn[index];
        li.className = "";
        li.firstChild.className = made.firstChild.className;
        for (const input of li.querySelectorAll("input")) input.value = one[input.dataset.key];
        li.querySelector("svg").replaceWith(made.querySelector("svg"));
      });
    } else if (boards.length) at("boards").replaceChildren(...boards.map((one) => boardNode(one, k)));
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
    const loose = [...known.values()].filter((one) => !laid.has(one.plate));
    at("tray").replaceChildren(...(loose.length ? loose.map((one) => el("li", {}, el("button", { class: "choice", type: "button", "data-put": one.plate, onclick: () => putOn(one.plate) }, el("b", { class: "plate-no" }, String(one.plate)), el("span", { class: "name" }, nameOf(one.plate)), el("span", { class: "put" }, "Put on a board"))))
      : [el("li", { class: "meta" }, known.size ? "Every plate has its place." : "This shelf has no plates yet: set the first one up.")]));
  };
  const FIELDS = { x_mm: "From the left, mm", y_mm: "From the front, mm", width_mm: "Width, mm", depth_mm: "Depth, mm" };
  const drawForm = () => {
    const one = plateOf(state.chosen);
    if (!one) {
      at("plate-form").replaceChildren(el("p", { class: "meta" }, "Choose a plate in the drawing, or put one of those below on a board."));
      at("plate-form").dataset.of = "";
      at("plate-setup").hidden = true;
      at("h-plate").textContent = "Plate";
      return;
    }
    at("h-plate").textContent = `Plate ${one.plate}: ${nameOf(one.plate)}`;
    const numbers = state.layout.boards.map((board) => board.board).sort((a, b) => a - b);
    const of = JSON.stringify([one.plate, numbers, known.get(one.plate)?.sku]);
    if (at("plate-form").dataset.of !== of) at("plate-form").replaceChildren(...formOf(one.plate, numbers));
    at("plate-form").dataset.of = of;
    for (const input of at("plate-form").querySelectorAll("[data-field]")) input.value = one[input.dataset.field];
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

  // ---- by pointer: a plate follows it, over boards too; its corner sizes it
  let drag = null;
  const nearest = (event) => {
    const boxes = [...document.querySelectorAll("[data-board-no]")].map((li) => ({ no: Number(li.dataset.boardNo), box: li.querySelector("svg").getBoundingClientRect() }));
    const middle = event.clientY - drag.offY;
    return boxes.find(({ box }) => middle >= box.top && middle <= box.bottom) ?? boxes.find(({ no }) => no === drag.board);
  };
  at("boards").addEventListener("pointerdown", (event) => {
    const touched = event.target.closest("[data-plate]");
    if (!touched || event.button) return;
    // A number that is still being typed is said first; that draws the plates anew.
    document.activeElement?.blur();
    const one = plateOf(Number(touched.dataset.plate));
    const node = document.querySelector(`g[data-plate="${one.plate}"]`);
    choose(one.plate);
    const svg = node.closest("svg");
    const mm = Math.max(...state.layout.boards.map((board) => board.width_mm)) / svg.getBoundingClientRect().width;
    const box = node.querySelector(".drawn-edge").getBoundingClientRect();
    drag = { node, one, mm, board: one.board, start: { ...one }, x: event.clientX, y: event.clientY, offY: event.clientY - (box.top + box.height / 2), size: event.target.hasAttribute("data-grip"), moved: false };
    node.setPointerCapture(event.pointerId);
  });
  at("boards").addEventListener("pointermove", (event) => {
    if (!drag) return;
    const dx = (event.clientX - drag.x) * drag.mm, dy = (drag.y - event.clientY) * drag.mm;
    if (!drag.moved && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < 4) return;
    if (!drag.moved) drag.before = JSON.stringify(state.layout);
    drag.moved = true;
    const { one, start } = drag;
    const board = boardOf(drag.board);
    if (drag.size) {
      one.width_mm = clamp(snap(start.width_mm + dx), 10, board.width_mm - one.x_mm);
      one.depth_mm = clamp(snap(start.depth_mm + dy), 10, board.depth_mm - one.y_mm);
    } else {
      one.x_mm = clamp(snap(start.x_mm + dx), 0, board.width_mm - one.width_mm);
      one.y_mm = snap(start.y_mm + dy);
      drag.over = nearest(event);
      for (const li of document.querySelectorAll("[data-board-no]")) li.classList.toggle("target", Number(li.dataset.boardNo) === drag.over.no);
    }
    drag.node.closest("li").classList.add("source");
    place(drag.node, one, board, perMm());
  });
  const dropped = (event) => {
    if (!drag) return;
    const { one, before, moved, over, size } = drag;
    if (moved && !size) {
      const board = boardOf(over.no);
      const back = over.box.bottom - (event.clientY - drag.offY);
      if (over.no !== one.board) one.y_mm = snap(back * drag.mm - one.depth_mm / 2);
      one.board = over.no;
      one.x_mm = clamp(one.x_mm, 0, board.width_mm - one.width_mm);
      one.y_mm = clamp(one.y_mm, 0, board.depth_mm - one.depth_mm);
    }
    drag = null;
    if (!moved) return;
    if (JSON.stringify(state.layout) !== before) state.undo.push(before);
    speak(words(one));
    draw();
    look();
  };
  at("boards").addEventListener("pointerup", dropped);
  at("boards").addEventListener("pointercancel", () => {
    if (!drag) return;
    Object.assign(drag.one, drag.start);
    drag = null;
    draw();
  });
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
        if (asked === state.asked && !drag) showWrong(told.mistakes);
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
    drawForm();
    at("h-plate").textContent = `Plate ${number}`;
    setUp(number);
  });
  at("undo").addEventListener("click", undo);
  at("add-board").addEventListener("click", addBoard);
  at("save").addEventListener("click", save);
  addEventListener("beforeunload", (event) => { if (dirty()) event.preventDefault(); });

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
