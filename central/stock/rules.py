"""What a place may hold: capacity, kinds of goods, and whether these may be mixed. Pure.

A place's rules concern all that lies in it and in every place below it, so a rack's capacity is
that of its bins together, and a cold room's goods are those of each of its shelves. They are
looked at when goods come in from outside that place; what is moved within it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, NamedTuple

import msgspec

__all__ = ["FACTS", "Goods", "Held", "Rules", "broken", "room_left"]

FACTS = frozenset({"portal", "shelf", "scan", "zone", "review"})
"""Origins of movements that happened, whatever the rules say: sensed, or decided by a person who
was asked about what was sensed. All else is a command, and can be refused.
"""
_Capacity = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Rules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``None`` and empty: no limit. ``max_units`` counts the items' smallest units,
    ``max_mass_mg`` is in milligrams. Goods are allowed that ``items`` (SKUs) or ``categories``
    name; where both are empty, all are. Without ``mixes_items`` only one item may lie there, and
    without ``mixes_lots`` only one lot of each item.
    """

    max_units: _Capacity | None = None
    max_mass_mg: _Capacity | None = None
    categories: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    mixes_items: bool = True
    mixes_lots: bool = True

    @property
    def limits(self) -> bool:
        """Whether they ask how much the place holds."""
        return self.max_units is not None or self.max_mass_mg is not None

    @property
    def separates(self) -> bool:
        """Whether they ask what the place holds."""
        return not (self.mixes_items and self.mixes_lots)


class Goods(NamedTuple):
    """What would come in. ``unit_mg`` is a piece's mass in milligrams, ``None`` if unknown."""

    sku: str
    lot: str
    quantity: int
    category: str
    unit_mg: int | None


class Held(NamedTuple):
    """What a place holds, as far as its rules ask for it: all units, their mass in milligrams (an
    item of unknown mass weighs nothing), and units by SKU and lot.
    """

    units: int = 0
    mass_mg: int = 0
    goods: Mapping[tuple[str, str], int] = MappingProxyType({})


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
    return [*found, *_too_much(place, rules, goods, held)]


def room_left(place: str, rules: Rules, goods: Goods, held: Held) -> int:
    """So many of these goods may come in without breaking a rule, 0 where none may."""
    units = goods.quantity
    if rules.max_units is not None:
        units = min(units, rules.max_units - held.units)
    if rules.max_mass_mg is not None and goods.unit_mg:
        units = min(units, (rules.max_mass_mg - held.mass_mg) // goods.unit_mg)
    fits = units > 0 and not broken(place, rules, goods._replace(quantity=units), held)
    return units if fits else 0


def _too_much(place: str, rules: Rules, goods: Goods, held: Held) -> list[str]:
    found = []
    if rules.max_units is not None and held.units + goods.quantity > rules.max_units:
        found.append(
            f"{place} takes {rules.max_units} units and holds {held.units}: no room for "
            f"{goods.quantity} more"
        )
    more_mg = goods.quantity * (goods.unit_mg or 0)
    if rules.max_mass_mg is not None and more_mg and held.mass_mg + more_mg > rules.max_mass_mg:
        found.append(
            f"{place} bears {rules.max_mass_mg} mg and holds {held.mass_mg} mg: {more_mg} mg more "
            "are too heavy"
        )
    return found
