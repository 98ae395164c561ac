"""SQLite's log comes into its file beside who writes."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from central.database.checkpoints import Checkpoints
from central.database.store import Database


def _write(database: Database, rows: int) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS told (text)")
        connection.exec_driver_sql("INSERT INTO told VALUES (?)", [("x",)] * rows)

    database.write_now(work)


def _in_the_file_itself(file: Path, beside: Path) -> int:
    """Rows that stand there without the log."""
    shutil.copy(file, beside)
    with closing(sqlite3.connect(beside)) as connection:
        if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return 0
        return int(connection.execute("SELECT count(*) FROM told").fetchone()[0])


def test_many_rows_come_into_the_file_though_no_commit_brings_them(tmp_path: Path) -> None:
    file = tmp_path / "central.sqlite"
    database = Database(f"sqlite:///{file}")
    try:
        _write(database, 100)
        assert _in_the_file_itself(file, tmp_path / "before") == 0, "the log holds them"
        _write(database, 5_000)
        assert database._checkpoints is not None
        database._checkpoints.close()
        assert _in_the_file_itself(file, tmp_path / "after") == 5_100
    finally:
        database.close()


def test_what_it_cannot_do_is_told_and_the_next_commit_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = Checkpoints(str(tmp_path / "no-such-folder" / "central.sqlite"))
    with caplog.at_level(logging.WARNING):
        checkpoints.written(4_000)
        checkpoints.close()
    assert "was not brought into the file: OperationalError('unable to open" in caplog.text


def test_who_committed_is_told_so_where_no_thread_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As where there is no memory left: the commit stands, and its caller must not hear of it."""

    def none_to_be_had(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    database = Database(f"sqlite:///{tmp_path / 'central.sqlite'}")
    try:
        monkeypatch.setattr(threading.Thread, "start", none_to_be_had)
        _write(database, 5_000)
        assert "can't start new thread" in caplog.text
        monkeypatch.undo()
        _write(database, 5_000)
        assert database._checkpoints is not None
        database._checkpoints.close()
        assert _in_the_file_itself(tmp_path / "central.sqlite", tmp_path / "after") == 10_000
    finally:
        database.close()


def test_another_connection_counts_from_its_beginning(tmp_path: Path) -> None:
    file = tmp_path / "central.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE told (text)")
        connection.commit()
        checkpoints = Checkpoints(str(file))
        checkpoints.written(3_999)
        assert checkpoints._running is None
        checkpoints.written(10)
        checkpoints.written(4_009)
        checkpoints.close()
        assert checkpoints._running is not None
        assert _in_the_file_itself(file, tmp_path / "after") == 0
