"""Books for tests that need many of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from central.database.store import Database
from tests.fakes.books import sqlite_books


@pytest.fixture
def sqlite_copy(tmp_path: Path) -> Callable[[], Database]:
    """Makes empty, migrated books, as many as are wanted."""
    numbers = itertools.count()
    return lambda: Database(sqlite_books(tmp_path / f"books-{next(numbers)}.sqlite"))
