"""What SQLite does for the questions that are asked most."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite

from central.database.store import Database
from central.stock.balances import Shape, question

_OF_A_PLACE = Shape(
    sku=False, location=True, below=False, virtual=False, zero=False, status=False, after=False
)


def test_a_places_page_comes_in_order_without_being_sorted(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'central.db'}")
    database.migrate()
    words = str(question(_OF_A_PLACE).compile(dialect=sqlite.dialect(paramstyle="named")))

    def steps(conn: Connection) -> list[str]:
        asked = {"location": "WH-01", "n": 50, "param_1": 0}
        found = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", asked)
        return [row.detail for row in found]

    planned = database.read_now(steps)
    database.close()
    assert any("balance USING INDEX ix_balance_location" in step for step in planned)
    assert not any("TEMP B-TREE" in step for step in planned)
