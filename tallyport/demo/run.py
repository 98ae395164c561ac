"""One run of the demo, step by step: start, play, settle, report.

The command line plays it for people and scripts; the tests of the whole road play it while
they kill its processes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from edge.journal import Journal
from tallyport.demo.books import open_books
from tallyport.demo.client import Api
from tallyport.demo.goods import EDGE
from tallyport.demo.processes import ProcessDied, Site
from tallyport.demo.report import Line, Report, compare
from tallyport.demo.world import World

POLL_S = 0.2


class Demo:
    """A world, a site that watches it, and the comparison of both."""

    def __init__(self, folder: Path, seed: int, **site: Any) -> None:  # noqa: ANN401
        self._folder = folder
        self._seed = seed
        self._options = site
        self._began = time.monotonic()
        self._end = asyncio.Event()
        self.world = World(seed)
        self.site: Site

    @property
    def api(self) -> Api:
        """Central's API."""
        return Api(self.site.url)

    async def start(self) -> None:
        """Devices, central, its books, the edge; returns when every device is heard."""
        devices = await self.world.start()
        self.site = Site(self._folder, devices, **self._options)
        await self.site.start_central()
        await open_books(self.api, self.world.staged_inside)
        await self.site.edge.start()
        await self.until(self.all_running, 60, "not every device is running")

    async def play(self, seconds: float) -> None:
        """Let the world go on for ``seconds``; what has begun by then is finished."""
        playing = asyncio.create_task(self.world.play(self._end, self.scanner_heard))
        watched = asyncio.create_task(self._watch())
        clock = asyncio.get_running_loop().call_later(seconds, self._end.set)
        try:
            await asyncio.wait({playing, watched}, return_when="FIRST_COMPLETED")
            if watched.done():
                await watched
            await playing
        finally:
            clock.cancel()
            for task in (playing, watched):
                task.cancel()
            await asyncio.gather(playing, watched, return_exceptions=True)

    def stop_playing(self) -> None:
        """End the playing early; what has begun is finished."""
        self._end.set()

    async def _watch(self) -> None:
        """A process that ends by itself ends the demo, loudly."""
        gone = [asyncio.create_task(p.gone()) for p in (self.site.edge, self.site.central)]
        try:
            done, _ = await asyncio.wait(gone, return_when="FIRST_COMPLETED")
            await next(iter(done))
        finally:
            for task in gone:
                task.cancel()
            await asyncio.gather(*gone, return_exceptions=True)

    async def settle(self, patience_s: float = 30.0) -> bool:
        """Wait until the ledger says what is true; False when it does not within patience."""
        try:
            await self.until(self.is_right, patience_s, "the ledger differs from the truth")
        except ProcessDied:
            return False
        return True

    async def finish(self) -> Report:
        """Stop everything, the edge first, and report."""
        right = await self.settle()
        delivered = self.world.reader.delivered
        if self.site.edge.running:
            await self.site.edge.terminate()
        kept = await asyncio.to_thread(self._kept)
        await self.until(self.judged, 30, "central has not judged everything")
        road, lines = await self.api.get("/road"), await self.lines()
        await self.site.stop()
        await self.world.stop()
        committed = sum(edge["upto_seq"] for edge in road["edges"] if edge["edge"] == EDGE)
        missing = max(0, kept - committed) + max(0, delivered - road["reads"])
        doubled = max(0, road["reads"] - delivered) + max(0, road["observations"] - kept)
        wrong = [line for line in lines if line.truth != line.ledger]
        return Report(
            ok=right and not (missing or doubled or wrong),
            seconds=round(time.monotonic() - self._began, 1),
            seed=self._seed,
            heard=road["heard"],
            kept=kept,
            committed=committed,
            movements=road["movements"],
            reviews=road["reviews_open"],
            lost=missing,
            doubled=doubled,
            items=lines,
        )

    def _kept(self) -> int:
        """How many observations ever stood in the edge's journal; the edge has ended."""
        journal = Journal.open(self._folder / "edge" / "journal")
        try:
            return journal.next_seq - 1
        finally:
            journal.close()

    # ---- what can be waited for --------------------------------------------------------
    async def until(
        self, condition: Callable[[], Awaitable[bool]], patience_s: float, otherwise: str
    ) -> None:
        """Wait for a condition that only another process can bring about."""
        deadline = time.monotonic() + patience_s
        while not await condition():
            if time.monotonic() > deadline:
                raise ProcessDied(
                    f"{otherwise} after {patience_s:.0f} s.\nedge: {self.site.edge.tail()}\n"
                    f"central: {self.site.central.tail()}"
                )
            await asyncio.sleep(POLL_S)

    async def all_running(self) -> bool:
        """Whether central knows every device of the world as running."""
        devices = await self.devices()
        return len(devices) == len(self.world.scales) + 2 and all(
            device["state"] == "running" for device in devices
        )

    async def scanner_heard(self) -> None:
        """Wait until somebody listens to the scanner: what it says meanwhile would be lost."""

        async def running() -> bool:
            return any(
                device["driver"] == "scanner" and device["state"] == "running"
                for device in await self.devices()
            )

        await self.until(running, 60, "nobody listens to the scanner")

    async def judged(self) -> bool:
        """Whether judging has reached the end of the log."""
        lag: int = (await self.api.get("/road"))["judge_lag"]
        return lag == 0

    async def is_right(self) -> bool:
        """Whether the ledger says what is true, item by item and place by place."""
        return all(line.truth == line.ledger for line in await self.lines())

    async def lines(self) -> list[Line]:
        """Truth and ledger, for the places that hold stock."""
        return compare(self.world.truth.table(), await self.api.every("/api/inventory"))

    async def devices(self) -> list[dict[str, Any]]:
        """Every device with its health."""
        return await self.api.every("/devices")
