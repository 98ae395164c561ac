// A portal's day: what is new comes by itself, and a stretch of the strip is zoomed into by
// dragging over it, by the wheel, or by the buttons (which are links and need no script).
"use strict";
(() => {
  const day = document.getElementById("day");
  if (!day) return;
  let dragging = false;
  const renew = async () => {
    if (dragging || !day.dataset.live) return;
    const answer = await fetch(day.dataset.part + location.search).catch(() => null);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const come = page.getElementById("day") ?? page.body;
    const at = document.activeElement?.closest("#day") ? document.activeElement.getAttribute("href") : null;
    day.replaceChildren(...come.childNodes);
    if (at) [...day.querySelectorAll("a")].find((one) => one.getAttribute("href") === at)?.focus({ preventScroll: true });
  };
  document.getElementById("live").addEventListener("moved", renew);

  document.querySelector("#day-pick input")?.addEventListener("change", (event) => { if (event.target.value) event.target.form.requestSubmit(); });

  const go = (since, until) => {
    const asked = new URLSearchParams(location.search);
    asked.set("since", Math.round(since));
    asked.set("until", Math.round(until));
    location.search = asked;
  };
  const strip = () => document.getElementById("strip");
  const where = (event) => {
    const box = strip().getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  };
  const span = () => [Number(strip().dataset.since), Number(strip().dataset.until)];
  let from = 0;
  day.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || event.button || !event.target.closest("#strip")) return;
    from = where(event);
    dragging = true;
  });
  addEventListener("pointermove", (event) => {
    if (!dragging) return;
    const pick = document.getElementById("strip-pick");
    const to = where(event);
    if (Math.abs(to - from) < 0.01) return;
    pick.hidden = false;
    pick.style.left = `${Math.min(from, to) * 100}%`;
    pick.style.width = `${Math.abs(to - from) * 100}%`;
  });
  addEventListener("pointerup", (event) => {
    if (!dragging) return;
    dragging = false;
    const to = where(event);
    document.getElementById("strip-pick").hidden = true;
    if (Math.abs(to - from) < 0.01) return;
    const [since, until] = span();
    go(since + Math.min(from, to) * (until - since), since + Math.max(from, to) * (until - since));
  });
  day.addEventListener("click", (event) => {
    const many = event.target.closest(".bar.many");
    if (many && strip()) {
      event.preventDefault();
      const since = Number(many.dataset.since), until = Number(many.dataset.until);
      const room = Math.max((until - since) * 0.1, 2e6);
      go(since - room, until + room);
    }
  });
  day.addEventListener("dragstart", (event) => event.preventDefault());
})();
