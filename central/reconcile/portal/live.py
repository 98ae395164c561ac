"""One tag under way: its track so far, how loud it is, and whether it stands in the doorway.

A pallet may be left in the doorway for half an hour. What tells which way it goes is how it came
and how it leaves, so the time that it stood is cut out: while it is parked its track is its coming
(``came``) and the last moments, and the track goes on when it leaves.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Iterable, Sequence

import msgspec

from central.reconcile.portal.crossing import when
from central.reconcile.portal.pulse import Pulse
from central.reconcile.portal.track import Track, begin

BACK_DB = 6.0
"""A tag that crossed is coming back when it is within this of how loud it was."""
COME_BACK = 0.5
"""It came back if so many of those that crossed with it are loud again."""
ROSE_DB = 6.0
FEW = 3
TOGETHER_US = 4_000_000
AFRESH_US = 3_000_000
"""Goods that stand there came if half of them were so much fainter at first (the levels of strays
scatter less in the mean), or if most of several were heard first within so short a time, and that
not when everything was, at the beginning."""
STEADY = 0.75
LEFT, NEARER = 0.6, 1.8
"""Of the amplitude that was heard of goods in the last seconds: they stand with the first, parked
ones leave below the second, and above the third: those that waited beside the door come nearer
before they go."""
FAR = 0.2
"""They do not stand in the doorway if no more than this is heard of what was heard at best."""
_SOON, _SLOWLY = 0.2, 0.05
SILENT_US = 22_000_000
"""A parked tag of which nothing was said for so long has gone; an edge tells of one that lies
unchanged every 10 s."""
KEPT_US = 3_600_000_000
"""Whatever stands for longer lies there."""


class Live(msgspec.Struct, array_like=True):
    """A tag under way. ``tail_dbm`` is how loud it was in the pass whose tail this is, which
    ends at ``tail_until_us``; ``least`` is the least amplitude that was heard of all of that pass
    since. ``came`` is its track until it stood; ``parked_us`` is when it was
    parked, 0 if it is not, ``usual`` the amplitude that was heard of it of late. It ``rests`` while
    its edge hears nothing of it change. It is ``back`` when its group came as near again as it was;
    ``way`` is where it surely went at the last look, if it surely did. It was ``left_behind`` by
    its group, which surely went while of this one it was in doubt: it is judged, whatever it does.
    """

    track: Track
    pulse: Pulse
    tail_until_us: int = 0
    tail_dbm: float = 0.0
    came: Track | None = None
    parked_us: int = 0
    usual: float = 0.0
    rests: bool = False
    back: bool = False
    way: str = ""
    least: float = math.inf
    left_behind: bool = False

    @property
    def is_tail(self) -> bool:
        """Whether it only tells more of a pass already judged."""
        return bool(self.tail_until_us) and not self.back

    @property
    def is_under_way(self) -> bool:
        """Whether anything is heard of it that no pass has taken, and it is not parked."""
        return bool(self.track.ears) and not self.parked_us and not self.is_tail

    @property
    def is_near_again(self) -> bool:
        """Whether a tag that crossed is nearly as loud as it was then."""
        return self.pulse.top_dbm >= self.tail_dbm - BACK_DB

    @property
    def nearest_us(self) -> int:
        """When it was nearest, of one that stands when it came."""
        return when(self.came or self.track).centre_us

    def amplitude(self, now_us: int) -> float:
        """What is heard of it: of one that lies unchanged what always was."""
        return self.usual if self.rests else self.pulse.amplitude(now_us)

    def hear(self, now_us: int) -> None:
        """Half a second has gone."""
        now, share = self.amplitude(now_us), _SLOWLY if self.parked_us else _SOON
        self.usual = self.usual + share * (now - self.usual) if self.usual else now

    def park(self, now_us: int) -> None:
        """It stands there until it leaves."""
        self.parked_us = now_us

    def cut(self, at_us: int) -> None:
        """Cut out the time that it stood until now."""
        if self.came is not None:
            self.track = self.came.ending(at_us)

    def go_on(self, heard: float) -> None:
        """It goes on its way with all of its pass, of which no less was ``heard`` since: if it
        comes back, that begins here.
        """
        old, self.least = self.track, heard
        self.track = begin(old.epc, old.last_us, source=old.source, seq=old.last_seq)
        self.pulse.afresh()

    def leave(self, now_us: int) -> None:
        """It goes on: from here its track is its coming and its going."""
        self.parked_us, self.came = 0, None
        self.pulse.top_us = now_us


def came(ones: Sequence[Live], since_us: int) -> bool:
    """Whether these were far away before they stood where they are; ``since_us`` is from when on
    anything was heard here.
    """
    if statistics.median([one.track.rose_db for one in ones]) >= ROSE_DB:
        return True
    if len(ones) < FEW:
        return False
    firsts = sorted(one.pulse.first_us for one in ones)
    early, late = firsts[len(firsts) // 5], firsts[(4 * len(firsts)) // 5]
    return late - early <= TOGETHER_US and early >= since_us + AFRESH_US


def is_steady(ones: Collection[Live], now_us: int) -> bool:
    """Whether they are heard as they were in the last seconds, and not merely from afar."""
    now = sum(one.amplitude(now_us) for one in ones)
    best = sum(one.pulse.best for one in ones)
    return now > max(STEADY * sum(one.usual for one in ones), FAR * best)


def come_back(ones: Iterable[Live], now_us: int) -> None:
    """Tags that crossed together come back together: one that is loud again alone is not, and one
    that is hardly heard is, if the others are. They turned when they were faintest together.
    """
    lots: dict[int, list[Live]] = {}
    for one in ones:
        if one.is_tail:
            lots.setdefault(one.tail_until_us, []).append(one)
    for lot in lots.values():
        near = sum(one.is_near_again for one in lot)
        heard = sum(one.amplitude(now_us) for one in lot)
        for one in lot:
            if near >= COME_BACK * len(lot):
                one.back = True
            elif heard < one.least:
                one.go_on(heard)


def stand(ones: Iterable[Live], *, steady: bool) -> None:
    """Keep how they came while they stand; forget that if they go on."""
    for one in ones:
        if not steady:
            one.came = None
        elif one.came is None:
            one.came = one.track.ending(one.track.last_us)


def pass_time(ones: Iterable[Live], now_us: int) -> None:
    """What half a second does: goods that are parked stand, or leave, as a lot."""
    lots: dict[int, list[Live]] = {}
    for one in ones:
        if one.parked_us:
            lots.setdefault(one.parked_us, []).append(one)
    for parked_us, lot in lots.items():
        before, now = sum(one.usual for one in lot), sum(one.amplitude(now_us) for one in lot)
        gone = now_us - parked_us > KEPT_US or not LEFT * before < now < NEARER * before
        for one in lot:
            if gone or now_us - one.pulse.last_us > SILENT_US:
                one.leave(now_us)
            elif now > STEADY * before:
                one.cut(now_us)
    for one in ones:
        one.hear(now_us)
