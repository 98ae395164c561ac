"""What a place may hold: capacity, kinds of goods, and whether these may be mixed. Pure.

A place's rules concern all that lies in it and in every place below it, so a rack's capacity is
that of its bins together, and a cold room's goods are those of each of its shelves. They are
looked at when goods come in from outside that place; what is moved within it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, NamedTuple

import msgspec

__all__ = [
    "FACTS",
    "MOST_OF_A_PLACE",
    "Full",
    "Goods",
    "Held",
    "Rules",
    "Size",
    "broken",
    "full",
    "room_left",
]

FACTS = frozenset({"portal", "shelf", "scan", "zone", "review"})
"""Origins of movements that happened, whatever the rules say: sensed, or decided by a person who
was asked about what was sensed. All else is a command, and can be refused.
"""
MOST_OF_A_PLACE = 2**53
"""A capacity is no larger: what a JSON number carries exactly."""
_Capacity = Annotated[int, msgspec.Meta(ge=0, le=MOST_OF_A_PLACE)]


class Rules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``None`` and empty: no limit. ``max_units`` counts the items' smallest units,
    ``max_mass_mg`` is in milligrams, ``max_volume_mm3`` in cubic millimetres. Goods are allowed
    that ``items`` (SKUs) or ``categories`` name; where both are empty, all are. Without
    ``mixes_items`` only one item may lie there, and without ``mixes_lots`` only one lot of each.
    """

    max_units: _Capacity | None = None
    max_mass_mg: _Capacity | None = None
    max_volume_mm3: _Capacity | None = None
    categories: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    mixes_items: bool = True
    mixes_lots: bool = True

    @property
    def limits(self) -> bool:
        """Whether they ask how much the place holds."""
        return (self.max_units, self.max_mass_mg, self.max_volume_mm3) != (None, None, None)

    @property
    def separates(self) -> bool:
        """Whether they ask what the place holds."""
        return not (self.mixes_items and self.mixes_lots)


class Size(NamedTuple):
    """A piece's mass in milligrams and its volume in cubic millimetres, ``None`` if unknown."""

    mg: int | None = None
    mm3: int | None = None


class Goods(NamedTuple):
    """What would come in; ``size`` is a piece's."""

    sku: str
    lot: str
    quantity: int
    category: str
    size: Size = Size()


class Held(NamedTuple):
    """What a place holds, as far as its rules ask for it: all units, their mass in milligrams and
    their volume in cubic millimetres (an item of unknown size weighs nothing and takes no room),
    and units by SKU and lot.
    """

    units: int = 0
    mass_mg: int = 0
    volume_mm3: int = 0
    goods: Mapping[tuple[str, str], int] = MappingProxyType({})


class Full(NamedTuple):
    """A capacity that some goods would exceed: ``rule`` is its name, ``most`` what the place takes
    of it, ``held`` what is there and ``more`` what would come.
    """

    place: str
    rule: str
    most: int
    held: int
    more: int

    def __str__(self) -> str:
        most, held, more = self.most, self.held, self.more
        if self.rule == "max_units":
            return f"{self.place} takes {most} units and holds {held}: no room for {more} more"
        if self.rule == "max_mass_mg":
            return f"{self.place} bears {most} mg and holds {held} mg: {more} mg more are too heavy"
        return f"{self.place} has {most} mm3 and {held} mm3 are taken: no room for {more} mm3 more"


def broken(place: str, rules: Rules, goods: Goods, held: Held) -> list[str]:
    """The rules of a place that these goods would break, a sentence each; none is well.

    Of ``held`` this needs the goods' own lots, and of the other items one where there are any.
    """
    found = []
    named = rules.items or rules.categories
    if named and goods.sku not in rules.items and goods.category not in rules.categories:
        allowed = ", ".join((*rules.items, *rules.categories))
        found.append(f"{place} takes only {allowed}, and {goods.sku} is not among these")
    others = sorted({sku for (sku, _), units in held.goods.items() if units > 0} - {goods.sku})
    if not rules.mixes_items and others:
        found.append(f"{place} mixes no items, and holds {others[0]}")
    mine = ((lot, units) for (sku, lot), units in held.goods.items() if sku == goods.sku)
    strange = sorted(lot for lot, units in mine if units > 0 and lot != goods.lot)
    if not rules.mixes_lots and strange:
        found.append(f"{place} mixes no lots, and holds {strange[0] or 'no lot'} of {goods.sku}")
    return [*found, *map(str, full(place, rules, goods, held))]


def room_left(place: str, rules: Rules, goods: Goods, held: Held) -> int:
    """So many of these goods may come in without breaking a rule, 0 where none may."""
    units = goods.quantity
    for _, most, there, each in _capacities(rules, goods, held):
        units = min(units, (most - there) // each)
    fits = units > 0 and not broken(place, rules, goods._replace(quantity=units), held)
    return units if fits else 0


def full(place: str, rules: Rules, goods: Goods, held: Held) -> list[Full]:
    """The capacities of a place that these goods would exceed."""
    return [
        Full(place, rule, most, there, goods.quantity * each)
        for rule, most, there, each in _capacities(rules, goods, held)
        if there + goods.quantity * each > most
    ]


def _capacities(rules: Rules, goods: Goods, held: Held) -> Iterator[tuple[str, int, int, int]]:
    """What these goods take of a place's capacities: a rule's name, its limit, what is taken of
    it, and what a piece takes.
    """
    mg, mm3 = goods.size
    for rule, most, there, each in (
        ("max_units", rules.max_units, held.units, 1),
        ("max_mass_mg", rules.max_mass_mg, held.mass_mg, mg),
        ("max_volume_mm3", rules.max_volume_mm3, held.volume_mm3, mm3),
    ):
        if most is not None and each:
            yield rule, most, there, each
