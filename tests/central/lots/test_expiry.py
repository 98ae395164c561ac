"""What is past its day is sold no more: by the clock, once, wherever it lies."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Connection

from central.catalogue.changes import Told
from central.catalogue.errors import NotValid
from central.catalogue.items import Item, add_item
from central.database.store import Database
from central.database.tide import Tide
from central.keeping.soundness import ledger_faults
from central.lots import store
from central.lots.expiry import Expiry
from central.stock import ledger, queries, serials
from tests.central.shop import moving, open_shop

ANNA = Told(by="anna", at_us=1)


def shelved(conn: Connection) -> None:
    """Two lots in two places, one of which ends on the last day of March."""
    open_shop(conn)
    store.keep(conn, "NUT", "OLD", ANNA, expires_on=date(2026, 3, 31))
    store.keep(conn, "NUT", "NEW", ANNA, expires_on=date(2026, 9, 30))
    arrived = [
        moving(n, "supplier", place, 5, lot=lot)
        for n, (place, lot) in enumerate([("dock", "OLD"), ("hall", "OLD"), ("hall", "NEW")])
    ]
    ledger.post(conn, arrived, record_us=1)


async def test_a_lot_expires_behind_its_last_day_and_once(database: Database) -> None:
    await database.write(shelved)
    last, behind = date(2026, 3, 31), date(2026, 4, 1)
    assert await database.write(lambda c: store.expire(c, last, at_us=2)) == []
    moved = await database.write(lambda c: store.expire(c, behind, at_us=3))
    assert {(one.movement.source, one.movement.lot) for one in moved} == {
        ("dock", "OLD"), ("hall", "OLD"),
    }  # fmt: skip
    assert {(one.movement.origin, one.movement.actor) for one in moved} == {("rule", "expiry")}
    assert await database.write(lambda c: store.expire(c, behind, at_us=4)) == []
    left = await database.read(lambda c: queries.on_hand(c, status="available"))
    assert [(one.location, one.lot) for one in left] == [("hall", "NEW")]
    assert await database.read(ledger_faults) == []


async def test_what_comes_of_a_recalled_lot_is_held_back_too(database: Database) -> None:
    await database.write(shelved)
    await database.write(lambda c: store.recall(c, "NUT", "NEW", ANNA, reason="glass"))
    more = moving(9, "supplier", "dock", 2, lot="NEW")
    await database.write(lambda c: ledger.post(c, [more], record_us=5))
    (held,) = await database.write(lambda c: store.expire(c, date(2026, 1, 1), at_us=6))
    assert (held.movement.destination_status, held.movement.reason) == ("quarantined", "recalled")


async def test_pieces_of_a_lot_expire_by_name(database: Database) -> None:
    def work(conn: Connection) -> None:
        open_shop(conn)
        add_item(conn, Item(sku="DRILL", name="Drill", tracking="serial"))
        store.keep(conn, "DRILL", "A", ANNA, expires_on=date(2026, 3, 31))
        pair = moving(1, "supplier", "dock", 2, "DRILL", lot="A", serials=("S1", "S2"))
        ledger.post(conn, [pair], record_us=1)
        (moved,) = store.expire(conn, date(2026, 4, 1), at_us=2)
        assert moved.movement.serials == ("S1", "S2")
        assert serials.pieces_at(conn, "DRILL", "A", "dock", "expired") == ("S1", "S2")
        assert ledger_faults(conn) == []

    await database.write(work)


async def test_a_lot_cannot_expire_before_it_was_made(database: Database) -> None:
    await database.write(open_shop)
    wrong = {"made_on": date(2026, 5, 1), "expires_on": date(2026, 4, 1)}
    with pytest.raises(NotValid, match="before it was made"):
        await database.write(lambda c: store.keep(c, "NUT", "A", ANNA, **wrong))


async def test_the_clock_moves_what_is_over_and_wakes_who_follows(database: Database) -> None:
    await database.write(shelved)
    tide = Tide()
    before = tide.level
    await Expiry(database, tide).sweep()
    assert tide.level > before
    left = await database.read(lambda c: queries.on_hand(c, status="expired"))
    assert ("OLD", 5) in {(one.lot, one.on_hand) for one in left}
