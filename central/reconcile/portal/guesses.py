"""What may have happened with a group of tags, ranked for a person to choose from. Pure.

A group is a cohort: it crossed or it did not, and as a whole, which is why the questions are
answered one after another instead of tag by tag: did the group cross (the tags' mean), this way
or the other (the mean again), and with or without those of its tags that are less sure, which
stand or fall together. What is not listed (three of the five doubtful ones) is shared out among
what is: a person who knows better says so in quantities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from central.reconcile.hypotheses import count, ranked
from central.reconcile.portal.weighing import Crossing
from central.reconcile.verdict import Hypothesis
from central.stock.model import Movement

__all__ = [
    "Lain", "Lots", "against_the_ledger", "of_a_group", "of_unknown_goods", "of_unmet_goods",
]  # fmt: skip

Lots = Callable[[Sequence[Crossing], str | None], tuple[Movement, ...]]
"""The movements of some tags that go this way (``None``: each the way it was judged to); goods
that lie where they would go move nothing.
"""


class Lain(NamedTuple):
    """Goods that stock has never met, leaving from where they may have lain without a known tag,
    and how likely they lay there and nowhere else.
    """

    movements: tuple[Movement, ...]
    share: float


NOTHING = "nothing crossed"
SURE_ENOUGH = 0.9
"""A tag at least this sure is not asked about by itself."""
NEVER_HAD = 0.1
"""What is left for goods that were never booked, where as many lie there without tags."""
_WENT = {"in": "came in", "out": "went out"}
_OTHER = {"in": "out", "out": "in"}
_NAMED = 3


def of_a_group(
    goods: Sequence[Crossing], beside: Sequence[Crossing], lots: Lots
) -> tuple[Hypothesis, ...]:
    """``goods`` probably crossed; ``beside`` are tags in doubt that may have gone with them."""
    crossed, way = _mean([one.odds.crossed for one in goods]), _mean(_ways(goods))
    if len({one.direction for one in goods}) > 1:
        return ranked([*_mixed(goods, crossed, way, lots), _nothing(crossed)])
    direction = goods[0].direction
    weak = [one for one in goods if one.confidence < SURE_ENOUGH]
    weak = weak if len(weak) < len(goods) else []
    whole = _mean([one.odds.crossed for one in weak]) if weak else 1.0
    more = _mean([one.odds.crossed for one in beside]) if beside else 0.0
    this_way, went = crossed * way, _WENT[direction]
    found = [
        Hypothesis(
            says=f"{_all(goods)} {went}",
            probability=this_way * whole * (1.0 - more),
            movements=lots(goods, None),
        ),
        _flipped(goods, _OTHER[direction], crossed * (1.0 - way), lots),
        _nothing(crossed),
    ]
    if weak:
        strong = [one for one in goods if one not in weak]
        found.append(
            Hypothesis(
                says=f"{count(len(strong), 'tag')} {went} (without {_named(weak)})",
                probability=this_way * (1.0 - whole),
                movements=lots(strong, None),
            )
        )
    if beside:
        found.append(
            Hypothesis(
                says=f"{count(len(goods) + len(beside), 'tag')} {went} (with {_named(beside)})",
                probability=this_way * whole * more,
                movements=lots([*goods, *beside], direction),
            )
        )
    return ranked(found)


def _mixed(goods: Sequence[Crossing], crossed: float, way: float, lots: Lots) -> list[Hypothesis]:
    """Some came in and some went out at one moment: or they all went one way."""
    ins = sum(one.direction == "in" for one in goods)
    inwards = _mean([one.odds.inwards for one in goods])
    return [
        Hypothesis(
            says=f"{count(ins, 'tag')} came in and {len(goods) - ins} went out",
            probability=crossed * way,
            movements=lots(goods, None),
        ),
        _flipped(goods, "in", crossed * (1.0 - way) * inwards, lots),
        _flipped(goods, "out", crossed * (1.0 - way) * (1.0 - inwards), lots),
    ]


def against_the_ledger(ones: Sequence[Crossing], lots: Lots) -> tuple[Hypothesis, ...]:
    """A group that the ledger says cannot have gone the way it was judged to, as the goods are
    there already.
    """
    crossed, way = _mean([one.odds.crossed for one in ones]), _mean(_ways(ones))
    direction = ones[0].direction
    missed = "leaving" if direction == "in" else "coming in"
    says = f"{_all(ones)} {_WENT[direction]} once more: nobody saw them {missed} before"
    told = {one.track.epc: direction for one in ones}
    return ranked(
        [
            _flipped(ones, _OTHER[direction], crossed * (1.0 - way), lots),
            _nothing(crossed),
            Hypothesis(says=says, probability=crossed * way, crossed=told),
        ]
    )


def of_unmet_goods(
    ones: Sequence[Crossing], lots: Lots, lain: Sequence[Lain]
) -> tuple[Hypothesis, ...]:
    """A group that left, and that stock has never met: booked without tags, or never booked."""
    crossed, way = _mean([one.odds.crossed for one in ones]), _mean(_ways(ones))
    left, never_had = crossed * way, NEVER_HAD if lain else 1.0
    says = f"{_all(ones)} went out, though stock never had them"
    found = [
        Hypothesis(says=says, probability=left * never_had, movements=lots(ones, "out")),
        _flipped(ones, "in", crossed * (1.0 - way), lots),
        _nothing(crossed),
    ]
    for one in lain:
        goods = ", ".join(f"{m.quantity} of {m.sku} from {m.source}" for m in one.movements)
        says = f"they left: {goods}, where as many lay of which no tag was known"
        share = left * (1.0 - never_had) * one.share
        found.append(Hypothesis(says=says, probability=share, movements=one.movements))
    return ranked(found)


def of_unknown_goods(ones: Sequence[Crossing]) -> tuple[Hypothesis, ...]:
    """Tags of items that the catalogue lacks: whether they crossed can be said, not as what."""
    crossed = _mean([one.odds.crossed for one in ones])
    says = f"{_all(ones)} of unknown items crossed: no stock can be posted before they are known"
    told = {one.track.epc: one.direction for one in ones}
    return ranked([Hypothesis(says=says, probability=crossed, crossed=told), _nothing(crossed)])


def _flipped(
    ones: Sequence[Crossing], direction: str, probability: float, lots: Lots
) -> Hypothesis:
    movements = lots(ones, direction)
    moved = {epc for movement in movements for epc in movement.epcs}
    return Hypothesis(
        says=f"{_all(ones)} {_WENT[direction]}",
        probability=probability,
        movements=movements,
        crossed={one.track.epc: direction for one in ones if one.track.epc not in moved},
    )


def _nothing(crossed: float) -> Hypothesis:
    return Hypothesis(says=NOTHING, probability=1.0 - crossed)


def _all(ones: Sequence[Crossing]) -> str:
    return f"all {len(ones)} tags" if len(ones) > 1 else "the tag"


def _named(ones: Sequence[Crossing]) -> str:
    """The ends of the EPCs, which tell them apart."""
    shown = ", ".join(f"...{one.track.epc[-6:]}" for one in ones[:_NAMED])
    return shown if len(ones) <= _NAMED else f"{shown} and {len(ones) - _NAMED} more"


def _ways(ones: Sequence[Crossing]) -> list[float]:
    return [max(one.odds.inwards, 1.0 - one.odds.inwards) for one in ones]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
