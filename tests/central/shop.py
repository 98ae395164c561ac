"""A made-up shop for tests of the database: two items, three places, and movements."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection

from central.catalogue.items import Item, add_item
from central.catalogue.places import Location, add_location
from central.stock.model import Movement

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SKUS = ("NUT", "BOLT")
PLACES = ("dock", "hall", "shelf")


def open_shop(conn: Connection) -> None:
    """Items and places; the virtual locations are there from the first migration."""
    for sku in SKUS:
        add_item(conn, Item(sku=sku, name=sku.title()))
    for code in PLACES:
        add_location(conn, Location(code=code, name=code.title()))


def moving(
    number: int, source: str, destination: str, quantity: int = 1, sku: str = "NUT", **more: object
) -> Movement:
    """A movement whose id follows from its number."""
    return Movement(
        id=f"movement-{number}", sku=sku, quantity=quantity, source=source,
        destination=destination, event_time=NOON, **{"biz_step": "storing"} | more,  # type: ignore[arg-type]
    )  # fmt: skip
