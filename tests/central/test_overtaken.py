"""What is told after a later movement of the same piece does not put it back where it was once."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, text

from central.database.store import Database
from central.reviews import store
from central.stock import ledger
from tests.central.reconcile.test_fusion import labels
from tests.central.shop import moving
from tests.central.test_one_event import judged, on_hand, scan, set_up, whole

PIECE = labels(1, 1)[0]
RECEIVED, SOLD = scan(0.0, PIECE), scan(100.0, PIECE, "till")


def stocked(conn: Connection) -> None:
    """Others like it lie in the hall, so that one can be taken there before it was received."""
    set_up(conn)
    ledger.post(conn, [moving(1, "supplier", "hall", 50, sku="SKU-2")], record_us=1)


def questions(conn: Connection) -> list[str]:
    return list(conn.execute(text("SELECT id FROM review WHERE status = 'open'")).scalars())


async def test_a_piece_that_was_seen_later_elsewhere_stays_there_until_somebody_says(
    database: Database,
) -> None:
    await database.write(stocked)
    await judged(database, 1, [SOLD])
    at_the_till = await on_hand(database, "shop")
    assert at_the_till.total() == 2
    await judged(database, 2, [RECEIVED])
    assert await on_hand(database, "shop") == at_the_till
    (name,) = await database.read(questions)
    asked = await database.read(lambda c: store.get(c, name))
    assert "seen at shop" in asked.reason
    moved_on, as_told = asked.hypotheses
    assert (moved_on.movements, len(as_told.movements)) == ((), 1)
    assert await database.read(whole) == []


async def test_in_order_both_are_posted_and_a_clock_that_was_far_ahead_is_no_measure(
    database: Database,
) -> None:
    await database.write(stocked)
    await judged(database, 1, [RECEIVED, SOLD])
    assert (await on_hand(database, "shop")).total() == 2
    far = msgspec.structs.replace(scan(30 * 86_400.0, PIECE), read_point="desk")
    await judged(database, 3, [far, scan(200.0, PIECE, "till")])
    assert (await on_hand(database, "shop")).total() == 2
    assert await database.read(questions) == []
    assert await database.read(whole) == []
