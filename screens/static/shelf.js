// Setting a plate up: what lies on it and where it lies, each by one click, through the API's own
// routes. The part of a page that it serves comes from central; the technician's wizard and the
// page of arranging both show it.
//   shelf.send(method, path, body, tag)   a request; throws an Error with words for people
//   shelf.room(layout, size)              the first place where a plate of this size has room
"use strict";
const shelf = (() => {
  const token = () => document.cookie.split("; ").find((one) => one.startsWith("tp_csrf="))?.slice(8);
  const send = async (method, path, body = null, tag = "") => {
    const headers = {};
    const shown = token();
    if (shown) headers["X-CSRF-Token"] = decodeURIComponent(shown);
    if (body) headers["Content-Type"] = "application/json";
    if (tag) headers["If-Match"] = tag;
    let answer;
    try {
      answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    } catch {
      throw new Error("Central cannot be reached. Nothing is lost: try again.");
    }
    const told = await answer.json().catch(() => ({}));
    if (answer.ok) return { told, tag: answer.headers.get("ETag") };
    throw Object.assign(new Error(told.detail || told.title || `It was refused (${answer.status}).`), { status: answer.status, mistakes: told.mistakes });
  };
  const point = (code) => `/read-points/${encodeURIComponent(code)}`;

  // ---- room for one more
  const over = (one, other) => one.board === other.board && one.x_mm < other.x_mm + other.width_mm && other.x_mm < one.x_mm + one.width_mm
    && one.y_mm < other.y_mm + other.depth_mm && other.y_mm < one.y_mm + one.depth_mm;
  const room = (layout, size) => {
    for (const board of layout.boards.toSorted((one, other) => one.board - other.board)) {
      const on = layout.plates.filter((one) => one.board === board.board);
      const starts = (from, far) => [...new Set([0, ...on.flatMap((one) => [one[from], one[from] + one[far]])])].sort((one, other) => one - other);
      for (const y_mm of starts("y_mm", "depth_mm")) {
        for (const x_mm of starts("x_mm", "width_mm")) {
          const spot = { board: board.board, x_mm, y_mm, ...size };
          const fits = x_mm + size.width_mm <= board.width_mm && y_mm + size.depth_mm <= board.depth_mm;
          if (fits && !on.some((one) => over(spot, one))) return spot;
        }
      }
    }
    return null;
  };
  const usual = (layout) => {
    const last = layout.plates.at(-1);
    return last ? { width_mm: last.width_mm, depth_mm: last.depth_mm } : { width_mm: 300, depth_mm: 400 };
  };
  const newBoard = (layout) => {
    const top = layout.boards.reduce((best, one) => (one.board > best.board ? one : best), { board: 0, width_mm: 900, depth_mm: 400 });
    return { board: top.board + 1, width_mm: top.width_mm, depth_mm: top.depth_mm };
  };

  // ---- the part about one plate
  const part = async (box, address) => {
    const answer = await fetch(address).catch(() => null);
    if (!answer?.ok) {
      box.textContent = answer ? "This shelf cannot be set up from here: is it one of your places?" : "Central cannot be reached. Say it later, on the shelf's page: Arrange plates.";
      return;
    }
    box.innerHTML = await answer.text();
    htmx.process(box);
    await lies(box);
  };
  const from = (x_mm) => (x_mm ? `${x_mm} mm from the left` : "at its left end");
  const lies = async (box) => {
    const setup = box.querySelector("[data-setup]");
    const where = box.querySelector(".setup-where");
    if (!where) return;
    const number = Number(setup.dataset.plate);
    const button = box.querySelector("[data-lay]");
    try {
      const { told: layout, tag } = await send("GET", `${point(setup.dataset.point)}/layout`);
      const now = layout.plates.find((one) => one.plate === number);
      if (now) {
        where.textContent = `On board ${now.board}, ${from(now.x_mm)}, ${now.width_mm} x ${now.depth_mm} mm.`;
        return;
      }
      const size = usual(layout);
      const found = room(layout, size);
      const board = found ? null : newBoard(layout);
      const spot = found ?? { board: board.board, x_mm: 0, y_mm: 0, width_mm: Math.min(size.width_mm, board.width_mm), depth_mm: Math.min(size.depth_mm, board.depth_mm) };
      where.textContent = `There is room on ${board ? "a new " : ""}board ${spot.board}, ${from(spot.x_mm)}, for ${spot.width_mm} x ${spot.depth_mm} mm.`;
      button.textContent = "It lies there";
      button.hidden = false;
      button.onclick = () => tell(box, button, async () => {
        const next = { boards: board ? [...layout.boards, board] : layout.boards, plates: [...layout.plates, { plate: number, ...spot }] };
        await send("PUT", `${point(setup.dataset.point)}/layout`, next, tag);
        return `Plate ${number} lies on board ${spot.board}.`;
      });
    } catch (error) { where.textContent = error.message; }
  };
  const tell = async (box, button, act) => {
    const setup = box.querySelector("[data-setup]");
    const say = (words, bad) => {
      const said = box.querySelector(".setup-said");
      said.textContent = words;
      said.classList.toggle("bad-text", Boolean(bad));
    };
    button.disabled = true;
    try {
      const words = await act();
      await part(box, setup.dataset.setup);
      say(words);
      box.dispatchEvent(new CustomEvent("set-up", { bubbles: true, detail: setup.dataset }));
    } catch (error) {
      say(error.message, true);
      button.disabled = false;
    }
  };
  const plan = (setup, sku, unit_mg, unit_cv) => send("PUT", `${point(setup.dataset.point)}/plates/${setup.dataset.plate}`, { sku, unit_mg, ...(unit_cv > 0 ? { unit_cv } : {}) });
  const weigh = (box, setup, choice) => {
    const form = document.createElement("form");
    form.className = "weigh";
    form.innerHTML = '<label class="label">One piece weighs, in g<input class="input" type="number" min="0.001" step="any" inputmode="decimal" required></label><button class="button" type="submit">It lies here</button>';
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const unit_mg = Math.round(Number(form.querySelector("input").value) * 1000);
      tell(box, form.querySelector("button"), async () => {
        await plan(setup, choice.dataset.sku, unit_mg, 0);
        return `${choice.dataset.sku} lies on plate ${setup.dataset.plate}.`;
      });
    });
    choice.after(form);
    form.querySelector("input").focus();
  };
  document.addEventListener("click", (event) => {
    const choice = event.target.closest(".choice");
    const setup = choice?.closest("[data-setup]");
    if (!setup || event.detail > 1) return; // the second of a double click is none of its own
    const box = setup.parentElement;
    if (choice.dataset.location) {
      tell(box, choice, async () => {
        await send("PUT", point(setup.dataset.point), { kind: "shelf", location: choice.dataset.location });
        return `${setup.dataset.point} is a shelf at ${choice.dataset.location}.`;
      });
    } else if (!choice.dataset.unitMg) {
      if (!choice.nextElementSibling) weigh(box, setup, choice);
    } else {
      tell(box, choice, async () => {
        await plan(setup, choice.dataset.sku, Number(choice.dataset.unitMg), Number(choice.dataset.unitCv));
        return `${choice.dataset.sku} lies on plate ${setup.dataset.plate}.`;
      });
    }
  });
  // A scanner ends with Enter: what alone it names is chosen.
  document.addEventListener("keydown", async (event) => {
    const field = event.target.closest?.(".plate-setup input[type=search]");
    if (event.key !== "Enter" || !field) return;
    event.preventDefault();
    const list = document.querySelector(field.getAttribute("hx-target"));
    const answer = await fetch(`${field.getAttribute("hx-get")}?${new URLSearchParams({ q: field.value })}`).catch(() => null);
    if (!answer?.ok) {
      field.closest(".plate-setup").querySelector(".setup-said").textContent = "Central cannot be reached. Nothing is lost: try again.";
      return;
    }
    list.innerHTML = await answer.text();
    const found = list.querySelectorAll(".choice");
    if (found.length === 1 && (found[0].dataset.unitMg || found[0].dataset.location)) found[0].click();
  });
  return { send, point, part, room, usual, newBoard };
})();
