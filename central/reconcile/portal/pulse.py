"""How loud a tag is now beside its best moment: what tells an open pass from one that is over.

One ``Pulse`` per tag under way, constant in size. Whether a tag stands still is asked antenna
by antenna, because two antennas hear the same tag 10 dB apart.
"""

from __future__ import annotations

import math

import msgspec

STILL_DB = 10.0
"""Levels of a tag that stands scatter by 2 to 3 dB from channel to channel."""
STILL_AFTER_US = 1_500_000
_STILL_SIGHTINGS = 4
_ANTENNAS = 8
_QUANTILE = 0.99
_SHORTEST_S, _LONGEST_S = 1.0, 10.0
_GAP_SHARE = 0.25
SINKS_DB = 5.0


def timeout_s(gap_s: float) -> float:
    """How long a tag with this mean gap between sightings may be silent before it has gone.

    Were reads a Poisson process, 99 % of all gaps would be shorter (reconciling facts, 4e).
    """
    return min(max(-math.log(1.0 - _QUANTILE) * gap_s, _SHORTEST_S), _LONGEST_S)


class Span(msgspec.Struct, array_like=True):
    """What one antenna's levels of the tag lay between."""

    name: str
    low_dbm: float
    high_dbm: float
    sightings: int = 1


class Pulse(msgspec.Struct, array_like=True):
    """One tag's loudness over time; ``gap_s`` is the moving mean of the gaps between sightings,
    ``recent_dbm`` the loudest of late: every second it counts ``SINKS_DB`` less.
    """

    first_us: int
    last_us: int
    top_dbm: float = -math.inf
    top_us: int = 0
    gap_s: float = 0.0
    spans: list[Span] = []
    recent_dbm: float = -math.inf

    def add(self, at_us: int, antenna: str, level_dbm: float) -> None:
        """Take one sighting in (a little disorder in time is harmless)."""
        dt = max(at_us - self.last_us, 0) / 1e6
        self.gap_s += _GAP_SHARE * (dt - self.gap_s)
        self.recent_dbm = max(level_dbm, self.recent_dbm - SINKS_DB * dt)
        if level_dbm > self.top_dbm:
            self.top_dbm, self.top_us = level_dbm, at_us
        self.last_us = max(self.last_us, at_us)
        for span in self.spans:
            if span.name == antenna:
                span.low_dbm = min(span.low_dbm, level_dbm)
                span.high_dbm = max(span.high_dbm, level_dbm)
                span.sightings += 1
                return
        if len(self.spans) < _ANTENNAS:
            self.spans.append(Span(antenna, level_dbm, level_dbm))

    def afresh(self) -> None:
        """What is heard from now on is another event, which begins as loud as this one ends."""
        self.first_us, self.spans = self.last_us, []
        self.top_dbm, self.top_us = -math.inf, 0

    @property
    def best(self) -> float:
        """The most that was heard of it at once, as ``amplitude``."""
        return math.pow(10.0, self.top_dbm / 20.0)

    def amplitude(self, now_us: int) -> float:
        """How much is heard of it by now, in square roots of a milliwatt."""
        silent_s = max(now_us - self.last_us, 0) / 1e6
        return math.pow(10.0, (self.recent_dbm - SINKS_DB * silent_s) / 20.0)

    @property
    def range_db(self) -> float:
        """The most that one antenna's level of it changed."""
        return max((span.high_dbm - span.low_dbm for span in self.spans), default=0.0)

    def is_gone(self, now_us: int) -> bool:
        """Whether it has been silent for longer than it ever is."""
        return now_us - self.last_us > timeout_s(self.gap_s) * 1e6

    def is_still(self) -> bool:
        """Whether it has been heard for a while with nothing changing."""
        return (
            self.last_us - self.first_us >= STILL_AFTER_US
            and sum(span.sightings for span in self.spans) >= _STILL_SIGHTINGS
            and any(span.sightings > 1 for span in self.spans)
            and self.range_db <= STILL_DB
        )


def begin(at_us: int) -> Pulse:
    """Nothing heard yet."""
    return Pulse(at_us, at_us)
