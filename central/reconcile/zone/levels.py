"""At which of a zone's places a tag is: whoever hears it best, and changed. Pure.

Of each place two averages of the levels (dBm) are kept, over about one second and over twelve of
them; a place that hears nothing sinks towards ``UNHEARD_DBM``. The tag has moved when, in the
quick averages, another place leads by ``LEAD_DB``, and the lead has *changed* against the slow
ones by ``SWING_DB``; or when the slow ones have it ahead too, and the quick ones by twice as much.
Each by more than the scatter of so few reads makes. A tag that stands between two places changes
neither, however noise tips the balance; one that walks changes both.

For a tag that is seldom heard the second is as long as five of its gaps. The figures were chosen
on walks and standing tags in one room with four antennas (``docs/presence.md``): among those
better than EdgeX's rule in false moves, moves found and delay at once, the one that is best at
the places of standing tags.
"""

from __future__ import annotations

import math

import msgspec

LEAD_DB = 3.0
SWING_DB = 3.0
UNHEARD_DBM = -80.0
QUICK_S = 1.0
_SLOW = 12.0
_GAPS = 5.0
_UNHEARD_READS = 0.15
_CHANCE_DB = 4 * 2.1
"""Four standard deviations of one read's level at a fixed place: 2.1 dB over hopping channels."""
_MOST_PLACES = 8
"""Places that a tag's levels are kept of: those that hear it most."""


class _Level(msgspec.Struct, array_like=True):
    """One place's sums: reads and read-weighted levels, fading quickly and slowly."""

    quick: float = 0.0
    quick_db: float = 0.0
    slow: float = 0.0
    slow_db: float = 0.0

    def quick_dbm(self) -> float:
        return (self.quick_db + _UNHEARD_READS * UNHEARD_DBM) / (self.quick + _UNHEARD_READS)

    def doubt(self) -> float:
        """One over the number of reads that the quick average rests on."""
        return 1.0 / (2.0 * (self.quick + _UNHEARD_READS))

    def slow_dbm(self) -> float:
        return (self.slow_db + _UNHEARD_READS * UNHEARD_DBM) / (self.slow + _UNHEARD_READS)


class Levels(msgspec.Struct, array_like=True):
    """One tag's levels at the places that hear it. ``place`` is where it is."""

    at_us: int
    place: str
    heard: dict[str, _Level] = {}

    def hear(
        self, place: str, dbm: float, at_us: int, *, times: int, span_s: float, gap_s: float
    ) -> None:
        """``times`` reads of ``dbm`` on average, evenly over the ``span_s`` before ``at_us``.

        ``gap_s`` is the gap to expect between the tag's reads.
        """
        quick_s = max(QUICK_S, _GAPS * gap_s)
        passed_s = (at_us - self.at_us) / 1e6
        if passed_s > 0:
            self._fade(math.exp(-passed_s / quick_s), math.exp(-passed_s / (_SLOW * quick_s)))
            self.at_us = at_us
        level = self.heard.get(place)
        if level is None:
            level = self.heard[place] = _Level()
        quick = times * _left(span_s, quick_s)
        slow = times * _left(span_s, _SLOW * quick_s)
        level.quick += quick
        level.quick_db += quick * dbm
        level.slow += slow
        level.slow_db += slow * dbm
        if len(self.heard) > _MOST_PLACES:
            self._let_go()

    def has_moved(self) -> bool:
        """Whether it is at another place now than it was; ``place`` says where."""
        best = self.best()
        if best == self.place:
            return False
        was, now = self.heard.get(self.place, _Level()), self.heard[best]
        quick_db = now.quick_dbm() - was.quick_dbm()
        slow_db = now.slow_dbm() - was.slow_dbm()
        by_chance_db = _CHANCE_DB * math.sqrt(now.doubt() + was.doubt())
        changed = quick_db - slow_db > max(SWING_DB, by_chance_db)
        settled = slow_db > LEAD_DB and quick_db > max(2 * LEAD_DB, by_chance_db)
        if quick_db <= LEAD_DB or not (changed or settled):
            return False
        self.place = best
        return True

    def best(self) -> str:
        """The place that hears it best now."""
        return max(self.heard, key=lambda name: (self.heard[name].quick_dbm(), name))

    def confidence(self) -> float:
        """The place's share of the power heard at it and at the next best: 0.5 is a toss-up."""
        mine = self.heard[self.place].quick_dbm() if self.place in self.heard else UNHEARD_DBM
        others = [one.quick_dbm() for name, one in self.heard.items() if name != self.place]
        if not others:
            return 1.0
        return 1.0 / (1.0 + math.pow(10.0, (max(others) - mine) / 10.0))

    def _fade(self, quick: float, slow: float) -> None:
        for level in self.heard.values():
            level.quick *= quick
            level.quick_db *= quick
            level.slow *= slow
            level.slow_db *= slow

    def _let_go(self) -> None:
        others = [name for name in self.heard if name != self.place]
        del self.heard[min(others, key=lambda name: (self.heard[name].slow, name))]


def _left(span_s: float, fading_s: float) -> float:
    """What is left on average of reads spread evenly over the last ``span_s``."""
    if span_s <= 0:
        return 1.0
    return (1.0 - math.exp(-span_s / fading_s)) * fading_s / span_s
