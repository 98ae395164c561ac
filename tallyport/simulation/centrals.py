"""Central in the simulated site: one process, or two workers that share its database.

Each runs the product's own classes; only clock, link and time are the simulation's.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from random import Random

from sqlalchemy.exc import OperationalError

from central.database.leases import Alone, Leases
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging.judge import Judge
from gateway.mqtt_settings import MqttSettings
from tallyport.simulation import statements
from tallyport.simulation.clock import SimClock
from tallyport.simulation.loop import Killed, Node
from tallyport.simulation.network import SimBroker, SimLink
from tallyport.simulation.plants import AcksEarly

_HOUR_S = 3_600
_LEASE_S = 60.0
_LOOK_EVERY_S = 10.0
"""Instead of PostgreSQL's notices, which SQLite does not have."""


class CentralBox:
    """Central: one process after another on one database. With ``shared`` it is a worker, which
    leases its part of the work; its ``database`` is then a name of its own for the one file.
    """

    def __init__(
        self,
        database: Path,
        *,
        name: str = "central",
        shared: bool = False,
        broker: SimBroker,
        chance: Random,
        plant: str = "",
    ) -> None:
        self.name = name
        self._path = database
        self._shared = shared
        self._broker = broker
        self._chance = chance
        self._plant = plant
        self.clock = SimClock()
        self.node: Node
        self.link: SimLink
        self.database: Database
        self.ingest: Ingest
        self.judge: Judge
        self.buried: list[Node] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.full = False
        self.down = asyncio.Event()
        self.dies_in = 0
        """How many statements from now it dies; 0 for never."""

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return hasattr(self, "node") and self.node.alive

    def start(self) -> None:
        """Start it."""
        self.down.clear()
        self.node = Node(self.name, self._died)
        self.buried.append(self.node)
        self.close()
        self.database = Database(f"sqlite:///{self._path}")
        statements.watch(self._path, self._statement)
        work = self.node.call(self._assemble)
        self.tasks = [self.node.run(one) for one in work]

    def _assemble(self) -> list[Coroutine[None, None, None]]:
        tide = Tide()
        settings = MqttSettings(
            client_id=f"tallyport-{self.name}",
            session_expiry_s=14 * 24 * _HOUR_S,
            retry_limit_s=5.0,
        )
        kind = AcksEarly if self._plant == "watermark-before-commit" else SimLink
        self.link = kind(self._broker, self._chance, settings)
        holder: Alone | Leases = Alone()
        work: list[Coroutine[None, None, None]] = []
        if self._shared:
            start = f"{self.name}-{len(self.buried)}"
            holder = Leases(self.database, start, lease_s=_LEASE_S, clock=self.clock)
            work = [holder.run(), _look_on(tide)]
        self.ingest = Ingest(self.database, tide, clock=self.clock, holder=holder)
        self.judge = Judge(self.database, tide, clock=self.clock, holder=holder)
        return [self.link.run(), self.ingest.run(self.link), self.judge.run(), *work]

    def kill(self) -> None:
        """Kill -9."""
        self.node.die()

    def close(self) -> None:
        """Let go of the database of a process that is dead."""
        if hasattr(self, "database"):
            self.database.close()

    def forget(self) -> None:
        """Look at no statement any more: the run is over."""
        statements.forget(self._path)

    def saved(self, target: Path) -> None:
        """Back the database up, as of now."""
        with (
            contextlib.closing(sqlite3.connect(self._path)) as source,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)

    def restore(self, saved: Path) -> None:
        """Put an older database in its place; it must be dead."""
        with (
            contextlib.closing(sqlite3.connect(saved)) as source,
            contextlib.closing(sqlite3.connect(self._path)) as copy,
        ):
            source.backup(copy)

    def _statement(self) -> None:
        """Before each statement of a writing transaction."""
        if self.dies_in:
            self.dies_in -= 1
            if not self.dies_in:
                self.node.die()
                raise Killed
        if self.full:
            full = sqlite3.OperationalError("database or disk is full")
            raise OperationalError("a statement", None, full)

    def _died(self) -> None:
        self.link.vanish()
        self.down.set()


async def _look_on(tide: Tide) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        tide.rise()
