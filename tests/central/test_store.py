"""One writer, many readers, and a schema that Alembic and SQLAlchemy agree on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from central import schema
from central.database import store
from central.database.store import Database, DatabaseInUse
from central.stock import ledger
from central.stock.model import VIRTUAL_LOCATIONS
from tests.central.shop import moving, open_shop
from tests.fakes.postgres import fresh_database


def _keeps_keys(what: Any, _name: object, kind: str, *_more: object) -> bool:
    """There a trigger looks after the ends of movements, instead of foreign keys."""
    return kind != "foreign_key_constraint" or what.table.name != "movement"


def test_the_migrated_schema_is_the_one_the_code_knows(database: Database) -> None:
    database.migrate()  # a second time changes nothing

    def difference(conn: Connection) -> list[object]:
        said = {"include_object": _keeps_keys if conn.dialect.name == "postgresql" else None}
        return list(compare_metadata(MigrationContext.configure(conn, opts=said), schema.metadata))

    assert database.read_now(difference) == []
    codes = database.read_now(lambda c: c.execute(text("SELECT code FROM location")).scalars())
    assert set(codes) == set(VIRTUAL_LOCATIONS)


@pytest.mark.parametrize("table", ["movement", "observation", "block"])
@pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
async def test_nobody_edits_what_was_written(database: Database, table: str, change: str) -> None:
    def fill(conn: Connection) -> None:
        open_shop(conn)
        ledger.post(conn, [moving(1, "supplier", "dock")], record_us=1)
        conn.execute(
            text(
                "INSERT INTO observation (log_id, edge, epoch, seq, kind, device, read_point, "
                "event_us, record_us, body) VALUES (1, 'e', 'ep', 1, 'k', 'd', 'r', 1, 1, '{}')"
            )
        )

    await database.write(fill)
    column = {"movement": "quantity", "observation": "body", "block": "hash"}[table]
    with pytest.raises(DBAPIError, match=f"{table} is append-only"):
        await database.write(lambda c: c.execute(text(change.format(table, column))))


async def test_a_failed_write_leaves_nothing_and_the_next_one_works(database: Database) -> None:
    def fail(conn: Connection) -> None:
        open_shop(conn)
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        await database.write(fail)
    await database.write(open_shop)


async def test_writes_never_overlap_and_readers_see_whole_ones(database: Database) -> None:
    put = text(
        "INSERT INTO cursor (name, position) VALUES (:name, 1) "
        "ON CONFLICT (name) DO UPDATE SET position = cursor.position + 1"
    )

    def both(conn: Connection) -> None:
        for name in ("a", "b"):
            conn.execute(put, {"name": name})

    def see(conn: Connection) -> int:
        return len(set(conn.execute(text("SELECT position FROM cursor")).scalars()))

    work = [database.write(both) for _ in range(20)] + [database.read(see) for _ in range(20)]  # type: ignore[list-item]
    seen = await asyncio.gather(*work)
    assert all(one in {None, 0, 1} for one in seen)
    total = await database.read(
        lambda c: c.execute(text("SELECT sum(position) FROM cursor")).scalar()
    )
    assert total == 40


def test_a_second_central_on_one_database_is_refused(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_LET_GO_S", 0.2)
    first, second = Database(database_url), Database(database_url)
    try:
        first.migrate()
        with pytest.raises(DatabaseInUse, match="another central"):
            second.migrate()
        assert second.read_now(lambda c: c.execute(text("SELECT 1")).scalar()) == 1
        first.close()
        monkeypatch.undo()  # a server may let go of the lock a moment later
        second.migrate()
    finally:
        first.close()
        second.close()


@pytest.mark.postgres
def test_workers_share_a_database_and_keep_a_lone_central_and_migrations_away(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_LET_GO_S", 0.2)
    url = fresh_database(postgres_server, "shared")
    one, other, lone = Database(url, shared=True), Database(url, shared=True), Database(url)
    try:
        for worker in (one, other):
            worker.migrate()
            worker.write_now(open_shop if worker is one else lambda _conn: None)
        with pytest.raises(DatabaseInUse, match="shared = true"):
            lone.write_now(lambda _conn: None)
        one.migrate()  # nothing to do: the others need not stop
    finally:
        for database in (one, other, lone):
            database.close()


def test_sqlite_is_not_shared(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="PostgreSQL"):
        Database(f"sqlite:///{tmp_path / 'central.sqlite'}", shared=True)


def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError):
        database.read_now(open_shop)
