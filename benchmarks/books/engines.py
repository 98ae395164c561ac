"""Empty, migrated books on a durable engine of their own, thrown away afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.machine import NotHere
from benchmarks.servers.postgres import PostgresProcess, fresh_database, why_not
from central.database.store import Database

ENGINES = ("sqlite", "postgresql")


def wanted(engine: str) -> tuple[str, ...]:
    """The engines that ``--engine`` names. Raises ``NotHere`` for another word."""
    if engine == "all":
        return ENGINES
    if engine not in ENGINES:
        raise NotHere(f"there is no engine {engine!r}: sqlite, postgresql or all")
    return (engine,)


@contextmanager
def books_url(engine: str) -> Iterator[str]:
    """The URL of such books. Raises ``NotHere``."""
    with tempfile.TemporaryDirectory(prefix="tallyport-books-") as folder:
        if engine == "sqlite":
            url = f"sqlite:///{folder}/central.sqlite"
            _migrate(url)
            yield url
            return
        if reason := why_not():
            raise NotHere(reason)
        server = PostgresProcess(Path(folder), durable=True)
        server.start()
        try:
            url = fresh_database(server.url, "books")
            _migrate(url)
            yield url
        finally:
            server.stop()


def _migrate(url: str) -> None:
    with closing(Database(url)) as database:
        database.migrate()
