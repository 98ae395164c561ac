"""A day of a shop through one edge, and what becomes of its memory, its disk and its log.

The edge and central are real processes around a real broker (Mosquitto, or central's own where
there is none); the devices are emulated on TCP and pseudo-terminals (``benchmarks.shop_day``).
``hours_equivalent`` is the share of the day's observations that is played: 24 are 1.44 million.
The time between passes is left out, so that a day takes some 20 minutes; health is told every
second for every minute. Links break on the way: a reader, a scale, the broker.

Resident memory is sampled every second. Growth compares the median of hours 8 to 12 with that of
hours 20 to 24. The first eight hours are warm-up: an edge remembers a tag for five minutes by
the clock, and so many tags as at this pace (some 7,700) it has only after six hours of the
day; a real day's edge never has that many. A run of less than half a day is all warm-up.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from benchmarks.servers.mosquitto import MosquittoProcess, find_mosquitto, start_mosquitto
from benchmarks.shop_day import DOCKS, OBSERVATIONS_A_DAY, ShopDay
from tallyport.demo.books import open_catalogue
from tallyport.demo.client import Api
from tallyport.demo.goods import WAREHOUSE
from tallyport.demo.processes import Site
from tallyport.demo.run import until

LIMIT_MIB = 160
LIMIT_GROWTH = 0.02
_LONG_ENOUGH_H = 12.0
_LOOK_EVERY_S = 1.0
_PATIENCE_S = 300.0


def run(*, hours_equivalent: float = 24.0, trouble_every_s: float = 20.0) -> dict[str, Any]:
    """Measure, and return the figures; ``violations`` name the promises that were not kept."""
    with tempfile.TemporaryDirectory(prefix="tallyport-soak-") as folder:
        return asyncio.run(_Soak(Path(folder), hours_equivalent, trouble_every_s).measure())


@dataclass
class Samples:
    """What was seen on the way: the share of the day that had passed, and the figures then."""

    share: list[float] = field(default_factory=list)
    edge_mib: list[float] = field(default_factory=list)
    central_mib: list[float] = field(default_factory=list)
    journal_mib: list[float] = field(default_factory=list)

    def warm_and_late(self, of: list[float]) -> tuple[float, float]:
        """Medians after the warm-up and at the end."""
        at = list(zip(self.share, of, strict=True))
        warm = [value for share, value in at if 8 / 24 <= share < 12 / 24]
        late = [value for share, value in at if share >= 20 / 24]
        return statistics.median(warm or of), statistics.median(late or of)


class _Soak:
    """One run, in a folder."""

    def __init__(self, folder: Path, hours: float, trouble_every_s: float) -> None:
        self._folder = folder
        self._hours = hours
        self._trouble_every_s = trouble_every_s
        self._wanted = round(OBSERVATIONS_A_DAY * hours / 24)
        self._day = ShopDay(folder)
        self._broker: MosquittoProcess | None = None
        self._samples = Samples()
        self._site: Site
        self._api: Api

    async def measure(self) -> dict[str, Any]:
        """Play, look, wait for the rest to arrive, and say how it was."""
        async with self._running():
            began = time.monotonic()
            async with _beside(self._day.play(), self._break()) as alive:
                while await self._look() < self._wanted:
                    alive()
                    await asyncio.sleep(_LOOK_EVERY_S)
            took_s = time.monotonic() - began
            await until(self._settled, _PATIENCE_S, "not all of it was judged", self._site)
            road = await self._api.get("/road")
            await self._site.stop()
        return self._result(road, took_s)

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        """Everything up, and down again whatever happens."""
        if find_mosquitto() is not None:
            (self._folder / "broker").mkdir()
            self._broker = start_mosquitto(self._folder / "broker", persistence=True)
        port = self._broker.port if self._broker else None
        self._site = Site(self._folder / "site", await self._day.start(), broker_port=port)
        _tell_health_often(self._folder / "site" / "edge.toml")
        self._api = Api(self._site.url)
        try:
            await self._site.start_central()
            await open_catalogue(self._api)
            for dock in DOCKS[1:]:
                point: dict[str, object] = {"kind": "portal", "location": WAREHOUSE}
                await self._api.send("PUT", f"/read-points/{dock}", point)
            await self._site.edge.start()
            async with asyncio.timeout(_PATIENCE_S):
                await self._day.ready()
            yield
        finally:
            await self._site.kill()
            await self._day.stop()
            if self._broker is not None:
                self._broker.kill()

    async def _break(self) -> None:
        """A link every now and then, the broker every fourth time."""
        while True:
            await asyncio.sleep(self._trouble_every_s)
            await self._day.trouble()
            if self._broker is not None and self._day.troubles % 4 == 0:
                await asyncio.to_thread(self._broker.kill)
                await asyncio.to_thread(self._broker.start)

    async def _look(self) -> int:
        """Sample everything; how many observations central has."""
        road = await self._api.get("/road")
        heard: int = road["observations"]
        samples = self._samples
        samples.share.append(heard / self._wanted)
        samples.edge_mib.append(_resident_mib(self._site.edge.pid))
        samples.central_mib.append(_resident_mib(self._site.central.pid))
        samples.journal_mib.append(_size_mib(self._folder / "site" / "edge" / "journal"))
        return heard

    async def _settled(self) -> bool:
        """Central has judged all that it has, and nothing more comes."""
        before = await self._api.get("/road")
        await asyncio.sleep(2 * _LOOK_EVERY_S)
        after = await self._api.get("/road")
        return bool(after["judge_lag"] == 0 and after["reads"] == before["reads"])

    def _result(self, road: dict[str, Any], took_s: float) -> dict[str, Any]:
        samples, site = self._samples, self._site
        warm, late = samples.warm_and_late(samples.edge_mib)
        growth = late / warm - 1
        most = max(samples.edge_mib)
        violations = []
        if most > LIMIT_MIB:
            violations.append(f"the edge took {most:.1f} MiB, more than {LIMIT_MIB}")
        if growth >= LIMIT_GROWTH and self._hours >= _LONG_ENOUGH_H:
            violations.append(f"the edge's memory grew by {growth:.1%} after its warm-up")
        central_warm, central_late = samples.warm_and_late(samples.central_mib)
        lost = sum(stream["lost"] for stream in road["edges"])
        if lost:
            violations.append(f"{lost} observations are lost")
        plain = {"baseline": None, "ratio": None}
        told: dict[str, tuple[float, str]] = {
            "hours_equivalent": (self._hours, "h"),
            "observations": (road["observations"], ""),
            "observations_per_s": (road["observations"] / took_s, "1/s"),
            "times_real_time": (self._hours * 3_600 / took_s, "x"),
            "links_broken": (self._day.troubles, ""),
            "reads_handed_over": (self._day.reads, ""),
            "reads_at_central": (road["reads"], ""),
            "edge_after_warm_up": (warm, "MiB"),
            "edge_at_the_end": (late, "MiB"),
            "central_max": (max(samples.central_mib), "MiB"),
            "central_after_warm_up": (central_warm, "MiB"),
            "central_at_the_end": (central_late, "MiB"),
            "journal_max": (max(samples.journal_mib), "MiB"),
            "journal_at_the_end": (samples.journal_mib[-1], "MiB"),
            "edge_log": (_size_mib(site.edge.log) * 1_024, "KiB"),
            "central_log": (_size_mib(site.central.log) * 1_024, "KiB"),
        }
        figures = {name: {"value": v, "unit": unit, **plain} for name, (v, unit) in told.items()}
        figures["edge_max"] = _against(most, "MiB", LIMIT_MIB)
        figures["edge_growth"] = _against(100 * growth, "%", 100 * LIMIT_GROWTH)
        return {
            "bench": "soak",
            "machine": describe(),
            "figures": figures,
            "violations": violations,
            "edge_mib_by_hour": _by_hour(samples, samples.edge_mib),
            "central_mib_by_hour": _by_hour(samples, samples.central_mib),
        }


@contextlib.asynccontextmanager
async def _beside(*works: Any) -> AsyncIterator[Any]:  # noqa: ANN401
    """Run some works beside a block; what is yielded raises what ended one of them."""
    tasks = [asyncio.create_task(work) for work in works]

    def alive() -> None:
        for task in tasks:
            if task.done():
                task.result()

    try:
        yield alive
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _by_hour(samples: Samples, of: list[float]) -> list[float]:
    """The median in each 24th of the run."""
    hours: dict[int, list[float]] = {}
    for share, value in zip(samples.share, of, strict=True):
        hours.setdefault(min(23, int(24 * share)), []).append(value)
    return [round(statistics.median(values), 1) for _, values in sorted(hours.items())]


def _against(value: float, unit: str, limit: float) -> dict[str, Any]:
    promised = f"{limit:g} {unit} promised"
    return {"value": value, "unit": unit, "baseline": promised, "ratio": value / limit}


def _tell_health_often(settings: Path) -> None:
    """Every second instead of every minute, so that a day's count of it comes too."""
    text = settings.read_text()
    settings.write_text(text.replace("[edge]\n", "[edge]\nhealth_every_s = 1.0\n"))


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4_096 / 2**20


def _size_mib(path: Path) -> float:
    """Of a file, or of the files in a folder, some of which go while it is looked at."""
    size = 0
    for file in path.iterdir() if path.is_dir() else [path]:
        with contextlib.suppress(FileNotFoundError):
            size += file.stat().st_size
    return size / 2**20
