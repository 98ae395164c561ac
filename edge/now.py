"""The edge as it is at this moment: for the terminal, and for whoever asks a running one.

Rates are over the last ``WINDOW_S`` seconds. Nothing here is kept or sent; what counts is in the
journal and in the health observations.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from drivers.readings import CodeScan, DeviceEvent, LoadCellWindow, Reading, TagRead, WeightReading
from edge.config import DeviceConfig, EdgeConfig
from edge.journal import JournalStats
from edge.keeper import Keeper
from edge.supervisor import Supervisor
from edge.uplink import Uplink
from edge.walltime import WallTime
from gateway.terminal.wording import harmless

__all__ = ["DeviceNow", "EdgeNow", "Vitals", "Waits", "words_of"]

WINDOW_S = 5.0
_EVERY_S = 1.0
_STATS_EVERY = 5
"""The journal is asked for its size once in so many looks: its thread has better to do."""


class DeviceNow(msgspec.Struct, frozen=True, kw_only=True):
    """One device. ``state`` is one of ``edge.health.STATES``; ``readings`` since the start;
    ``last`` is its newest reading in words, ``last_age_s`` how long ago (``None`` before any).
    """

    name: str
    driver: str
    read_point: str
    state: str
    cause: str
    hint: str
    for_s: float
    readings: int
    readings_per_s: float
    failures: int
    last: str
    last_age_s: float | None


class EdgeNow(msgspec.Struct, frozen=True, kw_only=True):
    """The agent. ``waiting`` observations are durable here and not confirmed by central, the
    oldest of them for ``waiting_s``; ``lost`` were refused or dropped by a full journal;
    ``trouble`` is a sentence, empty when all is well.
    """

    edge: str
    site: str
    up_s: float
    broker: str
    connected: bool
    trouble: str
    hint: str
    kept: int
    kept_per_s: float
    waiting: int
    waiting_s: float
    lost: int
    disk_bytes: int
    disk_limit_bytes: int
    clock_steps: int
    devices: tuple[DeviceNow, ...]


class _Look(msgspec.Struct, frozen=True):
    at_s: float
    kept: int
    readings: dict[str, int]


class Vitals:
    """``run`` looks once a second; ``now`` tells. ``devices`` gives those of the moment with who
    runs them, ``condition`` the agent's trouble and what to do about it.
    """

    def __init__(
        self,
        config: EdgeConfig,
        *,
        devices: Callable[[], Iterable[tuple[DeviceConfig, Supervisor]]],
        keeper: Keeper,
        uplink: Uplink,
        connected: Callable[[], bool],
        condition: Callable[[], tuple[str, str]],
        time: WallTime,
    ) -> None:
        self._config = config
        self._devices = devices
        self._keeper = keeper
        self._uplink = uplink
        self._connected = connected
        self._condition = condition
        self._time = time
        self._begun_s = time.steady_s()
        self._stats = JournalStats(0, 0, 0, 0, 0)
        self._looks: deque[_Look] = deque([self._look()])
        self._waits = Waits(self._begun_s)

    async def run(self) -> None:
        """Look until cancelled."""
        for turn in itertools.count():
            if turn % _STATS_EVERY == 0:
                self._stats = await self._keeper.stats()
            look = self._look()
            self._looks.append(look)
            while len(self._looks) > 2 and look.at_s - self._looks[0].at_s > WINDOW_S:
                self._looks.popleft()
            self._waits.look(look.at_s, self._keeper.kept)
            await asyncio.sleep(_EVERY_S)

    def now(self) -> EdgeNow:
        """How all of it is."""
        edge, mqtt = self._config.edge, self._config.mqtt
        now_s = self._time.steady_s()
        trouble, hint = self._condition()
        waiting = self._uplink.backlog
        return EdgeNow(
            edge=edge.name,
            site=edge.site,
            up_s=now_s - self._begun_s,
            broker=f"{mqtt.host}:{mqtt.port}",
            connected=self._connected(),
            trouble=trouble,
            hint=hint,
            kept=self._keeper.kept,
            kept_per_s=self._per_s(lambda look: look.kept),
            waiting=waiting,
            waiting_s=self._waits.oldest_s(now_s, self._keeper.kept - waiting) if waiting else 0.0,
            lost=self._keeper.refused + self._stats.dropped,
            disk_bytes=self._stats.bytes_on_disk,
            disk_limit_bytes=self._stats.limit_bytes,
            clock_steps=self._time.steps,
            devices=tuple(self._device(*one, now_s) for one in self._devices()),
        )

    def _look(self) -> _Look:
        readings = {one.name: one.heard for _, one in self._devices()}
        return _Look(self._time.steady_s(), self._keeper.kept, readings)

    def _per_s(self, figure: Callable[[_Look], int]) -> float:
        first, last = self._looks[0], self._looks[-1]
        passed_s = last.at_s - first.at_s
        return max(0, figure(last) - figure(first)) / passed_s if passed_s > 0 else 0.0

    def _device(self, settings: DeviceConfig, one: Supervisor, now_s: float) -> DeviceNow:
        last, at_s = one.last_heard or (None, None)
        return DeviceNow(
            name=one.name,
            driver=settings.driver,
            read_point=settings.read_point,
            state=one.health.state or "starting",
            cause=one.health.cause,
            hint=one.health.hint,
            for_s=max(0.0, (self._time.now_us() - one.health.since_us) / 1e6),
            readings=one.heard,
            readings_per_s=self._per_s(lambda look: look.readings.get(one.name, 0)),
            failures=one.failed,
            last=words_of(last) if last is not None else "",
            last_age_s=None if at_s is None else now_s - at_s,
        )


class Waits:
    """Since when the oldest unconfirmed observation waits, from how many there were when."""

    def __init__(self, begun_s: float, *, most: int = 512) -> None:
        self._begun_s = begun_s
        self._most = most
        self._marks: list[tuple[float, int]] = []

    def look(self, at_s: float, kept: int) -> None:
        """``kept`` observations in all were durable at that time."""
        if self._marks and self._marks[-1][1] == kept:
            return
        self._marks.append((at_s, kept))
        if len(self._marks) > self._most:
            del self._marks[1 : self._most // 2 : 2]

    def oldest_s(self, now_s: float, confirmed: int) -> float:
        """How long the first one after ``confirmed`` waits; what waited before the start does so
        since then at least.
        """
        if confirmed < 0:
            return now_s - self._begun_s
        since_s = next((at_s for at_s, kept in self._marks if kept > confirmed), now_s)
        return now_s - since_s


def words_of(reading: Reading) -> str:
    """A reading as a technician would say it; nothing in it steers a terminal."""
    match reading:
        case TagRead():
            rssi = "" if reading.peak_rssi_dbm is None else f" {reading.peak_rssi_dbm:.0f} dBm"
            antenna = "" if reading.antenna is None else f" antenna {reading.antenna}"
            words = f"{reading.epc}{rssi}{antenna}"
        case WeightReading():
            words = _weight(reading)
        case LoadCellWindow():
            mean = "no samples" if reading.mean is None else f"{reading.mean:.0f} counts"
            words = f"{mean} of {reading.samples} samples"
        case CodeScan():
            words = reading.data
        case DeviceEvent():
            words = f"{reading.name} {reading.detail}".strip()
    return harmless(words[:200])


def _weight(reading: WeightReading) -> str:
    if reading.value is None:
        return str(reading.status)
    steady = {True: "stable", False: "moving", None: ""}[reading.stable]
    kind = "net" if reading.net else ""
    figure = f"{reading.value} {reading.unit or ''}"
    return " ".join(part for part in (figure.strip(), kind, steady) if part)
