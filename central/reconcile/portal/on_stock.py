"""Where the ledger has the goods of a pass, and what that says of which way they went. Pure.

Goods that are inside cannot come in, and goods that are not cannot go out. That tells nothing of
whether they crossed: strays lie on both sides. But where the antennas are not sure which way a
group went, and the ledger has nearly all of it on one side, it came from there. So the mean of what
it says of these is added to the log-odds of the group's way. What the ledger says of a few only is
no reason: these are strays, or the ledger is wrong.

Of goods that it has never met, while a place inside holds as many of the item without a known tag,
it says nothing: they may be these, or new ones (``untagged``).

The numbers are mild enough that surely heard goods never go the other way for what the ledger says:
then a person is asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from central.reconcile.portal.crossing import logistic
from central.reconcile.portal.sides import VIRTUAL, Sides
from central.reconcile.portal.track import INSIDE, OUTSIDE
from central.reconcile.portal.untagged import Untagged, lot_of, lying
from central.reconcile.portal.weighing import CROSSED_AT, DOUBT_AT, Crossing
from central.reconcile.verdict import Context, ReadPoint

KNOWN, NEVER_MET = 3.0, 1.0
"""Log-odds of the way that is left to goods that the ledger has on one side, and to those that it
has never met: they may stand inside since before there was a ledger. Chosen on emulated docks for
training with a ledger in which one pallet in twenty was on the wrong side."""
COVERED = 0.75
"""So much of a group must have one way left, and the same."""

ALREADY_INSIDE, ALREADY_OUTSIDE = "already inside", "already outside"
NOT_ON_STOCK = "not on stock"


class Books:
    """Where the ledger has the goods of a pass: ``places`` by EPC."""

    def __init__(self, point: ReadPoint, context: Context, places: Mapping[str, str]) -> None:
        self._places = places
        self._point = point
        self._context = context
        self.sides = Sides(point, context)

    def place(self, epc: str) -> str | None:
        """The place of a tag's goods; ``None`` when the ledger has never met them."""
        return self._places.get(epc)

    def side(self, epc: str) -> int:
        """The side of the portal that they are on, see ``Sides.of``."""
        return self.sides.of(self.place(epc))

    def bars(self, epc: str, direction: str) -> str:
        """Why they cannot have gone this way; empty when they can."""
        side = self.side(epc)
        if direction == "in":
            return ALREADY_INSIDE if side == INSIDE else ""
        if side != OUTSIDE:
            return ""
        return NOT_ON_STOCK if self.place(epc) is None else ALREADY_OUTSIDE

    def untagged(self, goods: Iterable[Crossing], direction: str = "out") -> Untagged:
        """Where those of the goods that the ledger has never met may have lain, if they went so."""
        inwards = direction == "in"
        if inwards and self._point.inbound_from in VIRTUAL:
            return Untagged()
        unmet = [one for one in goods if self.place(one.track.epc) is None]
        return lying(unmet, self.sides, self._context, OUTSIDE if inwards else INSIDE)


def heed(crossings: Sequence[Crossing], books: Books) -> list[Crossing]:
    """The tags of a pass, through a portal that goods pass both ways, in the light of the books."""
    groups: dict[int, list[Crossing]] = {}
    for one in crossings:
        if one.pack is not None and one.odds.crossed >= CROSSED_AT:
            groups.setdefault(one.odds.group, []).append(one)
    means = {group: _mean(_says(goods, books)) for group, goods in groups.items()}
    return [_heeding(one, means.get(one.odds.group, 0.0), books) for one in crossings]


def _says(goods: Sequence[Crossing], books: Books) -> list[float]:
    """The log-odds of inwards that each tag of a group has by itself."""
    untagged = books.untagged(goods)
    return [
        0.0 if untagged.may_hold(lot_of(one)) and books.place(epc) is None else _alone(epc, books)
        for one, epc in ((one, one.track.epc) for one in goods)
    ]


def _alone(epc: str, books: Books) -> float:
    side = books.side(epc)
    if side == INSIDE:
        return -KNOWN
    if side == OUTSIDE:
        return NEVER_MET if books.place(epc) is None else KNOWN
    return 0.0


def _mean(said: Sequence[float]) -> float:
    """What those say that agree, if they are nearly all."""
    inwards, outwards = [one for one in said if one > 0.0], [one for one in said if one < 0.0]
    most = max(inwards, outwards, key=len)
    return sum(most) / len(most) if most and len(most) >= COVERED * len(said) else 0.0


def _heeding(one: Crossing, mean: float, books: Books) -> Crossing:
    """Nobody is told to have gone a way that the ledger bars to him."""
    if not mean or one.pack is None or one.odds.crossed < DOUBT_AT:
        return one
    if books.bars(one.track.epc, "in" if mean > 0.0 else "out"):
        return one
    safe = min(max(one.odds.inwards, 1e-9), 1.0 - 1e-9)
    inwards = logistic(math.log(safe / (1.0 - safe)) + mean)
    return one._replace(odds=one.odds._replace(inwards=inwards), ledger=mean)
