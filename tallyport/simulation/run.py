"""One seed from beginning to end: set up, play, heal, wait, check, bury.

The same seed gives the same run, step by step, on any machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection, text

from central.catalogue import items, packs, places
from central.database.store import Database
from central.reconcile.verdict import PlatePlan, ReadPoint
from central.stock import ledger
from central.stock.model import Movement
from edge.fold.moments import moment
from gateway.contract import Observation
from tallyport.simulation import checker
from tallyport.simulation.boxes import Box
from tallyport.simulation.centrals import CentralBox
from tallyport.simulation.clock import START_US
from tallyport.simulation.director import Director, Machine
from tallyport.simulation.disk import Card
from tallyport.simulation.loop import Node, Stalled, VirtualLoop
from tallyport.simulation.network import SimBroker
from tallyport.simulation.plan import HOUR_S, Plan, draw_plan
from tallyport.simulation.truths import Compared, Told
from tallyport.simulation.witness import Witness
from tallyport.simulation.world import GTINS, OPENING, Site, hall, made_at, sku_of

MOST_EDGES = 3
PLANTS = ("trim-on-puback", "watermark-before-commit", "unsynced-commits")
"""Bugs that can be planted to see that the checker has teeth."""
_PATIENCE_H = 24.0
_SETTLE_S = 120.0
_SHARED = 0.15
_SHARED_AT_MOST_H = 3.0
_TWO_READERS = 0.5
"""Of the plans with several edges, so many have two of them at one dock."""
_encode = msgspec.json.Encoder().encode


class Outcome(NamedTuple):
    """What came of a seed. ``digest`` is the same for the same run; of ``balances`` (each item at
    each place) ``compared`` could be held against the truth.
    """

    seed: int
    hours: float
    violations: list[str]
    kept: int
    committed: int
    movements: int
    lost: int
    faults: dict[str, int]
    digest: str
    balances: int
    compared: int

    def reproduce(self, plant: str = "") -> str:
        """The command that runs this seed again."""
        planted = f" --plant {plant}" if plant else ""
        return f"tallyport bench simulate --first {self.seed} --seeds 1{planted}"


def simulate(seed: int, *, plant: str = "") -> Outcome:
    """Run one seed; ``plant`` names a bug to plant."""
    with tempfile.TemporaryDirectory(prefix="tallyport-sim-", dir=_memory_folder()) as name:
        folder = Path(name)
        with structlog.testing.capture_logs():
            return _Run(seed, folder, plant).outcome()


class _Run:
    """The machines of one seed and what is known of them."""

    def __init__(self, seed: int, folder: Path, plant: str) -> None:
        self._seed = seed
        self._folder = folder
        self._plant = plant
        self._chance = Random(seed)  # noqa: S311 (a simulation repeats itself)
        self._plan: Plan = draw_plan(self._chance)
        self._witness = Witness(may_lose=self._plan.may_lose())
        self._broker = SimBroker(self._chance)
        self._told: dict[str, list[Told]] = {}
        self._found: list[str] = []
        self._compared = Compared([], 0, 0, 0)
        self._centrals: list[CentralBox] = []

    def outcome(self) -> Outcome:
        """Play it on a loop of its own."""
        loop = VirtualLoop(self._chance)
        asyncio.set_event_loop(loop)
        path = self._folder / "central.sqlite"
        shutil.copyfile(_template(), path)
        try:
            try:
                loop.run_until_complete(self._main(path))
            except Stalled as stalled:
                self._found.append(str(stalled))
            unhandled = list(loop.errors)
            loop.run_until_complete(self._bury())
        finally:
            for central in self._centrals:
                central.forget()
            asyncio.set_event_loop(None)
            loop.close()
        for context in unhandled:
            self._found.append(f"unhandled: {context.get('exception') or context['message']!r}")
        return self._outcome(path, loop)

    async def _main(self, path: Path) -> None:
        self._centrals += self._make_centrals(path)
        self._sites = [Site(f"edge-{n}", n, self._chance) for n in range(len(self._plan.events))]
        self._share_a_dock()
        self._boxes = [self._box(site, Card()) for site in self._sites]
        self._director = Director(
            self._boxes, self._centrals, self._broker, witness=self._witness,
            chance=self._chance, folder=self._folder, clone_of=self._clone,
        )  # fmt: skip
        for central in self._centrals:
            central.start()
        for box, lying in zip(self._boxes, self._plan.lying, strict=True):
            box.card.lying = lying or self._plant == "unsynced-commits"
            box.start()
        try:
            managers = asyncio.create_task(self._director.look_after())
            async with asyncio.TaskGroup() as group:
                group.create_task(self._director.play(self._plan))
                for site, box, events in zip(
                    self._sites, self._boxes, self._plan.events, strict=True
                ):
                    group.create_task(self._live(site, box, events))
            managers.cancel()
            await self._director.heal()
            await asyncio.sleep(_SETTLE_S)
            await self._drained()
            self._look()
        except asyncio.CancelledError:  # by _outcome, after a stall
            return

    def _make_centrals(self, path: Path) -> list[CentralBox]:
        """Central alone, or two workers that share the database: SQLite takes turns too, and each
        has a name of its own for the file. Not for days: leases make many small events.
        """
        apart = Random(f"workers {self._seed}")  # noqa: S311 (a simulation repeats itself)
        lasts = any(fault.kind == "outage" for fault in self._plan.faults)
        if lasts or self._plan.hours > _SHARED_AT_MOST_H or apart.random() > _SHARED:
            return [self._make_central(path, "central", shared=False)]
        other = path.with_name("central-too.sqlite")
        other.symlink_to(path)
        return [
            self._make_central(path, "anne", shared=True),
            self._make_central(other, "bob", shared=True),
        ]

    def _make_central(self, path: Path, name: str, *, shared: bool) -> CentralBox:
        return CentralBox(
            path, name=name, shared=shared, broker=self._broker, chance=self._chance,
            plant=self._plant,
        )  # fmt: skip

    def _share_a_dock(self) -> None:
        """In some plans of several edges two readers hear the first dock, each an edge's own."""
        apart = Random(f"docks {self._seed}")  # noqa: S311 (a simulation repeats itself)
        if len(self._sites) > 1 and apart.random() < _TWO_READERS:
            first, second, *_ = self._sites
            first.partner, second.host = second.edge, first.edge

    def _box(self, site: Site, card: Card) -> Box:
        return Box(
            site.edge, card, broker=self._broker, witness=self._witness, chance=self._chance,
            plan=self._plan, describe=site.describe, plant=self._plant,
        )  # fmt: skip

    def _clone(self, box: Box) -> Box:
        (site,) = [one for one in self._sites if one.edge == box.name]
        return self._box(site, box.card.copy())

    # ---- the world ---------------------------------------------------------------------
    async def _live(self, site: Site, box: Box, events: list[float]) -> None:
        """What happens at one edge; the devices wait while it is down, not in the middle."""
        told = self._told[site.edge] = []
        box.hear(site.first_level(box.clock.now_us()))
        for at_s in events:
            await asyncio.sleep(max(0.0, at_s - asyncio.get_running_loop().time()))
            await box.up.wait()
            happening = site.happen()
            event = Told(happening, [])
            told.append(event)
            began = asyncio.get_running_loop().time()
            for offset_s, edge, seen in happening.seen:
                now = asyncio.get_running_loop().time()
                if began + offset_s > now:
                    await asyncio.sleep(began + offset_s - now)
                (hears,) = (one for one in self._boxes if one.name == edge)
                base_us = hears.clock.now_us() - round(offset_s * 1e6)
                self._tell(hears, event, made_at(seen, base_us))

    @staticmethod
    def _tell(box: Box, event: Told, seen: Observation) -> None:
        event.bodies.append(_encode(seen))
        box.hear([seen])

    # ---- the end -----------------------------------------------------------------------
    async def _drained(self) -> None:
        deadline = asyncio.get_running_loop().time() + _PATIENCE_H * HOUR_S
        while not await self._is_drained():
            if asyncio.get_running_loop().time() > deadline:
                backlog = {box.name: box.agent.backlog for box in self._boxes}
                self._found.append(f"not drained {_PATIENCE_H:.0f} h after healing: {backlog}")
                return
            await asyncio.sleep(5.0)

    async def _is_drained(self) -> bool:
        if any(box.agent.backlog for box in self._boxes):
            return False
        if not all(central.alive for central in self._centrals):
            return False
        return self._centrals[0].database.read_now(_judge_lag) == 0

    def _look(self) -> None:
        for machine in (*self._boxes, *self._director.clones):
            self._found += machine.faults
        for task in (task for central in self._centrals for task in central.tasks):
            if task.done() and not task.cancelled():
                self._found.append(f"a part of central ended: {task.exception()!r}")
        database = self._centrals[0].database
        found, self._compared = database.read_now(
            lambda conn: checker.violations(conn, self._witness, self._told, self._sites)
        )
        self._found += found

    async def _bury(self) -> None:
        """Unwind everything, the dead included, so that nothing dangles."""
        machines: list[Machine] = [*self._boxes, *self._director.clones, *self._centrals]
        nodes: list[Node] = [node for machine in machines for node in machine.buried]
        for node in nodes:
            node.bury()
        mine = asyncio.current_task()
        rest = [task for task in asyncio.all_tasks() if task is not mine]
        for task in rest:
            task.cancel()
        await asyncio.wait(rest, timeout=600.0) if rest else None
        for central in self._centrals:
            central.close()

    def _outcome(self, path: Path, loop: VirtualLoop) -> Outcome:
        with contextlib.closing(sqlite3.connect(path)) as database:
            count = _count(database)
            return Outcome(
                seed=self._seed,
                hours=loop.time() / HOUR_S,
                violations=self._found,
                kept=sum(len(rows) for rows in self._witness.kept.values()),
                committed=count("SELECT count(*) FROM observation"),
                movements=count("SELECT count(*) FROM movement"),
                lost=count("SELECT coalesce(sum(lost), 0) FROM edge_stream"),
                faults=self._director.happened,
                digest=_digest(database, loop.turns),
                balances=self._compared.balances,
                compared=self._compared.compared,
            )


