"""A warehouse with a tree of bins, capacities, weeks of sales and open orders, for pages."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert

from central import schema
from central.database.moments import to_us
from central.stock import ledger
from central.stock.model import Movement
from tests.central import scene
from tests.central.harness import Bench

__all__ = ["DAYS", "counts", "orders", "stock"]

DAYS = 60
_GTIN = "04006381333931"
_BINS = {"A-01": 1_000, "A-02": 300, "A-03": 200, "A-04": 60, "B-01": 500, "B-02": 90}


async def stock(made: Bench, seed: int = 3) -> None:
    """The small shop of ``scene`` and, beside it, warehouse WH-1 with a zone of bins."""
    await scene.set_up(made)
    await made.post("/warehouses", code="WH-1", name="North warehouse")
    await made.post("/locations", code="WH-1-A", name="Aisle A", parent="WH-1", type="aisle")
    await made.post("/locations", code="WH-1-B", name="Aisle B", parent="WH-1", type="aisle")
    for code, most in _BINS.items():
        await made.post(
            "/locations", code=code, name=f"Bin {code}", parent=f"WH-1-{code[0]}", type="bin",
            rules={"max_units": most},
        )  # fmt: skip
    await made.post("/items", sku="MILK-1L", name="Milk 1 l", tracking="lot", category="dairy",
                    unit_mg=1_030_000, unit_cv=0.004,
                    gtins=[{"gtin": _GTIN, "quantity": 1}])  # fmt: skip
    await made.post("/tag-bindings", epc="30340789AB00000000000001", sku="MILK-1L", lot="L7")
    soon = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    await made.post("/stock/receive", id="milk-l7-in", sku="MILK-1L", quantity=48, location="A-04",
                    lot="L7", expires_on=soon)  # fmt: skip
    await made.services.write(lambda c: _weeks(c, random.Random(seed)))
    await made.post("/stock/receive", id="oat-in-a02", sku="OAT-500", quantity=280, location="A-02")
    await made.post("/alerts/rules", id="rule-low-oats", kind="low", limit=900, sku="OAT-500")
    late = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
    await made.post("/api/orders/outbound", id="SO-2026-1001", customer="Cafe Blau", ship_to={},
                    warehouse="WH-1", due_at=late,
                    lines=[{"sku": "OAT-500", "quantity": 40}])  # fmt: skip
    await made.post("/api/orders/inbound", id="PO-2026-77", reference="77-A",
                    supplier="Mill and Sons", location="WH-1", expected_date=late,
                    lines=[{"line": "1", "sku": "OAT-500", "quantity": 600}])  # fmt: skip
    await made.services.write(_low)


async def orders(made: Bench) -> None:
    """An order that waits for goods, one that was picked, shipped and comes back in part."""
    await made.post("/api/orders/outbound", id="SO-2026-1002", customer="Hotel Krone",
                    ship_to={"city": "Bern"}, warehouse="WH-1", ship_from="WH-1-B", partial=True,
                    lines=[{"sku": "OAT-500", "quantity": 60},
                           {"sku": "SCR-M4", "quantity": 9}])  # fmt: skip
    await made.post("/api/orders/outbound", id="SO-2026-1003", customer="Cafe Rot", ship_to={},
                    warehouse="WH-1", ship_from="WH-1-B",
                    lines=[{"sku": "OAT-500", "quantity": 20}])  # fmt: skip
    await made.post("/api/picking/tasks", id="wave-of-friday", orders=["SO-2026-1003"])
    task = await made.get("/api/picking/tasks/wave-of-friday")
    picks = task["picks"]
    assert isinstance(picks, list)
    for one in picks:
        await made.post(f"/api/picking/picks/{one['id']}/confirm", 200, location=one["location"],
                        sku=one["sku"], quantity=one["quantity"])  # fmt: skip
    await made.post("/api/orders/outbound/SO-2026-1003/ship", id="truck-2026-1", carrier="parcels")
    await made.post("/api/returns", id="rma-2026-0001", order="SO-2026-1003", location="WH-1-B",
                    lines=[{"line": "1", "sku": "OAT-500", "quantity": 3,
                            "reason": "damaged"}])  # fmt: skip


async def counts(made: Bench) -> None:
    """A count of aisle A that differs, one that is under way, one that nobody began, schedules."""
    await made.http.patch("/items/OAT-500", json={"unit_price": 1.29, "currency": "EUR"})
    await made.post("/api/counts", id="count-aisle-a", location="WH-1-A", below=True, threshold=5)
    await made.post("/api/counts/count-aisle-a/start", 200)
    found = (("OAT-500", "", "A-02", 276), ("OAT-500", "", "A-01", 312), ("SCR-M4", "", "A-03", 4),
             ("MILK-1L", "L7", "A-04", 48))  # fmt: skip
    for no, (sku, lot, location, quantity) in enumerate(found):
        await made.post("/api/counts/count-aisle-a/entries", id=f"found-{no:04}", sku=sku, lot=lot,
                        location=location, quantity=quantity, by="Anna")  # fmt: skip
    await made.post("/api/counts/count-aisle-a/finish", 200, by="Anna")
    await made.post("/api/counts", id="count-shelf-7", location="shelf-7", blind=False)
    await made.post("/api/counts/count-shelf-7/start", 200)
    await made.post("/api/counts", id="count-b-02", location="B-02")
    await made.post("/api/count-schedules", id="aisle-a-weekly", location="WH-1-A", every_days=7)
    await made.post("/api/count-schedules", id="north-by-class", location="WH-1", every_days=1,
                    class_days={"A": 30, "B": 90, "C": 365})  # fmt: skip


def _weeks(conn: Connection, rng: random.Random) -> None:
    """Oats that came two months ago and were sold day by day."""
    now = datetime.now(UTC)
    moved = [
        Movement(
            id="oats-long-ago", sku="OAT-500", quantity=900, source="supplier", destination="A-01",
            biz_step="receiving", event_time=now - timedelta(days=DAYS), origin="api",
        )
    ]  # fmt: skip
    for day in range(DAYS - 1, 0, -1):
        if day % 7 == 0:
            continue
        moved.append(Movement(
            id=f"oats-sold-{day:03}", sku="OAT-500", quantity=rng.randrange(4, 16), source="A-01",
            destination="customer", biz_step="shipping", event_time=now - timedelta(days=day),
            origin="api",
        ))  # fmt: skip
    ledger.post(conn, moved, record_us=to_us(now))


def _low(conn: Connection) -> None:
    """What the alerts' watch would have found."""
    now_us = to_us(datetime.now(UTC))
    conn.execute(insert(schema.alert).values(
        key='["low","OAT-500"]', kind="low", rule="rule-low-oats", severity="critical",
        state="raised", says="OAT-500: fewer than 900 available", value=860, limit=900,
        since_us=now_us,
        raised_us=now_us, sku="OAT-500", location="",
    ))  # fmt: skip
