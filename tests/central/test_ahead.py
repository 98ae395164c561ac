"""What PostgreSQL is told ahead is done in order, and what goes wrong there is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from central.database.ahead import Ahead
from central.database.store import Database, blames_the_row, passes_by

_INTO = "COPY told (said) FROM STDIN"
_COUNT = "SELECT count(*) FROM told WHERE said <> ALL($1::text[])"


@pytest.fixture
def told(database: Database) -> Database:
    """A database with a table of texts that differ."""
    if database.backend == "sqlite":
        pytest.skip("SQLite is done when it is asked")
    database.write_now(lambda c: c.exec_driver_sql("CREATE TABLE told (said TEXT UNIQUE)").close())
    return database


def _kept(conn: Connection, work: Callable[[Ahead], None]) -> None:
    """Do it ahead; what fails is taken back."""
    with conn.begin_nested(), Ahead(conn) as ahead:
        work(ahead)


def _texts(database: Database) -> set[str]:
    return set(database.read_now(lambda c: c.execute(text("SELECT said FROM told")).scalars()))


def test_all_is_done_in_order(told: Database) -> None:
    heard: list[str | None] = []
    long = ["x" * 1_000 + str(n) for n in range(2_000)]  # more than a socket holds

    def work(conn: Connection) -> int:
        with Ahead(conn) as ahead:
            ahead.copy(_INTO, "one\ntwo\n")
            ahead.ask(_COUNT, ("{two}",), heard.append)
            ahead.copy(_INTO, "\n".join(long) + "\n")
            ahead.ask(_COUNT, ('{"' + '","'.join(long) + '"}',), heard.append)
            ahead.ask("SELECT nullif($1, $2)", ("ünï", "ünï"), heard.append)
            ahead.go_on()
        return int(conn.execute(text("SELECT count(*) FROM told")).scalar_one())

    assert told.write_now(work) == 2_002
    assert heard == ["1", "2", None]
    assert _texts(told) == {"one", "two", *long}


def test_what_is_refused_is_raised_and_ends_it(told: Database) -> None:
    heard: list[str | None] = []

    def same_twice(ahead: Ahead) -> None:
        ahead.copy(_INTO, "one\none\n")
        ahead.ask(_COUNT, ("{}",), heard.append)

    def malformed(ahead: Ahead) -> None:
        ahead.ask(_COUNT, ("{never closed",), heard.append)
        ahead.copy(_INTO, "two\n")

    def work(conn: Connection) -> None:
        with pytest.raises(IntegrityError) as error:
            _kept(conn, same_twice)
        assert blames_the_row(error.value)
        with pytest.raises(DataError):
            _kept(conn, malformed)
        _kept(conn, lambda ahead: ahead.copy(_INTO, "three\n"))

    told.write_now(work)
    assert heard == []
    assert _texts(told) == {"three"}


def test_who_fails_meanwhile_leaves_a_connection_that_can_go_back(told: Database) -> None:
    lines = "".join("y" * 1_000 + f"{n}\n" for n in range(2_000))

    def refuse(_said: str | None) -> None:
        raise LookupError

    def failing(ahead: Ahead) -> None:
        ahead.copy(_INTO, lines)
        ahead.copy(_INTO, "later\n")
        refuse(None)

    def refusing(ahead: Ahead) -> None:
        ahead.copy(_INTO, "one\n")
        ahead.ask(_COUNT, ("{}",), refuse)

    def work(conn: Connection) -> None:
        for broken in (failing, refusing):
            with pytest.raises(LookupError):
                _kept(conn, broken)
        _kept(conn, lambda ahead: ahead.copy(_INTO, "two\n"))

    told.write_now(work)
    assert _texts(told) == {"two"}


def test_a_session_that_ends_amid_it_passes_by(told: Database) -> None:
    def work(conn: Connection) -> None:
        pid = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with Ahead(conn) as ahead:
            ahead.copy(_INTO, "one\n")
            ended = f"SELECT pg_terminate_backend({pid}, 10000)"
            told.read_now(lambda beside: beside.exec_driver_sql(ended).close())
            ahead.copy(_INTO, "two\n")

    with pytest.raises(OperationalError) as error:
        told.write_now(work)
    assert passes_by(error.value)
    assert _texts(told) == set()
    told.write_now(lambda c: c.exec_driver_sql("INSERT INTO told VALUES ('three')").close())
