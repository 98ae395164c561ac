// What a code means: central is asked where it can be, the catalogue on the phone where not.

import { parseFloorCode } from "./floor_codes.js";
import { parseScan } from "./gs1.js";

export class Lookup {
  constructor(catalogue = null) {
    const { items = [], packs = [], places = [] } = catalogue ?? {};
    this.items = new Map(items.map(([sku, name, unit, tracking]) => [sku, { sku, name, unit, tracking }]));
    this.packs = new Map(packs.map(([gtin, at, units]) => [gtin, { sku: items[at][0], units }]));
    this.gtins = new Map(packs.map(([gtin, at]) => [items[at][0], gtin]));
    this.places = new Map(places.map(([code, name, parent, type]) => [code, { code, name, parent, type }]));
    this.folded = new Map(places.map(([code]) => [code.toLowerCase(), code]));
  }

  item(sku) {
    return this.items.get(sku) ?? { sku, name: "", unit: "", tracking: "none" };
  }

  place(code) {
    const known = this.places.get(code) ?? this.places.get(this.folded.get(code.toLowerCase()));
    return known ?? null;
  }

  // As far as this phone knows, without asking.
  locally(code, symbology = null) {
    const ours = parseFloorCode(code);
    if (ours?.torn) return { kind: "unknown", says: ours.torn, code };
    if (ours?.command) return { kind: "command", command: ours.command, code };
    if (ours?.place) return this.#placed(ours.place, code) ?? { kind: "unknown", says: `This phone knows no place ${ours.place}.`, code };
    const plain = code.trim();
    const gs1 = parseScan(code, symbology);
    const pack = gs1.gtin ? this.packs.get(gs1.gtin) : null;
    if (pack && !gs1.error) {
      return {
        kind: "goods", sku: pack.sku, name: this.item(pack.sku).name, lot: gs1.lot ?? "", expiry: gs1.expiry,
        serials: gs1.serial ? [gs1.serial] : [], quantity: units(gs1, pack.units), code, symbology, gs1,
      };
    }
    if (gs1.sscc && !gs1.gtin && !gs1.error) return { kind: "unit", sscc: gs1.sscc, code, symbology };
    const placed = this.#placed(plain, code);
    if (placed) return placed;
    if (this.items.has(plain)) {
      return { kind: "goods", sku: plain, name: this.item(plain).name, lot: "", expiry: null, serials: [], quantity: 1, code: null };
    }
    const says = gs1.gtin && !gs1.error ? `No item here has the barcode ${gs1.gtin}.` : gs1.error ?? "This phone does not know the code.";
    return { kind: "unknown", says, code, symbology };
  }

  #placed(name, code) {
    const known = this.place(name);
    return known ? { kind: "place", place: known.code, name: known.name, code } : null;
  }
}

// AI 37 counts packs of a GTIN, AI 30 units; a label without a count is one pack.
function units(gs1, inPack) {
  if (gs1.elements["37"]) return Number(gs1.elements["37"]) * inPack;
  return gs1.elements["30"] ? Number(gs1.elements["30"]) : inPack;
}

// ``asking`` answers as api.ask does; without it, or where no answer comes, the phone decides.
export async function meaning(lookup, code, symbology, asking = null) {
  if (asking) {
    const query = new URLSearchParams({ code, ...(symbology ? { symbology } : {}) });
    const told = await asking(`/api/scan/code?${query}`, { patienceMs: 2_500 });
    if (told.status === 200 && told.answer) {
      return { serials: [], lot: "", ...told.answer, code: told.answer.gs1 || told.answer.kind !== "goods" ? code : null, symbology, sure: true };
    }
  }
  return lookup.locally(code, symbology);
}
