"""The central database on both engines, for tests that ask for ``database``."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.database.store import Database
from tests.fakes import postgres, told
from tests.fakes.books import postgres_books, sqlite_books

_names = (f"test_{number}" for number in itertools.count())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server of our own."""
    if reason := postgres.why_not():
        pytest.skip(reason)
    with postgres.running_postgres() as address:
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, on each engine in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'central.sqlite'}"
        return
    url = postgres.fresh_database(request.getfixturevalue("postgres_server"), next(_names))
    yield url
    postgres.drop_database(url)  # some 300 files each: all of them at the end take a minute


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def books_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database without a row in it, on each engine in turn."""
    if request.param == "sqlite":
        url = sqlite_books(tmp_path / "central.sqlite")
        yield url
        told.check_all(url)
        return
    server = request.getfixturevalue("postgres_server")
    url = postgres.fresh_database(server, next(_names), postgres_books(server))
    yield url
    postgres.drop_database(url)


@pytest.fixture
def database(books_url: str) -> Iterator[Database]:
    """A migrated, empty database, closed at the end."""
    with contextlib.closing(Database(books_url)) as made:
        yield made
