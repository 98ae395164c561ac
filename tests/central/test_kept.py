"""Connections at hand give each transaction its own view, and nothing of one that failed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from central.database.kept import Kept
from central.database.store import Database

_COUNT = text("SELECT count(*) FROM location")


def _count(conn: Connection) -> int:
    return int(conn.execute(_COUNT).scalar_one())


def _add(conn: Connection) -> None:
    conn.execute(text("INSERT INTO location (code, name, created_us) VALUES ('DOCK', '', 0)"))


def test_each_reading_sees_what_was_committed_before_it(database: Database) -> None:
    before = database.read_now(_count)
    database.write_now(_add)
    assert database.read_now(_count) == before + 1

    def twice(conn: Connection) -> tuple[int, int]:
        seen = _count(conn)
        database.write_now(lambda c: c.execute(text("DELETE FROM location WHERE code = 'DOCK'")))
        return seen, _count(conn)

    assert database.read_now(twice) == (before + 1, before + 1)
    assert database.read_now(_count) == before


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    made = create_engine(database._reading.url, isolation_level="AUTOCOMMIT")
    yield made
    made.dispose()


def test_one_is_used_again_until_it_fails_or_many_are_idle(engine: Engine) -> None:
    opened: list[object] = []
    event.listen(engine, "checkout", lambda *said: opened.append(said))
    kept = Kept(engine, 2)
    assert kept.run(_count) == kept.run(_count) == kept.run(lambda _: kept.run(_count))
    assert len(opened) == 2
    with pytest.raises(ZeroDivisionError):
        kept.run(lambda _: 1 // 0)
    meet = Barrier(3, timeout=60)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: kept.run(lambda _: meet.wait()), range(3)))
    assert engine.pool.checkedout() == 2  # type: ignore[attr-defined]
    kept.close()
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert kept.run(_count) > 0
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_one_that_broke_while_nobody_used_it_is_replaced(database: Database) -> None:
    if database.backend == "sqlite":
        pytest.skip("SQLite has no sessions")
    before = database.read_now(_count)
    ended = text(
        "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert database.write_now(lambda conn: conn.execute(ended).scalar_one()) > 0
    assert database.read_now(_count) == before


def test_nothing_is_written_while_reading(database: Database) -> None:
    before = database.read_now(_count)
    with pytest.raises(DBAPIError, match=r"read-only|readonly"):
        database.read_now(_add)
    assert database.read_now(_count) == before
