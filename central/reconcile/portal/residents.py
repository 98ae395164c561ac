"""The tags that lie about at a portal, and how loud they are there. Bounded.

A tag is ABSENT (no word of it), SEEN (its first sightings), ACTIVE (on its way: it may cross) or
RESIDENT (judged and did not cross, or heard unchanged for long). A resident is a stray until it
shows change: louder than it ever was by ``RISE_DB``, or it crossed and is forgotten here.

A remembered tag takes about 50 bytes in the dumped state; 20,000 of them make 1 MB.
"""

from __future__ import annotations

import math

import msgspec

from central.reconcile.portal.track import INSIDE, OUTSIDE, UNHEARD_DBM, UNKNOWN, Track

RISE_DB = 6.0
"""Change (reconciling facts, 5c): channel to channel a standing tag scatters by 2.1 dB, and this
is held against the loudest ever heard, which is some 4 dB above the mean."""
OTHER_SIDE_DB = 12.0
"""A side that had not heard a tag may hear it one day this much fainter than the other does."""
WENT_DB = 8.0
_LAST = 4
FORGET_DB = 1.0
"""A remembered level sinks by this with every pass in which the tag was weaker."""
MEMORY_TAGS = 20_000


class Resident(msgspec.Struct, array_like=True):
    """A tag's loudest levels per side in whole dBm, how often it was judged a stray, when it
    was heard last and first, and the mean time between its reads while it lay there, in tenths of
    a second (0: not known).
    """

    last_s: int
    outside_dbm: int = round(UNHEARD_DBM)
    inside_dbm: int = round(UNHEARD_DBM)
    unknown_dbm: int = round(UNHEARD_DBM)
    passes: int = 0
    first_s: int = 0
    gap_ds: int = 0

    def level(self, side: int) -> int:
        """The level remembered of a side."""
        return (self.outside_dbm, self.inside_dbm, self.unknown_dbm)[side]

    def hear(self, side: int, level_dbm: float) -> None:
        """It was this loud once."""
        level = round(level_dbm)
        if side == OUTSIDE:
            self.outside_dbm = max(self.outside_dbm, level)
        elif side == INSIDE:
            self.inside_dbm = max(self.inside_dbm, level)
        else:
            self.unknown_dbm = max(self.unknown_dbm, level)

    def sink(self) -> None:
        """An old level is worth a little less."""
        floor, less = round(UNHEARD_DBM), round(FORGET_DB)
        self.outside_dbm = max(self.outside_dbm - less, floor)
        self.inside_dbm = max(self.inside_dbm - less, floor)
        self.unknown_dbm = max(self.unknown_dbm - less, floor)


class Residents(msgspec.Struct):
    """Whom the portal remembers, the longest unheard first out."""

    tags: dict[str, Resident] = {}

    def knows(self, track: Track, *, before_us: int | None = None) -> bool:
        """Whether it was here (before some moment) without crossing, and is no louder than it
        was.
        """
        resident = self.tags.get(track.epc)
        if resident is None or not resident.passes:
            return False
        if before_us is not None and resident.first_s * 1_000_000 >= before_us:
            return False
        sides = (OUTSIDE, INSIDE, UNKNOWN)
        faint = max(resident.level(side) for side in sides) - OTHER_SIDE_DB
        return all(
            track.peak_of(side) < max(resident.level(side), faint) + RISE_DB for side in sides
        )

    def side_of(self, epc: str) -> int:
        """The side on which a tag lies that is known; ``UNKNOWN`` for others."""
        resident = self.tags.get(epc)
        if resident is None or not resident.passes:
            return UNKNOWN
        return INSIDE if resident.inside_dbm > resident.outside_dbm else OUTSIDE

    def first_us(self, epc: str) -> int:
        """When a remembered tag was first heard, to the second; 0 of others."""
        resident = self.tags.get(epc)
        return resident.first_s * 1_000_000 if resident else 0

    def rest(
        self, epc: str, at_us: int, side: int, level_dbm: float | None, *, gap_s: float = 0.0
    ) -> None:
        """It lies there unchanged, and is read every ``gap_s`` (0: not known)."""
        resident = self._of(epc, at_us, at_us)
        resident.gap_ds = math.ceil(10.0 * gap_s)
        if level_dbm is not None:
            resident.hear(side, level_dbm)
        resident.passes = max(resident.passes, 1)

    def stay(self, track: Track, *, lay: bool = False) -> None:
        """It was there for a while and did not cross. Of one that came and went only the last
        levels are remembered: there it is now. One that ``lay`` there was as loud as it was.
        """
        resident = self._of(track.epc, track.first_us, track.last_us)
        resident.sink()
        for side, level_dbm in _levels(track) if lay else _resting(track):
            resident.hear(side, level_dbm)
        resident.passes += 1

    def leave(self, epc: str) -> None:
        """It crossed: where it lies now is not where it lay."""
        self.tags.pop(epc, None)

    def _of(self, epc: str, first_us: int, at_us: int) -> Resident:
        resident = self.tags.pop(epc, None)
        if resident is None:
            resident = Resident(at_us // 1_000_000, first_s=first_us // 1_000_000)
        resident.last_s = max(resident.last_s, at_us // 1_000_000)
        self.tags[epc] = resident
        while len(self.tags) > MEMORY_TAGS:
            del self.tags[next(iter(self.tags))]
        return resident


def _levels(track: Track) -> list[tuple[int, float]]:
    return [(ear.side, ear.peak_dbm) for ear in track.ears]


def _resting(track: Track) -> list[tuple[int, float]]:
    """Each side's loudest level; of a tag that came near and went, that of its last moments."""
    best = [one.best_dbm for one in track.bins() if one.best_dbm is not None]
    if not best or max(best) - max(best[-_LAST:]) < WENT_DB:
        return _levels(track)
    last = [one for one in track.bins() if one.best_dbm is not None][-_LAST:]
    heard = [(OUTSIDE, one.outside_dbm) for one in last]
    heard += [(INSIDE, one.inside_dbm) for one in last]
    heard += [(UNKNOWN, one.best_dbm) for one in last]
    return [(side, level) for side, level in heard if level is not None]
