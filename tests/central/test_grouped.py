"""Commands of many clients in one transaction: each its own verdict, none hurts another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from central.api.services import look_up_each
from central.catalogue.errors import NotFound
from central.catalogue.items import Item, add_item, get_item
from central.catalogue.tree import Location, add_location
from central.database.grouped import Grouped
from central.database.store import Database
from central.stock import ledger, queries
from central.stock.model import InsufficientStock, Movement, Posted
from tests.central.harness import Bench, bench

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
Verdicts = list[Posted | Exception]


def taken(number: int, quantity: int = 1, sku: str = "NUT") -> Movement:
    return Movement(
        id=f"taking-{number:04}", sku=sku, quantity=quantity, source="bin",
        destination="customer", biz_step="shipping", event_time=NOON,
    )  # fmt: skip


def fill(conn: Connection) -> None:
    add_item(conn, Item(sku="NUT", name="Nut"))
    add_location(conn, Location(code="bin", name="Bin"))
    received = Movement(
        id="received-1", sku="NUT", quantity=10, source="supplier", destination="bin",
        biz_step="receiving", event_time=NOON,
    )  # fmt: skip
    ledger.post(conn, [received], record_us=1)


def posting(conn: Connection, group: Sequence[Movement]) -> Verdicts:
    return list(ledger.post_each(conn, group, record_us=2))


def on_hand(database: Database) -> int:
    (balance,) = database.read_now(lambda c: queries.on_hand(c, sku="NUT", zero=True))
    return balance.on_hand


@pytest.fixture
def books(database: Database) -> Database:
    database.write_now(fill)
    return database


async def test_each_of_a_group_has_its_own_verdict(books: Database) -> None:
    many = Grouped(books.write, posting)
    asked = [many.do(taken(n)) for n in range(30)] + [many.do(taken(99, sku="NOTHING"))]
    told = await asyncio.gather(*asked, return_exceptions=True)
    posted = [one for one in told if isinstance(one, Posted)]
    short = [one for one in told if isinstance(one, InsufficientStock)]
    assert (len(posted), len(short), len(told)) == (10, 20, 31)
    assert on_hand(books) == 0
    assert many.counters["groups"] == 1
    assert many.counters["refused"] == 21
    again = await many.do(taken(0))
    assert again.repeated


async def test_one_on_which_everything_fails_is_parted_from_the_others(books: Database) -> None:
    def decide(conn: Connection, group: Sequence[Movement]) -> Verdicts:
        done = posting(conn, group)
        if any(one.id == "taking-0003" for one in group):
            raise ZeroDivisionError("a fault in what this one needs")
        return done

    many = Grouped(books.write, decide)
    told = await asyncio.gather(*(many.do(taken(n)) for n in range(8)), return_exceptions=True)
    assert [n for n, one in enumerate(told) if not isinstance(one, Posted)] == [3]
    assert on_hand(books) == 3
    assert many.counters["split"] == 3


async def test_look_ups_asked_together_do_not_hurt_each_other(books: Database) -> None:
    def broken(conn: Connection) -> int:
        return int(conn.execute(text("SELECT nothing FROM nowhere")).scalar_one())

    def held(conn: Connection) -> int:
        return queries.on_hand(conn, sku="NUT")[0].on_hand

    looking: Grouped[Callable[[Connection], Any], Any] = Grouped(books.read, look_up_each)
    works = [held, held, partial(get_item, sku="NOTHING"), broken, held]
    told = await asyncio.gather(*(looking.do(one) for one in works), return_exceptions=True)
    assert [told[0], told[1], told[4]] == [10, 10, 10]
    assert isinstance(told[2], NotFound)
    assert isinstance(told[3], DBAPIError)


async def test_nobody_is_told_of_what_was_not_committed(books: Database) -> None:
    def die(_conn: Connection) -> None:
        raise OperationalError("COMMIT", {}, Exception("the server closed the connection"))

    many = Grouped(books.write, posting)
    event.listen(books._writing, "commit", die)
    told = await asyncio.gather(*(many.do(taken(n)) for n in range(4)), return_exceptions=True)
    event.remove(books._writing, "commit", die)
    assert [type(one) for one in told] == [OperationalError] * 4
    assert on_hand(books) == 10
    again = await asyncio.gather(*(many.do(taken(n)) for n in range(4)))
    assert not any(one.repeated for one in again)


async def test_clients_that_go_away_harm_nobody(books: Database) -> None:
    busy, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def decide(conn: Connection, group: Sequence[Movement]) -> Verdicts:
        loop.call_soon_threadsafe(busy.set)
        assert go_on.wait(60)
        return posting(conn, group)

    many = Grouped(books.write, decide)
    under_way = asyncio.create_task(many.do(taken(0)))
    await busy.wait()
    waiting = [asyncio.create_task(many.do(taken(n))) for n in (1, 2)]
    await asyncio.sleep(0)  # both ask
    waiting[0].cancel()
    under_way.cancel()
    go_on.set()
    assert (await waiting[1]).movement.id == "taking-0002"
    await asyncio.gather(under_way, waiting[0], return_exceptions=True)
    assert on_hand(books) == 8  # the first was carried out already, the second never was
    assert (await many.do(taken(0))).repeated


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


async def test_two_hundred_clients_at_one_bin(made: Bench) -> None:
    made.database.write_now(fill)
    move = {"sku": "NUT", "quantity": 1, "source": "bin", "destination": "customer"}
    asked = [made.http.post("/stock/move", json={**move, "id": f"client-{n}"}) for n in range(200)]
    told = [answer.status_code for answer in await asyncio.gather(*asked)]
    assert (told.count(201), told.count(409)) == (10, 190)
    assert on_hand(made.database) == 0
    groups = text("SELECT count(*) FROM block")
    assert made.database.read_now(lambda c: c.execute(groups).scalar_one()) < 11
