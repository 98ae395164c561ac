// GS1 barcodes, as far as the floor needs them where there is no network: application identifiers
// 00, 01, 02, 10, 11, 13, 15, 16, 17, 20, 21, 22, 30, 310n, 37, 400, 414 and 254. What else a code may hold,
// central reads when it can be asked (gateway/gs1). A test holds the two against each other: this
// one may say that it does not know, and never anything else than central does.

const GS = "\x1d";
const SPELT = /\{GS\}|<GS>|\[GS\]|\{FNC1\}|<FNC1>|\[FNC1\]|\\x1d|\\u001d|\\035|\u241d|[\^|]/gi;
const DAY = /^\d{2}(?:0\d|1[0-2])(?:[0-2]\d|3[01])/;
const text = (most) => new RegExp(`^[!%-?A-Z_a-z\\x22]{1,${most}}`);
const digits = (count) => new RegExp(`^\\d{${count}}`);
const RULES = new Map([
  ["00", digits(18)], ["01", digits(14)], ["02", digits(14)], ["10", text(20)],
  ["11", DAY], ["13", DAY], ["15", DAY], ["16", DAY], ["17", DAY],
  ["20", digits(2)], ["21", text(20)], ["22", text(20)], ["30", /^\d{0,8}/], ["37", /^\d{1,8}/],
  ["400", text(30)], ["414", digits(13)], ["254", text(20)],
  ...[0, 1, 2, 3, 4, 5].map((n) => [`310${n}`, digits(6)]),
]);
const CHECKED = new Set(["00", "01", "02", "414"]);
const ELEMENTS = new Set(["]C1", "]d2", "]d5", "]Q3", "]Q4", "]e0", "]J1"]);
const DATES = ["11", "12", "13", "15", "16", "17"];
const GTIN_LENGTHS = [8, 12, 13, 14];

export class Gs1Error extends Error {}

export function checkDigit(payload) {
  let total = 0;
  for (let place = 0; place < payload.length; place += 1) {
    total += Number(payload[payload.length - 1 - place]) * (place % 2 === 0 ? 3 : 1);
  }
  return String((10 - (total % 10)) % 10);
}

const isDigits = (one) => /^[0-9]+$/.test(one);
const hasCheckDigit = (one) => one.length > 1 && isDigits(one) && checkDigit(one.slice(0, -1)) === one.at(-1);
export const isGtin = (one) => GTIN_LENGTHS.includes(one.length) && hasCheckDigit(one);
const isSscc = (one) => one.length === 18 && hasCheckDigit(one);

function toGtin14(one) {
  if (!isDigits(one) || !GTIN_LENGTHS.includes(one.length)) {
    throw new Gs1Error(`a GTIN has 8, 12, 13 or 14 digits, not ${one}`);
  }
  if (!hasCheckDigit(one)) throw new Gs1Error(wrongDigit(one));
  return one.padStart(14, "0");
}

function wrongDigit(one) {
  return `the check digit of ${one} is ${one.at(-1)}, but should be ${checkDigit(one.slice(0, -1))}: it was probably misread`;
}

function refuseMistyped(one) {
  if (!isDigits(one)) return;
  if (GTIN_LENGTHS.includes(one.length) && !(one.length === 8 && DATES.includes(one.slice(0, 2)))) toGtin14(one);
  else if (one.length === 18 && !isSscc(one)) throw new Gs1Error(wrongDigit(one));
}

function upcA(upcE) {
  const [system, body, check] = [upcE[0], upcE.slice(1, 7), upcE[7]];
  const last = Number(body[5]);
  let rest;
  if (last <= 2) rest = `${body.slice(0, 2)}${last}0000${body.slice(2, 5)}`;
  else if (last === 3) rest = `${body.slice(0, 3)}00000${body.slice(3, 5)}`;
  else if (last === 4) rest = `${body.slice(0, 4)}00000${body[4]}`;
  else rest = `${body.slice(0, 5)}0000${last}`;
  return `${system}${rest}${check}`;
}

function eanUpc(said, symbology) {
  if (symbology === "]E1" || symbology === "]E2") throw new Gs1Error("this is only the add-on: scan the whole code");
  let one = said;
  if (symbology === "]E3" && isDigits(one) && [15, 18].includes(one.length)) one = one.slice(0, 13);
  if (symbology === "]E0" && /^[01]\d{7}$/.test(one)) return toGtin14(upcA(one));
  return toGtin14(one);
}

