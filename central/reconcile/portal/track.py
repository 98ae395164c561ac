"""What judging keeps of one tag's activity at a portal: sums that fit in a few numbers.

Everything here is bounded and dumps to a few dozen bytes a tag, because the state of judging
is written with every commit.
"""

from __future__ import annotations

import msgspec

OUTSIDE, INSIDE, UNKNOWN = 0, 1, 2
SIDES = {"outside": OUTSIDE, "inside": INSIDE}
SIDE_NAMES = ("outside", "inside", "unknown")
UNHEARD_DBM = -90.0
"""Stands for the level of a side that heard nothing: below every reader's floor."""

_BINS = 16
_FIRST_WIDTH_US = 250_000


class Side(msgspec.Struct, array_like=True):
    """What one side of the portal heard of a tag. Powers are in microwatt, times in seconds
    from the track's start; ``power_time`` and ``power_time2`` are power-weighted sums.
    """

    count: int = 0
    peak_dbm: float = UNHEARD_DBM
    power: float = 0.0
    power_time: float = 0.0
    power_time2: float = 0.0
    first_s: float = 0.0
    last_s: float = 0.0

    @property
    def centre_s(self) -> float:
        """When the tag was nearest: the power-weighted mean time."""
        return self.power_time / self.power if self.power else 0.0

    @property
    def spread_s(self) -> float:
        """The power-weighted standard deviation of time around ``centre_s``."""
        if not self.power:
            return 0.0
        variance = self.power_time2 / self.power - self.centre_s**2
        return float(max(variance, 0.0) ** 0.5)

    def add(self, t: float, count: int, rssi_dbm: float) -> None:
        """Take one sighting in."""
        power = count * 10.0 ** (rssi_dbm / 10.0 + 3.0)
        if not self.count:
            self.first_s = t
        self.count += count
        self.peak_dbm = max(self.peak_dbm, rssi_dbm)
        self.power += power
        self.power_time += power * t
        self.power_time2 += power * t * t
        self.first_s = min(self.first_s, t)
        self.last_s = max(self.last_s, t)


class Track(msgspec.Struct, array_like=True):
    """One tag's activity, from the first sighting after a silence to the last.

    ``profile`` holds the loudest level per time bin and side (outside, inside); the bins
    start ``width_us`` wide and double whenever there would be more than 16.
    ``source`` indexes the portal's table of (edge, epoch); the seqs are of that epoch.
    """

    epc: str
    first_us: int
    last_us: int
    source: int
    first_seq: int
    last_seq: int
    sides: tuple[Side, Side, Side]
    profile: list[tuple[float, float]] = []
    width_us: int = _FIRST_WIDTH_US
    settled: bool = False

    @property
    def reads(self) -> int:
        """Reads behind it."""
        return sum(side.count for side in self.sides)

    @property
    def peak_dbm(self) -> float:
        """The loudest level on any side."""
        return max(side.peak_dbm for side in self.sides)

    def add(self, at_us: int, side: int, count: int, rssi_dbm: float) -> None:
        """Take one sighting in (a little disorder in time is harmless)."""
        offset_us = max(at_us - self.first_us, 0)
        self.last_us = max(self.last_us, at_us)
        self.sides[side].add(offset_us / 1e6, count, rssi_dbm)
        if side == UNKNOWN:
            return
        while offset_us // self.width_us >= _BINS:
            self._halve()
        place = offset_us // self.width_us
        while len(self.profile) <= place:
            self.profile.append((UNHEARD_DBM, UNHEARD_DBM))
        outside, inside = self.profile[place]
        if side == OUTSIDE:
            self.profile[place] = (max(outside, rssi_dbm), inside)
        else:
            self.profile[place] = (outside, max(inside, rssi_dbm))

    def _halve(self) -> None:
        self.width_us *= 2
        if len(self.profile) % 2:
            self.profile.append((UNHEARD_DBM, UNHEARD_DBM))
        pairs = zip(self.profile[::2], self.profile[1::2], strict=True)
        self.profile = [(max(a[0], b[0]), max(a[1], b[1])) for a, b in pairs]


def begin(epc: str, at_us: int, *, source: int, seq: int) -> Track:
    """An empty track."""
    return Track(epc, at_us, at_us, source, seq, seq, (Side(), Side(), Side()))
