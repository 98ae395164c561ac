"""Measurements in an embedded DuckDB file: the default, nothing to install.

One thread owns the connection; the event loop never waits for the disk. The file can be
lost (a torn write may make it unreadable): it is then put aside, a new one is begun, and
whoever follows the log fills it again.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import duckdb
import structlog

from central.insight.series import Feed, Fold, Point, Sample, SeriesUnavailable, Tags, stretch_us

Result = TypeVar("Result")
_log = structlog.get_logger(__name__)

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "256MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
# Without a key: an index would cost memory for every point for ever. A point that was sent
# twice is folded into one when it is read.
_TABLES = """
CREATE TABLE IF NOT EXISTS feed (id INTEGER, measurement VARCHAR, tags VARCHAR);
CREATE TABLE IF NOT EXISTS point (feed INTEGER, field VARCHAR, time_us BIGINT, value DOUBLE);
"""
_FOLDS = {
    Fold.MEAN: "avg(value)",
    Fold.MAX: "max(value)",
    Fold.LAST: "arg_max(value, time_us)",
    Fold.RATE: "sum(value) * 1e6 / $stretch",
}


class DuckDBSeries:
    """A ``SeriesStore`` in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="series")
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._feeds: dict[tuple[str, str], int] = {}

    async def _call(self, work: Callable[[], Result]) -> Result:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except duckdb.FatalException as error:
            self._connection = None  # DuckDB answers nothing more over it: open anew next time
            raise SeriesUnavailable(f"{self._path}: {error}") from error
        except duckdb.Error as error:
            raise SeriesUnavailable(f"{self._path}: {error}") from error

    async def open(self) -> bool:
        """Open the file or begin a new one; true when it is new."""
        return await self._call(self._open)

    def _open(self) -> bool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = not self._path.exists()
        try:
            connection = self._connect()
        except duckdb.IOException as error:
            if "lock" in str(error):  # another process has it: nothing is broken
                raise
            self._put_aside(error)
            new, connection = True, self._connect()
        except duckdb.Error as error:
            self._put_aside(error)
            new, connection = True, self._connect()
        rows = connection.execute("SELECT measurement, tags, id FROM feed").fetchall()
        self._feeds = {(measurement, tags): no for measurement, tags, no in rows}
        self._connection = connection
        return new

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(self._path), config=_SETTINGS)
        connection.execute(_TABLES)
        return connection

    def _put_aside(self, error: duckdb.Error) -> None:
        _log.warning("series_unreadable", path=str(self._path), reason=str(error))
        for path in (self._path, self._path.with_name(self._path.name + ".wal")):
            if path.exists():
                path.replace(path.with_name(path.name + ".bad"))

    @property
    def _open_connection(self) -> duckdb.DuckDBPyConnection:
        """The connection; one that could not be opened, or broke, is tried again."""
        if self._connection is None:
            self._open()
        assert self._connection is not None, "opening raises where it fails"
        return self._connection

    async def write(self, points: Sequence[Point]) -> None:
        """Append the points in one transaction."""
        await self._call(lambda: self._write(points))

    def _write(self, points: Sequence[Point]) -> None:
        known, new = dict(self._feeds), list[tuple[int, str, str]]()
        rows = list[tuple[int, str, int, float]]()
        for point in points:
            key = (point.measurement, json.dumps(point.tags, sort_keys=True))
            number = known.get(key)
            if number is None:
                number = known[key] = len(known) + 1
                new.append((number, *key))
            rows.extend(
                (number, field, point.time_us, value)
                for field, value in point.fields.items()
                if math.isfinite(value)
            )
        connection = self._open_connection
        connection.begin()
        try:
            for table, columns in (("feed", new), ("point", rows)):
                if columns:
                    marks = ", ".join(f"unnest(${n + 1})" for n in range(len(columns[0])))
                    insert = f"INSERT INTO {table} SELECT {marks}"
                    connection.execute(insert, [list(c) for c in zip(*columns, strict=True)])
            connection.commit()
        except duckdb.Error:
            connection.rollback()
            raise
        self._feeds = known

    async def query(
        self,
        measurement: str,
        tags: Tags,
        field: str,
        *,
        from_us: int,
        to_us: int,
        max_points: int,
        fold: Fold = Fold.MEAN,
    ) -> list[Sample]:
        """Fold points that were sent twice, then each stretch into one sample."""
        number = self._feeds.get((measurement, json.dumps(dict(tags), sort_keys=True)))
        if number is None:
            return []
        values = {
            "feed": number,
            "field": field,
            "from": from_us,
            "to": to_us,
            "stretch": stretch_us(from_us, to_us, max_points),
        }
        text = f"""
            SELECT $from + (time_us - $from) // $stretch * $stretch AS since, {_FOLDS[fold]}
            FROM (SELECT time_us, arg_max(value, rowid) AS value FROM point
                  WHERE feed = $feed AND field = $field AND time_us >= $from AND time_us < $to
                  GROUP BY time_us)
            GROUP BY since ORDER BY since"""  # noqa: S608 - the fold is one of four fixed texts
        rows = await self._call(lambda: self._open_connection.execute(text, values).fetchall())
        return [Sample(time_us=at, value=value) for at, value in rows]

    async def feeds(self) -> list[Feed]:
        """Every feed that ever had a point."""
        return [Feed(measurement=m, tags=json.loads(tags)) for m, tags in sorted(self._feeds)]

    async def prune(self, before_us: int) -> None:
        """Delete old points and give their space back."""

        def work() -> None:
            self._open_connection.execute("DELETE FROM point WHERE time_us < $1", [before_us])
            self._open_connection.execute("CHECKPOINT")

        await self._call(work)

    async def close(self) -> None:
        """Write the file out and end the thread."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._call(connection.close)
        self._thread.shutdown()
