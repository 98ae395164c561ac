"""Measurements on a server that takes InfluxDB's v2 writes: InfluxDB 1.8 to 3, VictoriaMetrics.

Writes are synchronous and as text that we build: the client's batching mode forgets points
after its retries, while we keep a cursor and send again. Reads use InfluxQL over ``/query``,
which InfluxDB 1.8, 2 (where each bucket is mapped by its name) and 3 all answer.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import urllib3
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from central.insight.line_protocol import lines
from central.insight.series import (
    Feed,
    Point,
    Sample,
    SeriesRefused,
    SeriesUnavailable,
    Tags,
    Word,
    fits,
)
from central.insight.windows import Bucket, Window

_TIMEOUT_MS = 10_000
_LINES_PER_WRITE = 5_000
_PAGE = 20_000
_LATEST_US = 4_102_444_800_000_000  # the year 2100


def _quoted(name: str) -> str:
    """An InfluxQL identifier."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(value: str) -> str:
    """An InfluxQL string."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class InfluxSeries:
    """A ``SeriesStore`` on a server. ``bucket`` may be ``database/retention-policy``."""

    def __init__(self, *, url: str, token: str, org: str, bucket: str) -> None:
        self._url = url.rstrip("/")
        self._bucket = bucket
        self._org = org
        self._headers = {"Authorization": f"Token {token}"} if token else {}
        self._client: Any = InfluxDBClient(
            url=self._url, token=token or "none", org=org, timeout=_TIMEOUT_MS, enable_gzip=True
        )
        self._writer: Any = self._client.write_api(write_options=SYNCHRONOUS)
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(_TIMEOUT_MS / 1_000), retries=False, maxsize=4
        )

    async def open(self) -> bool:
        """Nothing to make ready: the server keeps its own files."""
        return False

    async def write(self, points: Sequence[Point]) -> None:
        """Send the points, a few thousand lines at a time; each is durable when acknowledged."""
        for start in range(0, len(points), _LINES_PER_WRITE):
            text = lines(points[start : start + _LINES_PER_WRITE])
            if text:
                await asyncio.to_thread(self._write, text)

    def _write(self, text: str) -> None:
        try:
            self._writer.write(bucket=self._bucket, record=text, write_precision="us")
        except ApiException as error:
            reason = f"{self._url} answered {error.status}: {str(error.body or '').strip()[:300]}"
            # 401, 404 and 429 are mended on the server; a 400 or 422 is about these very lines.
            if error.status in {400, 413, 422}:
                raise SeriesRefused(reason) from error
            raise SeriesUnavailable(reason) from error
        except urllib3.exceptions.HTTPError as error:
            raise SeriesUnavailable(f"{self._url} cannot be reached: {error}") from error

    async def buckets(
        self, measurement: str, tags: Tags, field: str, window: Window
    ) -> tuple[int, list[Bucket]]:
        """Ask for one feed, folded by the server; it begins its stretches in 1970 as well."""
        of = _quoted(field)
        folds = ", ".join(f"{name}({of})" for name in ("min", "max", "sum", "count", "last"))
        text = (
            f"SELECT {folds} {_where(measurement, tags, window.from_us, window.to_us)}"
            f" GROUP BY time({window.stretch_us}u) fill(none)"
        )
        made = [
            Bucket(time_us=int(at), low=low, high=high, total=total, count=count, last=last)
            for series in await self._ask(text)
            for at, low, high, total, count, last in series["values"]
        ]
        return window.stretch_us, made

    async def newest(
        self, measurement: str, tags: Tags, field: str, *, before_us: int
    ) -> Sample | None:
        """See ``SeriesStore``."""
        text = f"SELECT last({_quoted(field)}) {_where(measurement, tags, 0, before_us)}"
        found = _samples(await self._ask(text))
        return found[0] if found else None

    async def began(self, measurement: str, tags: Tags, field: str) -> int | None:
        """See ``SeriesStore``."""
        text = f"SELECT first({_quoted(field)}) {_where(measurement, tags, 0, _LATEST_US)}"
        found = _samples(await self._ask(text))
        return found[0].time_us if found else None

    async def samples(
        self, measurement: str, tags: Tags, field: str, *, from_us: int, to_us: int
    ) -> AsyncGenerator[list[Sample], None]:
        """See ``SeriesStore``."""
        while True:
            text = (
                f"SELECT {_quoted(field)} {_where(measurement, tags, from_us, to_us)}"
                f" ORDER BY time LIMIT {_PAGE}"
            )
            found = _samples(await self._ask(text))
            if found:
                yield found
            if len(found) < _PAGE:
                return
            from_us = found[-1].time_us + 1

    async def feeds(self) -> list[Feed]:
        """Every series that the server knows of, each with all fields of its measurement."""
        keys = [row[0] for series in await self._ask("SHOW SERIES") for row in series["values"]]
        fields = {
            series["name"]: tuple(sorted(row[0] for row in series["values"]))
            for series in await self._ask("SHOW FIELD KEYS")
        }
        found = (_feed(key, fields) for key in keys)
        return sorted(found, key=lambda f: (f.measurement, str(f.tags)))

    async def find(self, words: Sequence[Word], limit: int) -> list[tuple[Feed, str]]:
        """See ``SeriesStore``. The server is asked for all of them: its own search knows no or."""
        feeds = await self.feeds()

        def work() -> list[tuple[Feed, str]]:
            pairs = ((feed, field) for feed in feeds for field in feed.fields)
            fitting = ((f, name) for f, name in pairs if all(fits(w, f, name) for w in words))
            return list(itertools.islice(fitting, limit))

        return await asyncio.to_thread(work)

    async def _ask(self, text: str) -> list[Any]:
        return await asyncio.to_thread(self._get, text)

    def _get(self, text: str) -> list[Any]:
        database, _, policy = self._bucket.partition("/")
        fields = {"db": database, "epoch": "u", "q": text, "org": self._org}
        if policy:
            fields["rp"] = policy
        try:
            answer = self._http.request(
                "GET", f"{self._url}/query", fields=fields, headers=self._headers
            )
        except urllib3.exceptions.HTTPError as error:
            raise SeriesUnavailable(f"{self._url} cannot be reached: {error}") from error
        if answer.status != 200:
            body = answer.data.decode(errors="replace")[:300]
            raise SeriesUnavailable(f"{self._url} answered {answer.status}: {body}")
        (result,) = json.loads(answer.data)["results"]
        if "error" in result:
            raise SeriesUnavailable(f"{self._url}: {result['error']}")
        return list(result.get("series", []))

    async def prune(self, before_us: int, minutes_before_us: int) -> None:
        """The server forgets by its own retention."""

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._client.close)
        self._http.clear()


_PAIR = re.compile(r"((?:\\.|[^,=\\])+)=((?:\\.|[^,\\])+)")
_ESCAPED = re.compile(r"\\([,= ])")


def _where(measurement: str, tags: Tags, from_us: int, to_us: int) -> str:
    """The end of a query: which points."""
    of = "".join(f" AND {_quoted(k)} = {_text(v)}" for k, v in sorted(tags.items()))
    return f"FROM {_quoted(measurement)} WHERE time >= {from_us}u AND time < {to_us}u{of}"


def _samples(answer: list[Any]) -> list[Sample]:
    return [
        Sample(time_us=int(at), value=float(value))
        for series in answer
        for at, value in series["values"]
        if value is not None
    ]


def _feed(key: str, fields: dict[str, tuple[str, ...]]) -> Feed:
    """A series key (``measurement,tag=value,...``) as a feed."""
    name = re.match(r"(?:\\.|[^,\\])+", key)
    assert name is not None, f"a series key without a measurement: {key!r}"
    tags = {
        _ESCAPED.sub(r"\1", tag): _ESCAPED.sub(r"\1", value)
        for tag, value in _PAIR.findall(key[name.end() :])
    }
    measurement = _ESCAPED.sub(r"\1", name.group())
    return Feed(measurement=measurement, tags=tags, fields=fields.get(measurement, ()))
