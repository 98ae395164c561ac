"""Many rows in one statement come to the database as they are, on both engines."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from central.database import copying
from central.database.bulk import BulkInsert, BulkLookup, WholeLookup
from central.database.store import Database, blames_the_row, passes_by

_KEYS = (("said", "text"), ("counted", "bigint"))
_TOLD = BulkLookup("SELECT k.said, k.counted FROM {keys}", _KEYS)
_TOLD_WHOLE = WholeLookup(("k.said", "k.counted"), "FROM {keys}", _KEYS)
_TABLE = "CREATE TABLE warehouse_note (said TEXT, weight DOUBLE PRECISION)"
NOTES = BulkInsert("warehouse_note", (("said", "text"), ("weight", "double precision")))
_TEXT = st.text(st.characters(exclude_characters="\x00", codec="utf-8"))
_ROWS = st.lists(
    st.tuples(st.none() | _TEXT, st.none() | st.integers(-(2**63), 2**63 - 1)), min_size=1
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS)
def test_keys_are_what_they_were(database: Database, rows: list[tuple[object, ...]]) -> None:
    found = database.read_now(lambda conn: _TOLD.run(conn, rows))
    assert [tuple(row) for row in found] == rows
    whole = database.read_now(lambda conn: _TOLD_WHOLE.run(conn, rows))
    assert Counter(map(tuple, whole)) == Counter(rows)


def test_nothing_asked_is_nothing_found(database: Database) -> None:
    for lookup in (_TOLD, _TOLD_WHOLE):
        assert database.read_now(lambda conn, one=lookup: one.run(conn, [])) == []  # type: ignore[misc]


@pytest.mark.parametrize("times", [1, copying.WORTH_IT])
def test_rows_are_written_as_they_are(database: Database, times: int) -> None:
    said = ["plain", 'a "quoted" one', "back\\slash", "{brace,comma}", "NULL", "", "ünï\n\t\r日本"]
    said *= times
    weights = [0.1, -1e300, 5e-324, float("inf"), 3.0, 1e22, None] * times

    def work(conn: Connection) -> list[tuple[object, ...]]:
        conn.exec_driver_sql(_TABLE)
        NOTES.run(conn, list(zip(said, weights, strict=True)))
        return [
            tuple(row) for row in conn.exec_driver_sql("SELECT said, weight FROM warehouse_note")
        ]

    assert database.write_now(work) == list(zip(said, weights, strict=True))


@pytest.mark.parametrize("times", [1, copying.WORTH_IT])
def test_numbers_and_absent_texts_are_written_as_they_are(database: Database, times: int) -> None:
    into = BulkInsert("warehouse_sum", (("said", "text"), ("units", "bigint"), ("none", "text")))
    rows = [("\\N", -(2**63), None), (None, 2**63 - 1, None), ("\\.", 0, None)] * times

    def work(conn: Connection) -> list[tuple[object, ...]]:
        conn.exec_driver_sql("CREATE TABLE warehouse_sum (said TEXT, units BIGINT, none TEXT)")
        into.run(conn, rows)
        return [tuple(row) for row in conn.exec_driver_sql("SELECT * FROM warehouse_sum")]

    assert database.write_now(work) == rows


@pytest.mark.parametrize("times", [1, copying.WORTH_IT])
def test_a_broken_constraint_is_told_as_one(database: Database, times: int) -> None:
    unique = "CREATE TABLE warehouse_note (said TEXT UNIQUE, weight DOUBLE PRECISION)"
    database.write_now(lambda conn: conn.exec_driver_sql(unique).close())
    rows = [("the same", 1.0), ("the same", 2.0)] * times
    with pytest.raises(IntegrityError) as told:
        database.write_now(lambda conn: NOTES.run(conn, rows))
    assert blames_the_row(told.value)
    assert not passes_by(told.value)
    database.write_now(lambda conn: NOTES.run(conn, rows[:1]))


def test_a_server_that_ends_the_session_amid_a_copy_passes_by(database: Database) -> None:
    if database.backend == "sqlite":
        pytest.skip("SQLite has no sessions")
    rows = [("one", 1.0)] * copying.WORTH_IT

    def work(conn: Connection) -> None:
        pid = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        ended = f"SELECT pg_terminate_backend({pid}, 10000)"
        database.read_now(lambda beside: beside.exec_driver_sql(ended).close())
        NOTES.run(conn, rows)

    database.write_now(lambda conn: conn.exec_driver_sql(_TABLE).close())
    with pytest.raises(OperationalError) as told:
        database.write_now(work)
    assert passes_by(told.value)
    database.write_now(lambda conn: NOTES.run(conn, rows))


def test_text_that_postgres_cannot_hold_is_refused(database: Database) -> None:
    if database.backend == "sqlite":
        pytest.skip("SQLite holds it")
    with pytest.raises(DataError, match="NUL"):
        database.read_now(lambda conn: _TOLD.run(conn, [("nul\x00", 1)]))
    database.write_now(lambda conn: conn.exec_driver_sql(_TABLE).close())
    with pytest.raises(DataError) as told:
        database.write_now(lambda conn: NOTES.run(conn, [("nul\x00", 1.0)] * copying.WORTH_IT))
    assert blames_the_row(told.value)
