"""Tags that stand still before an emulated reader, each with a path loss that is known exactly.

A passive tag answers when what reaches it wakes its chip: transmit power less the loss of one way
is at least ``WAKE_DBM`` (link budget of the forward way; data sheets of chips of 2020 tell about
-19.5 dBm). It is heard back over the same way once more, with ``BACKSCATTER_DB`` lost in the tag.
There is no chance in who answers: so the power from which a tag answers can be worked out on
paper, and whatever measures it can be held against that. ``portal_live`` is the portal as it is,
with fades and echoes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.llrp_rospec import Rospec
from drivers.readings import TagRead

WAKE_DBM = -19.5
BACKSCATTER_DB = 6.0
ROUND_S = 0.02
"""Each round every tag with power is read once by each antenna."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillTag:
    """One tag; ``loss_db`` is what one way loses to each antenna that reaches it at all."""

    epc: str
    loss_db: Mapping[int, float]

    def wakes_at_dbm(self, antenna: int) -> float | None:
        """The transmit power from which that antenna reads it; ``None``: never."""
        loss = self.loss_db.get(antenna)
        return None if loss is None else WAKE_DBM + loss


class StillTags:
    """``tags`` before ``reader``: reads go to whoever has a ROSpec running there."""

    def __init__(self, reader: EmulatedReader, tags: tuple[StillTag, ...]) -> None:
        self.tags = tags
        self.powers_seen: list[tuple[int, float]] = []
        """Each antenna and power (dBm) that a client made the reader send with, in order."""
        self._reader = reader

    async def run(self) -> None:
        """Read until cancelled, whenever a client's ROSpec is active."""
        while True:
            await self._reader.wait_inventorying()
            spec = self._reader.model.active
            if spec is not None:
                reads = self._heard(spec)
                if reads:
                    await self._reader.report(reads)
            await asyncio.sleep(ROUND_S)

    def _heard(self, spec: Rospec) -> list[TagRead]:
        at_us = time.time_ns() // 1_000
        reads = []
        for antenna, power_dbm in self._powers(spec).items():
            if (antenna, power_dbm) not in self.powers_seen[-1:]:
                self.powers_seen.append((antenna, power_dbm))
            for tag in self.tags:
                wakes = tag.wakes_at_dbm(antenna)
                if wakes is None or power_dbm < wakes:
                    continue
                back_dbm = power_dbm - 2 * tag.loss_db[antenna] - BACKSCATTER_DB
                reads.append(
                    TagRead(
                        epc=tag.epc,
                        epc_bits=len(tag.epc) * 4,
                        antenna=antenna,
                        peak_rssi_dbm=float(round(back_dbm)),
                        first_seen_us=at_us,
                        last_seen_us=at_us,
                    )
                )
        return reads

    def _powers(self, spec: Rospec) -> dict[int, float]:
        """Which antennas send, and with how much: the most the reader can unless it was told."""
        facts = self._reader.model.facts
        table = facts.power_table()
        plugged = self._reader.model.settings.antenna_connected
        found: dict[int, float] = {}
        for antenna in range(1, facts.antennas + 1):
            if plugged[antenna] and {antenna, 0} & spec.antennas:
                index = spec.power_index.get(antenna, spec.power_index.get(0, len(table)))
                found[antenna] = table[index - 1]
        return found
