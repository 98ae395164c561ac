"""Which of several rules holds: the nearest to the item, then the nearest to the place. Pure.

Rules of one kind compete where they would measure the same: the sum over one place and all within
it, or one place by itself. A rule for a whole warehouse and one for a shelf in it measure different
things, and both hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from central.alerts.model import Kind, Rule

__all__ = ["Measured", "Thing", "holding", "is_for", "measured"]


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """An item as rules see it; one that is not ``active`` is not ordered any more."""

    sku: str
    category: str = ""
    family: str | None = None
    active: bool = True


class Measured(NamedTuple):
    """What is measured under which rule: ``place`` with all within it, or by itself (``each``);
    ``None`` is everywhere. ``others`` would have held had the rule not been there.
    """

    place: str | None
    each: bool
    rule: Rule
    others: tuple[Rule, ...]


def is_for(rule: Rule, thing: Thing) -> int:
    """How near a rule is to an item: 3 for itself, 2 its family, 1 its category, 0 all items;
    -1 when it is for others.
    """
    if rule.sku is not None:
        return 3 if rule.sku == thing.sku else 2 if rule.sku == thing.family else -1
    if rule.category is not None:
        return 1 if rule.category == thing.category else -1
    return 0


def holding(
    rules: Iterable[Rule], kind: Kind, thing: Thing, paths: Sequence[Sequence[str]]
) -> Iterator[Measured]:
    """What is measured of an item, each thing under its nearest rule.

    ``paths`` are the places it lies or lay in, each with those around it, from itself to the root.
    A rule that names the item itself is measured even where it never was.
    """
    fitting = [one for one in rules if one.kind == kind and one.enabled]
    ranked = [(rank, one) for one in fitting if (rank := is_for(one, thing)) >= 0]
    known = {code for path in paths for code in path}
    sums: dict[str | None, list[tuple[int, int, Rule]]] = {}
    single: dict[str, list[tuple[int, int, Rule]]] = {}
    for rank, rule in ranked:
        if not rule.each:
            if rank == 3 or rule.location in known or (rule.location is None and paths):
                sums.setdefault(rule.location, []).append((rank, 0, rule))
            continue
        for path in paths:
            if rule.location is None:
                single.setdefault(path[0], []).append((rank, -len(path), rule))
            elif rule.location in path:
                single.setdefault(path[0], []).append((rank, -path.index(rule.location), rule))
    for place, competing in sums.items():
        yield measured(place, competing, each=False)
    for place, competing in single.items():
        yield measured(place, competing, each=True)


def measured(
    place: str | None, competing: Sequence[tuple[int, int, Rule]], *, each: bool
) -> Measured:
    """The nearest of rules with how near they are to the item and to the place. Of two alike the
    one with the lesser id holds, so that it is always the same.
    """
    order = sorted(competing, key=lambda one: (-one[0], -one[1], one[2].id))
    rules = tuple(rule for _item, _place, rule in order)
    return Measured(place, each, rules[0], rules[1:])
