"""Where the ledger has the goods of a pass, and what that says of which way they went. Pure.

Goods that are inside cannot come in, and goods that are not cannot go out. That tells nothing of
whether they crossed: strays lie on both sides. But where the antennas are not sure which way a
group went, and the ledger has nearly all of it on one side, it came from there. So the mean of what
it says of these is added to the log-odds of the group's way. What the ledger says of a few only is
no reason: these are strays, or the ledger is wrong.

The numbers are mild enough that surely heard goods never go the other way for what the ledger says:
then a person is asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from central.reconcile.portal.crossing import logistic
from central.reconcile.portal.weighing import CROSSED_AT, DOUBT_AT, Crossing
from central.reconcile.verdict import ReadPoint
from central.stock.model import LocationKind

KNOWN, NEVER_MET = 3.0, 1.0
"""Log-odds of the way that is left to goods that the ledger has on one side, and to those that it
has never met: they may stand inside since before there was a ledger. Chosen on emulated docks for
training with a ledger in which one pallet in twenty was on the wrong side."""
COVERED = 0.75
"""So much of a group must have one way left, and the same."""

ALREADY_INSIDE, ALREADY_OUTSIDE = "already inside", "already outside"
NOT_ON_STOCK = "not on stock"
OUTSIDE_PLACES = {kind.value for kind in LocationKind if kind is not LocationKind.INTERNAL}


def barred(direction: str, place: str | None, point: ReadPoint) -> str:
    """Why goods that are at ``place`` cannot have gone this way; empty when they can."""
    if direction == "in":
        return ALREADY_INSIDE if place == point.location else ""
    if place is None:
        return NOT_ON_STOCK
    outside = place in OUTSIDE_PLACES or place == point.outbound_to
    return ALREADY_OUTSIDE if outside else ""


def heed(
    crossings: Sequence[Crossing], places: Mapping[str, str], point: ReadPoint
) -> list[Crossing]:
    """The tags of a pass in the light of where the ledger has them (``places``, by EPC)."""
    if point.one_way:
        return list(crossings)
    groups: dict[int, list[float]] = {}
    for one in crossings:
        if one.pack is not None and one.odds.crossed >= CROSSED_AT:
            said = _says(places.get(one.track.epc), point)
            groups.setdefault(one.odds.group, []).append(said)
    means = {group: _mean(said) for group, said in groups.items()}
    return [
        _heeding(one, means.get(one.odds.group, 0.0), places.get(one.track.epc), point)
        for one in crossings
    ]


def _says(place: str | None, point: ReadPoint) -> float:
    """The log-odds of inwards that goods of this place have by themselves."""
    if barred("in", place, point):
        return -KNOWN
    if barred("out", place, point):
        return NEVER_MET if place is None else KNOWN
    return 0.0


def _mean(said: Sequence[float]) -> float:
    """What those say that agree, if they are nearly all."""
    inwards, outwards = [one for one in said if one > 0.0], [one for one in said if one < 0.0]
    most = max(inwards, outwards, key=len)
    return sum(most) / len(most) if most and len(most) >= COVERED * len(said) else 0.0


def _heeding(one: Crossing, mean: float, place: str | None, point: ReadPoint) -> Crossing:
    """Nobody is told to have gone a way that the ledger bars to him."""
    if not mean or one.pack is None or one.odds.crossed < DOUBT_AT:
        return one
    if barred("in" if mean > 0.0 else "out", place, point):
        return one
    safe = min(max(one.odds.inwards, 1e-9), 1.0 - 1e-9)
    inwards = logistic(math.log(safe / (1.0 - safe)) + mean)
    return one._replace(odds=one.odds._replace(inwards=inwards), ledger=mean)
