"""One run of the demo, step by step: start, play, settle, report.

The command line plays it for people and scripts; the tests of the whole road play it while
they kill its processes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.database.moments import to_us
from central.database.store import Database
from drivers.emulators.llrp_reader import Taken
from edge.journal import Journal
from gateway.contract import DeviceHealth
from tallyport.demo.books import open_books
from tallyport.demo.client import Api
from tallyport.demo.goods import DOCK_POINT, EDGE
from tallyport.demo.processes import ProcessDied, Site
from tallyport.demo.report import Line, Report, compare
from tallyport.demo.tasks import is_of_people
from tallyport.demo.world import World

POLL_S = 0.2
Units = dict[tuple[str, str], int]


class Demo:
    """A world (the demo's own unless given), a site that watches it, and the comparison of both."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        world: World | None = None,
        **site: Any,  # noqa: ANN401
    ) -> None:
        self._folder = folder
        self._seed = seed
        self._options = site
        self._end = asyncio.Event()
        self.world = world or World(seed)
        self.site: Site
        self.finale: Finale

    @property
    def api(self) -> Api:
        """Central's API."""
        return Api(self.site.url)

    async def start(self, before_the_edge: Callable[[], None] = lambda: None) -> None:
        """Devices, central, its books, the edge; returns when every device is heard.

        ``before_the_edge`` is called when the settings are written and the edge not started.
        """
        devices = await self.world.start()
        self.site = Site(self._folder, devices, **self._options)
        self.finale = Finale(self.site, self._seed)
        await self.site.start_central()
        await open_books(self.api, self.world.staged_inside)
        before_the_edge()
        await self.site.edge.start()
        await until(self.all_running, 60, "not every device is running", self.site)

    async def play(self, seconds: float) -> None:
        """Let the world go on for ``seconds``; what has begun by then is finished."""
        clock = asyncio.get_running_loop().call_later(seconds, self.stop_playing)
        try:
            await self.world.play(self._end, self.scanner_heard)
        finally:
            clock.cancel()

    async def play_with(self, scanner_heard: Callable[[], Awaitable[None]]) -> None:
        """Let the world go on until ``stop_playing``; scans wait for ``scanner_heard``.

        May be called again afterwards: the world goes on from where it stood still.
        """
        self._end.clear()
        await self.world.play(self._end, scanner_heard)

    def stop_playing(self) -> None:
        """End the playing early; what has begun is finished."""
        self._end.set()

    async def finish(self, patience_s: float = 30.0) -> Report:
        """Stop everything, the edge first, and report."""
        truth = self.world.truth.table()
        report = await self.finale.report(truth, self.world.reader.taken, patience_s)
        await self.world.stop()
        return report

    async def is_right(self) -> bool:
        """Whether the ledger equals the truth as it is now."""
        return await self.finale.is_right(self.world.truth.table())

    async def all_running(self) -> bool:
        """Whether central knows every device of the world as running."""
        devices = await self.api.every("/devices")
        running = {device["device"] for device in devices if device["state"] == "running"}
        return running >= self.world.device_names

    async def scanner_heard(self) -> None:
        """Wait until somebody listens to the scanner: what it says meanwhile would be lost."""

        async def running() -> bool:
            devices = await self.api.every("/devices")
            return any(d["driver"] == "scanner" and d["state"] == "running" for d in devices)

        await until(running, 60, "nobody listens to the scanner", self.site)


