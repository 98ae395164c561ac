"""The edges of the simulated site, with their cards.

Each runs the product's own classes; only clock, link and store are the simulation's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from edge.agent import Agent
from edge.backoff import Backoff
from edge.config import EdgeConfig, check
from gateway.contract import Observation
from gateway.mqtt_settings import MqttSettings
from tallyport.simulation.clock import SimClock
from tallyport.simulation.disk import Card, SimStore
from tallyport.simulation.loop import Killed, Node
from tallyport.simulation.network import SimBroker, SimLink
from tallyport.simulation.plan import SITE, Plan
from tallyport.simulation.plants import TrimsOnPuback
from tallyport.simulation.witness import Witness, WitnessedJournal

_HOUR_S = 3_600


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
        self.unplugged = 0
        """How many outages of the network it is in: then a restart finds no network either."""
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
            if self.unplugged:
                self.link.cut()
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


def _config(name: str, plan: Plan) -> EdgeConfig:
    return check(
        {
            "edge": {"name": name, "site": SITE, "health_every_s": _HOUR_S},
            "mqtt": {"retry_limit_s": 10.0},
            "journal": {"commit_every_ms": plan.commit_every_ms},
            "uplink": {"batch": plan.batch, "window": plan.window},
        }
    )
