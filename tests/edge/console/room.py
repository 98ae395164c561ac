"""A bench over real supervisors and real drivers; what would go to the journal is in ``kept``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.backoff import Backoff
from edge.certified import newest
from edge.config import DeviceConfig, check
from edge.console.bench import Bench
from edge.console.operation import find
from edge.describing import describe
from edge.device_brokers import build_driver
from edge.fleet import Fleet
from edge.fold import Folder
from edge.health import Health
from edge.journal import JournalStats
from edge.now import EdgeNow
from edge.supervisor import Supervisor
from edge.walltime import WallTime
from gateway.contract import Observation
from gateway.log_ring import LogRing
from tests.edge.waiting import until


@dataclass
class Room:
    """What a test works with."""

    bench: Bench
    kept: list[Observation] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)

    async def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Run one operation, its progress into ``told``."""
        self.told.clear()
        return await find(op).run(self.bench, arguments, self.told.append)

    async def running(self, device: str) -> None:
        await until(lambda: self.bench.supervisor(device).health.state == "running")


@asynccontextmanager
async def room(data_dir: Path, *devices: dict[str, Any]) -> AsyncIterator[Room]:
    """A running edge of these devices."""
    config = check(
        {"edge": {"name": "pi-1", "site": "plant", "data_dir": str(data_dir)},
         "devices": list(devices)}
    )  # fmt: skip
    time, kept = WallTime(), []

    async def keep(observations: Sequence[Observation]) -> None:
        kept.extend(observations)

    def supervisor(device: DeviceConfig) -> Supervisor:
        return Supervisor(
            device.name,
            device.read_point,
            build_driver=lambda: build_driver(device),
            build_folder=lambda: Folder(
                device.name, device.read_point, device.fold, plate=device.plate
            ),
            describe=lambda at_us: describe(device, at_us, newest(data_dir, device.name)),
            keep=keep,
            time_source=time,
            backoff=Backoff(first_s=0.05, most_s=0.2, least_s=0.05),
        )

    async def journal() -> JournalStats:
        raise NotImplementedError

    def now() -> EdgeNow:
        raise NotImplementedError

    fleet = Fleet(config.devices, supervisor)
    bench = Bench(
        config=config, settings_file=None, fleet=fleet, health=Health("pi-1", "pi-1"), time=time,
        logs=LogRing(), journal=journal, uplink=dict, restart=lambda _: None, now=now,
    )  # fmt: skip
    running = asyncio.create_task(fleet.run())
    try:
        yield Room(bench, kept)
        assert not running.done(), running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
