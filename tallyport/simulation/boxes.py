"""The machines of the simulated site: edges with their cards, and central with its database.

Each runs the product's own classes; only clock, link and store are the simulation's.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random

from sqlalchemy.exc import OperationalError

from central.ingest import Ingest
from central.judge import Judge
from central.store import Database
from central.tide import Tide
from edge.agent import Agent
from edge.backoff import Backoff
from edge.config import EdgeConfig, check
from gateway import codec, topics
from gateway.contract import ContractError, Observation, Watermark
from gateway.mqtt_settings import Incoming, MqttSettings
from tallyport.simulation import statements
from tallyport.simulation.disk import Card, SimStore
from tallyport.simulation.loop import Killed, Node
from tallyport.simulation.network import Message, SimBroker, SimLink
from tallyport.simulation.plan import Plan
from tallyport.simulation.witness import Witness, WitnessedJournal

SITE = "site"
START_US = 1_800_000_000_000_000
"""When the simulation begins: a day in January 2027."""
_HOUR_S = 3_600


class SimClock:
    """A machine's clocks; ``offset_us`` is how wrong its wall clock is."""

    def __init__(self) -> None:
        self.offset_us = 0

    def now_us(self) -> int:
        """See ``Clock``."""
        return START_US + round(asyncio.get_running_loop().time() * 1e6) + self.offset_us

    def steady_s(self) -> float:
        """See ``Clock``."""
        return asyncio.get_running_loop().time()


class Box:
    """An edge: one agent after another on one card."""

    def __init__(
        self,
        name: str,
        card: Card,
        *,
        broker: SimBroker,
        witness: Witness,
        chance: Random,
        plan: Plan,
        describe: Callable[[int], list[Observation]],
        plant: str = "",
    ) -> None:
        self.name = name
        self.card = card
        self.clock = SimClock()
        self._broker = broker
        self._witness = witness
        self._chance = chance
        self._limits = plan.limits
        self._plant = plant
        self._describe = describe
        self._config = _config(name, plan)
        self.node: Node
        self.store: SimStore
        self.link: SimLink
        self.agent: Agent
        self._inbox: asyncio.Queue[list[Observation]]
        self._stop: asyncio.Event
        self.tasks: list[asyncio.Task[None]] = []
        self.buried: list[Node] = []
        self.faults: list[str] = []
        self.down = asyncio.Event()
        self.up = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Whether its agent runs."""
        return hasattr(self, "node") and self.node.alive

    def start(self) -> None:
        """Switch it on."""
        self.down.clear()
        self.node = Node(self.name, self._died)
        self.buried.append(self.node)
        self.store = SimStore(
            self.card,
            self._chance,
            written=lambda epoch, row: self._witness.saw_written(self.name, epoch, row),
            cut=self._cut_in_a_commit,
        )
        self.node.call(self._assemble)
        self.tasks = [self.node.run(self.agent.run(self._stop)), self.node.run(self._hear())]
        self.tasks[0].add_done_callback(self._ended)
        self.up.set()

    def _assemble(self) -> None:
        journal = WitnessedJournal(
            self._witness, self.name, self.store, self._limits, clock=self.clock,
            new_epoch=lambda: f"{self._chance.getrandbits(64):016x}",
        )  # fmt: skip
        kind = TrimsOnPuback if self._plant == "trim-on-puback" else SimLink

        def link(settings: MqttSettings, **more: object) -> SimLink:
            self.link = kind(self._broker, self._chance, settings, **more)  # type: ignore[arg-type]
            return self.link

        backoff = Backoff(first_s=2.0, most_s=300.0, least_s=1.0, draw=self._chance.uniform)
        self.agent = Agent(self._config, journal, clock=self.clock, link=link, backoff=backoff)
        self._inbox = asyncio.Queue()
        self._inbox.put_nowait(self._describe(self.clock.now_us()))
        self._stop = asyncio.Event()

    async def _hear(self) -> None:
        """The devices' side: what they say waits in memory until the agent takes it."""
        while True:
            await self.agent.keep(await self._inbox.get())

    def hear(self, seen: list[Observation]) -> bool:
        """The devices say something; false when nobody listens."""
        if self.alive:
            self._inbox.put_nowait(seen)
        return self.alive

    def kill(self) -> None:
        """Kill -9."""
        self.node.die()

    def power_cut(self) -> None:
        """The power goes: a lying card forgets."""
        self.node.die()
        self.store.power_cut()

    def restart(self) -> None:
        """SIGTERM; start it again when it has ended."""
        task = self.tasks[0]
        self._stop.set()
        task.add_done_callback(lambda _: self.node.die())

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.faults.append(f"the agent of {self.name} ended: {task.exception()!r}")
        elif not self._stop.is_set():
            self.faults.append(f"the agent of {self.name} ended by itself")

    def _cut_in_a_commit(self) -> None:
        self.node.die()
        raise Killed

    def _died(self) -> None:
        self.link.vanish()
        self.up.clear()
        self.down.set()


