"""Emulated scales, a shelf of them, and weighing transmitters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from drivers.emulators.indicator import EmulatedIndicator
from drivers.emulators.load_cell import LoadCell
from drivers.emulators.load_cell_node import EmulatedSerialNode
from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.emulators.scale_frames import ENCODERS
from drivers.emulators.shelf_physics import SHOP, Shelf
from drivers.emulators.transmitter import EmulatedTransmitter
from tallyport.emulate.running import Emulation, Word, WordError

PROTOCOLS = ("mt-sics", *sorted(ENCODERS))
Instrument = EmulatedScale | EmulatedIndicator | EmulatedSerialNode
_AVERAGE_S = 0.8
NODE = "shelf-1-a"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleOptions:
    """What the command line says. ``tcp_port`` ``None`` is a serial line."""

    protocol: str
    tcp_port: int | None
    load_g: int
    seed: int


def _put(instrument: Instrument, load_g: int) -> None:
    if isinstance(instrument, EmulatedScale):
        instrument.set_load_mg(load_g * 1000)
    else:
        instrument.set_load_g(load_g)


def scale_table(plate: int, driver: str, where: str, more: str = "") -> str:
    """A scale as a device of the edge."""
    return (
        f'[[devices]]\nname = "plate-{plate}"\ndriver = "{driver}"\nread_point = "shelf-1"\n'
        f"plate = {plate}\n{where}\n{more}\n"
    )


def _instrument(
    protocol: str, seed: int, cell: LoadCell | None = None
) -> EmulatedScale | EmulatedIndicator:
    if protocol == "mt-sics":
        return EmulatedScale(seed=seed, cell=cell, division_g="2" if cell else "0.1")
    if protocol not in ENCODERS:
        raise ValueError(f'No scale speaks "{protocol}". There are: {", ".join(PROTOCOLS)}.')
    return EmulatedIndicator(protocol, seed=seed, cell=cell)


async def make_scale(options: ScaleOptions) -> Emulation:
    """One scale on a firm bench."""
    one = _instrument(options.protocol, options.seed)
    _put(one, options.load_g)
    if options.tcp_port is None:
        path = await one.start()
        place, where = path, f'port = "{path}"'
    elif isinstance(one, EmulatedScale):
        raise ValueError("The emulated MT-SICS scale has a serial line only: leave out --tcp.")
    else:
        port = await one.listen(port=options.tcp_port)
        place, where = f"TCP port {port} of 127.0.0.1", f'host = "127.0.0.1"\nport = {port}'
    return Emulation(
        what=f"A scale that speaks {options.protocol} is at {place}; {options.load_g} g lie on it.",
        devices=scale_table(1, options.protocol, where),
        words=_scale_words(one, serial=options.tcp_port is None),
        stop=one.stop,
    )


def _scale_words(one: Instrument, *, serial: bool) -> dict[str, Word]:
    async def load(arguments: list[str]) -> str:
        _put(one, int(arguments[0]))
        return f"{arguments[0]} g lie on it"

    async def noise(_: list[str]) -> str:
        one.send(b"\x00\xff\x80garbage\r")
        return "a disturbance was on the line"

    async def unplug(_: list[str]) -> str:
        one.unplug()
        return "the cable is pulled"

    async def plug(_: list[str]) -> str:
        return f"the cable is plugged in again, at {await one.start()}"

    words = {
        "load": Word("load GRAMS", "put on or take off, to have so much on it", load),
        "noise": Word("noise", "send bytes that make no sense", noise),
    }
    if serial:
        words["unplug"] = Word("unplug", "pull the cable", unplug)
        words["plug"] = Word("plug", "plug it in again", plug)
    return words


class ShelfOfScales:
    """Plates that feel each other, each with an instrument on a line of its own."""

    def __init__(self, plates: int, protocol: str, load_g: int, seed: int) -> None:
        # Nobody sells a shelf whose scales begin kilograms off: instruments are zeroed at works.
        self.shelf = Shelf(plates, noise=replace(SHOP, unzeroed=0.0), seed=seed)
        self.instruments = [
            _instrument(
                protocol,
                seed,
                LoadCell(
                    division_mg=2000 if protocol == "mt-sics" else 1000,
                    shelf=self.shelf,
                    plate=plate,
                    average_s=_AVERAGE_S,
                    stable_divisions=2,
                ),
            )
            for plate in range(plates)
        ]
        for plate in range(plates):
            self.shelf.set_load_g(plate, load_g)
        self.shelf.skip(10.0)

    async def start(self, protocol: str) -> str:
        """Plug all in; their tables for the edge."""
        paths = [await one.start() for one in self.instruments]
        return "".join(
            scale_table(plate, protocol, f'port = "{path}"')
            for plate, path in enumerate(paths, start=1)
        )

    async def stop(self) -> None:
        """Switch off."""
        for one in self.instruments:
            await one.stop()

    def words(self) -> dict[str, Word]:
        """What people and floors do to a shelf."""
        return {
            "load": Word("load PLATE GRAMS", "put on or take off", self._load),
            "hand": Word("hand PLATE GRAMS SECONDS", "lean on a plate", self._hand),
            "bump": Word("bump PLATE [GRAMS]", "run into it: its zero slips", self._bump),
            "step": Word("step", "walk by", self._step),
            "unplug": Word("unplug PLATE", "pull a cable", self._unplug),
            "plug": Word("plug PLATE", "plug it in again", self._plug),
        }

    def _plate(self, word: str) -> int:
        number = int(word)
        if not 1 <= number <= len(self.instruments):
            raise WordError(f"There are plates 1 to {len(self.instruments)}.")
        return number - 1

    async def _load(self, arguments: list[str]) -> str:
        self.shelf.set_load_g(self._plate(arguments[0]), float(arguments[1]))
        return f"plate {arguments[0]} bears {arguments[1]} g; its neighbours feel one percent of it"

    async def _hand(self, arguments: list[str]) -> str:
        plate, weight_g, seconds = self._plate(arguments[0]), *map(float, arguments[1:3])
        self.shelf.rest_hand(plate, weight_g, seconds)
        return f"a hand rests on plate {arguments[0]} for {seconds:g} s"

    async def _bump(self, arguments: list[str]) -> str:
        slip_g = float(arguments[1]) if len(arguments) > 1 else None
        self.shelf.bump(self._plate(arguments[0]), slip_g)
        return "that shook, and the zero is not where it was"

    async def _step(self, _: list[str]) -> str:
        self.shelf.footstep()
        return "somebody walked by"

    async def _unplug(self, arguments: list[str]) -> str:
        self.instruments[self._plate(arguments[0])].unplug()
        return f"plate {arguments[0]}'s cable is pulled"

    async def _plug(self, arguments: list[str]) -> str:
        path = await self.instruments[self._plate(arguments[0])].start()
        return f"plate {arguments[0]} is at {path}"


async def make_shelf(plates: int, protocol: str, load_g: int, seed: int) -> Emulation:
    """A shelf of plates that feel each other."""
    shelf = ShelfOfScales(plates, protocol, load_g, seed)
    return Emulation(
        what=f"A shelf of {plates} plates that speak {protocol}, {load_g} g on each.",
        devices=await shelf.start(protocol),
        words=shelf.words(),
        stop=shelf.stop,
    )


async def make_node(load_g: int, seed: int) -> Emulation:
    """A microcontroller with a load cell on a serial line, and its calibration."""
    one = EmulatedSerialNode(NODE, seed=seed)
    one.set_load_g(load_g)
    path = await one.start()
    calibration = (
        f'node = "{NODE}"\n\n[devices.calibration]\nversion = 1\ndate = 2026-11-20\n'
        'by = "the emulator"\nmass_g = 5000\nzero_counts = 84000\ncounts_per_g = 420\n'
    )
    return Emulation(
        what=f"A load-cell node (TP1 lines) is at {path}; {load_g} g lie on it.",
        devices=scale_table(1, "load-cell-serial", f'port = "{path}"', calibration),
        words=_scale_words(one, serial=True),
        stop=one.stop,
    )


async def make_transmitter(
    over: Literal["rtu", "tcp"], port: int, load_g: int, seed: int
) -> Emulation:
    """A weighing transmitter with Modbus."""
    one = EmulatedTransmitter(tcp=over == "tcp", seed=seed)
    one.set_load_g(load_g)
    if over == "tcp":
        at = await one.listen(port=port)
        place, where = f"TCP port {at} of 127.0.0.1", f'host = "127.0.0.1"\nport = {at}'
    else:
        path = await one.start()
        place, where = path, f'port = "{path}"'
    registers = (
        'unit = "kg"\n\n[devices.weight]\naddress = 0\ndecimals = 3\n\n'
        "[devices.status]\naddress = 2\nmoving = 2\noverload = 0\n"
    )
    return Emulation(
        what=f"A weighing transmitter with Modbus-{over.upper()} is at {place}.",
        devices=scale_table(1, f"modbus-{over}", where, registers),
        words=_scale_words(one, serial=over == "rtu"),
        stop=one.stop,
    )
