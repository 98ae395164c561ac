"""Measurements in an embedded DuckDB file: the default, nothing to install.

One thread owns the connection; the event loop never waits for the disk. The file can be
lost (a torn write may make it unreadable): it is then put aside, a new one is begun, and
whoever follows the log fills it again. What each minute came to is kept beside the points.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import duckdb
import structlog

from central.insight import minutes
from central.insight.series import Feed, Point, Sample, SeriesUnavailable, Tags, Word
from central.insight.windows import MINUTE_US, Bucket, Window

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
_TABLES = f"""
CREATE TABLE IF NOT EXISTS feed (id INTEGER, measurement VARCHAR, tags VARCHAR);
CREATE TABLE IF NOT EXISTS point (feed INTEGER, field VARCHAR, time_us BIGINT, value DOUBLE);
CREATE TABLE IF NOT EXISTS feed_field (feed INTEGER, field VARCHAR);
{minutes.TABLES}"""
_PAGE = 20_000
FRONT_S = 5.0
"""So long after a write its points may have others behind them."""


class DuckDBSeries:
    """A ``SeriesStore`` in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="series")
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._feeds: dict[tuple[str, str], int] = {}
        self._fields: set[tuple[int, str]] = set()
        self._began: dict[tuple[int, str], int] = {}
        self._state = minutes.State(0, 0)
        self._fronts: deque[tuple[float, int]] = deque()

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
        self._feeds = {(name, _written(json.loads(tags))): no for name, tags, no in rows}
        if renewed := [(no, tags) for (_, tags), no in self._feeds.items() if not tags.isascii()]:
            connection.executemany("UPDATE feed SET tags = $2 WHERE id = $1", renewed)
        self._fields = set(_fields(connection))
        self._state = minutes.state(connection)
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
        """Append the points in one transaction; then write down the minutes that are over."""
        await self._call(lambda: self._write(points))
        behind_us = min((upto_us for _, upto_us in self._fronts), default=0)
        await self._call(lambda: self._roll(behind_us))

    def _roll(self, until_us: int) -> None:
        until_us = min(until_us, time.time_ns() // 1_000)
        self._state = minutes.roll(self._open_connection, self._state, until_us)

    def _write(self, points: Sequence[Point]) -> None:
        known, new = dict(self._feeds), list[tuple[int, str, str]]()
        rows = list[tuple[int, str, int, float]]()
        for point in points:
            key = (point.measurement, _written(point.tags))
            number = known.get(key)
            if number is None:
                number = known[key] = len(known) + 1
                new.append((number, *key))
            rows.extend(
                (number, field, point.time_us, value)
                for field, value in point.fields.items()
                if math.isfinite(value)
            )
        fields = {(row[0], row[1]) for row in rows} - self._fields
        connection = self._open_connection
        connection.begin()
        try:
            for table, columns in (("feed", new), ("feed_field", list(fields)), ("point", rows)):
                if columns:
                    marks = ", ".join(f"unnest(${n + 1})" for n in range(len(columns[0])))
                    insert = f"INSERT INTO {table} SELECT {marks}"
                    connection.execute(insert, [list(c) for c in zip(*columns, strict=True)])
            minutes.bring_up(connection, rows, self._state)
            connection.commit()
        except duckdb.Error:
            connection.rollback()
            raise
        self._feeds = known
        self._fields |= fields
        if rows:
            self._advance(max(row[2] for row in rows))
        for number, field, at, _ in rows:
            if at < self._began.get((number, field), at):
                self._began[number, field] = at

    def _advance(self, front_us: int) -> None:
        """Points came until then: who is writing years of them down is not overtaken, for each
        minute that is mended afterwards costs a hundred times one that is written once.
        """
        now_s = time.monotonic()
        while self._fronts and now_s - self._fronts[0][0] > FRONT_S:
            self._fronts.popleft()
        self._fronts.append((now_s, front_us))

    def _number(self, measurement: str, tags: Tags) -> int | None:
        return self._feeds.get((measurement, _written(tags)))

    async def buckets(
        self, measurement: str, tags: Tags, field: str, window: Window
    ) -> tuple[int, list[Bucket]]:
        """See ``SeriesStore``: where points are gone, minutes are what there is."""
        number = self._number(measurement, tags)
        if number is None:
            return window.stretch_us, []
        if window.from_us < self._state.pruned_us:
            window = window.widened(max(window.stretch_us, MINUTE_US))
        rows = await self._call(
            lambda: minutes.buckets(self._open_connection, number, field, window, self._state)
        )
        made = [
            Bucket(time_us=at, low=low, high=high, total=total, count=count, last=last)
            for at, low, high, total, count, last in rows
        ]
        return window.stretch_us, made

    async def newest(
        self, measurement: str, tags: Tags, field: str, *, before_us: int
    ) -> Sample | None:
        """See ``SeriesStore``; where points are gone, at the start of its minute."""
        number = self._number(measurement, tags)
        if number is None:
            return None
        found = await self._call(
            lambda: minutes.newest(self._open_connection, number, field, before_us, self._state)
        )
        return None if found is None else Sample(time_us=found[0], value=found[1])

    async def began(self, measurement: str, tags: Tags, field: str) -> int | None:
        """See ``SeriesStore``; looked for once."""
        number = self._number(measurement, tags)
        if number is None:
            return None
        if (number, field) not in self._began:
            found = await self._call(lambda: minutes.began(self._open_connection, number, field))
            if found is None:
                return None
            self._began[number, field] = found
        return self._began[number, field]

    async def samples(
        self, measurement: str, tags: Tags, field: str, *, from_us: int, to_us: int
    ) -> AsyncGenerator[list[Sample], None]:
        """See ``SeriesStore``: one snapshot, however long the reading takes."""
        number = self._number(measurement, tags)
        if number is None:
            return
        cursor = await self._call(lambda: self._open_connection.cursor())  # noqa: PLW0108 (opens what broke)
        try:
            await self._call(
                lambda: cursor.execute(
                    "SELECT time_us, arg_max(value, rowid) FROM point WHERE feed = $1 AND "
                    "field = $2 AND time_us >= $3 AND time_us < $4 "
                    "GROUP BY time_us ORDER BY time_us",
                    [number, field, from_us, to_us],
                )
            )
            while rows := await self._call(lambda: cursor.fetchmany(_PAGE)):
                yield [Sample(time_us=at, value=value) for at, value in rows]
        finally:
            await self._call(cursor.close)

    async def feeds(self) -> list[Feed]:
        """Every feed that ever had a point."""
        named = dict[int, list[str]]()
        for number, field in sorted(self._fields):
            named.setdefault(number, []).append(field)
        return [
            Feed(measurement=measurement, tags=json.loads(tags), fields=tuple(named.get(no, ())))
            for (measurement, tags), no in sorted(self._feeds.items())
        ]

    async def find(self, words: Sequence[Word], limit: int) -> list[tuple[Feed, str]]:
        """See ``SeriesStore``."""
        found = await self._call(lambda: self._find(words, limit))
        return [
            (Feed(measurement=measurement, tags=json.loads(tags), fields=(field,)), field)
            for measurement, tags, field in found
        ]

    def _find(self, words: Sequence[Word], limit: int) -> list[tuple[str, str, str]]:
        fits, values = list[str](), list[object]()
        for word in words:
            values += [word.text, word.text]
            ways = ["contains(lower(measurement || ' ' || tags), ?)", "contains(lower(field), ?)"]
            for name, value in sorted(word.tags):
                values.append(_written({name: value})[1:-1])
                ways.append("contains(tags, ?)")
            for pair in sorted(word.fields):
                values += pair
                ways.append("(measurement = ? AND field = ?)")
            fits.append(f"({' OR '.join(ways)})")
        text = (
            "SELECT measurement, tags, field FROM feed JOIN feed_field ON feed = id "  # noqa: S608 (fixed texts)
            f"WHERE {' AND '.join(fits) or 'true'} ORDER BY measurement, tags, field LIMIT {limit}"
        )
        return self._open_connection.execute(text, values).fetchall()

    async def prune(self, before_us: int, minutes_before_us: int) -> None:
        """Delete what is old and give its space back; points go once their minutes are known."""

        def work() -> None:
            whole_us = -(-before_us // MINUTE_US) * MINUTE_US
            while (rolled := self._state.rolled_us) < whole_us:
                self._roll(time.time_ns() // 1_000)
                if self._state.rolled_us == rolled:
                    break
            connection = self._open_connection
            connection.execute("DELETE FROM point WHERE time_us < $1", [before_us])
            connection.execute("DELETE FROM minute WHERE time_us < $1", [minutes_before_us])
            connection.execute("UPDATE state SET pruned_us = greatest(pruned_us, $1)", [whole_us])
            self._state = minutes.state(connection)
            self._began.clear()
            connection.execute("CHECKPOINT")

        await self._call(work)

    async def close(self) -> None:
        """Write the file out and end the thread."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._call(connection.close)
        self._thread.shutdown()


def _written(tags: Tags) -> str:
    """Tags as they are written down and searched: letters as they are."""
    return json.dumps(dict(tags), sort_keys=True, ensure_ascii=False)


def _fields(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    """Which fields each feed has; a file of an earlier release is looked through once."""
    connection.execute(
        "INSERT INTO feed_field SELECT DISTINCT feed, field FROM point "
        "WHERE NOT EXISTS (SELECT 1 FROM feed_field)"
    )
    return connection.execute("SELECT feed, field FROM feed_field").fetchall()
