// Our own labels for the floor: TP-C-<command>-<check>, TP-L-<place>-<check>. The same as
// gateway/command_codes.py, which tells how the check character is made.

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const CHECKS = `${ALPHABET}*+$%/`;
const VALUES = new Map([...`${ALPHABET}-._`].map((one, value) => [one, value]));
const OURS = /^(TP-([CL])-([0-9A-Z._-]{1,40}))-([^-])$/i;
const COMMANDS = new Set(["receive", "move-to", "pick", "count", "undo"]);

export function checkCharacter(body) {
  let remainder = 0;
  for (const one of body.toUpperCase()) remainder = ((remainder + VALUES.get(one)) * 6) % 41;
  return CHECKS[(((1 - remainder) % 41) + 41) % 41];
}

// ``{command}``, ``{place}``, ``{torn: why}``, or ``null`` where it is no code of ours.
export function parseFloorCode(said) {
  const code = said.trim();
  if (!/^TP-[CL]-/i.test(code)) return null;
  const found = OURS.exec(code);
  if (!found) return { torn: "It begins like one of our labels, but is none. Is it torn?" };
  const [, body, kind, what, check] = found;
  if (check.toUpperCase() !== checkCharacter(body)) {
    return { torn: "The check character of this label is wrong. Scan it again, or print it anew." };
  }
  if (kind.toUpperCase() === "L") return { place: what };
  const command = what.toLowerCase();
  return COMMANDS.has(command) ? { command } : { torn: `${what} is no command that we know.` };
}
