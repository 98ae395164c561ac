"""Fields of each kind of label, and what its barcodes must say."""

from __future__ import annotations

from typing import Any

ITEM = {
    "sku": "ABC-12345", "name": "Wireless mouse, 3 buttons, black", "gtin": "04012345000016",
    "quantity": "1", "unit": "each",
}  # fmt: skip
LOT = {"lot": "L2026-11/A", "expires": "2027-03-31", "expires_yymmdd": "270331"}
SSCC = "340123450000000017"
TO = "Jane Döe\nŁódzka 12/4\n90-001 Łódź\nPL"
FROM = "Tallyport Ltd\n1 High Street\nLeeds LS1 1AA\nGB"

SAMPLES: dict[str, dict[str, Any]] = {
    "item": ITEM,
    "lot": ITEM | LOT,
    "serial": ITEM | {"serial": "SN00042", "lot": "B7"},
    "place": {
        "code": "WH-01-B12", "name": "Bin 12 in aisle B", "path": "WH-01 > WH-01-B > WH-01-B12",
        "floor_code": "TP-L-WH-01-B12-Z", "gln": "4012345000009",
    },
    "bin": {"code": "WH-01-B12", "name": "Bin 12 in aisle B", "floor_code": "TP-L-WH-01-B12-Z"},
    "logistic": {
        "sscc": SSCC, "from": FROM, "to": TO, "order": "web-2026-000123",
        "content_gtin": ITEM["gtin"], "content_count": "150", "content_lot": "L2026-11",
        "content_expires": "2027-03-31", "content_expires_yymmdd": "270331",
        "content_name": ITEM["name"],
    },
    "shipping": {
        "sscc": SSCC, "from": FROM, "to": TO, "carrier": "parcels", "service": "Next day",
        "tracking": "1Z999AA10123456784", "carton": "1", "cartons": "3",
        "order": "web-2026-000123", "reference": "PO-7890", "postcode": "90-001",
    },
    "asset": {"grai": "04012345000016", "serial": "1234", "name": "Plastic crate 600 x 400"},
}  # fmt: skip
"""By template."""

_ITEM = "(01)04012345000016"
_LOT = f"{_ITEM}(17)270331(10)L2026-11/A"
_PLACE = "TP-L-WH-01-B12-Z"
SAID = {
    "item": {("d2", _ITEM), ("C1", _ITEM)},
    "lot": {("d2", _LOT), ("C1", _LOT)},
    "serial": {
        ("d2", f"{_ITEM}(21)SN00042(10)B7"),
        ("Q1", "https://id.gs1.org/01/04012345000016/21/SN00042"),
    },
    "place": {("C0", _PLACE), ("Q1", "https://id.gs1.org/414/4012345000009")},
    "bin": {("C0", _PLACE), ("Q1", _PLACE)},
    "logistic": {
        ("C1", "(02)04012345000016(17)270331(37)150"), ("C1", "(10)L2026-11"),
        ("C1", f"(00){SSCC}"),
    },
    "shipping": {("C0", "1Z999AA10123456784"), ("C1", "(420)90-001"), ("C1", f"(00){SSCC}")},
    "asset": {("d2", "(8003)040123450000161234"), ("C1", "(8003)040123450000161234")},
}  # fmt: skip
"""What a scanner hears of it: AIM symbology identifier, and the text."""
