"""Questions put into words once are answered as SQLAlchemy answers them, on both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, bindparam, column, literal, select, table, text
from sqlalchemy.exc import ProgrammingError, StatementError

from central.database.prepared import Prepared
from central.database.store import Database, blames_the_row, passes_by

_NOTE = table("note", column("said"), column("units"))
_LIKE_THEM = Prepared(
    select(_NOTE.c.said, _NOTE.c.units)
    .where(_NOTE.c.said != literal("50 % off"), _NOTE.c.units >= bindparam("least"))
    .order_by(_NOTE.c.units)
    .limit(bindparam("n"))
)
_NOWHERE = Prepared(select(table("nowhere", column("said"))))


@pytest.fixture
def notes(database: Database) -> Database:
    rows = [("a:colon", 1), ("50 % off", 2), ("it's", 3), ("日本", 4), (None, 5)]

    def work(conn: Connection) -> None:
        conn.exec_driver_sql("CREATE TABLE note (said TEXT, units BIGINT)")
        for said, units in rows:
            conn.execute(
                text("INSERT INTO note VALUES (:said, :units)"), {"said": said, "units": units}
            )

    database.write_now(work)
    return database


@pytest.mark.parametrize(
    ("least", "n", "found"),
    [
        (0, 9, [("a:colon", 1), ("it's", 3), ("日本", 4)]),
        (2, 1, [("it's", 3)]),
        (9, 9, []),
    ],
)
def test_what_is_asked_anew_and_what_stands_in_the_words(
    notes: Database, least: int, n: int, found: list[tuple[str, int]]
) -> None:
    asked = {"least": least, "n": n}
    assert notes.read_now(lambda conn: _LIKE_THEM.rows(conn, asked)) == found
    assert notes.write_now(lambda conn: _LIKE_THEM.rows(conn, asked)) == found


def test_it_sees_what_its_own_transaction_wrote(notes: Database) -> None:
    def work(conn: Connection) -> list[tuple[object, ...]]:
        conn.exec_driver_sql("DELETE FROM note WHERE units < 4")
        return _LIKE_THEM.rows(conn, {"least": 0, "n": 9})

    assert notes.write_now(work) == [("日本", 4)]


def test_a_table_that_is_gone_is_told_as_everywhere_else(notes: Database) -> None:
    raised: list[Exception] = []
    for ask in (
        lambda conn: _NOWHERE.rows(conn, {}),
        lambda conn: conn.execute(select(table("nowhere", column("said")))),
    ):
        with pytest.raises(StatementError) as told:
            notes.read_now(ask)
        raised.append(told.value)
    assert type(raised[0]) is type(raised[1])
    assert not blames_the_row(raised[0])  # type: ignore[arg-type]
    assert not passes_by(raised[0])  # type: ignore[arg-type]


def test_a_question_that_is_not_asked_whole_is_our_own_mistake(notes: Database) -> None:
    with pytest.raises((ProgrammingError, KeyError)):
        notes.read_now(lambda conn: _LIKE_THEM.rows(conn, {"n": 1}))
