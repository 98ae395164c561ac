"""What a pass came to, tag by tag: what screens and corrections tell of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from central.reconcile.portal.track import SIDE_NAMES
from central.reconcile.portal.weighing import DOUBT_AT, Crossing
from central.reconcile.verdict import Review, TagVerdict
from central.stock.model import Movement


class Decided(NamedTuple):
    """What a pass came to."""

    movements: list[Movement]
    reviews: list[Review]
    tags: list[TagVerdict]
    direction: str
    decision: str


def told(
    crossings: Sequence[Crossing],
    movements: list[Movement],
    reviews: list[Review],
    notes: Mapping[int, tuple[str, str]],
) -> Decided:
    """What a pass came to, tag by tag."""
    tags = [
        _told(one, *notes.get(id(one.track), ("none", _why_not(one))))
        for one in crossings
        if one.says_something
    ]
    ways = {tag.direction for tag in tags} - {"none"}
    direction = ways.pop() if len(ways) == 1 else "mixed" if ways else "none"
    decision = "review" if reviews else "moved" if movements else "nothing"
    return Decided(movements, reviews, tags, direction, decision)


def _why_not(one: Crossing) -> str:
    if one.odds.crossed >= DOUBT_AT:
        return "in doubt"
    return "known stray" if one.known else "stray"


def _told(one: Crossing, direction: str, reason: str) -> TagVerdict:
    crossed = direction != "none"
    return TagVerdict(
        epc=one.track.epc,
        direction=direction,
        confidence=round(one.confidence if crossed else 1.0 - one.odds.crossed, 4),
        reads=one.track.reads,
        reason=reason,
        sku=one.pack.sku if one.pack is not None else None,
        quantity=one.pack.quantity if one.pack is not None else 0,
        peak_rssi_dbm=None if one.track.supposed else one.track.peak_dbm,
        sides={
            name: side.count
            for name, side in zip(SIDE_NAMES, one.track.sides, strict=True)
            if side.count
        },
    )