function identifier(rest) {
  for (const length of [2, 3, 4]) {
    if (RULES.has(rest.slice(0, length))) return rest.slice(0, length);
  }
  throw new Gs1Error(`${rest.slice(0, 4)} is an application identifier that only central knows`);
}

function elementsOf(said) {
  let rest = said.replace(SPELT, GS).replace(/^\x1d+|\x1d+$/g, "");
  // eslint-disable-next-line no-control-regex
  if (/[^\x00-\x7f]/.test(rest)) throw new Gs1Error("GS1 values are plain ASCII");
  rest = rest.trim();
  const values = {};
  while (rest) {
    const ai = identifier(rest);
    const found = RULES.get(ai).exec(rest.slice(ai.length).split(GS)[0]);
    if (!found) throw new Gs1Error(`what follows (${ai}) is not what it announces`);
    if (!(ai in values)) values[ai] = found[0];
    rest = rest.slice(ai.length + found[0].length).replace(/^\x1d+/, "");
  }
  if (Object.keys(values).length === 0) throw new Gs1Error("there is no element string");
  return values;
}

export function dayOf(yymmdd, thisYear = new Date().getUTCFullYear()) {
  const [two, month, day] = [0, 2, 4].map((at) => Number(yymmdd.slice(at, at + 2)));
  const century = thisYear - (thisYear % 100);
  const apart = two - (thisYear % 100);
  const year = century + two + (apart >= 51 ? -100 : apart <= -50 ? 100 : 0);
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (month < 1 || month > 12 || day > last) return null;
  const pad = (one) => String(one).padStart(2, "0");
  return `${year}-${pad(month)}-${pad(day || last)}`;
}

function fromElements(values) {
  const flaws = [];
  for (const ai of CHECKED) {
    if (ai in values && !hasCheckDigit(values[ai])) flaws.push(wrongDigit(values[ai]));
  }
  const expiry = "17" in values ? dayOf(values["17"]) : null;
  if ("17" in values && expiry === null) flaws.push(`(17)${values["17"]} is not a date`);
  const count = values["37"] || values["30"];
  return {
    ...EMPTY,
    gtin: ["01", "02"].map((ai) => values[ai]).find((one) => one && isGtin(one)) ?? null,
    sscc: values["00"] && isSscc(values["00"]) ? values["00"] : null,
    elements: values,
    lot: values["10"] ?? null,
    serial: values["21"] ?? null,
    expiry,
    quantity: count ? Number(count) : null,
    error: flaws.join("; ") || null,
  };
}

const EMPTY = { gtin: null, sscc: null, elements: {}, lot: null, expiry: null, quantity: null, serial: null, error: null };

function parse(said, symbology) {
  if (/^https?:\/\//i.test(said)) throw new Gs1Error("a Digital Link is read by central: there is no network now");
  if (ELEMENTS.has(symbology) && !said.startsWith("(")) return fromElements(elementsOf(said));
  if (symbology?.startsWith("]E")) return { ...EMPTY, gtin: eanUpc(said, symbology) };
  if (isGtin(said) && (symbology === null || said.length > 8)) return { ...EMPTY, gtin: toGtin14(said) };
  if (symbology !== null) throw new Gs1Error("this symbol carries no GS1 element string, and its content is no GTIN");
  if (isSscc(said)) return { ...EMPTY, sscc: said };
  if (said.startsWith("(")) throw new Gs1Error("brackets are for people's eyes: a GS1 barcode does not contain them");
  refuseMistyped(said);
  return fromElements(elementsOf(said));
}

// ``symbology`` is the AIM identifier, which ``data`` may also begin with. Never throws: ``error``
// says why nothing, or not all, could be read.
export function parseScan(data, symbology = null) {
  let said = data.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
  let aim = symbology;
  if (aim === null && said.length > 3 && said[0] === "]") {
    aim = said.slice(0, 3);
    said = said.slice(3).replace(/^[ \t\r\n]+/, "");
  }
  try {
    return parse(said, aim);
  } catch (error) {
    if (!(error instanceof Gs1Error)) throw error;
    return { ...EMPTY, error: error.message };
  }
}
