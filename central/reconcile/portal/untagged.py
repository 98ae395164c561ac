"""Goods that were booked without tags, and are first heard when they go through a portal. Pure.

Stock has never met their tags. But where a place behind the portal holds as many units of the item
as no tag is known of, they may be these: the ledger then says nothing against their leaving, and
nothing of which way they went. If one place alone can have held them, they are taken from there;
what somebody has picked lies ready to leave, and goes before all else. Otherwise a person is asked,
with the places as answers.

Through a portal between two places of ours, goods come in from the place that its read point names,
or from one on that side which alone holds as many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from central.reconcile.holdings import Held, Lot
from central.reconcile.portal.sides import Sides
from central.reconcile.portal.weighing import Crossing
from central.reconcile.verdict import Context

__all__ = ["Lying", "Untagged", "lot_of", "lying"]

_PICKED = 4.0
"""How much likelier goods leave from where some were picked to: a choice, not a fit."""
_MOST_PLACES = 3


def lot_of(one: Crossing) -> Lot:
    """What a tag's goods are; of a tag that stands for none, nothing."""
    return ("", "") if one.pack is None else (one.pack.sku, one.pack.lot)


class Lying(NamedTuple):
    """A place with enough units of which no tag is known, and how likely these left, as a weight.
    ``by_name``: its pieces are known one by one, and these are other names.
    """

    place: str
    weight: float = 1.0
    by_name: bool = False


class Untagged(NamedTuple):
    """Where goods that were never met may have lain: by lot, the likeliest place first. ``every``
    says whether all of them may.
    """

    places: Mapping[Lot, tuple[Lying, ...]] = {}
    every: bool = False

    def may_hold(self, lot: Lot) -> bool:
        """Whether as many of it lie behind the portal without a known tag."""
        return lot in self.places

    def place(self, lot: Lot, usual: str = "") -> str | None:
        """Where they were taken from: the ``usual`` place if it can be, or the only one; ``None``
        where a person must say.
        """
        first, *others = found = self.places.get(lot, (Lying("", by_name=True),))
        if any(one.place == usual for one in found):
            return usual
        alone = not others or first.weight > others[0].weight
        return first.place if alone and not first.by_name else None

    def ways(self) -> Iterator[tuple[dict[Lot, str], float]]:
        """How all of them may have lain, and how likely each is; of several lots only the
        likeliest. Nothing where some cannot have lain anywhere.
        """
        if not self.every:
            return
        if len(self.places) > 1:
            yield {lot: found[0].place for lot, found in self.places.items()}, 1.0
            return
        for lot, found in self.places.items():
            whole = sum(one.weight for one in found)
            for one in found:
                yield {lot: one.place}, one.weight / whole


def lying(goods: Iterable[Crossing], sides: Sides, context: Context, side: int) -> Untagged:
    """Where all of these goods may have lain on a side, of which the ledger has met none."""
    wanted: Counter[Lot] = Counter()
    for one in goods:
        if one.pack is not None:
            wanted[one.pack.sku, one.pack.lot] += one.pack.quantity
    places = {}
    for lot, held in context.held.of(wanted).items():
        there = [one for one in held if sides.of(one.place) == side]
        if found := _of(lot, wanted[lot], there, context):
            places[lot] = found
    return Untagged(places, every=len(places) == len(wanted))


def _of(lot: Lot, wanted: int, held: Iterable[Held], context: Context) -> tuple[Lying, ...]:
    sku, _ = lot
    enough = [one for one in held if min(one.units, _untagged(one, context)) >= wanted]
    found = [
        Lying(one.place, _PICKED if context.held.picked_to(sku, one.place) else 1.0, one.by_name)
        for one in enough
    ]
    return tuple(sorted(found, key=lambda one: (-one.weight, one.place))[:_MOST_PLACES])


def _untagged(one: Held, context: Context) -> int:
    packs = map(context.pack_of, one.epcs)
    return one.every - sum(1 if pack is None else pack.quantity for pack in packs)
