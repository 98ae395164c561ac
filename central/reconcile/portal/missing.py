"""Who was at a portal when it ceased to hear, and is not where he was when it heard again. Pure.

Asked about are tags that were under way or stood there and are gone, those of passes that were cut,
and those that are found on a side where the books do not have their goods and that the portal
did not know there before. Who lies where he lay, who was judged whole since, and strays are not.
"""

from __future__ import annotations

from typing import NamedTuple

from central.reconcile.portal.gathering import LIVELY_DB
from central.reconcile.portal.live import AFRESH_US, FEW, ROSE_DB, TOGETHER_US, Live
from central.reconcile.portal.outage import (
    ASKED_AFTER_US,
    LIES_US,
    MOST_TAGS,
    STAYS_US,
    Outage,
)
from central.reconcile.portal.state import Portal
from central.reconcile.portal.track import INSIDE, OUTSIDE, UNHEARD_DBM, UNKNOWN, Track, begin
from central.reconcile.verdict import Logged
from gateway.contract import DeviceHealth

JUST_US = 2_000_000
LATELY_US = 20_000_000
"""Under way is who was heard within the first before it, and changed, or came with others within
the second."""
LAY_US = 15_000_000
"""Who lies there was told of within this: an edge tells every 10 s."""
OFTEN_DS = 10
"""A tag that lay there and was read at least once a second (in tenths of one) would be heard."""
LONG_US = 1_800_000_000
"""What lay before a portal for longer than this is not asked about: people clear up."""
CLEAR_DB = 10.0
CLEAR_READS = 3
"""A tag is on a side that hears it so much better, of so many sightings."""
_SIDES = (OUTSIDE, INSIDE)


class Suspect(NamedTuple):
    """A tag that may have gone through unheard: what there is of it, and the side on which it was
    found afterwards although the portal did not know it there (``UNKNOWN``: on none).
    """

    track: Track
    found: int = UNKNOWN


def watch(portal: Portal, logged: Logged, seen: DeviceHealth) -> None:
    """A reader says how it is: where it ceases to hear, remember who is under way."""
    outage = portal.turn(logged, seen)
    if outage is not None:
        outage.before = under_way(portal, outage.said_us)


def under_way(portal: Portal, since_us: int) -> dict[str, Track]:
    """Copies of what is known of the tags that come, pass or stand there now."""
    there = [one for one in portal.live.values() if _is_there(one, since_us)]
    there = [one for one in there if not portal.is_known(one.track)]
    ones = [one for one in there if _changes(one)]
    young = sorted(
        (one.pulse.first_us, one.track.epc)
        for one in there
        if one.pulse.first_us >= max(since_us - LATELY_US, portal.began_us + AFRESH_US)
    )
    company: set[str] = set()
    for place in range(len(young) - FEW + 1):
        lot = young[place : place + FEW]
        if lot[-1][0] - lot[0][0] <= TOGETHER_US:
            company.update(epc for _, epc in lot)
    names = {one.track.epc for one in ones} | company
    return {
        one.track.epc: one.track.ending(one.track.last_us)
        for one in there[:MOST_TAGS]
        if one.track.epc in names
    }


def suspects(portal: Portal, outage: Outage, now_us: int) -> dict[str, Suspect]:
    """Who may have gone through, whatever the books say of it, in order of their names."""
    found: dict[str, Suspect] = {}
    for epc, track in {**outage.before, **outage.caught}.items():
        if not _is_still_there(portal, epc, max(now_us, outage.until_us), outage.said_us):
            found[epc] = Suspect(track)
    for epc, track in outage.after.items():
        side = _side(track)
        if side != UNKNOWN and side != outage.lay.get(epc, UNKNOWN):
            found[epc] = Suspect(found[epc].track if epc in found else track, side)
    for epc, track in _gone(portal, outage):
        found.setdefault(epc, Suspect(track))
    judged_us = {one.track.epc: one.track.last_us for one in portal.ahead}
    return {
        epc: found[epc]
        for epc in sorted(found)
        if judged_us.get(epc, 0) < found[epc].track.first_us
    }


def _is_there(one: Live, since_us: int) -> bool:
    patience_us = LAY_US if one.rests else JUST_US
    is_heard = since_us - one.pulse.last_us <= patience_us
    return bool(one.track.ears) and not one.is_tail and is_heard


def _changes(one: Live) -> bool:
    return (
        one.pulse.range_db >= LIVELY_DB
        or one.came is not None
        or bool(one.parked_us)
        or (not one.pulse.is_still() and one.track.rose_db >= ROSE_DB)
    )


def _is_still_there(portal: Portal, epc: str, now_us: int, said_us: int) -> bool:
    one, resident = portal.live.get(epc), portal.residents.tags.get(epc)
    if one is not None and one.pulse.last_us > max(now_us - STAYS_US, said_us):
        return True
    lay_us = resident.last_s * 1_000_000 if resident is not None else 0
    return lay_us > max(now_us - LIES_US, said_us)


def _heard_since(portal: Portal, epc: str, at_us: int) -> bool:
    one, resident = portal.live.get(epc), portal.residents.tags.get(epc)
    if one is not None and max(one.pulse.last_us, one.track.last_us) > at_us:
        return True
    return resident is not None and resident.last_s > at_us // 1_000_000


def _side(track: Track) -> int:
    levels = {side: track.peak_of(side) for side in _SIDES}
    side = max(_SIDES, key=lambda side: levels[side])
    other = levels[INSIDE if side == OUTSIDE else OUTSIDE]
    clear = levels[side] - max(other, UNHEARD_DBM) >= CLEAR_DB and track.reads >= CLEAR_READS
    return side if clear else UNKNOWN


def _gone(portal: Portal, outage: Outage) -> list[tuple[str, Track]]:
    """Several tags that lay there, were read often, and are not heard any more."""
    over_us = outage.until_us or outage.said_us + ASKED_AFTER_US
    if not outage.until_us or over_us - outage.since_us > LONG_US or not outage.alone:
        return []
    first_s = (outage.since_us - LAY_US) // 1_000_000
    last_s = outage.said_us // 1_000_000
    gone = [
        begin(epc, outage.since_us, source=outage.source, seq=outage.seq)
        for epc, one in portal.residents.tags.items()
        if 0 < one.gap_ds <= OFTEN_DS
        and first_s <= one.last_s <= last_s
        and epc not in outage.after
        and not _heard_since(portal, epc, outage.until_us)
    ]
    return [(track.epc, track) for track in gone] if len(gone) >= FEW else []
