"""Measurements on a server that takes InfluxDB's v2 writes: InfluxDB 1.8 to 3, VictoriaMetrics.

Writes are synchronous and as text that we build: the client's batching mode forgets points
after its retries, while we keep a cursor and send again. Reads use InfluxQL over ``/query``,
which InfluxDB 1.8, 2 (where each bucket is mapped by its name) and 3 all answer.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from typing import Any

import urllib3
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from central.insight.line_protocol import lines
from central.insight.series import (
    Feed,
    Fold,
    Point,
    Sample,
    SeriesRefused,
    SeriesUnavailable,
    Tags,
    stretch_us,
)

_TIMEOUT_MS = 10_000
_LINES_PER_WRITE = 5_000
_FOLDS = {Fold.MEAN: "mean", Fold.MAX: "max", Fold.LAST: "last", Fold.RATE: "sum"}


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
        """Ask for one feed, folded by the server."""
        stretch = stretch_us(from_us, to_us, max_points)
        where = "".join(f" AND {_quoted(k)} = {_text(v)}" for k, v in sorted(tags.items()))
        text = (
            f"SELECT {_FOLDS[fold]}({_quoted(field)}) FROM {_quoted(measurement)}"  # noqa: S608
            f" WHERE time >= {from_us}u AND time < {to_us}u{where}"
            f" GROUP BY time({stretch}u, {from_us % stretch}u) fill(none)"
        )
        share = 1e6 / stretch if fold is Fold.RATE else 1.0
        return [
            Sample(time_us=int(at), value=float(value) * share)
            for series in await self._ask(text)
            for at, value in series["values"]
            if value is not None
        ]

    async def feeds(self) -> list[Feed]:
        """Every series that the server knows of."""
        keys = [row[0] for series in await self._ask("SHOW SERIES") for row in series["values"]]
        return sorted((_feed(key) for key in keys), key=lambda f: (f.measurement, str(f.tags)))

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

    async def prune(self, before_us: int) -> None:
        """The server forgets by its own retention."""

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._client.close)
        self._http.clear()


_PAIR = re.compile(r"((?:\\.|[^,=\\])+)=((?:\\.|[^,\\])+)")
_ESCAPED = re.compile(r"\\([,= ])")


def _feed(key: str) -> Feed:
    """A series key (``measurement,tag=value,...``) as a feed."""
    name = re.match(r"(?:\\.|[^,\\])+", key)
    assert name is not None, f"a series key without a measurement: {key!r}"
    tags = {
        _ESCAPED.sub(r"\1", tag): _ESCAPED.sub(r"\1", value)
        for tag, value in _PAIR.findall(key[name.end() :])
    }
    return Feed(measurement=_ESCAPED.sub(r"\1", name.group()), tags=tags)
