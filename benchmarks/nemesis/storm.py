"""The demo's world under storms: its processes are hurt while it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
        """Everything up, every device heard."""
        await self.demo.start(self.rewire)

    def rewire(self) -> None:
        """Change the site's settings before the edge starts: nothing here."""

    async def play(self, seconds: float) -> None:
        """Let the world go on; what has begun is finished."""
        clock = asyncio.get_running_loop().call_later(seconds, self.demo.stop_playing)
        try:
            await self.demo.play_with(self._listened)
        finally:
            clock.cancel()

    async def _listened(self) -> None:
        await self._listening.wait()

    async def kill_edge(self) -> None:
        """Kill the edge and start it again; scans wait until its scanner runs anew."""
        async with self.edge_away():
            await self.demo.site.edge.kill()
            await self.demo.site.edge.start()

    @asynccontextmanager
    async def edge_away(self) -> AsyncIterator[None]:
        """Scans wait from here until an edge that was started anew is heard."""
        self._listening.clear()
        before = await self._scanner_started()
        yield

        async def listens_anew() -> bool:
            return await self._scanner_started() > before

        await until(listens_anew, 60, "the scanner is not heard again", self.demo.site)
        self._listening.set()

    async def drained(self) -> bool:
        """Whether central has all that the edge is known to have kept, as of a second ago."""
        road = await self.demo.api.get("/road")
        living = [one for one in road["edges"] if not one["fenced"]]
        return bool(living) and all(one["upto_seq"] >= one["committed_seq"] for one in living)

    async def kill_central(self) -> None:
        """Kill central and start it again after a moment."""
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
        """Stop everything, the edge first, and compare."""
        return await self.demo.finish(patience_s=60.0)

    async def abandon(self) -> None:
        """Leave nothing running."""
        if hasattr(self.demo, "site"):
            await self.demo.site.kill()
        await self.demo.world.stop()
