"""A small warehouse for people who scan: an order to receive, one to pick, a shelf to count."""

from __future__ import annotations

from tests.central.harness import Bench

NUT, BOLT, MILK = "09521234000013", "09521234000020", "09521234000037"
DRILL = "09521234000044"


async def furnish(made: Bench) -> None:
    """Items with barcodes, places, and one task of each kind."""
    await made.post("/warehouses", code="WH", name="Warehouse")
    await made.post("/locations", code="DOCK", name="Dock", parent="WH", type="dock")
    await made.post("/locations", code="SHIP", name="Shipping", parent="WH", type="dock")
    for code in ("A-1", "A-2", "A-10"):
        await made.post("/locations", code=code, name=f"Bin {code}", parent="WH", type="bin")
    for sku, name, gtin in (("NUT", "Nut M4", NUT), ("BOLT", "Bolt M4", BOLT)):
        await made.post("/items", sku=sku, name=name, gtins=[{"gtin": gtin}])
    await made.post("/items", sku="MILK", name="Milk 1 l", tracking="lot", gtins=[{"gtin": MILK}])
    await made.post("/items", sku="DRILL", name="Drill", tracking="serial", gtins=[{"gtin": DRILL}])
    await made.post("/stock/receive", sku="NUT", quantity=30, location="A-10")
    await made.post("/stock/receive", sku="BOLT", quantity=8, location="A-2")
    await made.post(
        "/api/orders/inbound", id="po-12345", supplier="Acme", reference="PO-1", location="DOCK",
        lines=[{"line": "1", "sku": "NUT", "quantity": 10},
               {"line": "2", "sku": "MILK", "quantity": 6}],
    )  # fmt: skip
    await made.post(
        "/api/orders/outbound", id="so-12345", customer="Jo", warehouse="WH", ship_from="SHIP",
        ship_to={"city": "Leeds"},
        lines=[{"line": "1", "sku": "NUT", "quantity": 5}, {"line": "2", "sku": "BOLT",
                                                            "quantity": 2}],
    )  # fmt: skip
    await made.post("/api/picking/tasks", id="walk-12345", orders=["so-12345"])
    await made.post("/api/counts", id="count-12345", location="A-2")


async def units(made: Bench, sku: str, place: str) -> int:
    """What the books have there."""
    found = await made.get(f"/locations/{place}/inventory")
    rows: list[dict[str, object]] = found["rows"]  # type: ignore[assignment]
    return sum(int(str(row["on_hand"])) for row in rows if row["sku"] == sku)
