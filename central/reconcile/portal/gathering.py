"""Who goes by together: the tags that make a group, and those beside them.

Tags that change make groups, parted by when each was nearest (``segment``). Whoever else was
nearest at that time is weighed with them: strays too, since what tells a stray from a case is how
it differs from the cases. Those of a group that were judged before (``ahead``) still count.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import NamedTuple

from central.reconcile.portal import segment
from central.reconcile.portal.ahead import Ahead
from central.reconcile.portal.live import Live
from central.reconcile.portal.ripeness import State
from central.reconcile.portal.track import Track

LIVELY_DB = 10.0
"""A tag whose level changed this much on one antenna can make a group."""
BESIDE_US = 1_000_000
"""Tags nearest this long before and after those that make a group still belong to it."""


class Group(NamedTuple):
    """What went by together: the tracks to judge, the tags of them that make the group, when
    these were heard, whether there is no more to wait for, whether it stands in the doorway, who of
    it was judged before, and whether it is looked at so ``soon`` that its best moment may be to
    come.
    """

    tracks: list[Track]
    makers: frozenset[str]
    opened_us: int
    closed_us: int
    final: bool = True
    standing: bool = False
    ahead: Sequence[Ahead] = ()
    soon: bool = False


class Makers(NamedTuple):
    """The tags that make a group, those of it that were judged before, and the time in which
    what was nearest is its own.
    """

    ones: list[Live]
    ahead: list[Ahead]
    since_us: int
    until_us: int


class _Moment(NamedTuple):
    """When a tag was nearest."""

    at_us: int
    epc: str
    one: Live | Ahead


class Table:
    """The tags under way. ``free`` are those that no group has taken; ``known`` says of a track
    whether it lay here before, ``met`` has everybody who ever did; ``beams_us`` are the middles of
    a photo-eye's darknesses.
    """

    def __init__(
        self,
        free: dict[str, Live],
        ahead: Sequence[Ahead],
        known: Callable[[Track], bool],
        met: Container[str],
        beams_us: Sequence[int],
    ) -> None:
        self.free = free
        self._ahead = ahead
        self._known = known
        self._met = met
        self._beams_us = beams_us

    def makers(self, now_us: int, *, all_silent: bool) -> list[Makers]:
        """The tags that make each group, oldest first. After ``all_silent`` a tag that fell
        silent without ever changing makes one, too.
        """
        ones = [
            one
            for one in self.free.values()
            if self._is_candidate(one)
            and (
                one.pulse.range_db >= LIVELY_DB
                or (all_silent and one.pulse.is_gone(now_us))
                or one.left_behind
                or self._is_behind(one)
            )
        ]
        if not ones:
            return []
        everybody: list[Live | Ahead] = [*ones, *self._ahead]
        met = [_Moment(one.nearest_us, one.track.epc, one) for one in everybody]
        met.sort(key=lambda moment: moment[:2])
        cuts_us = segment.cuts([moment.at_us for moment in met], self._beams_us)
        found: list[Makers] = []
        for cut_us in (*cuts_us, met[-1].at_us + BESIDE_US):
            own = [moment for moment in met if moment.at_us <= cut_us]
            met = met[len(own) :]
            live = [moment.one for moment in own if isinstance(moment.one, Live)]
            if live:
                ahead = [moment.one for moment in own if isinstance(moment.one, Ahead)]
                since_us = own[0].at_us - BESIDE_US
                until_us = min(own[-1].at_us + BESIDE_US, cut_us)
                found.append(Makers(live, ahead, since_us, until_us))
        return found

    def company(self, makers: Makers) -> list[Live]:
        """The candidates that were nearest when the group's makers were, themselves included."""
        return [
            one
            for one in self.free.values()
            if self._is_candidate(one) and makers.since_us <= one.nearest_us <= makers.until_us
        ]

    def take(self, makers: Makers, company: Sequence[Live], state: State) -> Group | None:
        """The group that these make, unless it is still open, with the strays that were nearest
        at its time; nobody of it is free any more.
        """
        group = None if state is State.OPEN else self._group(makers, company, state)
        for track in group.tracks if group else ():
            self.free.pop(track.epc)
        for one in company:
            self.free.pop(one.track.epc, None)
        return group

    def _group(self, makers: Makers, company: Sequence[Live], state: State) -> Group:
        since_us = min(one.nearest_us for one in company)
        until_us = max(one.nearest_us for one in company)
        new = [
            one
            for one in self.free.values()
            if self._is_new(one) and since_us - BESIDE_US <= one.nearest_us <= until_us + BESIDE_US
        ]
        epcs = frozenset(one.track.epc for one in (*company, *new))
        tracks = [
            one.track
            for epc, one in self.free.items()
            if epc in epcs or (self._is_stray(one) and since_us <= one.nearest_us <= until_us)
        ]
        return Group(
            tracks,
            epcs,
            min(one.track.first_us for one in makers.ones),
            max(one.track.last_us for one in makers.ones),
            final=state is State.OVER,
            standing=state is State.STANDING,
            ahead=makers.ahead,
            soon=state is State.SOON,
        )

    def _is_candidate(self, one: Live) -> bool:
        if not one.is_under_way or one.left_behind:
            return one.is_under_way
        return not one.pulse.is_still() and not self._known(one.track)

    def _is_new(self, one: Live) -> bool:
        """Whether it was never heard before, and so little that nobody saw it change."""
        return one.is_under_way and one.pulse.is_still() and one.track.epc not in self._met

    def _is_stray(self, one: Live) -> bool:
        return one.is_under_way and not self._is_candidate(one)

    def _is_behind(self, one: Live) -> bool:
        """Whether it was nearest when others were that have been judged."""
        at_us = one.nearest_us
        return any(abs(at_us - other.nearest_us) <= BESIDE_US for other in self._ahead)
