"""Many commands at once end as each of them would alone, whether or not there is enough."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import Connection, text

from central.database import copying
from central.database.store import Database
from central.keeping.soundness import ledger_faults
from central.stock import foreseen, ledger
from central.stock.model import InsufficientStock, Movement, NotReceived, Posted, StockError
from central.stock.queries import stock_of
from tests.central.shop import PLACES, moving, open_shop

MANY = 2 * copying.WORTH_IT
_ENDS = (*PLACES, "supplier", "customer")


@pytest.fixture
def books(database: Database) -> Database:
    """The shop, with a hundred nuts and bolts at the dock."""
    database.write_now(open_shop)
    first = [moving(n, "supplier", "dock", 100, sku) for n, sku in enumerate(("NUT", "BOLT"))]
    database.write_now(lambda c: ledger.post(c, first, record_us=1))
    return database


def _said(result: Posted | StockError) -> object:
    if isinstance(result, StockError):
        return type(result), str(result)
    return result.seq, result.movement, result.repeated


def _posted(books: Database, movements: list[Movement]) -> list[Posted | StockError]:
    return books.write_now(lambda c: ledger.post_each(c, movements, record_us=2))


def _one_by_one(books: Database, movements: list[Movement]) -> list[object]:
    """How they would end, each after the other, and then all is taken back."""

    def work(conn: Connection) -> list[object]:
        with conn.begin_nested() as passing:
            ends = [_said(ledger.post_each(conn, [one], record_us=2)[0]) for one in movements]
            passing.rollback()
        return ends

    return books.write_now(work)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("most", [4, 60])
def test_what_is_foreseen_ends_as_one_by_one(books: Database, seed: int, most: int) -> None:
    draw = random.Random(seed)
    for batch in range(3):
        movements = []
        for number in range(MANY):
            source, destination = draw.sample(_ENDS, 2)
            known = draw.random() < 0.95
            again = draw.random() < 0.05
            movements.append(
                moving(
                    100 * (batch + 1) + (0 if again else number),
                    source,
                    destination,
                    draw.randint(1, most),
                    draw.choice(("NUT", "BOLT")) if known else "RIVET",
                    lot=draw.choice(("", "L1")),
                )
            )
        expected = _one_by_one(books, movements)
        books.write_now(lambda c: c.info.clear())  # each batch is foreseen anew
        assert list(map(_said, _posted(books, movements))) == expected
    assert books.read_now(ledger_faults) == []


def test_enough_at_the_end_is_not_enough_in_between(books: Database) -> None:
    taken = [moving(n, "dock", "customer", 4) for n in range(10, 10 + MANY)]  # of 100
    brought = [moving(200, "supplier", "dock", 1_000)]
    *results, last = _posted(books, [*taken, *brought])
    assert [type(one) for one in results] == [Posted] * 25 + [InsufficientStock] * (MANY - 25)
    assert isinstance(last, Posted)
    assert last.seq == 2 + 25 + 1  # what was foreseen left no trace, in numbers neither
    (left,) = books.read_now(lambda c: [b for b in stock_of(c, "NUT") if b.location == "dock"])
    assert (left.on_hand, left.last_seq) == (1_000, last.seq)
    assert books.read_now(ledger_faults) == []


def test_what_was_posted_before_is_told_again_whatever_holds_now(books: Database) -> None:
    taken = [moving(n, "dock", "customer", 2) for n in range(10, 10 + MANY)]  # 80 of 100
    first = _posted(books, taken)
    assert [type(one) for one in first] == [Posted] * MANY
    books.write_now(lambda c: c.info.clear())
    told = _posted(books, taken)
    assert [one for one in told if isinstance(one, Posted) and one.repeated] == told
    # Of the others, some come again though their item has gone off the books meanwhile.
    retired = text("UPDATE item SET status = 'retired' WHERE sku = 'BOLT'")
    received = [moving(200 + n, "supplier", "dock", 1, "BOLT") for n in range(MANY)]
    _posted(books, received)
    books.write_now(lambda c: c.execute(retired).close())
    books.write_now(lambda c: c.info.clear())
    fresh = [moving(300 + n, "supplier", "dock") for n in range(MANY)]
    *after, again, refused = _posted(
        books, [*fresh, received[0], moving(400, "supplier", "dock", 1, "BOLT")]
    )
    assert all(isinstance(one, Posted) and not one.repeated for one in after)
    assert isinstance(again, Posted)
    assert again.repeated
    assert type(refused) is NotReceived
    assert books.read_now(ledger_faults) == []


def test_many_go_to_the_database_in_parts(books: Database) -> None:
    """Those of an earlier part are there for a later one, and go with it where it falls short."""
    ways = (("supplier", "dock"), ("dock", "hall"), ("hall", "customer"))
    moves = [moving(1_000 + n, *ways[n % 3]) for n in range(450)]
    posted = _posted(books, moves)
    assert [one.seq for one in posted if isinstance(one, Posted)] == list(range(3, 453))
    assert books.write_now(lambda c: foreseen.worth_it(c, moves)) == (books.backend != "sqlite")
    fresh = [moving(2_000 + n, *ways[n % 3]) for n in range(449)]
    *others, last = _posted(books, [*fresh, moving(3_000, "hall", "shelf", 10_000)])
    assert [one.seq for one in others if isinstance(one, Posted)] == list(range(453, 902))
    assert isinstance(last, InsufficientStock)
    assert not books.write_now(lambda c: foreseen.worth_it(c, moves))
    assert books.read_now(ledger_faults) == []


def test_after_one_that_was_not_as_foreseen_others_are_looked_up_for_a_while(
    books: Database,
) -> None:
    if books.backend == "sqlite":
        pytest.skip("SQLite reads what it decides over")
    enough = [moving(n, "supplier", "dock") for n in range(MANY)]

    def worth_it(conn: Connection) -> bool:
        return foreseen.worth_it(conn, enough)

    assert books.write_now(worth_it)
    _posted(books, [moving(n, "hall", "dock") for n in range(300, 300 + MANY)])
    asked = [books.write_now(worth_it) for _ in range(60)]
    assert (asked[0], asked[-1], asked.count(False)) == (False, True, 50)


def test_what_sensors_saw_is_not_foreseen(books: Database) -> None:
    if books.backend == "sqlite":
        pytest.skip("SQLite reads what it decides over")
    seen = [moving(n, "supplier", "dock", origin="portal") for n in range(MANY)]
    assert not books.write_now(lambda c: foreseen.worth_it(c, seen))


def test_balances_change_in_place(books: Database) -> None:
    if books.backend == "sqlite":
        pytest.skip("SQLite writes a row where it was")
    lots = [moving(10 + n, "supplier", "dock", 9, lot=f"L{n}") for n in range(300)]
    _posted(books, lots)

    def work(conn: Connection) -> tuple[int, int]:
        again = [moving(400 + n, "dock", "hall", lot=f"L{n}") for n in range(0, 300, 10)]
        ledger.post_each(conn, again, record_us=3)
        counted = text(
            "SELECT pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_hot_updated(oid) "
            "FROM pg_class WHERE relname = 'balance'"
        )
        updated, in_place = conn.execute(counted).one()
        return updated, in_place

    assert books.write_now(work) == (30, 30)