def _count(database: sqlite3.Connection) -> Callable[[str], int]:
    def count(query: str) -> int:
        return int(database.execute(query).fetchone()[0])

    return count


def _digest(database: sqlite3.Connection, turns: int) -> str:
    """All that central came to, in few letters."""
    hasher = hashlib.sha256(str(turns).encode())
    for query in (
        "SELECT edge, epoch, seq, body, record_us FROM observation ORDER BY log_id",
        "SELECT id, quantity, source, destination FROM movement ORDER BY seq",
    ):
        for row in database.execute(query):
            hasher.update(repr(row).encode())
    return hasher.hexdigest()[:16]


def _judge_lag(conn: Connection) -> int:
    head = conn.execute(text("SELECT coalesce(max(log_id), 0) FROM observation")).scalar_one()
    judged = conn.execute(text("SELECT min(position) FROM partition")).scalar_one()
    return int(head) - int(judged)


@functools.cache
def _template() -> Path:
    """A database with the catalogue of every site, made once for a process."""
    folder = tempfile.mkdtemp(prefix="tallyport-sim-template-", dir=_memory_folder())
    path = Path(folder) / "central.sqlite"
    database = Database(f"sqlite:///{path}")
    try:
        database.migrate()
        asyncio.run(_write(database, _open_books))
    finally:
        database.close()
    return path


