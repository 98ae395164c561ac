// Counts: several commands for one wish (a sweep is asked for, begun and heard), and the reasons
// that stand in a table.
"use strict";
(() => {
  const { send, newId } = window.commands;
  const { builders, steps, leave } = window.acts;

  builders.count = (said, form, path) => ({ skus: [], ...said, ...(path.way === "rfid" ? { below: true } : {}) });
  steps.counted = async (told, form) => {
    const way = form.elements.way.value;
    if (way === "people") return;
    const at = `/api/counts/${encodeURIComponent(told.id)}`;
    const page = `/screen/counts/${encodeURIComponent(told.id)}`;
    try {
      await send(`${at}/start`, {});
      if (way !== "rfid") return;
      const chosen = form.elements.zone.selectedOptions[0];
      await send(`${at}/entries`, { id: newId(), read_point: chosen.value, location: chosen.dataset.place });
    } catch (error) {
      leave(page, `It was asked for, and then: ${error.message}`);
      throw error;
    }
  };
  builders.schedule = (said, form, path) => (path.way === "abc" ? { ...said, every_days: 1 } : said);

  // Each line that got a reason is one decision; the others wait.
  builders.decisions = (said, form) => {
    const lines = [...document.querySelectorAll("tr[data-line]")].flatMap((row) => {
      const reason = row.querySelector("select").value;
      return reason ? [{ ...JSON.parse(row.dataset.line), reason, accept: row.querySelector("[data-accept]").value === "yes" }] : [];
    });
    if (!lines.length) throw new Error("Say of at least one line why it differs.");
    return { ...said, lines };
  };
  document.getElementById("all-reasons")?.addEventListener("change", (event) => {
    for (const one of document.querySelectorAll("tr[data-line] select[data-reason]")) one.value = event.target.value;
  });
  // The books stay for every line that differs.
  builders.reject = (said) => ({ lines: [{ reason: said.reason, accept: false }], ...(said.by ? { by: said.by } : {}) });
})();
