"""A shop's day, played fast: two docks, two plates, one scanner, and what goes wrong in a day.

The day is 500 pallets of 60 cases, each case sighted 48 times on its way through a dock (1.44
million sightings), beside cases that stand near the docks all day, picks from the shelf, scans,
and links that break. Every pass takes the time it takes, 3 s and then silence; what is left out
is the waiting between passes. So the count of everything is a day's, and nothing but the idle
time is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import random
import time
from pathlib import Path

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.emulators.portal_scene import dock_antennas
from drivers.emulators.scanner import EmulatedScanner
from drivers.readings import TagRead
from gateway.gs1 import sgtin96_hex
from tallyport.demo.goods import CASES, COMPANY_PREFIX_DIGITS, DOCK_POINT
from tallyport.demo.settings import plate_toml, reader_toml, scanner_toml

PALLETS_A_DAY = 500
CASES_A_PALLET = 60
SIGHTINGS_A_CASE = 48
OBSERVATIONS_A_DAY = PALLETS_A_DAY * CASES_A_PALLET * SIGHTINGS_A_CASE
DOCKS = (DOCK_POINT, "dock-2")

_ANTENNAS = (1, 2, 3, 4)
_ROUNDS = SIGHTINGS_A_CASE // len(_ANTENNAS)
_ROUND_S = 0.25
_SILENCE_S = 1.7
_STANDING = 20
_PICK_S = 2.0
_SCAN_S = 1.0
_UNPLUGGED_S = 2.0


class ShopDay:
    """The devices of the shop, the scales' ports in ``folder``. ``play`` runs until cancelled;
    ``troubles`` counts broken links.
    """

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.readers = [EmulatedReader(antennas=len(_ANTENNAS)) for _ in DOCKS]
        self._scales = [
            EmulatedScale(seed=plate, link=folder / f"plate-{plate}") for plate in (1, 2)
        ]
        self._scanner = EmulatedScanner()
        self._chance = random.Random(seed)
        self._pallets = itertools.count()
        self.troubles = 0

    async def start(self) -> str:
        """Switch everything on; the edge's settings for it."""
        devices = ""
        for reader, dock in zip(self.readers, DOCKS, strict=True):
            toml = reader_toml(await reader.start(), dock_antennas())
            devices += toml.replace(f'"{DOCK_POINT}', f'"{dock}')
        for plate, scale in enumerate(self._scales, start=1):
            devices += plate_toml(plate, await scale.start())
        return devices + scanner_toml(await self._scanner.start())

    async def stop(self) -> None:
        """Switch everything off."""
        for reader in self.readers:
            await reader.stop()
        for scale in self._scales:
            await scale.stop()
        await self._scanner.stop()

    @property
    def reads(self) -> int:
        """Tag reads handed to the edge so far."""
        return sum(reader.delivered for reader in self.readers)

    async def ready(self) -> None:
        """Wait until the edge hears both docks."""
        for reader in self.readers:
            await reader.wait_inventorying()

    async def play(self) -> None:
        """One pallet after another at each dock, and all the rest, until cancelled."""
        async with asyncio.TaskGroup() as day:
            for number, reader in enumerate(self.readers):
                day.create_task(self._dock(reader))
                day.create_task(self._stand(reader, number))
            day.create_task(self._pick())
            day.create_task(self._scan())

    async def trouble(self) -> None:
        """One link breaks, each kind in its turn; the edge has to find it again."""
        self.troubles += 1
        turn = self.troubles % 3
        if turn < 2:
            self.readers[turn].drop()
        else:
            self._scales[0].unplug()
            await asyncio.sleep(_UNPLUGGED_S)
            await self._scales[0].start()

    async def _dock(self, reader: EmulatedReader) -> None:
        while True:
            pallet = next(self._pallets)
            good = CASES[pallet % len(CASES)]
            serials = range(pallet * CASES_A_PALLET, (pallet + 1) * CASES_A_PALLET)
            cases = [
                sgtin96_hex(good.case_gtin, COMPANY_PREFIX_DIGITS, serial, filter=2)
                for serial in serials
            ]
            for turn in range(_ROUNDS):
                began = time.monotonic()
                await reader.report(self._seen(cases, turn / _ROUNDS))
                await asyncio.sleep(max(0.0, began + _ROUND_S - time.monotonic()))
            await asyncio.sleep(_SILENCE_S)

    def _seen(self, cases: list[str], late: float) -> list[TagRead]:
        """Every case once on each antenna: those outside hear it first, those inside last."""
        now_us = time.time_ns() // 1_000
        return [
            TagRead(
                epc=epc,
                epc_bits=96,
                antenna=antenna,
                peak_rssi_dbm=round(
                    self._chance.gauss(-42 - 40 * abs(late - (0.35 if antenna < 3 else 0.65)), 2)
                ),
                first_seen_us=now_us,
                phase_rad=self._chance.random() * math.tau,
                channel=1 + now_us % 50,
            )
            for epc in cases
            for antenna in _ANTENNAS
        ]

    async def _stand(self, reader: EmulatedReader, dock: int) -> None:
        """Cases that stand in the field all day: residents, unless somebody moves them."""
        standing = [f"30FEED{dock:02X}{number:016X}" for number in range(_STANDING)]
        while True:
            now_us = time.time_ns() // 1_000
            await reader.report(
                [
                    TagRead(
                        epc=epc, epc_bits=96, antenna=1, peak_rssi_dbm=-60, first_seen_us=now_us
                    )
                    for epc in standing
                ]
            )
            await asyncio.sleep(0.5)

    async def _pick(self) -> None:
        for turn in itertools.count():
            for plate, scale in enumerate(self._scales):
                scale.set_load_mg(5_000_000 + 592_000 * ((turn + plate) % 5))
            await asyncio.sleep(_PICK_S)

    async def _scan(self) -> None:
        for good in itertools.cycle(CASES):
            with contextlib.suppress(ConnectionError):  # the edge has not opened it yet
                await self._scanner.scan(good.case_gtin)
            await asyncio.sleep(_SCAN_S)
