"""A delivery that a person books and a sensor tells of stands once on the ledger."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import msgspec
import pytest
from sqlalchemy import Connection, text

from central.database.store import Database
from central.reviews import store
from central.reviews.model import Choice
from central.stock import ledger, queries, witnesses
from central.stock.model import Movement
from tests.central.reconcile.test_documents import CASES, passing
from tests.central.shop import moving
from tests.central.test_one_event import CLOSED, UNITS, judged, on_hand, scan, set_up, whole
from tests.fakes.portal_log import moment
from tests.fakes.portal_scenes import GTINS

IN_CASES = {"SKU-1": 4, "SKU-2": 8, "SKU-3": 12}
"""Pieces of each item in the twelve cases, which stand in turn."""


def booked(at_s: float, sku: str, quantity: int, epcs: tuple[str, ...] = ()) -> Movement:
    made = moving(int(sku[-1]), "supplier", "hall", quantity, sku=sku, epcs=epcs)
    return msgspec.structs.replace(made, event_time=moment(at_s))


async def book(database: Database, *movements: Movement) -> None:
    await database.write(lambda c: ledger.post(c, movements, record_us=1))


def answer(name: str, hypothesis: int) -> Choice:
    return Choice(id=f"answer-{name}", by="ada", hypothesis=hypothesis)


def open_questions(conn: Connection) -> list[tuple[str, str]]:
    rows = conn.execute(text("SELECT id, reason FROM review WHERE status = 'open' ORDER BY reason"))
    return [(row.id, row.reason) for row in rows]


async def test_a_portal_bears_witness_to_the_very_cases_that_were_booked(
    database: Database,
) -> None:
    await database.write(set_up)
    orders = [
        booked(-60.0, sku, quantity, tuple(CASES[(n - 1) % 3 :: 3]))
        for n, (sku, quantity) in enumerate(IN_CASES.items())
    ]
    await book(database, *orders)
    judge = await judged(database, 1, [*passing(CASES), CLOSED])
    assert judge.counters["reviews"] == 0
    assert await on_hand(database, "hall") == IN_CASES
    told = await database.read(
        lambda c: [one for order in orders for one in witnesses.of_movement(c, order.id)]
    )
    assert {one.origin for one in told} == {"portal"}
    assert sum(one.quantity for one in told) == UNITS
    assert await database.read(whole) == []


async def test_as_many_as_were_booked_are_a_question_and_nothing_moves_before_its_answer(
    database: Database,
) -> None:
    await database.write(set_up)
    await book(database, *(booked(-60.0, sku, quantity) for sku, quantity in IN_CASES.items()))
    judge = await judged(database, 1, [*passing(CASES), CLOSED])
    assert judge.counters["reviews"] == len(IN_CASES)
    assert await on_hand(database, "hall") == IN_CASES
    assert await database.read(whole) == []
    questions = await database.read(open_questions)
    for (name, reason), choice in zip(questions, (0, 1), strict=False):
        assert "booked by hand" in reason
        await database.write(
            partial(store.resolve, review_id=name, choice=answer(name, choice), at_us=1)
        )
    # The first, of SKU-3, were those that were booked; the second, of SKU-1, were others.
    assert await on_hand(database, "hall") == IN_CASES | {"SKU-1": 8}


@pytest.mark.parametrize(
    "change", [{"quantity": 5}, {"destination": "shop"}, {"event_time": moment(-700.0)}]
)
async def test_another_quantity_place_or_time_is_other_goods(
    database: Database, change: dict[str, object]
) -> None:
    await database.write(set_up)
    before = msgspec.structs.replace(booked(-60.0, "SKU-1", 4), **change)
    await book(database, before)
    judge = await judged(database, 1, [scan(0.0, f"01{GTINS[0]}304")])
    assert judge.counters["reviews"] == 0
    assert judge.counters["movements"] == 1


async def test_what_a_person_corrects_is_no_delivery(database: Database) -> None:
    await database.write(set_up)
    first = booked(-7_200.0, "SKU-1", 4)
    back = moving(11, "hall", "supplier", 4, sku="SKU-1", corrects=first.id)
    again = moving(12, "supplier", "hall", 4, sku="SKU-1", corrects=first.id)
    now = [
        msgspec.structs.replace(one, event_time=moment(0.0) - timedelta(seconds=30))
        for one in (back, again)
    ]
    await book(database, first, *now)
    judge = await judged(database, 1, [scan(0.0, f"01{GTINS[0]}304")])
    assert judge.counters["reviews"] == 0
    assert len(await database.read(queries.movements)) == 4
