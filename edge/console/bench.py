"""What operations may use of the running agent, and nothing else of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.readings import Reading
from edge.config import DeviceConfig, EdgeConfig
from edge.fleet import Fleet, Held
from edge.health import Health
from edge.journal import JournalStats
from edge.now import EdgeNow
from edge.settings_file.settings import Settings
from edge.supervisor import Supervisor
from edge.walltime import WallTime
from gateway.console import Troubled
from gateway.log_ring import LogRing

__all__ = ["Bench"]

_LOTS_WAITING = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """``settings_file`` is what the agent was started with, where it was started with one;
    ``health`` is the agent's own. ``journal`` tells its figures, ``uplink`` those of the road to
    central; ``restart`` ends the agent in order, and it begins anew; ``now`` tells how everything
    is in figures. ``file`` is the settings file as it may be changed, where there is one.
    """

    config: EdgeConfig
    settings_file: Path | None
    fleet: Fleet
    health: Health
    time: WallTime
    logs: LogRing
    journal: Callable[[], Awaitable[JournalStats]]
    uplink: Callable[[], Mapping[str, Any]]
    restart: Callable[[str], None]
    now: Callable[[], EdgeNow]
    file: Settings | None = None

    @property
    def settings(self) -> Settings:
        """The settings file. Raises ``Troubled`` where the agent was started without one."""
        if self.file is None:
            raise Troubled(
                "no-file", "This agent was started without a settings file.",
                "Start it by `tallyport edge run --config FILE`.",
            )  # fmt: skip
        return self.file

    @property
    def data_dir(self) -> Path:
        """Where this edge keeps what it must not forget."""
        return self.config.edge.data_dir

    @property
    def supervisors(self) -> Mapping[str, Supervisor]:
        """Who watches over each device now, by its name."""
        return self.fleet.supervisors

    def device(self, name: str) -> DeviceConfig:
        """One device's settings. Raises ``Troubled`` where there is none of the name."""
        for one in self.fleet.devices:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.fleet.devices) or "none"
        raise Troubled("no-such-device", f'There is no device "{name}" here; there are: {known}.')

    def supervisor(self, name: str) -> Supervisor:
        """Who watches over a device now. Raises ``Troubled`` as ``device`` does."""
        return self.supervisors[self.device(name).name]

    @asynccontextmanager
    async def hold(self, name: str, why: str = "a technician") -> AsyncIterator[DeviceConfig]:
        """Have a device's port or reader for yourself; the agent takes it back at the end.

        ``why`` is for people who look meanwhile. Raises ``Troubled`` where there is no such
        device, or somebody else holds it.
        """
        self.device(name)
        try:
            async with self.fleet.hold(name, why) as device:
                yield device
        except Held as error:
            raise Troubled("held", f"{error}.", "One at a time may use a device.") from error

    @contextmanager
    def listen(self, name: str) -> Iterator[AsyncIterator[Sequence[Reading]]]:
        """What a device says meanwhile, lot by lot; who is slow misses the oldest."""
        lots: deque[Sequence[Reading]] = deque(maxlen=_LOTS_WAITING)
        news = asyncio.Event()

        def hear(_at_us: int, readings: Sequence[Reading]) -> None:
            lots.append(readings)
            news.set()

        async def heard() -> AsyncIterator[Sequence[Reading]]:
            while True:
                while lots:
                    yield lots.popleft()
                news.clear()
                await news.wait()

        with self.supervisor(name).listen(hear):
            yield heard()
