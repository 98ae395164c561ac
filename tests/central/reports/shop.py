"""A made-up trade over some weeks, for reports: two warehouses in two time zones."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from central.catalogue.items import Item, add_item
from central.catalogue.places import Location, add_location
from central.catalogue.warehouses import Warehouse, add_warehouse
from central.database.moments import to_us
from central.stock import ledger
from central.stock.model import Movement

NOW = datetime(2026, 3, 31, 15, 0, tzinfo=UTC)


class Trade:
    """Posts movements with ids of its own."""

    def __init__(self, conn: Connection, name: str = "movement") -> None:
        self._conn = conn
        self._name = name
        self._numbers = itertools.count(1)

    def move(
        self, sku: str, quantity: int, source: str, destination: str, at: datetime, **more: object
    ) -> str:
        """Post it; its id."""
        moved = Movement(
            id=f"{self._name}-number-{next(self._numbers)}", sku=sku, quantity=quantity,
            source=source, destination=destination, biz_step="storing", event_time=at, **more,  # type: ignore[arg-type]
        )  # fmt: skip
        ledger.post(self._conn, [moved], record_us=to_us(NOW))
        return moved.id


def open_warehouses(conn: Connection) -> None:
    """WH-1 in Berlin with a hall and a shelf, WH-2 in New York; three items."""
    for code, zone in (("WH-1", "Europe/Berlin"), ("WH-2", "America/New_York")):
        add_warehouse(conn, Warehouse(code=code, name=code, time_zone=zone), created_us=1)
    for code in ("hall", "shelf"):
        add_location(conn, Location(code=code, name=code, parent="WH-1"))
    add_item(conn, Item(sku="NUT", name="Nut", category="metal", price_micros=2_500_000))
    add_item(conn, Item(sku="BOLT", name="Bolt", category="metal", currency="EUR"))
    add_item(conn, Item(sku="OAT", name="Oats", category="food", price_micros=1_000_000))


def ago(days: float) -> datetime:
    """So long before the reports' now."""
    return NOW - timedelta(days=days)
