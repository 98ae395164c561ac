"""Every tag of a pass judged in the light of the others, with all that is known of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from central.reconcile.portal import crossing
from central.reconcile.portal.crossing import Judged
from central.reconcile.portal.features import Lain, Seen
from central.reconcile.portal.state import Group, Portal
from central.reconcile.portal.track import Track
from central.reconcile.verdict import Context, Pack
from gateway.gs1 import Epc, decode_epc

CROSSED_AT = 0.5
DOUBT_AT = 0.1
SURE_AT = 0.95
SURE_SHARE = 0.8
HARDLY_AT = 0.8
MOST_DOUBT = 0.5
"""A pass is judged before it is over if of the tags that may have crossed (more than
``1 - SURE_AT``) so many did so surely, the others that crossed did so hardly in doubt, and less
than half a tag is expected of those that seem not to have. Strays beside it, who surely did
not, are not waited for."""


class Crossing(NamedTuple):
    """One tag of the pass with all that is known of it. ``expected`` is the way that an open
    document says it goes, where that settles it; empty otherwise.
    """

    track: Track
    epc: Epc
    seen: Seen
    odds: Judged
    known: bool
    pack: Pack | None
    expected: str = ""

    @property
    def direction(self) -> str:
        """Which way, if it crossed at all."""
        return "in" if self.odds.inwards >= 0.5 else "out"

    @property
    def confidence(self) -> float:
        """That it crossed, and this way."""
        return self.odds.crossed * max(self.odds.inwards, 1.0 - self.odds.inwards)


def weigh(tracks: Sequence[Track], portal: Portal, context: Context) -> list[Crossing]:
    """Judge every tag of a pass. What follows for the portal's memory is left to ``learn``."""
    if not tracks:
        return []
    known = [portal.is_known(track) for track in tracks]
    looks = crossing.looks(tracks, [lain_of(portal, track) for track in tracks], known)
    judged = crossing.judge(crossing.voices(looks))
    crossings = []
    for track, one, odds, old in zip(tracks, looks, judged, known, strict=True):
        epc = decode_epc(track.epc)
        pack = context.packs.get(epc.gtin) if epc.gtin else None
        crossings.append(Crossing(track, epc, one.seen, odds, old, pack))
    return crossings


def learn(crossings: Sequence[Crossing], portal: Portal) -> None:
    """Remember those that did not cross as strays; those that did are none any more."""
    for one in crossings:
        if one.odds.crossed < DOUBT_AT:
            portal.remember(one.track)
        elif one.odds.crossed >= CROSSED_AT:
            portal.forget(one.track)


def is_sure(crossings: Sequence[Crossing]) -> bool:
    """Whether nobody need wait for more reads: some tags crossed, and of nobody beside them it is
    in doubt whether he did.
    """
    maybe = [one for one in crossings if one.odds.crossed > 1.0 - SURE_AT]
    crossed = [one.confidence for one in maybe if one.odds.crossed >= CROSSED_AT]
    doubt = sum(one.odds.crossed for one in maybe if one.odds.crossed < CROSSED_AT)
    surely = sum(1 for confidence in crossed if confidence >= SURE_AT)
    return (
        0 < surely >= SURE_SHARE * len(maybe) and min(crossed) >= HARDLY_AT and doubt < MOST_DOUBT
    )


class Ripe(NamedTuple):
    """A group to judge now, and its tags as weighed."""

    group: Group
    crossings: list[Crossing]


def ripe(group: Group, crossings: list[Crossing], portal: Portal) -> Ripe | None:
    """What of a group is judged now: one that stands without having crossed is parked. Of one
    that is not over only who crossed: who is beside it may still be on the way.
    """
    if group.standing and not is_likely(crossings, group.makers):
        portal.park(group)
        return None
    if group.final or group.standing:
        return Ripe(group, crossings)
    if not is_sure(crossings):
        return None
    left = [one for one in crossings if one.odds.crossed >= DOUBT_AT]
    return Ripe(group._replace(tracks=[one.track for one in left]), left)


def is_likely(crossings: Sequence[Crossing], makers: Collection[str]) -> bool:
    """Whether most of the tags that make the group seem to have crossed."""
    own = [one for one in crossings if one.track.epc in makers]
    return sum(1 for one in own if one.odds.crossed >= CROSSED_AT) > len(own) / 2.0


def lain_of(portal: Portal, track: Track) -> Lain | None:
    """What the portal remembers of a tag that lay here before."""
    resident = portal.residents.tags.get(track.epc)
    if resident is None or not resident.passes:
        return None
    return Lain(float(resident.outside_dbm), float(resident.inside_dbm), resident.passes)
