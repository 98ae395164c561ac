"""The demo's world: pallets that roll through a dock, hands at a shelf, a desk that scans.

It drives the emulated devices in real time and keeps the truth of what it did. Everything is
drawn from one seed. Nothing here talks to the edge or to central, except through devices.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.emulators.portal_physics import PortalPhysics
from drivers.emulators.portal_scene import Antenna, Path, Scene, dock_antennas, pallet
from drivers.emulators.scanner import EmulatedScanner
from gateway.gs1 import sgtin96_hex
from tallyport.demo.goods import (
    BACKROOM,
    BACKROOM_OPENING,
    CASES,
    COMPANY_PREFIX_DIGITS,
    PLATES,
    RECEIVING,
    SCANNED,
    SHELF,
    WAREHOUSE,
    CaseGood,
    Truth,
)
from tallyport.demo.settings import plate_toml, reader_toml, scanner_toml

TICK_S = 0.05
REACH_M = 6.0
LEARNING_S = 12.0
"""A new portal is left alone for a moment, so that what stands there is known as standing."""


@dataclass(frozen=True, slots=True)
class Load:
    """A pallet: tagged cases of a few goods."""

    cases: tuple[tuple[str, CaseGood], ...]

    @property
    def epcs(self) -> list[str]:
        """Its tags."""
        return [epc for epc, _ in self.cases]


class World:
    """Devices and what happens at them. ``start`` the devices, then ``play``.

    ``echoes_db`` is how far the dock's echoes lie below what comes directly: see ``Scene``.
    """

    def __init__(
        self,
        seed: int,
        *,
        dock: bool = True,
        shelf: bool = True,
        desk: bool = True,
        echoes_db: float = 25.0,
    ) -> None:
        self._chance = Random(seed)  # noqa: S311 (a world, not a secret)
        self._serial = 1_000_000 * (seed % 1000) + 1
        self._parts = (dock, shelf, desk)
        self.truth = Truth()
        self.reader = EmulatedReader(antennas=4)
        self.scales = [EmulatedScale(seed=seed + n) for n, _ in enumerate(PLATES, start=1)]
        self.scanner = EmulatedScanner()
        self.antennas: tuple[Antenna, ...] = dock_antennas()
        self.staged_inside = self._load(20)
        self._staged_outside = self._load(20)
        self._inside: list[Load] = []
        self._dock_learned = False
        self.scans: Counter[str] = Counter()
        self._epoch_us = time.time_ns() // 1000
        self._physics = PortalPhysics(
            Scene(
                antennas=self.antennas,
                tags=tuple(
                    pallet(self.staged_inside.epcs, Path.standing(2.6, 3.0), self._chance)
                    + pallet(self._staged_outside.epcs, Path.standing(-2.8, -3.0), self._chance)
                ),
                seed=seed,
                epoch_us=self._epoch_us,
                echoes_db=echoes_db,
            )
        )
        self.reads = 0
        self._open_truth()

    def _open_truth(self) -> None:
        for good in PLATES:
            self.truth.set(good.sku, SHELF, good.opening)
            self.truth.set(good.sku, BACKROOM, BACKROOM_OPENING)
        for _, case in self.staged_inside.cases:
            self.truth.set(case.sku, WAREHOUSE, self.truth.units(case.sku, WAREHOUSE) + case.pack)

    def _load(self, count: int) -> Load:
        goods = self._chance.sample(CASES, self._chance.randint(1, 3))
        cases = []
        for _ in range(count):
            good = self._chance.choice(goods)
            epc = sgtin96_hex(good.case_gtin, COMPANY_PREFIX_DIGITS, self._serial, filter=2)
            self._serial += 1
            cases.append((epc, good))
        return Load(tuple(cases))

    @property
    def device_names(self) -> set[str]:
        """What the devices are called in the edge's settings."""
        plates = {f"plate-{number}" for number, _ in enumerate(PLATES, start=1)}
        return plates | {"dock-1-reader", "desk-scanner"}

    # ---- devices -----------------------------------------------------------------------
    async def start(self) -> str:
        """Start the devices; the ``[[devices]]`` tables of an edge that reads them."""
        tables = reader_toml(await self.reader.start(), self.antennas)
        for number, (scale, good) in enumerate(zip(self.scales, PLATES, strict=True), start=1):
            path = await scale.start()
            scale.set_load_mg(good.opening * good.unit_mg)
            tables += plate_toml(number, path)
        return tables + scanner_toml(await self.scanner.start())

    def leave_what_is_inside(self) -> None:
        """What came in until now stays there: the pallets that go out from now on came later."""
        self._inside.clear()

    async def stop(self) -> None:
        """Switch the devices off."""
        await self.reader.stop()
        for scale in self.scales:
            await scale.stop()
        await self.scanner.stop()

    # ---- what happens ------------------------------------------------------------------
    async def play(self, until: asyncio.Event, ready: Callable[[], Awaitable[None]]) -> None:
        """Let it happen until told to end; a thing that has begun is finished first.

        ``ready`` is awaited before anything that a device without a listener would lose.
        """
        dock, shelf, desk = self._parts
        radio = asyncio.create_task(self._radio(), name="world: radio")
        try:
            async with asyncio.TaskGroup() as group:
                if dock:
                    group.create_task(self._dock(until))
                if shelf:
                    group.create_task(self._shelf(until))
                if desk:
                    group.create_task(self._desk(until, ready))
        finally:
            radio.cancel()
            await asyncio.gather(radio, return_exceptions=True)

    def _now(self) -> float:
        return (time.time_ns() // 1000 - self._epoch_us) / 1e6

    async def _radio(self) -> None:
        """What the antennas hear, handed to the reader as it happens."""
        await self.reader.wait_inventorying()
        self._physics.skip_to(self._now())
        while True:
            reads = [read for _, read in self._physics.until(self._now())]
            if reads:
                await self.reader.report(reads)
                self.reads += len(reads)
            await asyncio.sleep(TICK_S)

    async def _dock(self, until: asyncio.Event) -> None:
        await self.reader.wait_inventorying()
        if not self._dock_learned:
            await _pause(until, LEARNING_S)
            self._dock_learned = True
        while not until.is_set():
            outwards = len(self._inside) > 1 and self._chance.random() < 0.4
            if outwards:
                load = self._inside.pop(self._chance.randrange(len(self._inside)))
            else:
                load = self._load(self._chance.randint(20, 60))
            await self._cross(load, inwards=not outwards)
            if not outwards:
                self._inside.append(load)
            await _pause(until, self._chance.uniform(3.0, 6.0))

    async def _cross(self, load: Load, *, inwards: bool) -> None:
        speed = self._chance.uniform(0.7, 1.2)
        path = Path.through(self._now() + 0.2, speed=speed, inwards=inwards, reach=REACH_M)
        self._physics.add(pallet(load.epcs, path, self._chance))
        await asyncio.sleep(2 * REACH_M / speed + 0.5)
        self._physics.remove(load.epcs)
        ends = (None, WAREHOUSE) if inwards else (WAREHOUSE, None)
        for _, good in load.cases:
            self.truth.move(good.sku, good.pack, source=ends[0], destination=ends[1])

    async def _shelf(self, until: asyncio.Event) -> None:
        """Hands take one to three pieces, and somebody refills what runs low."""
        await _pause(until, 4.0)  # plates are first seen as they were left
        while not until.is_set():
            index = self._chance.randrange(len(PLATES))
            good = PLATES[index]
            on_hand = self.truth.units(good.sku, SHELF)
            if on_hand <= 4 and self.truth.units(good.sku, BACKROOM) >= good.refill:
                change, source, destination = good.refill, BACKROOM, SHELF
            elif on_hand:
                change = -min(on_hand, self._chance.randint(1, 3))
                source, destination = SHELF, None
            else:
                continue
            self.truth.move(good.sku, abs(change), source=source, destination=destination)
            self.scales[index].set_load_mg((on_hand + change) * good.unit_mg)
            await _pause(until, self._chance.uniform(2.5, 5.0))

    async def _desk(self, until: asyncio.Event, ready: Callable[[], Awaitable[None]]) -> None:
        await _pause(until, 5.0)
        while not until.is_set():
            await ready()
            await self.scan()
            await _pause(until, self._chance.uniform(5.0, 9.0))

    async def scan(self) -> None:
        """Somebody at the desk scans a case that came in."""
        good = self._chance.choice(SCANNED)
        lot = f"L{self._chance.randint(100, 999)}"
        code = f"01{good.case_gtin}10{lot}"
        await self.scanner.scan(code, symbology="]C1")
        self.scans[code] += 1
        self.truth.move(good.sku, good.pack, source=None, destination=RECEIVING)


async def _pause(until: asyncio.Event, seconds: float) -> None:
    """Wait, but not past the end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until.wait()
