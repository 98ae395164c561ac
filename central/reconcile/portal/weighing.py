"""Every tag of a pass judged in the light of the others, with all that is known of it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from central.reconcile.portal import crossing
from central.reconcile.portal.ahead import Ahead, ahead_of
from central.reconcile.portal.crossing import Judged
from central.reconcile.portal.features import Lain, Seen
from central.reconcile.portal.gathering import Group
from central.reconcile.portal.live import FEW
from central.reconcile.portal.state import Portal
from central.reconcile.portal.track import Track
from central.reconcile.verdict import Context, Pack
from gateway.gs1 import Epc, decode_epc

CROSSED_AT = 0.5
DOUBT_AT = 0.1
SURE_AT = 0.98
AT_ONCE = 0.99
SOON_AT = 0.995
SURE_SHARE = 0.8
HARDLY_AT = 0.8
ALONG_AT = 0.9
MOST_DOUBT = 0.5
"""A pass is judged before it is over if of the tags that may have crossed (more than
``1 - SURE_AT``) so many did so surely, the others that crossed did so hardly in doubt, and less
than half a tag is expected of those that seem not to have. Sure is who was so at the look before,
too, or is at least ``AT_ONCE`` sure; at a look so soon that more may be to come, only who is
``SOON_AT`` sure. Whoever is then at least ``ALONG_AT`` sure goes along; the
others are judged when they are ripe themselves. Strays beside it, who surely did not cross, are not
waited for."""
BEHIND_US, LATELY_US = 1_600_000, 1_500_000
"""Nor is who was loudest so long after half of those that crossed, and that lately: he may be on a
pallet that comes close behind."""


class Crossing(NamedTuple):
    """One tag of the pass with all that is known of it. ``expected`` is the way that an open
    document says it goes, where that settles it; empty otherwise. ``after`` is how many of its
    group have crossed before and were judged; ``ledger`` are the log-odds of inwards that came of
    where the ledger has its group.
    """

    track: Track
    epc: Epc
    seen: Seen
    odds: Judged
    known: bool
    pack: Pack | None
    expected: str = ""
    after: int = 0
    ledger: float = 0.0

    @property
    def direction(self) -> str:
        """Which way, if it crossed at all."""
        return "in" if self.odds.inwards >= 0.5 else "out"

    @property
    def says_something(self) -> bool:
        """Whether it can be told what it is on: by what is written in it, or as people said."""
        return self.pack is not None or self.epc.scheme != "raw"

    @property
    def confidence(self) -> float:
        """That it crossed, and this way."""
        return self.odds.crossed * max(self.odds.inwards, 1.0 - self.odds.inwards)


def weigh(
    tracks: Sequence[Track], portal: Portal, context: Context, ahead: Sequence[Ahead] = ()
) -> list[Crossing]:
    """Judge every tag of a pass, in the light of those ``ahead`` that were judged already. What
    follows for the portal's memory is left to ``learn``.
    """
    if not tracks:
        return []
    own = {track.epc for track in tracks}
    before = [one for one in ahead if one.track.epc not in own]
    known = [portal.is_known(track) for track in tracks]
    looks = crossing.looks(
        [*tracks, *(one.track for one in before)],
        [*(lain_of(portal, track) for track in tracks), *(one.lain for one in before)],
        [*known, *(False for _ in before)],
    )
    judged = crossing.judge(crossing.voices(looks))
    gone = Counter(odds.group for odds in judged[len(tracks) :] if odds.crossed >= CROSSED_AT)
    crossings = []
    for track, one, odds, old in zip(tracks, looks, judged, known, strict=False):
        epc = decode_epc(track.epc)
        pack = context.pack_of(track.epc)
        after = gone[odds.group]
        crossings.append(Crossing(track, epc, one.seen, odds, old, pack, after=after))
    return crossings


def learn(crossings: Sequence[Crossing], portal: Portal) -> None:
    """Remember those that did not cross as strays, unless they did a moment ago; those that did
    are none any more.
    """
    before = {one.track.epc for one in portal.ahead}
    for one in crossings:
        if one.odds.crossed < DOUBT_AT and one.track.epc not in before:
            portal.remember(one.track)
        elif one.odds.crossed >= CROSSED_AT:
            portal.ahead.append(ahead_of(one.track, lain_of(portal, one.track)))
            portal.forget(one.track)


def is_sure(crossings: Sequence[Crossing], sure: Collection[str]) -> bool:
    """Whether nobody need wait for more reads: some tags crossed, nearly all of them ``sure``, and
    of nobody beside them it is in doubt whether he did.
    """
    maybe = [one for one in crossings if one.odds.crossed > 1.0 - SURE_AT]
    crossed = [one.confidence for one in maybe if one.odds.crossed >= CROSSED_AT]
    doubt = sum(one.odds.crossed for one in maybe if one.odds.crossed < CROSSED_AT)
    after = max((one.after for one in maybe), default=0)
    return (
        len(sure) >= SURE_SHARE * len(maybe)
        and 0 < len(sure) >= FEW - after
        and min(crossed) >= HARDLY_AT
        and doubt < MOST_DOUBT
    )


class Ripe(NamedTuple):
    """A group to judge now, and its tags as weighed."""

    group: Group
    crossings: list[Crossing]


def ripe(group: Group, crossings: list[Crossing], portal: Portal) -> Ripe | None:
    """What of a group is judged now: one that stands and did not cross so far is parked, one that
    stands behind the door is over. Of one that is not over only who crossed with it: who is beside
    it may still be on the way.
    """
    if group.final:
        return Ripe(group, crossings)
    whole, crossings = crossings, _without_coming(crossings, portal)
    ways = {one.track.epc: one.direction for one in crossings if one.confidence >= SURE_AT}
    sure = portal.sure_again([one.track.epc for one in crossings], ways)
    if group.soon:
        sure = set()
    at_once = SOON_AT if group.soon else AT_ONCE
    sure |= {one.track.epc for one in crossings if one.confidence >= at_once}
    if not is_sure(crossings, sure):
        if group.standing and _is_through(crossings):
            return Ripe(group._replace(final=True), whole)
        if group.standing:
            portal.park(group)
        return None
    along = [one for one in crossings if one.confidence >= ALONG_AT]
    portal.leave_behind(
        one.track.epc
        for one in crossings
        if one.confidence < ALONG_AT and one.odds.crossed >= DOUBT_AT
    )
    return Ripe(group._replace(tracks=[one.track for one in along]), along)


def _is_through(crossings: Sequence[Crossing]) -> bool:
    """Whether several tags, and most of those that may have crossed, did so hardly in doubt."""
    maybe = [one.odds.crossed for one in crossings if one.odds.crossed > 1.0 - SURE_AT]
    went = sum(odds >= HARDLY_AT for odds in maybe)
    return went >= FEW and 2 * went >= len(maybe)


def _without_coming(crossings: list[Crossing], portal: Portal) -> list[Crossing]:
    """Without those that are nearest only now, several of them and long after most who crossed:
    another pallet that comes close behind looks as if it went along.
    """
    tops_us = {one.track.epc: portal.live[one.track.epc].pulse.top_us for one in crossings}
    went_us = [tops_us[one.track.epc] for one in crossings if one.odds.crossed >= CROSSED_AT]
    if not went_us:
        return crossings
    latest_us = max(statistics.median(went_us) + BEHIND_US, portal.now_us - LATELY_US)
    left = [one for one in crossings if tops_us[one.track.epc] <= latest_us]
    return left if len(crossings) - len(left) >= FEW else crossings


def lain_of(portal: Portal, track: Track) -> Lain | None:
    """What the portal remembers of a tag that lay here before."""
    resident = portal.residents.tags.get(track.epc)
    if resident is None or not resident.passes:
        return None
    return Lain(float(resident.outside_dbm), float(resident.inside_dbm), resident.passes)