async def _write(database: Database, work: Callable[[Connection], None]) -> Awaitable[None] | None:
    return await database.write(work)


def _open_books(conn: Connection) -> None:
    items.add_item(conn, items.Item(sku="PIECE", name="Piece", unit_mg=100_000))
    for gtin, quantity in GTINS.items():
        items.add_item(conn, items.Item(sku=sku_of(gtin), name=sku_of(gtin)))
        packs.put_pack(conn, gtin, sku_of(gtin), quantity)
    for number in range(MOST_EDGES):
        _open_site(conn, f"edge-{number}")


def _open_site(conn: Connection, edge: str) -> None:
    shelf, room = f"shelf-{edge}", f"backroom-{edge}"
    for code in (hall(edge), shelf, room):
        places.add_location(conn, places.Location(code=code, name=code))
    for point in (
        ReadPoint(code=f"dock-{edge}", kind="portal", location=hall(edge)),
        ReadPoint(code=f"desk-{edge}", kind="scan", location=hall(edge)),
        ReadPoint(code=shelf, kind="shelf", location=shelf, inbound_from=room),
    ):
        places.put_read_point(conn, point)
    places.put_plate(
        conn, PlatePlan(read_point=shelf, plate=1, sku="PIECE", unit_mg=100_000, unit_cv=0.0)
    )
    opening = [
        Movement(
            id=f"opening-{code}", sku="PIECE", quantity=OPENING, source="supplier",
            destination=code, biz_step="receiving", event_time=moment(START_US), origin="api",
        )
        for code in (shelf, room)
    ]  # fmt: skip
    ledger.post(conn, opening, record_us=START_US)


def _memory_folder() -> str | None:
    """Where files cost no disk; else wherever temporary files go."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
