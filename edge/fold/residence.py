"""Whether a tag lies in the field unchanged, judged antenna by antenna.

A lone read scatters by some dB, so steadiness is judged on means of one-second blocks and
change on a quick average over about three reads: a step of 15 dB ends a residence with one
read, a step of 8 dB with three, noise of 2 dB practically never.
"""

from __future__ import annotations

import math

from edge.fold.moments import Place, moment
from edge.fold.settings import FoldSettings
from gateway.contract import Observation, TagResident

_BLOCK_US = 1_000_000
_QUICK = 0.5
_ENOUGH_READS = 4


class _Heard:
    """One antenna's view of one tag. ``level`` is the RSSI held against a change."""

    __slots__ = (
        "anchor", "anchors", "block", "block_us", "blocks", "count", "first_us", "known",
        "last_us", "level", "low", "peak", "quick", "rssi", "rssis",
    )  # fmt: skip

    def __init__(self) -> None:
        self.known = False
        self.level: float | None = None
        self.quick = 0.0
        self.restart()
        self.clear()

    def restart(self) -> None:
        """Judge steadiness afresh."""
        self.anchor = self.block = 0.0
        self.anchors = self.blocks = 0
        self.block_us: int | None = None

    def clear(self) -> None:
        """Nothing is pending."""
        self.count = self.rssis = self.first_us = self.last_us = 0
        self.rssi = 0.0
        self.peak: float | None = None
        self.low: float | None = None

    def end_block(self, steady_db: float) -> bool:
        """Compare the block with those before it, and say whether it is like them.

        A mean of few reads may differ more: by ``steady_db`` for 4 reads, twice that for one.
        """
        if not self.blocks:
            return True
        mean = self.block / self.blocks
        fewest = min(self.blocks, self.anchors, _ENOUGH_READS)
        steady = True
        if self.anchors:
            allowed = steady_db * math.sqrt(_ENOUGH_READS / fewest)
            steady = abs(mean - self.anchor / self.anchors) <= allowed
            if not steady:
                self.anchor, self.anchors = 0.0, 0
        self.anchor += self.block
        self.anchors += self.blocks
        self.block, self.blocks = 0.0, 0
        return steady


class Residence:
    """One tag, resident or on the way to it. Times are event times unless they say arrival.
    ``told`` says whether anybody has heard of this residence yet.
    """

    __slots__ = (
        "_antennas", "_gap_us", "_leave_db", "_since_us", "_steady_db", "_steady_us",
        "arrival_us", "epc", "epc_bits", "heard_us", "resident", "told",
    )  # fmt: skip

    def __init__(self, epc: str, epc_bits: int, at_us: int, settings: FoldSettings) -> None:
        self.epc = epc
        self.epc_bits = epc_bits
        self.resident = self.told = False
        self.heard_us = self._since_us = at_us
        self.arrival_us = at_us
        self._antennas: dict[int, _Heard] = {}
        self._gap_us = round(settings.resident_gap_s * 1e6)
        self._steady_us = round(settings.resident_after_s * 1e6)
        self._steady_db = settings.steady_db
        self._leave_db = settings.leave_db

    def watch(self, antenna: int, rssi: float | None, at_us: int) -> bool:
        """Take in a fresh read; true when the tag is a resident from the next read on."""
        if at_us - self.heard_us > self._gap_us:
            self._antennas.clear()
            self._since_us = at_us
        self.heard_us = max(self.heard_us, at_us)
        heard = self._antennas.get(antenna)
        if heard is None:
            heard = self._antennas[antenna] = _Heard()
            self._since_us = at_us
        if heard.block_us is None:
            heard.block_us = at_us
        elif at_us - heard.block_us >= _BLOCK_US:
            if not heard.end_block(self._steady_db):
                self._unsettle(heard, heard.block_us)
            heard.block_us = at_us
        if rssi is not None:
            heard.block += rssi
            heard.blocks += 1
        if at_us - self._since_us < self._steady_us:
            return False
        self._settle()
        return True

    def stays(self, antenna: int, rssi: float | None, at_us: int) -> bool:
        """Whether this read is what the resident's were so far."""
        heard = self._antennas.get(antenna)
        if heard is None or not heard.known or at_us - self.heard_us > 2 * self._gap_us:
            return False
        if rssi is None or heard.level is None:
            return True
        heard.quick += _QUICK * (rssi - heard.quick)
        return abs(heard.quick - heard.level) <= self._leave_db

    def add(self, antenna: int, count: int, rssi: float | None, at_us: int) -> None:
        """Count a resident's read."""
        self.heard_us = max(self.heard_us, at_us)
        heard = self._antennas[antenna]
        heard.first_us = min(heard.first_us, at_us) if heard.count else at_us
        heard.last_us = max(heard.last_us, at_us)
        heard.count += count
        if rssi is not None:
            heard.rssi += rssi
            heard.rssis += 1
            heard.peak = rssi if heard.peak is None else max(heard.peak, rssi)
            heard.low = rssi if heard.low is None else min(heard.low, rssi)

    def is_overdue(self, at_us: int, every_us: int) -> bool:
        """Whether the pending reads already span a whole round (a backlog comes quickly)."""
        return any(
            heard.count and at_us - heard.first_us >= every_us for heard in self._antennas.values()
        )

    def leave(self, at_us: int) -> None:
        """Not a resident any more. An antenna that is merely new keeps the levels of the
        others; where a level changed, everything is learned afresh.
        """
        self.resident = self.told = False
        self._since_us = at_us
        moved = any(
            heard.level is not None and abs(heard.quick - heard.level) > self._leave_db
            for heard in self._antennas.values()
        )
        if moved:
            self._antennas.clear()
        for heard in self._antennas.values():
            heard.restart()

    def tell(self, place: Place) -> list[Observation]:
        """What is pending, antenna by antenna; nothing is pending after it."""
        told: list[Observation] = []
        for antenna, heard in self._antennas.items():
            if not heard.count:
                continue
            mean = heard.rssi / heard.rssis if heard.rssis else None
            told.append(
                TagResident(
                    device=place.device,
                    read_point=place.read_point,
                    event_time=moment(heard.first_us),
                    until=moment(heard.last_us),
                    epc=self.epc,
                    antenna=antenna,
                    count=heard.count,
                    mean_rssi_dbm=None if mean is None else round(mean, 2),
                    peak_rssi_dbm=heard.peak,
                    low_rssi_dbm=heard.low,
                    epc_bits=self.epc_bits,
                )
            )
            if mean is not None and heard.rssis >= _ENOUGH_READS:
                heard.level = mean  # follows slow changes (temperature, wet floor)
            heard.clear()
        self.told = self.told or bool(told)
        return told

    def _unsettle(self, changed: _Heard, since_us: int) -> None:
        self._since_us = max(self._since_us, since_us)
        for heard in self._antennas.values():
            if heard is not changed:
                heard.restart()

    def _settle(self) -> None:
        self.resident = True
        for heard in self._antennas.values():
            heard.known = True
            total, number = heard.anchor + heard.block, heard.anchors + heard.blocks
            if number:
                heard.level = heard.quick = total / number
