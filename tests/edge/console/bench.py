"""A running agent with emulated devices, and somebody at its desk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.emulators.scanner import EmulatedScanner
from edge.agent import Agent
from edge.config import EdgeConfig, load
from edge.console.desk import Desk
from edge.journal import Journal
from gateway.console import Ask, Told, new_id
from gateway.log_ring import LogRing


@dataclass
class Site:
    """One edge: a reader on TCP, a scale and a scanner on ptys, and nobody at the broker."""

    reader: EmulatedReader
    scale: EmulatedScale
    scanner: EmulatedScanner
    config: EdgeConfig
    agent: Agent
    logs: LogRing
    path: Path

    @property
    def desk(self) -> Desk:
        return self.agent.console.desk

    @property
    def url(self) -> str:
        assert self.agent.console.page is not None
        return self.agent.console.page.address


@asynccontextmanager
async def site(tmp_path: Path, *, mqtt_port: int = 9, **more: Any) -> AsyncIterator[Site]:
    """It runs, and every device does; ``more`` are sections of the settings."""
    reader, scale, scanner = EmulatedReader(), EmulatedScale(), EmulatedScanner()
    scale.set_load_mg(1_250_000)
    devices: list[dict[str, Any]] = [
        {
            "name": "dock", "driver": "llrp", "read_point": "dock-1", "host": "127.0.0.1",
            "port": await reader.start(),
            "antennas": [{"antenna": 1, "side": "outside"}, {"antenna": 2, "side": "inside"}],
        },
        {
            "name": "plate", "driver": "mt-sics", "read_point": "shelf", "plate": 3,
            "port": await scale.start(),
        },
        {"name": "gun", "driver": "scanner", "read_point": "desk", "port": await scanner.start()},
        *more.pop("devices", []),
    ]  # fmt: skip
    whole = {
        "edge": {"name": "pi", "site": "s", "data_dir": str(tmp_path / "data"), "drain_s": 0.1},
        "mqtt": {"port": mqtt_port, "retry_base_s": 0.05, "retry_limit_s": 0.2},
        "page": {"port": 0},
        "devices": devices,
        **more,
    }
    path = tmp_path / "edge.toml"
    path.write_text("# A small shop: its door, a plate, a scanner.\n" + tomlkit.dumps(whole))
    config = load(path)
    logs = LogRing()
    journal = await asyncio.to_thread(Journal.open, config.edge.data_dir / "journal")
    agent = Agent(config, journal, settings_file=path, logs=logs, watched=True)
    stop = asyncio.Event()
    running = asyncio.create_task(agent.run(stop))
    try:
        async with asyncio.timeout(60):
            await reader.wait_inventorying()
            if agent.console.page is not None:
                await agent.console.page.listening.wait()
        yield Site(reader, scale, scanner, config, agent, logs, path)
    finally:
        stop.set()
        await running
        await reader.stop()
        await scale.stop()
        await scanner.stop()


async def ask(desk: Desk, op: str, **arguments: Any) -> Told:
    """The last word about an ask."""
    asked = Ask(id=new_id(), op=op, arguments=arguments)
    desk.start(asked)
    async with asyncio.timeout(30):
        async for told in desk.follow(asked.id):
            if told.is_final:
                return told
    raise AssertionError("no last word")
