// The boards of a shelf as they are arranged: drawn to scale, and a plate that follows the pointer.
//   shelf.boardNode(board, scale, page)   a board with its plates
//   shelf.drag(page)                      lets plates be dragged and sized
// ``page`` is what shelf_arrange.js tells of itself.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
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
  const plateNode = (one, board, k, page) => {
    const wrong = page.wrong().some((each) => each.plates.includes(one.plate));
    const node = el("g", { class: `drawn movable${wrong ? " wrong" : ""}`, role: "button", tabindex: 0, "data-plate": one.plate, "aria-pressed": String(page.chosen() === one.plate), "aria-label": `${page.words(one)}${wrong ? ". There is a mistake" : ""}` },
      el("rect", { class: "drawn-plate", rx: 10 }), el("rect", { class: "drawn-edge", rx: 10 }),
      el("foreignObject", {}, el("div", { class: "cell" }, el("p", { class: "cell-head" }, el("b", { class: "cell-no" }, String(one.plate)), wrong ? el("span", { class: "cell-state" }, "mistake") : null), el("p", { class: "cell-share" }, `${one.width_mm} x ${one.depth_mm}`), el("p", { class: "cell-name" }, page.nameOf(one.plate)))),
      el("path", { class: "grip-mark", "aria-hidden": "true" }),
      el("rect", { class: "grip", width: 74, height: 74, "data-grip": true }));
    place(node, one, board, k);
    return node;
  };
  // A line every 100 mm, from the left front corner.
  const lines = (board, k) => {
    const every = (mm) => Array.from({ length: Math.max(0, Math.min(200, Math.ceil(mm / 100) - 1)) }, (_, no) => (no + 1) * 100 * k);
    const width = board.width_mm * k, depth = board.depth_mm * k;
    return every(board.width_mm).map((x) => `M${x} 0V${depth}`).join("") + every(board.depth_mm).map((y) => `M0 ${depth - y}H${width}`).join("");
  };
  const boardNode = (board, k, page) => {
    const depth = board.depth_mm * k;
    const wrong = page.wrong().some((each) => each.boards.includes(board.board));
    const size = (key, label) => el("label", { class: "board-size" }, el("span", { class: "sr" }, `${label} of board ${board.board}, mm`), el("input", { class: "input", type: "number", inputmode: "numeric", value: board[key], min: 50, max: 20000, step: 1, "data-board": board.board, "data-key": key }));
    const on = page.layout().plates.filter((one) => one.board === board.board);
    const head = el("div", { class: `board-name${wrong ? " bad-text" : ""}` }, `Board ${board.board}`, el("span", { class: "board-sizes" }, size("width_mm", "Width"), " x ", size("depth_mm", "Depth"), " mm"), el("button", { class: "button quiet drop", type: "button", "aria-label": `Remove board ${board.board}`, title: "Remove this board", onclick: () => page.drop(board.board) }, "✕"));
    return el("li", { "data-board-no": board.board }, head,
      el("svg", { class: "board", viewBox: `0 0 1000 ${depth + 14}`, role: "group", "aria-label": `Board ${board.board}, ${on.length} plates` },
        el("rect", { class: "board-top", width: board.width_mm * k, height: depth }),
        el("path", { class: "board-lines", d: lines(board, k), "aria-hidden": "true" }),
        el("rect", { class: "board-front", y: depth, width: board.width_mm * k, height: 12, rx: 3 }),
        ...on.toSorted((one, other) => one.x_mm - other.x_mm).map((one) => plateNode(one, board, k, page))));
  };

  // ---- by pointer: a plate follows it, over boards too; its corner sizes it
  const dragging = (page) => {
    let drag = null;
    const nearest = (event) => {
      const boxes = [...document.querySelectorAll("[data-board-no]")].map((li) => ({ no: Number(li.dataset.boardNo), box: li.querySelector("svg").getBoundingClientRect() }));
      const middle = event.clientY - drag.offY;
      return boxes.find(({ box }) => middle >= box.top && middle <= box.bottom) ?? boxes.find(({ no }) => no === drag.board);
    };
    page.boards.addEventListener("pointerdown", (event) => {
      const touched = event.target.closest("[data-plate]");
      if (!touched || event.button) return;
      // A number that is still being typed is said first; that draws the plates anew.
      document.activeElement?.blur();
      const one = page.plateOf(Number(touched.dataset.plate));
      const node = document.querySelector(`g[data-plate="${one.plate}"]`);
      page.choose(one.plate);
      const svg = node.closest("svg");
      const mm = Math.max(...page.layout().boards.map((board) => board.width_mm)) / svg.getBoundingClientRect().width;
      const box = node.querySelector(".drawn-edge").getBoundingClientRect();
      drag = { node, one, mm, board: one.board, start: { ...one }, x: event.clientX, y: event.clientY, offY: event.clientY - (box.top + box.height / 2), size: event.target.hasAttribute("data-grip"), moved: false };
      node.setPointerCapture(event.pointerId);
    });
    page.boards.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const dx = (event.clientX - drag.x) * drag.mm, dy = (drag.y - event.clientY) * drag.mm;
      if (!drag.moved && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < 4) return;
      if (!drag.moved) drag.before = JSON.stringify(page.layout());
      drag.moved = true;
      const { one, start } = drag;
      const board = page.boardOf(drag.board);
      if (drag.size) {
        one.width_mm = page.clamp(page.snap(start.width_mm + dx), 10, board.width_mm - one.x_mm);
        one.depth_mm = page.clamp(page.snap(start.depth_mm + dy), 10, board.depth_mm - one.y_mm);
      } else {
        one.x_mm = page.clamp(page.snap(start.x_mm + dx), 0, board.width_mm - one.width_mm);
        one.y_mm = page.snap(start.y_mm + dy);
        drag.over = nearest(event);
        for (const li of document.querySelectorAll("[data-board-no]")) li.classList.toggle("target", Number(li.dataset.boardNo) === drag.over.no);
      }
      drag.node.closest("li").classList.add("source");
      place(drag.node, one, board, page.scale());
      page.moving();
    });
    const dropped = (event) => {
      if (!drag) return;
      const { one, before, moved, over, size } = drag;
      if (moved && !size) {
        const board = page.boardOf(over.no);
        const back = over.box.bottom - (event.clientY - drag.offY);
        if (over.no !== one.board) one.y_mm = page.snap(back * drag.mm - one.depth_mm / 2);
        one.board = over.no;
        one.x_mm = page.clamp(one.x_mm, 0, board.width_mm - one.width_mm);
        one.y_mm = page.clamp(one.y_mm, 0, board.depth_mm - one.depth_mm);
      }
      drag = null;
      if (!moved) return;
      page.moved(one, before);
    };
    // A finger on a plate moves the plate, not the page; browsers do not heed touch-action in SVG.
    page.boards.addEventListener("touchstart", (event) => {
      if (event.target.closest("[data-plate]")) event.preventDefault();
    }, { passive: false });
    page.boards.addEventListener("pointerup", dropped);
    page.boards.addEventListener("pointercancel", () => {
      if (!drag) return;
      const { one, start } = drag;
      Object.assign(one, start);
      drag = null;
      page.moved(one);
    });
    return { busy: () => drag !== null };
  };
  Object.assign(shelf, { el, boardNode, drag: dragging });
})();