class TrimsOnPuback(SimLink):
    """A planted bug: the broker's acknowledgement is taken for central's."""

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> bool:
        """As the honest one, and then the lie."""
        answer = await super().publish(topic, payload, qos=qos, retain=retain)
        if topic.endswith("up/observations"):
            self.whisper(_all_of(topic, payload))
        return answer

    def whisper(self, message: Incoming) -> None:
        """Say something to ourselves as if the broker had sent it."""
        self._waiting.append(message)
        self._arrival.set()


class CentralBox:
    """Central: one process after another on one database."""

    def __init__(
        self, database: Path, *, broker: SimBroker, chance: Random, plant: str = ""
    ) -> None:
        self._path = database
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
        self.node = Node("central", self._died)
        self.buried.append(self.node)
        self.close()
        self.database = Database(f"sqlite:///{self._path}")
        statements.watch(self._path, self._statement)
        self.node.call(self._assemble)
        work = (self.link.run(), self.ingest.run(self.link), self.judge.run())
        self.tasks = [self.node.run(one) for one in work]

    def _assemble(self) -> None:
        tide = Tide()
        settings = MqttSettings(
            client_id="tallyport-central", session_expiry_s=14 * 24 * _HOUR_S, retry_limit_s=5.0
        )
        kind = AcksEarly if self._plant == "watermark-before-commit" else SimLink
        self.link = kind(self._broker, self._chance, settings)
        self.ingest = Ingest(self.database, tide, clock=self.clock)
        self.judge = Judge(self.database, tide, clock=self.clock)

    def kill(self) -> None:
        """Kill -9."""
        self.node.die()

    def close(self) -> None:
        """Let go of the database of a process that is dead."""
        if hasattr(self, "database"):
            self.database.close()

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


class AcksEarly(SimLink):
    """A planted bug: central confirms what it has received, not what it has committed."""

    def deliver(self, message_id: int, message: Message) -> None:
        """As the honest one, and the lie before it."""
        topic, payload, _, _ = message
        if topic.endswith("up/observations"):
            with contextlib.suppress(ContractError):
                lie = _all_of(topic, payload)
                self._broker.accept((lie.topic, lie.payload, 1, True))
        super().deliver(message_id, message)


def _all_of(topic: str, payload: bytes) -> Incoming:
    """The watermark that confirms all of a batch."""
    batch = codec.decode(payload)
    mark = Watermark(
        edge=batch.edge,
        epoch=batch.epoch,
        upto_seq=batch.first_seq + len(batch.observations) - 1,
    )
    down = topics.watermark(SITE, batch.edge)
    return Incoming(down, codec.encode_watermark(mark), 1, False, lambda: None)


def _config(name: str, plan: Plan) -> EdgeConfig:
    return check(
        {
            "edge": {"name": name, "site": SITE, "health_every_s": _HOUR_S},
            "mqtt": {"retry_limit_s": 10.0},
            "journal": {"commit_every_ms": plan.commit_every_ms},
            "uplink": {"batch": plan.batch, "window": plan.window},
        }
    )
