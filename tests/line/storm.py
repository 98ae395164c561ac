"""The demo's world under storms: its processes die with SIGKILL while it goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

from tallyport.demo.report import Report
from tallyport.demo.run import Demo, until


class Storm:
    """A demo whose scanner waits while nobody listens to it: a scan into the void is lost in
    the real world too, and the person at the desk scans again."""

    def __init__(self, folder: Path, seed: int, **site: object) -> None:
        self.demo = Demo(folder, seed, **site)
        self.chance = Random(seed)
        self._listening = asyncio.Event()
        self._listening.set()

    async def start(self) -> None:
        await self.demo.start()

    async def play(self, seconds: float) -> None:
        clock = asyncio.get_running_loop().call_later(seconds, self.demo.stop_playing)
        try:
            await self.demo.world.play(self.demo._end, self._listening.wait)
        finally:
            clock.cancel()

    async def kill_edge(self) -> None:
        """Kill the edge and start it again; scans wait until its scanner runs anew."""
        self._listening.clear()
        before = await self._scanner_started()
        await self.demo.site.edge.kill()
        await self.demo.site.edge.start()

        async def listens_anew() -> bool:
            return await self._scanner_started() > before

        await until(listens_anew, 60, "the scanner is not heard again", self.demo.site)
        self._listening.set()

    async def kill_central(self) -> None:
        await self.demo.site.central.kill()
        await asyncio.sleep(self.chance.uniform(0.2, 1.5))  # how long it stays dead
        await self.demo.site.start_central()

    async def _scanner_started(self) -> str:
        """How often the scanner was reported running, by the newest health's time."""
        devices = await self.demo.api.every("/devices")
        return max(
            (
                d["health_at"] or ""
                for d in devices
                if d["driver"] == "scanner" and d["state"] == "running"
            ),
            default="",
        )

    async def finish(self) -> Report:
        return await self.demo.finish(patience_s=60.0)

    async def abandon(self) -> None:
        if hasattr(self.demo, "site"):
            await self.demo.site.kill()
        await self.demo.world.stop()


def assert_right(report: Report) -> None:
    """Stock is right and no committed observation is missing or there twice. Reads that were
    in no journal yet when the edge was killed are gone, as they would be in life."""
    wrong = [line for line in report.items if line.truth != line.ledger]
    assert not wrong, wrong
    assert report.committed == report.kept > 0
    assert report.doubled == 0
    assert report.movements > 0
