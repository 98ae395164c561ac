"""Pages by key: every row once, in order, whatever the pages' size and whoever ties."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, RowMapping, Select, select

from central import schema
from central.catalogue import items, places
from central.database import keyset
from central.database.store import Database

KEYS = sorted((sku, lot, place) for sku in "AB" for lot in ("", "1", "2") for place in ("x", "y"))
KEY = (schema.balance.c.sku, schema.balance.c.lot, schema.balance.c.location)

PageOf = Callable[..., Select[tuple[object, ...]]]


def hold(conn: Connection) -> None:
    for sku in "AB":
        items.add_item(conn, items.Item(sku=sku, name=sku))
    for place in "xy":
        places.add_location(conn, places.Location(code=place, name=place))
    for sku, lot, place in KEYS:
        row = {"sku": sku, "lot": lot, "location": place, "on_hand": 0, "last_seq": 0}
        conn.execute(schema.balance.insert().values(row))


def key_of(row: RowMapping) -> tuple[str, str, str]:
    return row["sku"], row["lot"], row["location"]


@pytest.mark.parametrize("n", [1, 5, 12, 50])
@pytest.mark.parametrize(
    ("page_of", "wanted"), [(keyset.ascending, KEYS), (keyset.newest, KEYS[::-1])]
)
async def test_every_row_comes_once_and_in_order(
    database: Database, page_of: PageOf, wanted: list[tuple[str, str, str]], n: int
) -> None:

    def pages(conn: Connection) -> list[tuple[str, str, str]]:
        seen: list[tuple[str, str, str]] = []
        while True:
            query = page_of(select(schema.balance), KEY, seen[-1] if seen else None, n)
            found = [key_of(row) for row in conn.execute(query).mappings()]
            seen += found
            if len(found) < n:
                return seen

    await database.write(hold)
    assert await database.read(pages) == wanted
