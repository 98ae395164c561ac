"""After three days without central: how fast the backlog drains, and what becomes of now.

A journal is filled with ``hours`` of sightings at ``rate`` a second, as an edge that could not
reach central would have left it. Then the real agent, a real broker and a real central run for
``seconds`` (a full drain would take as long as it takes), while an emulated reader hears another
tag ``rate`` times a second. Told are the rate of the drain against real time, the delay from each
fresh read to central's live view, and what the journal and the edge took.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.machine import describe
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.portal_scene import dock_antennas
from drivers.readings import TagRead
from edge.fold.moments import moment
from edge.journal import Journal, JournalLimits
from gateway.contract import TagSighting
from tallyport.demo.books import open_catalogue
from tallyport.demo.client import Api
from tallyport.demo.goods import DOCK_POINT
from tallyport.demo.processes import Site
from tallyport.demo.settings import reader_toml

_LOT = 500
_LIVE_LIMIT_S = 2.0
_POLL_S = 0.25
_encode = msgspec.json.Encoder().encode


def run(*, hours: float = 72.0, rate: int = 50, seconds: float = 60.0) -> dict[str, Any]:
    """Measure, and return the figures with their ratios."""
    with tempfile.TemporaryDirectory(prefix="tallyport-backlog-") as folder:
        return asyncio.run(_measure(Path(folder), hours, rate, seconds))


async def _measure(folder: Path, hours: float, rate: int, seconds: float) -> dict[str, Any]:
    count = round(hours * 3_600 * rate)
    size = await asyncio.to_thread(fill, folder / "edge" / "journal", count, rate)
    reader = EmulatedReader(antennas=4)
    site = Site(folder, reader_toml(await reader.start(), dock_antennas()))
    api = Api(site.url)
    lags: list[float] = []
    peak_mib = 0.0
    try:
        await site.start_central()
        await open_catalogue(api)
        await site.edge.start()
        async with asyncio.timeout(60):
            await reader.wait_inventorying()
        talking = asyncio.create_task(_talk(reader, rate))
        before, began = (await api.get("/road"))["observations"], time.monotonic()
        heard = 0
        while time.monotonic() < began + seconds and heard < count:
            await asyncio.sleep(_POLL_S)
            road = await api.get("/road")
            heard = road["observations"]
            lags += [one["lag_ms"] / 1e3 for one in road["live"] if one["kind"] == "tag_sighting"]
            peak_mib = max(peak_mib, _resident_mib(site.edge.pid))
        took_s = time.monotonic() - began
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
    finally:
        await site.kill()
        await reader.stop()
    drained_s = (heard - before) / took_s
    return {
        "bench": "backlog",
        "machine": describe(),
        "figures": _figures(count, rate, size, drained_s, lags, peak_mib),
    }


def fill(directory: Path, count: int, rate: int) -> int:
    """A journal of ``count`` sightings that ends now; its bytes on disk."""
    directory.mkdir(parents=True)
    journal = Journal.open(directory, JournalLimits(max_bytes=64 * 2**30))
    chance = random.Random(7)
    step_us = 1_000_000 // rate
    first_us = time.time_ns() // 1_000 - count * step_us
    for start in range(0, count, _LOT):
        lot = range(start, min(start + _LOT, count))
        journal.append([_encode(_sighting(n, first_us + n * step_us, chance)) for n in lot])
    size = journal.stats().bytes_on_disk
    journal.close()
    return size


def _sighting(number: int, at_us: int, chance: random.Random) -> TagSighting:
    return TagSighting(
        device="dock-1-reader",
        read_point=DOCK_POINT,
        event_time=moment(at_us),
        epc=f"3034257BF468{chance.getrandbits(48):012X}",
        antenna=1 + number % 4,
        count=3,
        peak_rssi_dbm=-50.0 - number % 25,
        mean_rssi_dbm=-57.5,
        phase_rad=round(chance.random() * 6.28, 3),
        channel=1 + number % 50,
    )


async def _talk(reader: EmulatedReader, rate: int) -> None:
    """Another tag, ``rate`` times a second."""
    number = 0
    while True:
        number += 1
        now_us = time.time_ns() // 1_000
        read = TagRead(
            epc=f"30FEED{number:018X}", epc_bits=96, antenna=1 + number % 4, peak_rssi_dbm=-50,
            first_seen_us=now_us, last_seen_us=now_us,
        )  # fmt: skip
        await reader.report([read])
        await asyncio.sleep(1 / rate)


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4_096 / 2**20


def _figures(  # noqa: PLR0917
    count: int, rate: int, size: int, drained_s: float, lags: list[float], peak_mib: float
) -> dict[str, dict[str, Any]]:
    lags = sorted(lags) or [float("inf")]
    plain = {"baseline": None, "ratio": None}

    def lag(value: float) -> dict[str, Any]:
        limit = f"{_LIVE_LIMIT_S:.0f} s promised"
        return {"value": value, "unit": "s", "baseline": limit, "ratio": value / _LIVE_LIMIT_S}

    return {
        "backlog": {"value": count, "unit": "observations", **plain},
        "journal": {"value": size / 2**20, "unit": "MiB", **plain},
        "bytes_per_observation": {"value": size / count, "unit": "B", **plain},
        "drain": {
            "value": drained_s,
            "unit": "observations/s",
            "baseline": f"{rate}/s, real time",
            "ratio": drained_s / rate,
        },
        "live_lag_p50": lag(statistics.median(lags)),
        "live_lag_p95": lag(lags[int(0.95 * (len(lags) - 1))]),
        "live_lag_max": lag(lags[-1]),
        "edge_resident_peak": {
            "value": peak_mib,
            "unit": "MiB",
            "baseline": "160 MiB promised",
            "ratio": peak_mib / 160,
        },
    }
