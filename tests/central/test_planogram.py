"""Plates whose plan begins at a time, and places that are full, through the whole road."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from central.catalogue import planogram
from central.catalogue.context import load_context
from central.catalogue.items import Item, add_item
from central.catalogue.tree import change_location
from central.database.moments import to_us
from central.database.store import Database
from central.reconcile.verdict import PlatePlan
from central.reviews import store as reviews
from central.reviews.model import Choice
from central.stock import ledger
from central.stock.rules import Rules
from tests.central.reconcile.test_shelf_joint import later
from tests.central.shop import moving
from tests.central.test_one_event import (
    CASES,
    CLOSED,
    UNITS,
    judged,
    level,
    on_hand,
    passing,
    set_up,
    whole,
)
from tests.fakes.portal_log import moment

OTHER = PlatePlan(read_point="shelf-1", plate=1, sku="BOLT", unit_mg=40_000)
CHANGE_S = 100.0


def _shelf(conn: Connection) -> None:
    """Plate 1 holds SKU-1, and bolts from CHANGE_S on."""
    set_up(conn)
    add_item(conn, Item(sku="BOLT", name="Bolt"))
    openings = [moving(n, "supplier", "hall", 40, sku) for n, sku in enumerate(("SKU-1", "BOLT"))]
    ledger.post(conn, openings, record_us=1)
    planogram.put_plate(conn, OTHER, valid_from_us=to_us(moment(CHANGE_S)))


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 99])
async def test_a_plate_is_judged_by_the_plan_of_the_events_time(
    database: Database, cut: int
) -> None:
    await database.write(_shelf)
    seen = [
        level(0, 10), level(20, 13), level(60, 13), level(110, 20), level(130, 24), later(200),
    ]  # fmt: skip
    for start in range(0, len(seen), cut):
        await judged(database, start + 1, seen[start : start + cut])
    assert dict(await on_hand(database, "shop")) == {"SKU-1": 3, "BOLT": 2}
    assert await database.read(whole) == []


async def test_a_plan_that_is_said_later_is_not_known_before(database: Database) -> None:
    await database.write(set_up)
    await database.write(lambda c: add_item(c, Item(sku="BOLT", name="Bolt")))
    await judged(database, 1, [level(0, 10), level(20, 10)])
    begins_us = to_us(moment(CHANGE_S))
    await database.write(lambda c: planogram.put_plate(c, OTHER, valid_from_us=begins_us))

    def skus(conn: Connection, at_log: int) -> list[str]:
        context = load_context(conn, at_log=at_log)
        plans = (context.plan("shelf-1", 1, begins_us + n) for n in (-1, 0))
        return [plan.sku for plan in plans if plan is not None]

    assert await database.read(lambda c: skus(c, 2)) == ["SKU-1", "SKU-1"]
    assert await database.read(lambda c: skus(c, 3)) == ["SKU-1", "BOLT"]
    assert await database.read(whole) == []


@pytest.mark.parametrize(
    ("said", "spans"),
    [
        ([(0, 5)], [(5, 0)]),
        ([(0, 5), (0, 9)], [(5, 9), (9, 0)]),
        ([(0, 5), (20, 6), (0, 7)], [(5, 7), (20, 0), (7, 20)]),
        ([(0, 5), (20, 6), (20, 25)], [(5, 20), (20, 25), (25, 0)]),
        ([(0, 9), (3, 10)], [(9, 9), (3, 0)]),
        ([(20, 1), (20, 2)], [(20, 20), (20, 0)]),
    ],
)
def test_a_plan_lasts_until_the_next_begins(
    said: list[tuple[int, int]], spans: list[tuple[int, int]]
) -> None:
    assert planogram.spans([planogram.Said(*one) for one in said]) == spans


async def test_goods_that_a_full_place_does_not_take_are_posted_and_asked_about(
    database: Database,
) -> None:
    await database.write(set_up)
    full = {"rules": Rules(max_units=UNITS - 1)}
    await database.write(lambda c: change_location(c, "hall", full))
    judge = await judged(database, 1, [*passing(CASES), CLOSED])
    assert judge.counters["reviews"] >= 1
    assert (await on_hand(database, "hall")).total() == UNITS
    named = text("SELECT id FROM review WHERE id LIKE 'rule-%' AND status = 'open' ORDER BY id")
    (asked, *others) = await database.read(lambda c: c.execute(named).scalars().all())
    review = await database.read(lambda c: reviews.get(c, asked))
    assert f"hall takes {UNITS - 1} units" in review.reason
    assert "stock stays as it is" in review.hypotheses[0].says
    assert await database.read(whole) == []
    back = Choice(id="anna-0001", by="anna", hypothesis=1)
    await database.write(lambda c: reviews.resolve(c, asked, back, at_us=2))
    taken = review.hypotheses[1].movements[0].quantity
    assert (await on_hand(database, "hall")).total() == UNITS - taken
    assert not others
    assert await database.read(whole) == []
