"""What append-only tables refuse by trigger, whoever asks, and that a lost trigger is told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from central import audit
from central.audit import Change
from central.cli import app
from central.database.grants import APPEND_ONLY
from central.database.moments import from_us
from central.database.store import Database
from central.keeping.soundness import faults, ledger_faults
from central.reconcile.witness import Witness
from central.stock import witnesses
from tests.central.dying import settings_for
from tests.central.test_digests import fill

COLUMNS = {"movement": "quantity", "observation": "seq", "block": "rows", "audit": "at_us"}
COLUMNS |= {"witness": "quantity", "audit_block": "rows"}
KEYS = {"movement": "seq", "observation": "log_id", "block": "no", "audit": "id", "witness": "no"}
KEYS |= {"audit_block": "no"}
CHANGES = {
    "update": "UPDATE {table} SET {column} = {column} + 1",
    "delete": "DELETE FROM {table}",
    "upsert": "INSERT INTO {table} SELECT * FROM {table} WHERE true "
    "ON CONFLICT ({key}) DO UPDATE SET {column} = 7",
}
ON_SQLITE = {
    "replace": "REPLACE INTO {table} SELECT * FROM {table}",
    "insert or replace": "INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
    "update or replace": "UPDATE OR REPLACE {table} SET {column} = {column} + 1",
}
ON_POSTGRESQL = {
    "truncate": "TRUNCATE {table}",
    "a replica's update": "SET LOCAL session_replication_role = replica; " + CHANGES["update"],
    "a replica's truncate": "SET LOCAL session_replication_role = replica; TRUNCATE {table}",
}


def books(conn: Connection) -> None:
    """Something in every append-only table."""
    fill(conn)
    audit.record(conn, [Change("x", None, None)], actor="a", action="b", at_us=1)
    conn.execute(
        text(
            "INSERT INTO observation (log_id, edge, epoch, seq, kind, device, read_point, "
            "event_us, record_us, body) VALUES (1, 'e', 'ep', 1, 'k', 'd', 'r', 1, 1, '{}')"
        )
    )
    first = conn.execute(text("SELECT id FROM movement WHERE seq = 1")).scalar_one()
    seen = Witness(
        id="witness-1", movement_id=first, quantity=1, origin="scan", read_point="desk",
        event_time=from_us(1),
    )  # fmt: skip
    witnesses.add(conn, [seen], record_us=1, log_id=1)


def count(conn: Connection) -> list[int]:
    return [
        conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in APPEND_ONLY
    ]


@pytest.fixture
def filled(database: Database) -> Database:
    database.write_now(books)
    return database


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_the_owner_with_all_rights_is_refused_too(filled: Database, table: str) -> None:
    before = filled.read_now(count)
    some = ON_POSTGRESQL if filled.backend == "postgresql" else ON_SQLITE
    names = {"table": table, "column": COLUMNS[table], "key": KEYS[table]}
    for change in {**CHANGES, **some}.values():
        statement = change.format(**names)
        with pytest.raises(DBAPIError, match=f"{table} is append-only"):
            filled.write_now(lambda c, q=statement: c.exec_driver_sql(q) and None)  # type: ignore[misc]
    assert filled.read_now(count) == before
    assert filled.read_now(faults) == []


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A SQLite session of another program, with none of our pragmas."""
    file = tmp_path / "central.sqlite"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    database.write_now(books)
    database.close()
    with closing(sqlite3.connect(file)) as conn:
        assert conn.execute("PRAGMA recursive_triggers").fetchone() == (0,)
        yield conn


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_another_program_that_replaces_is_refused(stranger: sqlite3.Connection, table: str) -> None:
    names = {"table": table, "column": COLUMNS[table], "key": KEYS[table]}
    for change in {**CHANGES, **ON_SQLITE}.values():
        with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
            stranger.execute(change.format(**names))