class Finale:
    """The end of a run: wait for the ledger, stop the site, compare with the truth."""

    def __init__(self, site: Site, seed: int) -> None:
        self._site = site
        self._seed = seed
        self._api = Api(site.url)
        self._began = time.monotonic()

    async def report(self, truth: Units, taken: Sequence[Taken], patience_s: float) -> Report:
        """``taken`` are the emulated reader's clients, and the tag reads that it wrote to each."""

        async def right() -> bool:
            lines = await self._lines(truth)
            return not _wrong(lines) or all(one.differs <= one.asked for one in lines)

        errors = []
        try:
            await until(right, patience_s, "the ledger differs from the truth", self._site)
        except ProcessDied as late:
            errors.append(str(late).splitlines()[0])
        await self._site.edge.terminate()
        unconfirmed = await asyncio.to_thread(self._unconfirmed)
        await until(self._judged, 30, "central has not judged everything", self._site)
        road, lines = await self._api.get("/road"), await self._lines(truth)
        await self._site.stop()
        streams = [stream for stream in road["edges"] if stream["edge"] == EDGE]
        held = self._held()
        technician = sum(one.reads for one in taken if _is_within(one.since_us, held))
        delivered = sum(one.reads for one in taken) - technician
        committed = sum(stream["upto_seq"] for stream in streams)
        kept = committed + unconfirmed
        lost = unconfirmed + sum(stream["lost"] for stream in streams)
        lost += max(0, delivered - road["reads"])
        doubled = max(0, road["reads"] - delivered) + max(0, road["observations"] - kept)
        return Report(
            ok=not (_wrong(lines) or lost or doubled),
            seconds=round(time.monotonic() - self._began, 1),
            seed=self._seed,
            heard=road["heard"],
            kept=kept,
            committed=committed,
            movements=road["movements"],
            reviews=road["reviews_open"],
            lost=lost,
            doubled=doubled,
            technician=technician,
            asked=sum(one.differs for one in lines if one.differs <= one.asked),
            items=lines,
            errors=errors,
        )

    async def is_right(self, truth: Units) -> bool:
        """Whether the ledger equals the truth."""
        return not _wrong(await self._lines(truth))

    async def _lines(self, truth: Units) -> list[Line]:
        rows = await self._api.every("/api/inventory")
        reviews = await self._api.every("/reviews")
        return compare(truth, [row for row in rows if not is_of_people(row)], reviews)

    def _held(self) -> list[tuple[int, int]]:
        """From when until when a technician had the dock's reader, by central's log."""
        site = self._site
        url = site.database_url or f"sqlite:///{site.folder / 'central' / 'central.sqlite'}"
        with closing(Database(url)) as database:
            told = database.read_now(_health_of_the_dock)
        held: list[tuple[int, int]] = []
        since_us = 0
        for one in told:
            at_us = to_us(one.event_time)
            if since_us and one.state != "held":
                held.append((since_us, at_us))
            since_us = at_us if one.state == "held" else 0
        return held

    async def _judged(self) -> bool:
        lag: int = (await self._api.get("/road"))["judge_lag"]
        return lag == 0

    def _unconfirmed(self) -> int:
        """How many observations in the edge's journal central has not; the edge has ended."""
        journal = Journal.open(self._site.folder / "edge" / "journal")
        try:
            return journal.stats().rows
        finally:
            journal.close()


def _wrong(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.truth != line.ledger]


def _is_within(at_us: int, stretches: Iterable[tuple[int, int]]) -> bool:
    return any(since_us <= at_us <= until_us for since_us, until_us in stretches)


def _health_of_the_dock(conn: Connection) -> list[DeviceHealth]:
    table = schema.observation.c
    query = select(table.body).where(table.kind == "device_health", table.read_point == DOCK_POINT)
    rows = conn.execute(query.order_by(table.log_id)).scalars()
    return [msgspec.json.decode(body, type=DeviceHealth) for body in rows]


async def _nothing() -> object:
    return None


async def until(
    condition: Callable[[], Awaitable[bool]],
    patience_s: float,
    otherwise: str,
    site: Site,
    progress: Callable[[], Awaitable[object]] = _nothing,
) -> None:
    """Wait for a condition that only another process can bring about; else ProcessDied.

    Patience begins anew whenever ``progress`` tells something else than before.
    """
    deadline, before = time.monotonic() + patience_s, await progress()
    while not await condition():
        if (now := await progress()) != before:
            deadline, before = time.monotonic() + patience_s, now
        elif time.monotonic() > deadline:
            raise ProcessDied(
                f"{otherwise} after {patience_s:.0f} s.\n"
                f"edge: {site.edge.tail()}\ncentral: {site.central.tail()}"
            )
        await asyncio.sleep(POLL_S)


async def watched(site: Site, playing: Coroutine[Any, Any, None]) -> None:
    """Play while both processes live; one that ends by itself ends the playing, loudly."""
    tasks = [
        asyncio.create_task(playing),
        asyncio.create_task(site.edge.gone()),
        asyncio.create_task(site.central.gone()),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
        for task in done:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
