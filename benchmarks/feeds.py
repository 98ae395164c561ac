"""A chart over a million points: asked of central as the page asks, beside shipping every point.

One antenna's reads, a second apart, lie in a file with those of others, as a site's do. What is
measured is the whole way through central's routes, from the request to the last byte.
"""

from __future__ import annotations

import asyncio
import json
import math
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from benchmarks.machine import describe
from central.api.series.routes import router
from central.api.services import Services
from central.attachments.desk import AttachmentDesk
from central.attachments.folder import Folder
from central.config import AttachmentsSection
from central.database.store import Database
from central.database.tide import Tide
from central.insight.series import Point
from central.insight.series_duckdb import FRONT_S, DuckDBSeries
from central.insight.windows import SECOND_US, Window, window
from central.reports.desk import ReportDesk

_ROUNDS = 15
_PIXELS = 1_200
_CHUNK = 25_000
_BEGIN_S = 1_700_000_040
_FIELD = ("antenna", {"device": "dock-1-reader", "antenna": "1"}, "reads")


def run(*, points: int = 1_000_000, antennas: int = 2) -> dict[str, Any]:
    """Measure, and return the figures with their ratios."""
    with tempfile.TemporaryDirectory(prefix="tallyport-bench-") as folder:
        figures = asyncio.run(_measured(Path(folder), points, antennas))
    return {"bench": "feeds", "machine": describe(), "figures": figures}


async def _measured(folder: Path, points: int, antennas: int) -> dict[str, Any]:
    store = DuckDBSeries(folder / "series.duckdb")
    await store.open()
    database = Database(f"sqlite:///{folder / 'central.sqlite'}")
    await asyncio.to_thread(database.migrate)
    try:
        filled = await _fill(store, points, antennas)
        await _live_on(store, days=points // 86_400 + 2)
        app = FastAPI()
        app.include_router(router(_services(folder, database, store)))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://central") as http:
            return await _figures(http, store, points, filled)
    finally:
        await store.close()
        await asyncio.to_thread(database.close)


def _services(folder: Path, database: Database, store: DuckDBSeries) -> Services:
    return Services(
        database=database,
        tide=Tide(),
        series=store,
        reports=ReportDesk(folder / "extract", database.read_now),
        attachments=AttachmentDesk(Folder(folder / "attachments"), AttachmentsSection()),
    )


async def _fill(store: DuckDBSeries, points: int, antennas: int) -> float:
    """Seconds of all antennas, as they come; answers points per second that were kept."""
    begin = time.perf_counter()
    for first in range(0, points, _CHUNK // antennas):
        seconds = range(first, min(points, first + _CHUNK // antennas))
        await store.write([_point(second, 1 + n) for second in seconds for n in range(antennas)])
    return points * antennas / (time.perf_counter() - begin)


async def _live_on(store: DuckDBSeries, days: int) -> None:
    """Points of today again: each write brings the minutes of a day of what was filled."""
    await asyncio.sleep(FRONT_S)  # so long the store takes whoever fills it for busy
    for _ in range(days):
        now = Point(
            measurement="alive", tags={}, fields={"up": 1.0}, time_us=time.time_ns() // 1_000
        )
        await store.write([now])


def _point(second: int, antenna: int) -> Point:
    wave = 40 + 30 * math.sin(second / 7_200) + second * 7919 % 23
    return Point(
        measurement="antenna",
        tags={"device": "dock-1-reader", "antenna": str(antenna)},
        fields={"reads": 900.0 if second % 100_003 == 77 else float(round(wave))},
        time_us=(_BEGIN_S + second) * SECOND_US,
    )


async def _figures(
    http: httpx.AsyncClient, store: DuckDBSeries, points: int, filled: float
) -> dict[str, Any]:
    end_s, key = _BEGIN_S + points, json.dumps(_FIELD)

    async def asked(path: str, seconds: int, **more: object) -> int:
        said = {"feed": key, "seconds": seconds, "to_s": end_s, **more}
        answer = await http.get(path, params=said)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return len(answer.content)

    raw, raw_bytes = await _timed(lambda: _every_point(store, points), rounds=3)
    whole, whole_bytes = await _timed(
        lambda: asked("/series", points, max_points=_PIXELS), rounds=_ROUNDS
    )
    coarse, _ = await _timed(lambda: asked("/series", points, max_points=100), rounds=_ROUNDS)
    hour, _ = await _timed(lambda: asked("/series", 3_600, max_points=_PIXELS), rounds=_ROUNDS)
    csv, _ = await _timed(lambda: asked("/series/export", points), rounds=1)
    shown = window(_BEGIN_S * SECOND_US, end_s * SECOND_US, _PIXELS)
    scanned = Window(from_us=0, to_us=shown.to_us, stretch_us=shown.stretch_us + SECOND_US)
    single, _ = await _timed(lambda: _buckets(store, scanned), rounds=5)
    beside = "every point as JSON"
    return {
        "chart": _figure(1_000 * whole, "ms", beside, raw / whole),
        "chart_size": _figure(whole_bytes / 1024, "KiB", beside, raw_bytes / whole_bytes),
        "chart_first": _figure(1_000 * coarse, "ms", beside, raw / coarse),
        "chart_without_minutes": _figure(1_000 * single, "ms", beside, raw / single),
        "zoomed_to_an_hour": _figure(1_000 * hour, "ms", beside, raw / hour),
        "every_point": _figure(1_000 * raw, "ms"),
        "export_csv": _figure(points / csv, "points/s"),
        "written": _figure(filled, "points/s"),
    }


async def _every_point(store: DuckDBSeries, points: int) -> int:
    """What a chart without folding would have to send."""
    end_us = (_BEGIN_S + points) * SECOND_US
    times, values = list[float](), list[float]()
    async with aclosing(store.samples(*_FIELD, from_us=0, to_us=end_us)) as pages:
        async for page in pages:
            times += [one.time_us / SECOND_US for one in page]
            values += [one.value for one in page]
    assert len(times) == points, f"{len(times)} of {points} points were kept"
    return len(json.dumps({"times_s": times, "values": values}))


async def _buckets(store: DuckDBSeries, asked: Window) -> int:
    _, rows = await store.buckets(*_FIELD, asked)
    return len(rows)


async def _timed(work: Callable[[], Awaitable[int]], *, rounds: int) -> tuple[float, int]:
    """The median round's seconds, and what it answered."""
    took, answered = list[float](), 0
    for _ in range(rounds):
        begin = time.perf_counter()
        answered = await work()
        took.append(time.perf_counter() - begin)
    return statistics.median(took), answered


def _figure(
    value: float, unit: str, baseline: str | None = None, ratio: float | None = None
) -> dict[str, Any]:
    return {"value": value, "unit": unit, "baseline": baseline, "ratio": ratio}
