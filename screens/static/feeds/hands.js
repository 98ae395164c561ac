// Hands on a chart: drag to zoom, drag with shift or two fingers to move, pinch, the wheel with
// ctrl, and keys. `seen()` says [from, to]; `move(from, to)` shows a span for the moment,
// `settle(from, to)` when the hand has let go.
const LEAST_PX = 5;

export const hands = (panel, { seen, move, settle, wider, back }) => {
  const over = panel.plot.over;
  const fingers = new Map();
  let held = null;

  const place = (event) => event.clientX - over.getBoundingClientRect().left;
  const time = (px, [from, to]) => from + (px / over.clientWidth) * (to - from);
  const grip = () => {
    const span = seen();
    held = { span, mode: "move", at: [...fingers.values()].map((px) => [px, time(px, span)]), last: null };
  };
  const mark = (a, b) => {
    const left = Math.max(0, Math.min(a, b)), right = Math.min(over.clientWidth, Math.max(a, b));
    panel.plot.setSelect({ left, top: 0, width: right - left, height: over.clientHeight }, false);
  };

  over.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    over.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, place(event));
    if (fingers.size === 1 && !event.shiftKey && event.button === 0) held = { mode: "zoom", start: place(event), span: seen(), last: null };
    else { event.preventDefault(); mark(0, 0); grip(); }
  });
  over.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId) || !held) return;
    fingers.set(event.pointerId, place(event));
    if (held.mode === "zoom") { mark(held.start, place(event)); return; }
    held.last = dragged(held, [...fingers.values()], over.clientWidth);
    move(...held.last);
  });
  const done = (event) => {
    if (!fingers.delete(event.pointerId) || !held) return;
    const was = held;
    held = null;
    mark(0, 0);
    if (event.type === "pointercancel") { if (was.last) settle(...was.span); return; }
    if (was.mode === "move") { if (was.last) settle(...was.last); return; }
    const end = Math.max(0, Math.min(over.clientWidth, place(event)));
    if (Math.abs(end - was.start) < LEAST_PX) return;
    settle(...[was.start, end].sort((a, b) => a - b).map((px) => time(px, was.span)));
  };
  over.addEventListener("pointerup", done);
  over.addEventListener("pointercancel", done);
  over.addEventListener("dblclick", wider);
  over.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const span = seen(), at = time(place(event), span), share = Math.exp(event.deltaY / 200);
    settle(at - (at - span[0]) * share, at + (span[1] - at) * share);
  }, { passive: false });
};

// Where the span comes to when what was under the fingers stays under them.
const dragged = ({ span: [from, to], at }, now, width) => {
  if (now.length < 2 || at.length < 2) {
    const shift = ((at[0][0] - now[0]) / width) * (to - from);
    return [from + shift, to + shift];
  }
  const [[, first], [, second]] = at;
  const scale = Math.abs(now[1] - now[0]) < 2 ? null : (second - first) / (now[1] - now[0]);
  if (scale === null || scale <= 0) return [from, to];
  return [first - now[0] * scale, first - now[0] * scale + width * scale];
};

// Keys on a focused chart; `read(step)` moves the reading line.
export const keys = (box, { pan, zoom, wider, read, live, back }) => {
  const does = {
    ArrowLeft: (e) => (e.shiftKey ? read(-1) : pan(-0.25)), ArrowRight: (e) => (e.shiftKey ? read(1) : pan(0.25)),
    PageUp: () => pan(-1), PageDown: () => pan(1), "+": () => zoom(0.5), "=": () => zoom(0.5), "-": wider,
    End: live, Escape: back, Backspace: back,
  };
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== box) return;
    const act = does[event.key];
    if (!act) return;
    event.preventDefault();
    act(event);
  });
};
