"""Books whose log a test may fill with events of no known kind."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.database.store import Database
from tests.fakes.books import sqlite_books


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Database]:
    """On SQLite: what is read by functions of the slices needs no second engine."""
    with contextlib.closing(Database(sqlite_books(tmp_path / "central.sqlite"))) as made:
        yield made
