"""A movement names an item and two places that are there, whoever writes it, and these stay."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import IntegrityError

from central.database.bulk import BulkInsert
from central.database.store import Database
from central.keeping.soundness import damage, ledger_faults
from central.stock import ledger, rows
from tests.central.shop import moving, open_shop

_INSERT = BulkInsert("movement", rows.COLUMNS)
_PATIENCE_S = 20.0
_ADDED = (
    "INSERT INTO movement (seq, id, sku, quantity, source, destination, biz_step, disposition, "
    "origin, confidence, event_us, record_us, causes, epcs, evidence) VALUES (7, 'movement-7', "
    "'BOLT', 1, 'supplier', 'hall', 'receiving', '', 'api', 1, 1, 1, '[]', '[]', '{}')"
)
Connected = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def books(database: Database) -> Database:
    """The shop, with nuts at the dock; nobody ever moved a bolt."""
    database.write_now(open_shop)
    nuts = moving(1, "supplier", "dock", 5)
    database.write_now(lambda c: ledger.post(c, [nuts], record_us=1))
    return database


@pytest.mark.parametrize("how_many", [1, 50])  # by a statement, and by COPY
@pytest.mark.parametrize("gone", ["sku", "source", "destination"])
def test_no_movement_names_what_is_not_there(books: Database, gone: str, how_many: int) -> None:
    column = [name for name, _kind in rows.COLUMNS].index(gone)
    lines = [
        list(rows.to_row(n, moving(n, "supplier", "dock"), 1, 0)) for n in range(2, 2 + how_many)
    ]
    lines[-1][column] = "nowhere"
    with pytest.raises(IntegrityError):
        books.write_now(lambda c: _INSERT.run(c, [tuple(line) for line in lines]))
    count = text("SELECT count(*) FROM movement")
    assert books.read_now(lambda c: c.execute(count).scalar()) == 1


@pytest.mark.parametrize(
    ("table", "key", "named"),
    [("item", "sku", "NUT"), ("location", "code", "dock"), ("location", "code", "supplier")],
)
def test_what_movements_name_neither_goes_nor_changes_its_name(
    books: Database, table: str, key: str, named: str
) -> None:
    for change in (
        f"DELETE FROM {table} WHERE {key} = '{named}'",
        f"UPDATE {table} SET {key} = 'other' WHERE {key} = '{named}'",
    ):
        with pytest.raises(IntegrityError):
            books.write_now(lambda c, said=change: c.execute(text(said)))  # type: ignore[misc]
    still = text(f"SELECT count(*) FROM {table} WHERE {key} = '{named}'")
    assert books.read_now(lambda c: c.execute(still).scalar()) == 1


def test_what_no_movement_names_may_go_and_anything_else_of_a_named_one_may_change(
    books: Database,
) -> None:
    for said in (
        "UPDATE item SET sku = 'RIVET' WHERE sku = 'BOLT'",
        "DELETE FROM item WHERE sku = 'RIVET'",
        "DELETE FROM location WHERE code = 'hall'",
        "UPDATE item SET sku = sku, name = 'Nut M8'",
        "UPDATE location SET code = code, name = 'Dock 1' WHERE code = 'dock'",
    ):
        assert books.write_now(lambda c, said=said: c.execute(text(said)).rowcount) == 1  # type: ignore[misc]


@contextmanager
def _two(database: Database) -> Iterator[tuple[Connected, Connected]]:
    """Two connections past central, each in a transaction of its own."""
    if database.backend == "sqlite":
        pytest.skip("SQLite lets nobody write beside another")
    url = database.write_now(lambda c: c.engine.url).set(drivername="postgresql")
    with ExitStack() as opened:
        one, other = (
            opened.enter_context(psycopg.connect(url.render_as_string(hide_password=False)))
            for _ in range(2)
        )
        yield one, other


def _when_waiting(database: Database, waiting: Connected, then: Callable[[], None]) -> None:
    """Do something as soon as a connection waits for a lock."""
    asked = text("SELECT cardinality(pg_blocking_pids(:pid))")
    pid = {"pid": waiting.info.backend_pid}
    deadline = time.monotonic() + _PATIENCE_S
    while not database.read_now(lambda c: c.execute(asked, pid).scalar()):
        assert time.monotonic() < deadline, "it waits for nobody"
    then()


def _ended(database: Database, begun: Connected, then: tuple[Connected, str]) -> str:
    """How what ``then`` says ended that had to wait for a transaction that commits meanwhile."""
    late, said = then
    with ThreadPoolExecutor(1) as beside:
        asked: Future[object] = beside.submit(late.execute, said.encode())
        _when_waiting(database, late, begun.commit)
        error = asked.exception(_PATIENCE_S)
    return "" if error is None else type(error).__name__


@pytest.mark.parametrize(
    "gone",
    [
        "DELETE FROM item WHERE sku = 'BOLT'",
        "UPDATE item SET sku = 'RIVET' WHERE sku = 'BOLT'",
        "DELETE FROM location WHERE code = 'hall'",
    ],
)
def test_at_the_same_moment_either_the_movement_comes_or_its_end_goes(
    books: Database, gone: str
) -> None:
    with _two(books) as (one, other):
        one.execute(_ADDED)
        assert _ended(books, one, (other, gone)) == "ForeignKeyViolation"
        other.rollback()
    with _two(books) as (one, other):
        one.execute(b"ALTER TABLE movement DISABLE TRIGGER movement_no_change")
        one.execute(b"DELETE FROM movement WHERE seq = 7")
        one.execute(b"ALTER TABLE movement ENABLE ALWAYS TRIGGER movement_no_change")
        one.commit()
        one.execute(gone.encode())
        assert _ended(books, one, (other, _ADDED)) == "ForeignKeyViolation"


def test_who_sees_what_is_gone_by_now_adds_nothing_to_it(books: Database) -> None:
    with _two(books) as (one, other):
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        other.execute(b"SELECT 1")
        one.execute(b"DELETE FROM item WHERE sku = 'BOLT'")
        one.commit()
        with pytest.raises(psycopg.errors.SerializationFailure):
            other.execute(_ADDED)
        other.rollback()
        other.execute(b"SELECT 1")
        with pytest.raises(psycopg.Error, match="in READ COMMITTED only"):
            other.execute(b"DELETE FROM item WHERE sku = 'NUT'")


def test_no_table_that_movements_name_is_emptied(books: Database) -> None:
    with _two(books) as (one, _):
        for table in ("item", "location"):
            with pytest.raises(psycopg.errors.ForeignKeyViolation):
                one.execute(f"TRUNCATE {table} CASCADE".encode())
            one.rollback()


@pytest.mark.parametrize(("table", "key"), [("item", "sku"), ("location", "code")])
def test_what_went_all_the_same_is_found(
    books: Database, books_url: str, table: str, key: str
) -> None:
    nuts = [moving(n, "dock", "hall") for n in range(2, 5)]
    books.write_now(lambda c: ledger.post(c, nuts, record_us=2))
    assert books.read_now(ledger_faults) == []
    went = f"DELETE FROM {table} WHERE {key} IN ('NUT', 'dock')"
    if books.backend == "sqlite":
        with closing(sqlite3.connect(make_url(books_url).database or "")) as stranger:
            stranger.execute(went)
            stranger.commit()
        found = books.read_now(damage)
        assert found[0].endswith(f"of movement names a {table} that is not there")
        return
    replica = "SET LOCAL session_replication_role = replica"
    books.write_now(lambda c: [c.execute(text(said)).close() for said in (replica, went)])
    lost = {
        "item": [
            "item NUT is not there, though the ledger names it (4 times, first in movement 1)"
        ],
        "location": [
            f"{what} dock is not there, though the ledger names it ({times}, first in movement {n})"
            for what, times, n in (("destination", "1 times", 1), ("source", "3 times", 2))
        ],
    }
    found = books.read_now(damage)
    assert found == [f"{said}: put it back, or restore a backup" for said in lost[table]]
