// What every page needs: times and numbers as its reader writes them, a short highlight where a
// figure changed, the connection's state, and the token that forms and requests carry.
"use strict";
(() => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const site = document.documentElement.dataset.zone || undefined;
  const day = (moment, timeZone) => moment.toLocaleDateString("en-CA", { timeZone });

  // <local-time at="milliseconds" [zone="Europe/Berlin"]>: in that zone, else that of the nearest
  // data-zone, else the browser's. Drawn in a shadow root, so that morphing never touches it.
  customElements.define("local-time", class extends HTMLElement {
    static observedAttributes = ["at", "zone"];
    connectedCallback() { this.draw(); }
    attributeChangedCallback() { if (this.isConnected) this.draw(); }
    draw() {
      const moment = new Date(Number(this.getAttribute("at")));
      const timeZone = this.getAttribute("zone") || this.closest("[data-zone]")?.dataset.zone || site;
      const root = this.shadowRoot || this.attachShadow({ mode: "open" });
      const time = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone });
      const year = day(moment, timeZone).slice(0, 4) === day(new Date(), timeZone).slice(0, 4) ? undefined : "numeric";
      root.textContent = day(moment, timeZone) === day(new Date(), timeZone)
        ? time
        : `${moment.toLocaleDateString([], { day: "numeric", month: "short", year, timeZone })} ${time}`;
      this.title = moment.toLocaleString([], { timeZone, timeZoneName: "short" });
    }
  });

  // <local-number value="1234.5" digits="1">: 1,234.5 or 1.234,5. The text within is for those
  // without scripts, and for whoever reads it by program.
  customElements.define("local-number", class extends HTMLElement {
    static observedAttributes = ["value", "digits"];
    attributeChangedCallback() {
      const digits = Number(this.getAttribute("digits") || 0);
      const root = this.shadowRoot || this.attachShadow({ mode: "open" });
      root.textContent = Number(this.getAttribute("value")).toLocaleString([], { minimumFractionDigits: digits, maximumFractionDigits: digits });
    }
  });

  // Figures that changed are lit for a moment: green when they rose, amber when they fell.
  const number = (text) => Number(text.replace(/[^0-9.-]/g, ""));
  const seen = new WeakMap();
  let first = true;
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
    // The navigation's counts, wherever a page's live part tells them.
    for (const told of document.querySelectorAll("[data-nav-count]")) {
      const count = Number(told.dataset.value) || "";
      for (const shown of document.querySelectorAll(`.nav-count[data-count="${told.dataset.navCount}"]`)) {
        if (shown.textContent !== String(count)) shown.textContent = count;
      }
    }
  };
  look();
  let due = 0;
  new MutationObserver(() => {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(look);
  }).observe(document.getElementById("main"), { subtree: true, childList: true, characterData: true });

  // Who is signed in shows with each request that it is this page which asks.
  const token = () => document.cookie.split("; ").find((one) => one.startsWith("tp_csrf="))?.slice(8);
  document.addEventListener("htmx:config:request", (event) => {
    const shown = token();
    if (shown) event.detail.ctx.request.headers["X-CSRF-Token"] = decodeURIComponent(shown);
  });

  // "/" anywhere goes to the field that finds everything; a scanner types into it and ends with Enter.
  document.addEventListener("keydown", (event) => {
    const field = document.getElementById("anything");
    const typing = event.target.closest("input, textarea, select, dialog, [contenteditable]");
    if (event.key !== "/" || !field || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
    field.select();
  });

  // The menu at a phone's edge closes when one looks elsewhere.
  const more = document.querySelector(".places .more");
  document.addEventListener("click", (event) => {
    if (more?.open && !more.contains(event.target)) more.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && more?.open) more.open = false;
  });

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
