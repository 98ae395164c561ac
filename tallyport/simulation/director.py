"""Makes the plan happen: one handler a fault, each of which also ends what it began."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from random import Random

from gateway import topics
from tallyport.simulation.boxes import Box
from tallyport.simulation.centrals import CentralBox
from tallyport.simulation.network import SimBroker
from tallyport.simulation.plan import SITE, Fault, Plan
from tallyport.simulation.witness import Witness

Machine = Box | CentralBox
_DEAD_S = (0.1, 30.0)
"""How long a dead process stays dead before its service manager starts it again."""
_CUT_AGAIN_S = 600.0
"""During an outage: what healed meanwhile is cut again."""

_FULL_AT_MOST_S = 180.0


class Director:
    """Knows all machines of a run; ``clones`` are edges that run on a copied card."""

    def __init__(
        self,
        boxes: list[Box],
        centrals: list[CentralBox],
        broker: SimBroker,
        *,
        witness: Witness,
        chance: Random,
        folder: Path,
        clone_of: Callable[[Box], Box],
    ) -> None:
        self._boxes = boxes
        self._centrals = centrals
        self._broker = broker
        self._witness = witness
        self._chance = chance
        self._folder = folder
        self._clone_of = clone_of
        self._saved: Path | None = None
        self.clones: list[Box] = []
        self.happened: dict[str, int] = {}

    async def play(self, plan: Plan) -> None:
        """Let every fault of the plan happen at its time."""
        async with asyncio.TaskGroup() as group:
            for fault in plan.faults:
                group.create_task(self._happen(fault))

    async def look_after(self) -> None:
        """The service managers: what died is started again a while later, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for machine in self._machines():
                group.create_task(self._revive(machine))

    def _machines(self) -> list[Machine]:
        return [*self._boxes, *self._centrals]

    async def _revive(self, machine: Machine) -> None:
        while True:
            await machine.down.wait()
            await asyncio.sleep(self._chance.uniform(*_DEAD_S))
            if not machine.alive:
                machine.start()

    async def _happen(self, fault: Fault) -> None:
        await asyncio.sleep(fault.at_s - asyncio.get_running_loop().time())
        self.happened[fault.kind] = self.happened.get(fault.kind, 0) + 1
        handler = getattr(self, "_" + fault.kind.replace("-", "_"))
        await handler(self._boxes[fault.edge], fault)

    async def heal(self) -> None:
        """The end of all faults: everything works and runs, clones are switched off."""
        broker = self._broker
        for clone in self.clones:
            if clone.alive:
                clone.power_cut()
        broker.restart()
        broker.queue_limit = 100_000
        broker.doubles = broker.swaps = 0.0
        broker.denies.clear()
        for central in self._centrals:
            central.full, central.dies_in, central.node.slow = False, 0, 1.0
            if not central.alive:
                central.start()
            central.node.dies_at = None
            central.link.heal()
        for box in self._boxes:
            cloned = any(clone.name == box.name for clone in self.clones)
            if cloned and box.alive:
                box.kill()
            if not box.alive:
                box.start()
            box.card.full, box.store.tear_next, box.node.slow = False, False, 1.0
            box.node.dies_at = None
            box.link.heal()

    def _central(self) -> CentralBox:
        """The one, or one of the workers."""
        one, *others = self._centrals
        return self._chance.choice(self._centrals) if others else one

    # ---- edges -------------------------------------------------------------------------
    async def _kill_edge(self, box: Box, fault: Fault) -> None:
        await self._kill(box, fault)

    async def _kill(self, machine: Machine, fault: Fault) -> None:
        """Kill a process some steps from now, or after a while should it take none."""
        node = machine.node
        node.dies_at = node.steps + self._chance.randint(1, 400)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(fault.lasts_s):
                await machine.down.wait()
        node.die()

    async def _power_cut(self, box: Box, _: Fault) -> None:
        if box.alive:
            box.power_cut()

    async def _torn_commit(self, box: Box, fault: Fault) -> None:
        box.store.tear_next = True

    async def _restart_edge(self, box: Box, _: Fault) -> None:
        if box.alive:
            box.restart()

    async def _slow_edge(self, box: Box, fault: Fault) -> None:
        node = box.node
        node.slow = 10.0 ** (1 + 3 * fault.draw)
        await asyncio.sleep(fault.lasts_s)
        node.slow = 1.0

    async def _card_full(self, box: Box, fault: Fault) -> None:
        box.card.full = True
        await asyncio.sleep(fault.lasts_s)
        box.card.full = False

    async def _rot(self, box: Box, _: Fault) -> None:
        box.store.rot()

    async def _clock_jump(self, box: Box, fault: Fault) -> None:
        self._witness.jumped.add(box.name)
        hours = self._chance.choice((-1.0, 1.0, 24.0 * 365, -24.0 * 365 * 57))
        box.clock.offset_us += round(hours * fault.draw * 3.6e9)
        await asyncio.sleep(fault.lasts_s)
        box.clock.offset_us = 0

    async def _clone(self, box: Box, fault: Fault) -> None:
        clone = self._clone_of(box)
        self.clones.append(clone)
        clone.start()
        await asyncio.sleep(fault.lasts_s)
        if clone.alive:
            clone.kill()

    # ---- the network -------------------------------------------------------------------
    async def _partition(self, box: Box, fault: Fault) -> None:
        link = self._central().link if fault.draw < 0.3 else box.link
        link.cut()
        await asyncio.sleep(fault.lasts_s)
        link.heal()

    async def _one_way(self, box: Box, fault: Fault) -> None:
        link = self._central().link if fault.draw < 0.3 else box.link
        link.cut(up=int(fault.draw * 100) % 2 == 0, down=int(fault.draw * 100) % 2 == 1)
        await asyncio.sleep(fault.lasts_s)
        link.heal()

    async def _outage(self, box: Box, fault: Fault) -> None:
        """No network for hours or days; restarts do not help, nor does the end of a partition."""
        end = asyncio.get_running_loop().time() + fault.lasts_s
        box.unplugged += 1
        while (left := end - asyncio.get_running_loop().time()) > 0:
            box.link.cut()
            await asyncio.sleep(min(_CUT_AGAIN_S, left))
        box.unplugged -= 1
        if not box.unplugged:
            box.link.heal()

    async def _reset(self, box: Box, fault: Fault) -> None:
        (self._central().link if fault.draw < 0.3 else box.link).reset()

    async def _slow_network(self, box: Box, fault: Fault) -> None:
        link = box.link
        link.delay_s = 10.0 ** (2.0 * fault.draw - 1.0)
        await asyncio.sleep(fault.lasts_s)
        link.delay_s = 0.02

    # ---- the broker --------------------------------------------------------------------
    async def _broker_crash(self, _: Box, fault: Fault, *, forgets: bool = False) -> None:
        self._broker.crash(forgets=forgets)
        await asyncio.sleep(min(fault.lasts_s, 120.0))
        self._broker.restart()

    async def _broker_forgets(self, box: Box, fault: Fault) -> None:
        await self._broker_crash(box, fault, forgets=True)

    async def _queue_limit(self, _: Box, fault: Fault) -> None:
        self._broker.queue_limit = 1 + int(10 * fault.draw)
        await asyncio.sleep(fault.lasts_s)
        self._broker.queue_limit = 1_000

    async def _doubles(self, _: Box, fault: Fault) -> None:
        self._broker.doubles = fault.draw
        await asyncio.sleep(fault.lasts_s)
        self._broker.doubles = 0.0

    async def _swaps(self, _: Box, fault: Fault) -> None:
        self._broker.swaps = fault.draw
        await asyncio.sleep(fault.lasts_s)
        self._broker.swaps = 0.0

    async def _replayed(self, _: Box, fault: Fault) -> None:
        for _time in range(1 + int(20 * fault.draw)):
            self._broker.replay()
            await asyncio.sleep(self._chance.uniform(0.0, 5.0))

    async def _foreign(self, box: Box, fault: Fault) -> None:
        junk = self._chance.randbytes(int(40 * fault.draw))
        self._broker.accept((topics.observations(SITE, box.name), b"{" + junk, 1, False))

    async def _denied(self, box: Box, fault: Fault) -> None:
        topic = topics.observations(SITE, box.name)
        self._broker.denies.add(topic)
        await asyncio.sleep(fault.lasts_s)
        self._broker.denies.discard(topic)

    # ---- central -----------------------------------------------------------------------
    async def _kill_central(self, _: Box, fault: Fault) -> None:
        await self._kill(self._central(), fault)

    async def _kill_in_statement(self, _: Box, fault: Fault) -> None:
        self._central().dies_in = self._chance.randint(1, 60)

    async def _slow_central(self, _: Box, fault: Fault) -> None:
        node = self._central().node
        node.slow = 10.0 ** (1 + 3 * fault.draw)
        await asyncio.sleep(fault.lasts_s)
        node.slow = 1.0

    async def _database_full(self, _: Box, fault: Fault) -> None:
        """For minutes: central tries every second, and the hundredth try is like the tenth."""
        for central in self._centrals:
            central.full = True
        await asyncio.sleep(min(fault.lasts_s, _FULL_AT_MOST_S))
        for central in self._centrals:
            central.full = False

    async def _restore(self, _: Box, fault: Fault) -> None:
        """Central's disk dies; an older backup takes its place."""
        saved = self._folder / f"saved-{fault.at_s:.3f}.sqlite"
        self._centrals[0].saved(saved)
        await asyncio.sleep(fault.lasts_s)
        for central in self._centrals:
            central.kill()
        self._centrals[0].restore(saved)
