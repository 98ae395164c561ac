// Taking a device out of the settings, in two taps.
"use strict";
(() => {
  const { text, base, root } = tally;
  const button = document.getElementById("remove");
  const { device } = root.dataset;
  if (!button || !tally.mayChange) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (button.dataset.sure !== "yes") {
      button.dataset.sure = "yes";
      text(button, `Remove ${device}?`);
      setTimeout(() => { button.dataset.sure = ""; text(button, "Remove"); }, 4000);
      return;
    }
    button.disabled = true;
    try {
      await tally.act("device.remove", { device }).done;
      location.assign(base || "/");
    } catch (trouble) {
      tally.tell(trouble);
      button.disabled = false;
    }
  });
})();
