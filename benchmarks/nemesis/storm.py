"""The demo's world under storms: its processes are hurt while it goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from random import Random

from benchmarks.nemesis.watch import Watch
from tallyport.demo.goods import EDGE
from tallyport.demo.report import Report
from tallyport.demo.run import Demo, until
from tallyport.demo.world import World

_ECHOES_DB = 25.0
"""A dock nearly without echoes: here doubts shall come from machines, not from radio waves."""
HEALTH_EVERY_S = 1.0
DRAIN_S = 20.0
_DECIDED_S = 30.0
"""Whatever an edge told of is judged, or asked about, when it has told of so much time more."""
_STANDS_STILL_S = 60.0
"""Central that hears not even of an edge's health for so long will hear nothing more."""
_STARTS_S = 180.0
"""A start that ends is told at once; one that lives may be starved of the processor for so long."""
_AHEAD_S = 60.0
"""An edge whose health is further in the future than this has a wrong clock still."""


class Storm:
    """A demo whose scanner waits while nobody listens to it: a scan into the void is lost in
    the real world too, and the person at the desk scans again.

    ``watch`` knows which processes may be dead now: ``edge`` and ``central``.
    """

    def __init__(self, folder: Path, seed: int, **site: object) -> None:
        world = World(seed, echoes_db=_ECHOES_DB)
        self.demo = Demo(folder, seed, world=world, **site)
        self.chance = Random(seed)
        self.watch = Watch()
        self._listening = asyncio.Event()
        self._listening.set()

    async def start(self) -> None:
        """Everything up, every device heard."""
        await self.demo.start(self.rewire)

    def rewire(self) -> None:
        """Change the site's settings before the edge starts: it shall often say how it is, and
        deliver all that it has when it ends, on a busy machine too.
        """
        settings = self.demo.site.folder / "edge.toml"
        edge = f"[edge]\nhealth_every_s = {HEALTH_EVERY_S}\ndrain_s = {DRAIN_S}\n"
        settings.write_text(settings.read_text().replace("[edge]\n", edge))

    async def play(self, seconds: float | None) -> None:
        """Let the world go on, ``None``: until it is told to stop; what has begun is finished."""
        loop = asyncio.get_running_loop()
        clock = None if seconds is None else loop.call_later(seconds, self.demo.stop_playing)
        try:
            await self.demo.play_with(self._listened)
        finally:
            if clock is not None:
                clock.cancel()

    async def _listened(self) -> None:
        await self._listening.wait()

    async def kill_edge(self) -> None:
        """Kill the edge and start it again; scans wait until its scanner runs anew."""
        async with self.edge_away():
            await self.edge_will_die()
            await self.demo.site.edge.kill()
            await self.edge_is_dead()
            await self.demo.site.edge.start()

    async def edge_will_die(self) -> None:
        """Called when nobody scans any more, before the edge is killed: nothing here."""

    async def edge_is_dead(self) -> None:
        """Called when the edge was killed, before it is started again: nothing here."""

    @asynccontextmanager
    async def edge_away(self) -> AsyncIterator[None]:
        """Scans wait from here until the scanner of an edge that was started anew is heard.

        What the dead edge said of itself may come long after its death: central takes what an edge
        kept in the order in which it kept it, so health tells of the new one only when it is newer
        than what had come when the new one's epoch was heard of.
        """
        self._listening.clear()
        with self.watch.away("edge"):
            before = await self.starts_known()
            yield

        async def is_there_anew() -> bool:
            return await self.starts_known() > before

        await until(is_there_anew, 60, "no edge that was started anew is heard", self.demo.site)
        old = await self.scanner_running()

        async def listens() -> bool:
            return await self.scanner_running() not in {"", old}

        await until(listens, 60, "the scanner is not heard again", self.demo.site)
        self._listening.set()

    async def starts_known(self) -> int:
        """How many starts under the edge's name central has heard of: each is an epoch."""
        road = await self.demo.api.get("/road")
        return sum(one["starts"] for one in road["edges"])

    async def drained(self, since_s: float) -> bool:
        """Whether central has all that the edge had heard at ``since_s`` (Unix time).

        The edge's own word: what it kept stands in its journal in the order in which it heard
        it, so when its health as of later than ``since_s`` has come, everything before it has.
        """
        devices = await self.demo.api.every("/devices")
        said = [d["health_at"] for d in devices if d["device"] == EDGE and d["health_at"]]
        fresh = any(since_s < _unix_s(at) < time.time() + _AHEAD_S for at in said)
        road = await self.demo.api.get("/road")
        living = [one for one in road["edges"] if not one["fenced"]]
        told = bool(living) and all(one["upto_seq"] >= one["committed_seq"] for one in living)
        return fresh and told and road["judge_lag"] == 0

    async def kill_central(self) -> None:
        """Kill central and start it again after a moment."""
        with self.watch.away("central"):
            await self.demo.site.central.kill()
            await asyncio.sleep(self.chance.uniform(0.2, 1.5))  # how long it stays dead
            await self.demo.site.start_central(_STARTS_S)

    async def scanner_running(self) -> str:
        """The time of the newest health that says that the scanner runs; empty if none does."""
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
        """Stop everything, the edge first, and compare, once all has come that was heard, and
        the ledger is right or all is decided; a slow machine has all the time that it needs.
        """
        since_s = time.time()

        async def decided() -> bool:
            if not await self.drained(since_s):
                return False
            return await self.demo.is_right() or await self.drained(since_s + _DECIDED_S)

        await self.until(decided, "not all is decided")
        return await self.demo.finish(patience_s=0.0)

    async def until(self, condition: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        """Wait as long as central still hears or judges anything; else ``ProcessDied``."""
        await until(condition, _STANDS_STILL_S, otherwise, self.demo.site, self._heard)

    async def _heard(self) -> object:
        """What grows as long as anything comes to central or is judged there."""
        road = await self.demo.api.get("/road")
        return road["observations"], road["judge_lag"], road["movements"]

    async def abandon(self) -> None:
        """Leave nothing running."""
        if hasattr(self.demo, "site"):
            await self.demo.site.kill()
        await self.demo.world.stop()


def _unix_s(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
