"""An emulated barcode scanner, with a person who makes mistakes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from drivers.emulators.scan_errors import MISTAKES, Typist
from drivers.emulators.scanner import EmulatedScanner
from tallyport.emulate.running import Emulation, Word, WordError, tell

CODES = ("0109521234000013", "010952123400002010LOT-7\x1d21A1B2", "0109521234000037")
"""Element strings of GS1's example company: a GTIN, one with lot and serial, another GTIN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerOptions:
    """What the command line says. ``mistakes`` are probabilities by their word."""

    codes: tuple[str, ...]
    by_itself: bool
    mistakes: Mapping[str, float]
    seed: int


def mistakes_of(texts: list[str]) -> dict[str, float]:
    """``dropped=0.1`` and the like; a bare word means one scan in ten. Raises ``ValueError``."""
    found = {}
    for text in texts:
        name, _, chance = text.partition("=")
        if name not in MISTAKES:
            raise WordError(f'There is no mistake "{name}". There are: {", ".join(MISTAKES)}.')
        found[name] = float(chance or 0.1)
    return found


class Desk:
    """A scanner and the person who holds it."""

    def __init__(self, options: ScannerOptions) -> None:
        self.scanner = EmulatedScanner(typist=Typist(options.mistakes, seed=options.seed))
        self._codes = options.codes or CODES
        self._by_itself = options.by_itself
        self._seed = options.seed

    async def goes_on(self) -> None:
        """One code after the other, at a person's pace."""
        at = 0
        while self._by_itself:
            await asyncio.sleep(self.scanner.typist.pause_s())
            code, at = self._codes[at % len(self._codes)], at + 1
            with suppress(ConnectionError):  # nobody listens: so what is scanned is lost
                await self.scanner.scan(code)
                tell(f"scanned {code!r}")
        await asyncio.Event().wait()

    def words(self) -> dict[str, Word]:
        """What a person does with a scanner."""
        return {
            "scan": Word("scan CODE", r"read a code; \x1d stands for GS", self._scan),
            "next": Word("next", "read the next sample code", self._next),
            "err": Word("err MISTAKE[=CHANCE] ...", "make mistakes from now on", self._err),
            "unplug": Word("unplug", "pull the cable", self._unplug),
            "plug": Word("plug", "plug it in again", self._plug),
        }

    async def _scan(self, arguments: list[str]) -> str:
        code = " ".join(arguments).replace(r"\x1d", "\x1d")
        if not code:
            raise IndexError
        await self.scanner.scan(code)
        return f"scanned {code!r}"

    async def _next(self, _: list[str]) -> str:
        self._codes = (*self._codes[1:], self._codes[0])
        return await self._scan([self._codes[-1]])

    async def _err(self, arguments: list[str]) -> str:
        likely = mistakes_of(arguments)
        self.scanner.typist = Typist(likely, seed=self._seed)
        made = ", ".join(f"{name} {chance:g}" for name, chance in likely.items())
        return f"mistakes: {made or 'none'}"

    async def _unplug(self, _: list[str]) -> str:
        self.scanner.unplug()
        return "the cable is pulled"

    async def _plug(self, _: list[str]) -> str:
        return f"the cable is plugged in again, at {await self.scanner.start()}"


async def make_scanner(options: ScannerOptions) -> Emulation:
    """The scanner, plugged in."""
    desk = Desk(options)
    path = await desk.scanner.start()
    return Emulation(
        what=f"A serial barcode scanner is at {path}.",
        devices=(
            '[[devices]]\nname = "desk-scanner"\ndriver = "scanner"\nread_point = "receiving"\n'
            f'port = "{path}"\n'
        ),
        words=desk.words(),
        stop=desk.scanner.stop,
        goes_on=desk.goes_on,
    )
