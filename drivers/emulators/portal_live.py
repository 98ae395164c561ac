"""An emulated portal in real time: what its antennas hear goes to an emulated reader's client.

The client's ROSpec rules the radio as in a real reader: session, search mode, transmit power and
antennas; an antenna that is unplugged hears nothing.
"""

from __future__ import annotations

import asyncio
import time

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.llrp_rospec import Rospec
from drivers.emulators.portal_physics import PortalPhysics

TICK_S = 0.05
_SINGLE_TARGET = {1, 3}
"""Impinj's search modes "single target" and "single target with suppression" (TagFocus)."""


class LivePortal:
    """``physics`` before ``reader``; the scene's time began at ``epoch_us`` (UTC)."""

    def __init__(self, reader: EmulatedReader, physics: PortalPhysics, epoch_us: int) -> None:
        self.reads = 0
        self._reader = reader
        self._physics = physics
        self._epoch_us = epoch_us

    def now_s(self) -> float:
        """The scene's time."""
        return (time.time_ns() // 1_000 - self._epoch_us) / 1e6

    async def run(self) -> None:
        """Read until cancelled, beginning when a client wants reports."""
        await self._reader.wait_inventorying()
        self._physics.skip_to(self.now_s())
        while True:
            spec = self._reader.model.active
            if spec is None:
                self._physics.skip_to(self.now_s())
            else:
                self._follow(spec)
                reads = [read for _, read in self._physics.until(self.now_s())]
                if reads:
                    await self._reader.report(reads)
                    self.reads += len(reads)
            await asyncio.sleep(TICK_S)

    def _follow(self, spec: Rospec) -> None:
        radio, facts = self._physics.radio, self._reader.model.facts
        radio.session = next(iter(spec.session.values()), radio.session)
        modes = set(spec.search_mode.values())
        radio.target = "single" if modes and modes <= _SINGLE_TARGET else "dual"
        table = facts.power_table()
        radio.powers_dbm = {
            antenna: table[spec.power_index[antenna if antenna in spec.power_index else 0] - 1]
            for antenna in range(1, facts.antennas + 1)
            if {antenna, 0} & spec.power_index.keys()
        }
        plugged = self._reader.model.settings.antenna_connected
        radio.silent = frozenset(
            antenna
            for antenna in plugged
            if not plugged[antenna] or not {antenna, 0} & spec.antennas
        )
