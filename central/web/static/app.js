// What makes the screen live: the connection's state, the browser's own clock, and a short
// highlight where a figure changed. The server renders everything else.
"use strict";
(() => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // <local-time at="milliseconds">: drawn in a shadow root, so that morphing never touches it.
  customElements.define("local-time", class extends HTMLElement {
    static observedAttributes = ["at"];
    attributeChangedCallback() {
      const moment = new Date(Number(this.getAttribute("at")));
      const root = this.shadowRoot || this.attachShadow({ mode: "open" });
      const sameDay = moment.toDateString() === new Date().toDateString();
      const time = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
      root.textContent = sameDay ? time : `${moment.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
      this.title = moment.toLocaleString();
    }
  });

  // Figures that changed are lit for a moment: green when they rose, amber when they fell.
  const number = (text) => Number(text.replace(/[^0-9.-]/g, ""));
  const seen = new WeakMap();
  const look = () => {
    for (const element of document.querySelectorAll("[data-flash]")) {
      const text = element.textContent.trim();
      const before = seen.get(element);
      seen.set(element, text);
      if (before === undefined || before === text || calm.matches) continue;
      const tone = number(text) >= number(before) ? "--good-soft" : "--warn-soft";
      const colour = getComputedStyle(document.documentElement).getPropertyValue(tone);
      element.animate(
        [{ backgroundColor: colour, borderRadius: "6px" }, { backgroundColor: colour, offset: 0.5 }, { backgroundColor: "transparent" }],
        { duration: 2200, easing: "ease-out" },
      );
    }
    for (const element of document.querySelectorAll("[data-enter]")) {
      if (seen.has(element)) continue;
      seen.set(element, "");
      if (first || calm.matches) continue;
      const colour = getComputedStyle(document.documentElement).getPropertyValue("--accent-soft");
      element.animate([{ backgroundColor: colour }, { backgroundColor: "transparent" }], { duration: 2600, easing: "ease-out" });
    }
    first = false;
  };
  let first = true;
  look();
  const main = document.getElementById("main");
  let due = 0;
  new MutationObserver(() => {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(look);
  }).observe(main, { subtree: true, childList: true, characterData: true });

  // The connection, said in words.
  const link = document.getElementById("link");
  if (!link) return;
  const say = (state, words) => {
    if (link.dataset.state === state) return;
    link.dataset.state = state;
    link.querySelector(".link-text").textContent = words;
  };
  document.addEventListener("htmx:sse:after:connection", () => say("live", "Live"));
  for (const name of ["htmx:sse:error", "htmx:sse:close"]) {
    document.addEventListener(name, () => say("lost", "Reconnecting"));
  }
  document.addEventListener("htmx:sse:before:connection", (event) => {
    if (event.detail.connection.attempt > 0) say("lost", "Reconnecting");
  });
})();
