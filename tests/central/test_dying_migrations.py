"""A migration that is killed happened as a whole or not at all, and is simply run again."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, inspect, text

from benchmarks.servers.postgres import PostgresProcess
from central.database.store import Database
from central.keeping.soundness import ledger_faults
from tests.central.dying import KILLED, PATIENCE_S, run, settings_for, statements
from tests.central.test_digests import fill
from tests.fakes.postgres import fresh_database, why_not

DEATHS = 4
"""So many statements of each way up and each way down, spread over all of it."""


def looked_at(url: str) -> tuple[object, ...]:
    """All that a migration changes: every table with its columns and rows, every trigger."""
    engine = create_engine(url)
    try:
        with engine.begin() as conn:
            return _all_of(conn)
    finally:
        engine.dispose()


def _all_of(conn: Connection) -> tuple[object, ...]:
    seen = inspect(conn)
    tables = {
        name: (
            sorted(column["name"] for column in seen.get_columns(name)),
            conn.execute(text(f"SELECT count(*) FROM {name}")).scalar_one(),
        )
        for name in sorted(seen.get_table_names())
    }
    triggers = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
        if conn.dialect.name == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY 1"
    )
    revision = (
        conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
        if "alembic_version" in tables
        else []
    )
    return tables, list(conn.execute(text(triggers)).scalars()), revision


def until_it_ends_so(arguments: list[str], log: Path, status: int, die_at: int = 0) -> None:
    """Run it until it ends with ``status``. PostgreSQL may take a moment to see that the
    client before is gone; to be refused for ever, or for another reason, is what we fear.
    """
    deadline = time.monotonic() + PATIENCE_S
    while (ended := run(arguments, log, die_at=die_at)) != status:
        assert "another central" in log.read_text(), (ended, log.read_text())
        assert time.monotonic() < deadline


def whole(url: str) -> bool:
    """Whether the books are."""
    database = Database(url)
    try:
        return database.read_now(ledger_faults) == []
    finally:
        database.close()


def deaths(total: int) -> list[int]:
    """Which statements to die at: the first, the last (the commit) and some between."""
    between = random.Random(total).sample(range(2, total), min(DEATHS, total - 2))
    return [1, *sorted(between), total]


def another(url: str, name: str, folder: Path) -> str:
    """A second empty database of the same engine."""
    if url.startswith("sqlite"):
        return f"sqlite:///{folder / name}.sqlite"
    return fresh_database(url.rpartition("/")[0], f"{url.rpartition('/')[2]}_{name}")


@pytest.fixture
def filled(books_url: str) -> str:
    """The URL of a database of this release with a shop in it."""
    database = Database(books_url)
    database.write_now(fill)
    database.close()
    return books_url


def test_killed_at_any_statement_on_the_way_up(database_url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    up = ["migrate", "-c", str(settings_for(database_url, tmp_path))]
    rehearsal = another(database_url, "rehearsal", tmp_path)
    total = statements(["migrate", "-c", str(settings_for(rehearsal, tmp_path / "other"))], log)
    assert total > 40
    for number in deaths(total):
        until_it_ends_so(up, log, KILLED, number)
        if looked_at(database_url) == looked_at(rehearsal):
            break  # the migration itself was over
        assert looked_at(database_url) == ({}, [], []), f"half-done at statement {number}"
    assert number > total - 4
    until_it_ends_so(up, log, 0)
    assert looked_at(database_url) == looked_at(rehearsal)
    until_it_ends_so(up, log, 0)


def test_killed_at_any_statement_on_the_way_down(filled: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    back = ["--to", "base", "--yes"]
    settings = str(settings_for(filled, tmp_path))
    before = looked_at(filled)
    rehearsal = another(filled, "rehearsal", tmp_path)
    other = str(settings_for(rehearsal, tmp_path / "other"))
    until_it_ends_so(["migrate", "-c", other], log, 0)
    total = statements(["migrate", "-c", other, *back], log)
    for number in deaths(total):
        until_it_ends_so(["migrate", "-c", settings, *back], log, KILLED, number)
        if looked_at(filled) == looked_at(rehearsal):
            break  # the migration itself was over
        assert looked_at(filled) == before, f"half-done at statement {number}"
        assert whole(filled)
    assert number > total - 4
    until_it_ends_so(["migrate", "-c", settings, *back], log, 0)
    assert looked_at(filled) == looked_at(rehearsal)
    until_it_ends_so(["migrate", "-c", settings], log, 0)
    assert looked_at(filled)[2] == before[2]


def test_a_migration_that_is_not_one_transaction_would_be_caught(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'central.sqlite'}"
    up = ["migrate", "-c", str(settings_for(url, tmp_path))]
    assert run(up, tmp_path / "log", die_at=30, untied=True) == KILLED
    tables, _, revision = looked_at(url)
    assert tables
    assert revision == []
    assert run(up, tmp_path / "log") == 1  # the start that is refused for ever


@pytest.fixture
def mortal_server() -> Iterator[PostgresProcess]:
    """A PostgreSQL server that a test may kill."""
    if reason := why_not():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="tallyport-mortal-"))
    try:
        server = PostgresProcess(folder)
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder)


def postmaster(server: PostgresProcess) -> int:
    """The process id of the server itself."""
    with psycopg.connect(f"{server.url.replace('+psycopg', '')}/postgres") as connection:
        row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
    assert row is not None
    return int(str(row[0]).split()[0])


@pytest.mark.postgres
def test_the_server_dies_in_the_middle(mortal_server: PostgresProcess, tmp_path: Path) -> None:
    url, log = fresh_database(mortal_server.url, "central"), tmp_path / "log"
    up = ["migrate", "-c", str(settings_for(url, tmp_path))]
    assert run(up, log, die_at=30, victim=postmaster(mortal_server)) == 1
    assert "the database cannot be migrated" in log.read_text()
    assert "Traceback" not in log.read_text()
    mortal_server.kill()
    mortal_server.start()
    assert looked_at(url) == ({}, [], [])
    until_it_ends_so(up, log, 0)
    assert looked_at(url)[2] != []
