"""Many rows in one statement come to the database as they are, on both engines."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import DataError

from central.database.bulk import BulkInsert, BulkLookup
from central.database.store import Database

_TOLD = BulkLookup(
    "SELECT k.said, k.counted FROM {keys}", (("said", "text"), ("counted", "bigint"))
)
_TEXT = st.text(st.characters(exclude_characters="\x00", codec="utf-8"))
_ROWS = st.lists(
    st.tuples(st.none() | _TEXT, st.none() | st.integers(-(2**63), 2**63 - 1)), min_size=1
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS)
def test_keys_are_what_they_were(database: Database, rows: list[tuple[object, ...]]) -> None:
    found = database.read_now(lambda conn: _TOLD.run(conn, rows))
    assert [tuple(row) for row in found] == rows


def test_rows_are_written_as_they_are(database: Database) -> None:
    said = ["plain", 'a "quoted" one', "back\\slash", "{brace,comma}", "NULL", "", "ünï\n\t日本"]
    into = BulkInsert("warehouse_note", (("said", "text"), ("weight", "double precision")))
    weights = [0.1, -1e300, 5e-324, float("inf"), 3.0, 1e22, None]

    def work(conn: Connection) -> list[tuple[object, ...]]:
        conn.exec_driver_sql("CREATE TABLE warehouse_note (said TEXT, weight DOUBLE PRECISION)")
        into.run(conn, list(zip(said, weights, strict=True)))
        return [
            tuple(row) for row in conn.exec_driver_sql("SELECT said, weight FROM warehouse_note")
        ]

    assert database.write_now(work) == list(zip(said, weights, strict=True))


def test_text_that_postgres_cannot_hold_is_refused(database: Database) -> None:
    if database.backend == "sqlite":
        pytest.skip("SQLite holds it")
    with pytest.raises(DataError, match="NUL"):
        database.read_now(lambda conn: _TOLD.run(conn, [("nul\x00", 1)]))
