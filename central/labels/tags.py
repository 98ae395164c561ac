"""What is written into the tag of a label: the EPC of what it is on. Pure.

The keys and codings are those of the GS1 EPC Tag Data Standard; how many digits of a key are the
company's prefix is not in the key itself, so the prefixes stand in the settings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from central.labels.model import Kind, LabelRefused
from gateway.gs1.epc import decode_epc
from gateway.gs1.epc_encode import encode_epc
from gateway.gs1.keys import Gs1Error

__all__ = ["epc_of", "own_serial", "scope_of", "with_tag"]

_FILTERS = {"sgtin": 1, "sscc": 2, "grai": 0, "sgln": 0}
"""Point of sale item, full case for transport, all others (TDS, section 10)."""


def scope_of(kind: Kind, fields: Mapping[str, str]) -> str:
    """The key of which the tag needs a new serial; empty where it needs none. Raises
    ``LabelRefused`` where the thing has no key of GS1's.
    """
    match kind:
        case "item" | "lot" | "serial":
            if not fields.get("gtin"):
                raise LabelRefused(
                    f"{fields['sku']} has no GTIN for so many units: a tag needs one, add it to "
                    "the item"
                )
            return "" if kind == "serial" else f"gtin {fields['gtin']}"
        case "asset":
            return "" if fields.get("serial") else f"grai {fields['grai']}"
        case "place":
            if not fields.get("gln"):
                raise LabelRefused(
                    f"{fields['code']} has no GLN: a tag needs one, name it in [epcis.locations]"
                )
            return ""
        case "logistic" | "shipping":
            return ""


def epc_of(kind: Kind, fields: Mapping[str, str], serial: str, prefixes: Collection[str]) -> str:
    """The EPC in upper-case hexadecimal; ``serial`` is the one that was given away, if one was.
    Raises ``LabelRefused``.
    """
    try:
        match kind:
            case "item" | "lot" | "serial":
                gtin = fields["gtin"]
                prefix = _prefix(gtin[1:], prefixes, f"GTIN {gtin}")
                reference = gtin[0] + gtin[1 + len(prefix) : -1]
                return _coded("sgtin", "198", prefix, reference, serial or fields["serial"])
            case "asset":
                grai = fields["grai"]
                prefix = _prefix(grai[1:], prefixes, f"GRAI {grai}")
                reference = grai[1 + len(prefix) : -1]
                return _coded("grai", "170", prefix, reference, serial or fields["serial"])
            case "place":
                gln = fields["gln"]
                prefix = _prefix(gln, prefixes, f"GLN {gln}")
                extension = fields.get("gln_extension") or "0"
                return _coded("sgln", "195", prefix, gln[len(prefix) : -1], extension)
            case "logistic" | "shipping":
                sscc = fields["sscc"]
                prefix = _prefix(sscc[1:], prefixes, f"SSCC {sscc}")
                reference = sscc[0] + sscc[1 + len(prefix) : -1]
                return encode_epc(
                    "sscc-96", company_prefix=prefix, reference=reference, filter=_FILTERS["sscc"]
                )
    except Gs1Error as error:
        raise LabelRefused(str(error)) from error


def own_serial(epc: str, scope: str) -> tuple[str, int] | None:
    """Of which key a piece's own serial number is one that could be given away as well."""
    decoded = decode_epc(epc)
    if scope or decoded.scheme not in {"sgtin-96", "grai-96"}:
        return None
    key = f"gtin {decoded.gtin}" if decoded.gtin else f"grai {decoded.grai}"
    return key, int(decoded.serial or "0")


def with_tag(fields: dict[str, str], epc: str) -> dict[str, str]:
    """The fields of a label that has such a tag."""
    decoded = decode_epc(epc)
    known = fields | {"epc": epc, "epc_uri": decoded.tag_uri or ""}
    if "grai" in fields and decoded.serial:
        known["serial"] = decoded.serial
    return known


def _coded(family: str, long: str, prefix: str, reference: str, serial: str) -> str:
    """In 96 bits where the serial is a number that these hold, else in the long coding."""
    plain = serial.isascii() and serial.isdigit() and (serial == "0" or serial[0] != "0")
    bits = 41 if family == "sgln" else 38
    coding = "96" if plain and int(serial) < 1 << bits else long
    return encode_epc(
        f"{family}-{coding}", company_prefix=prefix, reference=reference, serial=serial,
        filter=_FILTERS[family],
    )  # fmt: skip


def _prefix(digits: str, prefixes: Collection[str], what: str) -> str:
    found = [one for one in prefixes if digits.startswith(one)]
    if not found:
        known = ", ".join(sorted(prefixes)) or "none"
        raise LabelRefused(
            f"{what} begins with no company prefix of the settings ({known}): a tag's EPC needs to "
            "know how long it is ([labels] company_prefixes)"
        )
    return max(found, key=len)
