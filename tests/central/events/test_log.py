"""Domain events stand in the log when what they tell was committed, and only then."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from central.catalogue import changes
from central.catalogue.changes import Told
from central.catalogue.items import Item
from central.database.store import Database
from central.events import log

OATS = Item(sku="OAT-500", name="Oats 500 g", created_us=1)


def add(conn: Connection) -> None:
    changes.create(conn, OATS, [("04012345678901", 12)], Told(by="anna", at_us=7))


async def test_a_new_item_is_told_of_with_what_it_is(database: Database) -> None:
    await database.write(add)
    (told,) = await database.read(lambda c: log.following(c, 0, 10))
    assert (told.kind, told.subject, told.at_us) == ("ProductCreated", "OAT-500", 7)
    assert told.body["gtins"] == [{"gtin": "04012345678901", "quantity": 12}]
    assert await database.read(lambda c: log.following(c, told.seq, 10)) == []


async def test_what_was_rolled_back_is_not_told(database: Database) -> None:
    def work(conn: Connection) -> None:
        add(conn)
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="the power went"):
        await database.write(work)
    assert await database.read(lambda c: log.following(c, 0, 10)) == []
