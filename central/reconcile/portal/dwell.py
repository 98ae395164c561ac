"""Goods held before a reader that knows no sides: told from their surroundings, not from a pass.

A box that is scanned for half a minute among hundreds of tags does not come and go. What tells
its tags is that they are read most often, and that their levels change most because somebody
holds or turns the box while the room stands still; both relative to the scan's own strongest
tags, so that nothing depends on the site. A tag that lay here in an earlier scan and is no louder
than it was belongs to the room.

Wanted tags and room part in a gap of ``standing`` (the sum of both logarithms), which differs from
place to place, so the cut is laid into the widest gap of the scan itself. Chosen by looking at 20
real scans (two boxes, two places): wanted tags stood above -0.5, the room below -0.8 at one place
and below -1.2 at the other; regressions trained at one place cut wrongly at the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from central.reconcile.portal.track import SUPPOSED_DBM, Track
from gateway.contract import TagSighting

BETWEEN_US = 5_000_000
"""A silence of the whole reader this long ends one scan and begins the next."""
OVER_US = 1_400_000
SHORTEST_US = 15_000_000
LONGEST_US = 45_000_000
"""A scan is judged when it fell silent and lasted the shortest, or at the longest."""
MOST_TAGS = 4_000
STRONGEST = 5
"""So many of the tags read most often are the scan's yardstick."""
_STEADY_DB, _STEADY_READS = 2.0, 4.0
"""A spread from few reads is shrunk towards that of a tag that lies still."""
CUT, CUT_LOW, CUT_HIGH = -0.6, -1.2, -0.2
WIDE = 0.2
"""The cut, and between which standings a gap at least this wide is a better one."""
MOVED_DB = 4.5
"""Unless the strongest tags' levels change by this much, nothing was held before the reader: a
tag that lies still spreads by 2 to 4.5 dB, the scanned ones did by 5.6 to 7.9."""
KNOWN = -1.0
"""What a tag's standing loses that lay here before."""
STEEP = 12.0


class Heard(msgspec.Struct, array_like=True):
    """One antenna's levels of a tag: Welford's running mean and sum of squares."""

    name: str
    reads: int = 0
    mean_dbm: float = 0.0
    squares: float = 0.0

    def add(self, reads: int, level_dbm: float) -> None:
        """Take one sighting in."""
        self.reads += reads
        off = level_dbm - self.mean_dbm
        self.mean_dbm += off * reads / self.reads
        self.squares += reads * off * (level_dbm - self.mean_dbm)


class Dwelling(msgspec.Struct, array_like=True):
    """One tag during a scan. ``lying`` are reads of which only a summary was told."""

    track: Track
    heard: list[Heard] = []
    lying: int = 0

    @property
    def reads(self) -> int:
        """How often it was read."""
        return self.lying + self.track.reads

    @property
    def spread_db(self) -> float:
        """How much its levels change at one antenna."""
        squares = sum(one.squares for one in self.heard) + _STEADY_READS * _STEADY_DB**2
        return math.sqrt(squares / (sum(one.reads for one in self.heard) + _STEADY_READS))


class Scan(msgspec.Struct):
    """All that was heard since the reader last was silent."""

    first_us: int
    last_us: int
    tags: dict[str, Dwelling] = {}
    judged: bool = False

    def begins_anew(self, at_us: int) -> bool:
        """Whether what is heard now belongs to another scan."""
        return abs(at_us - self.last_us) > BETWEEN_US

    def add(self, at_us: int, track: Track, side: int, seen: TagSighting) -> None:
        """Take one sighting in; ``track`` is an empty one, should the tag be new."""
        self.last_us = max(self.last_us, at_us)
        if self.judged or (seen.epc not in self.tags and len(self.tags) >= MOST_TAGS):
            return
        tag = self.tags.setdefault(seen.epc, Dwelling(track))
        tag.track.last_seq = track.last_seq
        tag.track.add(at_us, side, seen)
        level = seen.mean_rssi_dbm if seen.mean_rssi_dbm is not None else seen.peak_rssi_dbm
        name = f"{seen.device}/{seen.antenna}"
        heard = next((one for one in tag.heard if one.name == name), None)
        if heard is None:
            heard = Heard(name)
            tag.heard.append(heard)
        heard.add(seen.count, SUPPOSED_DBM if level is None else level)

    def rest(self, epc: str, reads: int, until_us: int) -> None:
        """A tag lay unchanged, and was read so often."""
        self.last_us = max(self.last_us, until_us)
        if epc in self.tags:
            self.tags[epc].lying += reads

    def is_over(self, now_us: int) -> bool:
        """Whether it can be judged: long enough to be a scan, and silent or too long."""
        lasted_us = self.last_us - self.first_us
        silent = now_us - self.last_us >= OVER_US
        return not self.judged and lasted_us >= (SHORTEST_US if silent else LONGEST_US)


def _yardstick(tags: Sequence[Dwelling]) -> tuple[int, float]:
    top = sorted(tags, key=lambda tag: (-tag.reads, tag.track.epc))[:STRONGEST]
    middle = len(top) // 2
    return sorted(tag.reads for tag in top)[middle], sorted(tag.spread_db for tag in top)[middle]


def standings(tags: Sequence[Dwelling], known: Sequence[bool]) -> list[float]:
    """How each tag stands beside the scan's strongest: 0 is like them, less is fainter."""
    reads, spread_db = _yardstick(tags)
    return [
        math.log(max(tag.reads, 1) / max(reads, 1))
        + math.log(tag.spread_db / spread_db)
        + (KNOWN if old else 0.0)
        for tag, old in zip(tags, known, strict=True)
    ]


def cut(found: Sequence[float]) -> float:
    """The standing above which tags are the scanned goods."""
    near = sorted(s for s in found if CUT_LOW <= s <= CUT_HIGH)
    below = max((s for s in found if s < CUT_LOW), default=-math.inf)
    above = min((s for s in found if s > CUT_HIGH), default=math.inf)
    edges = [max(below, CUT_LOW), *near, min(above, CUT_HIGH)]
    low, high = max(pairwise(edges), key=lambda pair: pair[1] - pair[0])
    return (low + high) / 2.0 if high - low >= WIDE else CUT


def presented(tags: Mapping[str, Dwelling], known: Mapping[str, bool]) -> dict[str, float]:
    """The probability that each tag was among the scanned goods."""
    if not tags or _yardstick(list(tags.values()))[1] < MOVED_DB:
        return dict.fromkeys(tags, 0.0)
    found = standings(list(tags.values()), [known[epc] for epc in tags])
    at = cut(found)
    return {
        epc: 1.0 / (1.0 + math.exp(min(STEEP * (at - standing), 50.0)))
        for epc, standing in zip(tags, found, strict=True)
    }
