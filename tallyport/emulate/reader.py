"""An emulated RFID reader at a dock where things happen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Literal

import msgspec

from drivers.emulators.llrp_encode import IMPINJ_PEN
from drivers.emulators.llrp_fault_words import WORDS, FaultDesk
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.portal_live import LivePortal
from drivers.emulators.portal_physics import PortalPhysics
from drivers.emulators.portal_scene import Antenna
from drivers.emulators.portal_suites import layout, moves
from drivers.emulators.portal_traffic import (
    Layout,
    Move,
    arrival,
    read_scene,
    sample_epcs,
    scene_of,
    standing,
)
from tallyport.emulate.running import Emulation, Word, tell

Traffic = Literal["standard", "hard", "none"]
Vendor = Literal["impinj", "zebra"]
_MAKES: dict[Vendor, tuple[int, int, str]] = {
    "impinj": (IMPINJ_PEN, 2_001_002, "5.14.0"),
    "zebra": (161, 96_008, "3.10.30"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOptions:
    """What the command line says."""

    host: str
    port: int
    vendor: Vendor
    traffic: Traffic
    scene: Path | None
    seed: int


def reader_table(host: str, port: int, antennas: tuple[Antenna, ...]) -> str:
    """The reader as a device of the edge."""
    table = (
        '[[devices]]\nname = "dock-1-reader"\ndriver = "llrp"\nread_point = "dock-1"\n'
        f'host = "{host}"\nport = {port}\n'
    )
    for one in antennas:
        table += (
            f'\n[[devices.antennas]]\nantenna = {one.antenna}\nside = "{one.side}"\n'
            f"x_m = {one.x_m}\ny_m = {one.y_m}\nz_m = {one.z_m}\n"
        )
    return table


class Dock:
    """The reader, its portal, and what happens there, told as it happens."""

    def __init__(self, options: ReaderOptions) -> None:
        place, script = _place(options)
        pen, model, firmware = _MAKES[options.vendor]
        self._rng = Random(f"dock {options.seed}")  # noqa: S311 (chance, not secrets)
        self._epcs = sample_epcs(1 + 1_000_000 * (options.seed % 1_000))
        epoch_us = time.time_ns() // 1_000
        scene = scene_of(place, standing(place, self._epcs, self._rng), seed=options.seed)
        self.layout = place
        self.physics = PortalPhysics(replace(scene, epoch_us=epoch_us))
        self.reader = EmulatedReader(
            antennas=max(antenna.antenna for antenna in place.antennas),
            vendor_pen=pen,
            model=model,
            firmware=firmware,
            host=options.host,
            port=options.port,
        )
        self.desk = FaultDesk(self.reader)
        self._script = script
        self._traffic = options.traffic
        self._live = LivePortal(self.reader, self.physics, epoch_us)
        self._asked: asyncio.Queue[Move] = asyncio.Queue()

    async def goes_on(self) -> None:
        """The radio, and one move after the other, from when a client listens."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._live.run())
            group.create_task(self._moves())

    async def _moves(self) -> None:
        await self.reader.wait_inventorying()
        began_s = self._live.now_s()
        for move in self._script:
            await self._until(began_s + move.at_s)
            await self._let(msgspec.structs.replace(move, at_s=self._live.now_s()))
        drawn = self._drawn()
        while True:
            move = await self._next(drawn)
            await self._let(msgspec.structs.replace(move, at_s=self._live.now_s() + 0.1))

    def _drawn(self) -> Iterator[Move]:
        while self._traffic != "none":
            yield from moves(self._traffic, self._rng, 20)

    async def _next(self, drawn: Iterator[Move]) -> Move:
        """What a person asked for; else, after a while, what chance draws."""
        if self._traffic == "none":
            return await self._asked.get()
        try:
            async with asyncio.timeout(self._rng.uniform(3.0, 8.0)):
                return await self._asked.get()
        except TimeoutError:
            return next(drawn)

    async def _until(self, scene_s: float) -> None:
        await asyncio.sleep(max(0.0, scene_s - self._live.now_s()))

    async def _let(self, move: Move) -> None:
        one = arrival(move, self._epcs, self._rng)
        self.physics.add(one.tags, one.bodies)
        way = "in" if move.inwards else "out"
        tell(
            f"{move.kind}: {move.cases} cases of {move.goods}, from the {_side(move)} ({way}wards)"
        )
        for crossing in one.crossings:
            await self._until(crossing.at_s)
            tell(f"  truth: {len(crossing.epcs)} cases crossed {crossing.direction}wards")
        await self._until(one.ends_s)
        self.physics.remove(tag.epc for tag in one.tags)
        tell(f"  gone; {self.reader.delivered} reads delivered so far")

    async def ask(self, arguments: list[str]) -> str:
        """``go in 40``: a move at once."""
        way = {"in": True, "out": False}[arguments[0]]
        cases = int(arguments[1]) if len(arguments) > 1 else 20
        await self._asked.put(Move(at_s=0.0, inwards=way, cases=cases, carrier="person"))
        return "it comes as soon as the last one has gone"

    async def stop(self) -> None:
        """Switch off."""
        await self.desk.close()
        await self.reader.stop()


def _side(move: Move) -> str:
    return "outside" if move.inwards else "inside"


def _place(options: ReaderOptions) -> tuple[Layout, tuple[Move, ...]]:
    if options.scene is not None:
        return read_scene(options.scene)
    suite: Literal["standard", "hard"] = "hard" if options.traffic == "hard" else "standard"
    return layout(suite, "train", options.seed), ()


async def make_reader(options: ReaderOptions) -> Emulation:
    """The reader, listening."""
    dock = Dock(options)
    port = await dock.reader.start()
    go = Word("go in|out [CASES]", "let a pallet cross", dock.ask)
    return Emulation(
        what=f"An LLRP reader listens at {options.host}, TCP port {port} ({dock.layout.name}).",
        devices=reader_table(options.host, port, dock.layout.antennas),
        words={"go": go},
        stop=dock.stop,
        goes_on=dock.goes_on,
        other=dock.desk.obey,
        other_help={name: (words.usage, words.does) for name, words in WORDS.items()},
    )
