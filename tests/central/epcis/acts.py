"""Books in which much happened that others hear of by EPCIS: reserved, packed, unpacked, undone."""

from __future__ import annotations

from typing import Any

from tests.central.harness import Bench

__all__ = ["GTIN", "LINK", "OATS", "PACKED", "SSCC", "TAG_LINK", "play", "set_up"]

GTIN, LOTTED = "04012345000016", "09521234000013"
LINK, OATS = f"https://id.gs1.org/01/{GTIN}", f"https://id.gs1.org/01/{LOTTED}"
TAG_LINK = f"{LINK}/21/77"
SSCC = "https://id.gs1.org/00/340123450000000017"
PACKED: dict[str, Any] = {
    "type": "AggregationEvent",
    "eventID": "urn:uuid:9b0d1f7a-0000-4000-8000-000000000001",
    "eventTime": "2026-01-30T06:00:00.000Z",
    "eventTimeZoneOffset": "+01:00",
    "action": "ADD",
    "bizStep": "packing",
    "parentID": SSCC,
    "childEPCs": [TAG_LINK],
    "childQuantityList": [{"epcClass": f"{OATS}/10/L2", "quantity": 11}],
    "bizTransactionList": [{"type": "po", "bizTransaction": "https://buyer.example/po/PO-7890"}],
}


async def set_up(made: Bench) -> None:
    """A warehouse with a dock, two items, and the company's prefix for cartons."""
    made.services.orders = made.services.orders.model_copy(update={"company_prefix": "4012345"})
    await made.post("/warehouses", code="WH-01", name="Leeds")
    await made.post("/locations", code="BIN", name="Bin", parent="WH-01")
    await made.post("/locations", code="DOCK", name="Dock", parent="WH-01")
    await made.post("/items", sku="NUT", name="Nut", gtins=[{"gtin": GTIN, "quantity": 1}])
    lotted = [{"gtin": LOTTED, "quantity": 1}]
    await made.post("/items", sku="OAT", name="Oats", tracking="lot", gtins=lotted)
    await made.post("/stock/receive", sku="NUT", quantity=20, location="BIN")
    await made.post("/stock/receive", sku="OAT", quantity=9, location="BIN", lot="L1")


async def play(made: Bench) -> dict[str, str]:
    """Everything once; the numbers that were given on the way."""
    await set_up(made)
    order: dict[str, Any] = {"customer": "Jane", "ship_to": {}, "warehouse": "WH-01"}
    lines = [{"line": "1", "sku": "NUT", "quantity": 6}, {"line": "2", "sku": "OAT", "quantity": 4}]
    await made.post("/api/orders/outbound", id="order-0001", ship_from="DOCK", lines=lines, **order)
    await made.post("/api/orders/outbound", id="order-0002", lines=lines[:1], **order)
    await made.post("/api/orders/outbound/order-0002/cancel", 200)
    held = {"id": "hold-0001", "sku": "OAT", "quantity": 2, "lot": "L1"}
    await made.post("/reservations", **held)
    await made.post("/reservations/hold-0001/release", 200)
    task: Any = await made.post("/api/picking/tasks", orders=["order-0001"])
    for pick in task["picks"]:
        said = {"location": pick["location"], "sku": pick["sku"], "quantity": pick["quantity"]}
        more = {"lot": pick["lot"]} if pick["lot"] else {}
        path = f"/api/picking/picks/{pick['id']}/confirm"
        await made.post(path, 200, id=f"did-{pick['id']}"[:64], **said, **more)
    contents = [{"line": "1", "quantity": 6}, {"line": "2", "quantity": 4}]
    box = await made.post("/api/orders/outbound/order-0001/cartons", contents=contents)
    await made.post("/api/orders/outbound/order-0001/ship")
    bought = [{"line": "1", "sku": "NUT", "quantity": 4}, {"line": "2", "sku": "OAT",
              "quantity": 40}]  # fmt: skip
    await made.post("/api/orders/inbound", id="buy-00001", reference="PO-7890", supplier="Acme",
                    location="BIN", lines=bought)  # fmt: skip
    await made.post("/epcis/events", **PACKED)
    session = await made.post("/api/receiving", id="session-1", order="buy-00001")
    await made.post(f"/api/receiving/{session['id']}/receipts", id="receipt-1",
                    code=f"00{SSCC[-18:]}")  # fmt: skip
    return {"carton": str(box["sscc"])}
