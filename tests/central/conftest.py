"""The central database on both engines, for tests that ask for ``database``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.store import Database
from tests.fakes import postgres

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


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated, empty database, closed at the end."""
    made = Database(database_url)
    try:
        made.migrate()
        yield made
    finally:
        made.close()