def toothless(backend: str, table: str) -> dict[tuple[str, ...], str]:
    """What an owner can do to a trigger, and the trigger that it is done to."""
    if backend == "sqlite":
        names = [f"{table}_no_{verb}" for verb in ("update", "delete", "replace")]
        again = f"CREATE TRIGGER {names[0]} BEFORE UPDATE ON {table} BEGIN SELECT 1; END"
        return {
            **{(f"DROP TRIGGER {name}",): name for name in names},
            (f"DROP TRIGGER {names[0]}", again): names[0],
        }
    change, alter = f"{table}_no_change", f"ALTER TABLE {table}"
    return {
        (f"DROP TRIGGER {change} ON {table}",): change,
        (f"DROP TRIGGER {table}_no_truncate ON {table}",): f"{table}_no_truncate",
        (f"{alter} DISABLE TRIGGER {change}",): change,
        (f"{alter} DISABLE TRIGGER ALL",): change,
        (f"{alter} ENABLE TRIGGER {change}",): change,  # asleep in a replica's session
        (f"{alter} ENABLE REPLICA TRIGGER {change}",): change,
        (
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN RETURN NEW; END'",
        ): change,
    }


class Undo(Exception):
    """Nothing of it is to stay."""


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_trigger_that_was_taken_away_is_named(filled: Database, table: str) -> None:
    for doing, trigger in toothless(filled.backend, table).items():
        found: list[str] = []

        def look(
            conn: Connection, doing: tuple[str, ...] = doing, found: list[str] = found
        ) -> None:
            for statement in doing:
                conn.exec_driver_sql(statement)
            found += faults(conn)
            assert ledger_faults(conn) == []
            raise Undo

        with pytest.raises(Undo):
            filled.write_now(look)
        assert any(f"its trigger {trigger} is" in fault for fault in found), (doing, found)
    assert filled.read_now(faults) == []


_ENDS = {
    "DROP TRIGGER movement_ends ON movement": ("movement_ends",),
    "ALTER TABLE movement DISABLE TRIGGER movement_ends": ("movement_ends",),
    "ALTER TABLE movement ENABLE REPLICA TRIGGER movement_ends": ("movement_ends",),
    "CREATE OR REPLACE FUNCTION movement_ends() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN RETURN NULL; END'": ("movement_ends",),
    "CREATE OR REPLACE TRIGGER location_renamed AFTER UPDATE OF code ON location FOR EACH ROW "
    "WHEN (OLD.code < NEW.code) EXECUTE FUNCTION refuse_orphans()": ("location_renamed",),
    "DROP FUNCTION refuse_orphans() CASCADE": tuple(
        f"{table}_{name}"
        for table in ("item", "location")
        for name in ("named", "renamed", "emptied")
    ),
}


@pytest.mark.parametrize("doing", _ENDS)
def test_a_trigger_that_looked_after_ends_is_named(filled: Database, doing: str) -> None:
    if filled.backend == "sqlite":
        pytest.skip("SQLite has foreign keys")

    def look(conn: Connection) -> list[str]:
        conn.exec_driver_sql(doing)
        return faults(conn)

    found = filled.write_now(look)
    assert len(found) == len(_ENDS[doing])
    assert all(
        f"the trigger {name} is" in one for name, one in zip(_ENDS[doing], found, strict=True)
    )


def test_verify_tells_it(database_url: str, tmp_path: Path) -> None:
    database = Database(database_url)
    database.migrate()
    on = "" if make_url(database_url).get_backend_name() == "sqlite" else " ON movement"
    name = "movement_no_change" if on else "movement_no_delete"
    command = ["verify", "-c", str(settings_for(database_url, tmp_path)), "--json"]
    assert json.loads(CliRunner().invoke(app, command).stdout)["ok"]
    database.write_now(lambda c: c.execute(text(f"DROP TRIGGER {name}{on}")) and None)
    database.close()
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 1
    assert f"its trigger {name} is missing" in json.loads(told.stdout)["faults"][0]
