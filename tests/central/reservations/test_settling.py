"""Reservations while stock moves: reserve, end, lose, wait, and never promise a unit twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from central.catalogue.changes import Told
from central.catalogue.items import Item, add_item
from central.catalogue.tree import Location, add_location
from central.database.store import Database
from central.database.tide import Tide
from central.events import log as events
from central.keeping.soundness import faults
from central.lots import store as lots
from central.reservations import ending, guarding, store
from central.reservations.following import Settler
from central.reservations.holdings import parts_of
from central.reservations.model import NotAvailable, Part, Reservation, StockReserved
from central.reservations.projection import check_reserved, oversold
from central.reservations.reserving import Reserved, Wish, reserve_each
from central.stock import ledger
from central.stock.model import InsufficientStock, Movement, Posted, StockError
from tests.fakes.clock import FakeClock

DAY = datetime(2026, 1, 31, 12, tzinfo=UTC)
names = iter(range(10**9))


def moved(source: str, destination: str, quantity: int, **more: object) -> Movement:
    facts = {"sku": "NUT", "origin": "api", "event_time": DAY, "biz_step": "storing"} | more
    name = f"movement-{next(names)}"
    return Movement(
        id=name, source=source, destination=destination, quantity=quantity, **facts,  # type: ignore[arg-type]
    )  # fmt: skip


def post(database: Database, *movements: Movement) -> None:
    database.write_now(lambda c: ledger.post(c, movements, record_us=1))


def reserve(
    database: Database, quantity: int, *, at_us: int = 10, backorder: bool = False, **more: object
) -> Reserved | StockError:
    claim = Reservation(
        **{"id": f"claim-{next(names):06}", "sku": "NUT", "quantity": quantity, **more}  # type: ignore[arg-type]
    )
    (told,) = database.write_now(lambda c: reserve_each(c, [Wish(claim, backorder)], at_us=at_us))
    return told


def held(database: Database, quantity: int, **more: object) -> Reservation:
    told = reserve(database, quantity, **more)  # type: ignore[arg-type]
    assert isinstance(told, Reserved), told
    return told.reservation


def parts(database: Database, one: Reservation) -> list[Part]:
    return database.read_now(lambda c: parts_of(c, [one.id])).get(one.id, [])


def now(database: Database, one: Reservation) -> Reservation:
    return database.read_now(lambda c: store.get(c, one.id))


def told(database: Database) -> list[tuple[str, int]]:
    found = database.read_now(lambda c: events.following(c, 0, 1_000))
    return [(one.kind, one.body.get("quantity", 0)) for one in found]


def fill(conn: Connection) -> None:
    """NUT; WH-01 > bin-1, bin-2; WH-02."""
    add_item(conn, Item(sku="NUT", name="Nut"))
    for code, parent in (("WH-01", None), ("bin-1", "WH-01"), ("bin-2", "WH-01"), ("WH-02", None)):
        add_location(conn, Location(code=code, name=code, parent=parent))


@pytest.fixture
def books(database: Database) -> Iterator[Database]:
    database.write_now(fill)
    yield database
    assert database.read_now(faults) == []
    assert database.read_now(oversold) == []


def settler(database: Database, now_us: int = 1_000) -> Settler:
    return Settler(database, Tide(), clock=FakeClock(wall_us=now_us))


async def test_what_is_reserved_is_not_available_and_released_it_is_again(books: Database) -> None:
    post(books, moved("supplier", "bin-1", 6), moved("supplier", "WH-02", 4))
    one = held(books, 7)
    assert sum(part.units for part in parts(books, one)) == 7
    refused = reserve(books, 4)
    assert isinstance(refused, NotAvailable)
    assert refused.available == 3
    repeated = reserve(books, 7, id=one.id)
    assert isinstance(repeated, Reserved)
    assert repeated.repeated
    books.write_now(lambda c: ending.release(c, [one.id], at_us=20))
    assert held(books, 10).held == 10
    assert told(books)[:2] == [("StockReserved", 7), ("ReservationReleased", 7)]


async def test_a_claim_on_a_warehouse_or_a_lot_gets_nothing_else(books: Database) -> None:
    post(books, moved("supplier", "bin-2", 3, lot="A"), moved("supplier", "WH-02", 9, lot="B"))
    in_warehouse = held(books, 2, within="WH-01")
    assert parts(books, in_warehouse) == [Part("A", "bin-2", 2)]
    refused = reserve(books, 2, lot="A")
    assert isinstance(refused, NotAvailable)
    assert refused.available == 1
    assert isinstance(reserve(books, 1, within="nowhere"), StockError)
    assert isinstance(reserve(books, 1, sku="NOTHING"), StockError)


async def test_what_came_first_goes_first_also_after_it_was_moved(books: Database) -> None:
    post(
        books,
        moved("supplier", "bin-1", 5, event_time=DAY),
        moved("supplier", "bin-2", 5, event_time=DAY + timedelta(days=2)),
        moved("bin-1", "WH-02", 5, event_time=DAY + timedelta(days=4)),
    )
    await settler(books).step()
    assert parts(books, held(books, 5)) == [Part("", "WH-02", 5)]
    assert parts(books, held(books, 5)) == [Part("", "bin-2", 5)]


async def test_what_expires_first_goes_first(books: Database) -> None:
    told = Told(by="anna", at_us=1)
    for lot, day in (("A", "2026-09-30"), ("B", "2026-04-30")):
        books.write_now(lambda c, n=lot, d=day: lots.keep(c, "NUT", n, told, expires_on=d))  # type: ignore[misc]
    post(
        books,
        *(moved("supplier", "bin-1", 2, lot=lot) for lot in ("", "A", "B")),
        moved("supplier", "bin-2", 9, lot="C"),
    )
    assert [part.lot for part in parts(books, held(books, 2))] == ["B"]
    assert [part.lot for part in parts(books, held(books, 2))] == ["A"]


async def test_one_that_ran_out_is_free_at_the_next_decision_and_by_the_clock(
    books: Database,
) -> None:
    post(books, moved("supplier", "bin-1", 5))
    first = held(books, 5, expires_us=100, at_us=10)
    assert isinstance(reserve(books, 1, at_us=99), NotAvailable)
    second = held(books, 5, expires_us=900, at_us=100)
    assert now(books, first).status == "expired"
    waits = held(books, 2, backorder=True, at_us=150)
    assert (waits.held, waits.missing) == (0, 2)
    await settler(books, now_us=901).expire()
    assert now(books, second).status == "expired"
    assert now(books, waits).held == 2
    assert told(books) == [
        ("StockReserved", 5), ("ReservationExpired", 5), ("StockReserved", 5),
        ("BackorderCreated", 2), ("ReservationExpired", 5), ("BackorderAllocated", 2),
    ]  # fmt: skip
    later = books.write_now(lambda c: ending.extend(c, waits.id, 5_000, at_us=1_000))
    assert later.expires_us == 5_000


async def test_goods_that_come_go_to_those_who_wait_by_priority_and_age(books: Database) -> None:
    old = held(books, 3, backorder=True, at_us=10)
    young = held(books, 3, backorder=True, at_us=20)
    urgent = held(books, 3, backorder=True, at_us=30, priority=5)
    post(books, moved("supplier", "bin-1", 5))
    part = settler(books)
    assert not await part.step()
    assert [now(books, one).held for one in (urgent, old, young)] == [3, 2, 0]
    assert not await part.step()
    assert part.counters["movements"] == 1
    assert part.counters["given"] == 5


async def test_a_shortage_that_a_sensor_makes_is_told_and_waits(books: Database) -> None:
    post(books, moved("supplier", "bin-1", 5), moved("supplier", "bin-2", 2))
    old = held(books, 2, at_us=10, within="bin-1")
    young = held(books, 3, at_us=20, within="bin-1")
    post(books, moved("bin-1", "customer", 4, origin="portal"))
    assert isinstance(reserve(books, 1), NotAvailable)  # nothing is promised meanwhile
    await settler(books).step()
    assert (now(books, old).held, now(books, old).missing) == (1, 1)
    assert (now(books, young).held, now(books, young).missing) == (0, 3)
    assert told(books)[2:] == [
        ("StockShort", 1), ("BackorderCreated", 1), ("StockShort", 3), ("BackorderCreated", 3),
    ]  # fmt: skip


async def test_a_promise_follows_goods_that_are_moved(books: Database) -> None:
    post(books, moved("supplier", "bin-1", 5))
    one = held(books, 5)
    post(books, moved("bin-1", "bin-2", 5, origin="shelf"))
    assert books.read_now(check_reserved) == []
    await settler(books).step()
    assert parts(books, one) == [Part("", "bin-2", 5)]
    assert [kind for kind, _ in told(books)] == ["StockReserved"]


async def test_a_command_does_not_ship_what_is_promised_and_a_fact_is_posted(
    books: Database,
) -> None:
    post(books, moved("supplier", "bin-1", 5))
    held(books, 3)
    commands = [moved("bin-1", "customer", units) for units in (2, 1, 9)]
    results = books.write_now(lambda c: guarding.post_each(c, commands, record_us=2))
    assert [type(one) for one in results] == [Posted, StockReserved, InsufficientStock]
    again = books.write_now(lambda c: guarding.post_each(c, commands[:1], record_us=3))
    assert isinstance(again[0], Posted)
    assert again[0].repeated
    within = [
        moved("bin-1", "WH-02", 2),
        moved("WH-02", "adjustment", 1),
        moved("bin-1", "bin-1", 1, destination_status="damaged"),
        moved("bin-1", "supplier", 1, source_status="damaged"),
    ]
    results = books.write_now(lambda c: guarding.post_each(c, within, record_us=2))
    assert [type(one) for one in results] == [Posted] * 4
    await settler(books).step()


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(1, 6), st.sampled_from(["", "WH-01"])),
        st.tuples(st.just("backorder"), st.integers(1, 6), st.sampled_from(["", "WH-02"])),
        st.tuples(st.just("move"), st.integers(1, 6), st.sampled_from(
            ["supplier>bin-1", "supplier>WH-02", "bin-1>bin-2", "bin-2>WH-02", "bin-1>customer",
             "WH-02>customer"])),
        st.tuples(st.just("settle"), st.just(0), st.just("")),
        st.tuples(st.just("end"), st.integers(0, 9), st.sampled_from(["release", "fulfil"])),
    ),
    max_size=25,
)  # fmt: skip


@given(steps=_steps)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_no_unit_is_promised_twice(
    sqlite_copy: Callable[[], Database], steps: list[tuple[str, int, str]]
) -> None:
    database = sqlite_copy()
    try:
        _walk(database, steps)
    finally:
        database.close()


def _walk(database: Database, steps: list[tuple[str, int, str]]) -> None:
    database.write_now(fill)
    made: list[str] = []
    part = settler(database)
    for what, units, where in steps:
        before = database.read_now(_sums)
        if what in {"reserve", "backorder"}:
            result = reserve(database, units, within=where, backorder=what == "backorder")
            if isinstance(result, Reserved):
                made.append(result.reservation.id)
        elif what == "move":
            source, _, destination = where.partition(">")
            one = moved(source, destination, units, origin="portal")
            database.write_now(lambda c, one=one: ledger.post_each(c, [one], record_us=1))  # type: ignore[misc]
        elif what == "settle":
            asyncio.run(part.step())
            assert database.read_now(oversold) == []
        elif made:
            _end(database, made.pop(units % len(made)), where)
        on_hand, reserved = database.read_now(_sums)
        # Only a fact can take goods away from under promises; no decision promises too much.
        assert what == "move" or reserved <= max(on_hand, before[1])
        assert database.read_now(check_reserved) == []


def _end(database: Database, name: str, how: str) -> None:
    one = database.read_now(lambda c: store.get(c, name))
    if how == "release" or not one.held:
        database.write_now(lambda c: ending.release(c, [name], at_us=50))
    elif one.status == "open":
        database.write_now(lambda c: ending.fulfil(c, name, 1, at_us=50))


def _sums(conn: Connection) -> tuple[int, int]:
    on_hand = text(
        "SELECT coalesce(sum(b.on_hand), 0) FROM balance b JOIN location l "
        "ON l.code = b.location WHERE l.kind = 'internal'"
    )
    reserved = text("SELECT coalesce(sum(units), 0) FROM reserved")
    return int(conn.execute(on_hand).scalar_one()), int(conn.execute(reserved).scalar_one())
