// On the account's page: whoever logs out is told what this browser still has to send from the
// floor. It stays here, and is sent when they sign in again.

import { counted } from "./queue.js";
import { Store } from "./store.js";

const form = document.querySelector("form[action='/logout']");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { waiting, refused } = counted(await new Store().commands());
  const left = waiting + refused;
  const sure = !left || window.confirm(`${left} ${left === 1 ? "scan is" : "scans are"} not with central yet. They stay on this device and are sent when you sign in here again. Log out all the same?`);
  if (sure) form.submit();
});
