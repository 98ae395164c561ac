"""What a place may hold: capacity, kinds of goods, and whether these may be mixed. Pure.

A place's rules concern all that lies in it and in every place below it, so a rack's capacity is
that of its bins together, and a cold room's goods are those of each of its shelves. They are
looked at when goods come in from outside that place; what is moved within it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec

__all__ = ["FACTS", "Goods", "Rules", "broken", "room_left"]

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
    def asks_what_is_there(self) -> bool:
        """Whether they can be checked only by what the place holds."""
        limits = self.max_units is not None or self.max_mass_mg is not None
        return limits or not (self.mixes_items and self.mixes_lots)


class Goods(NamedTuple):
    """What would come in. ``unit_mg`` is a piece's mass in milligrams, ``None`` if unknown."""

    sku: str
    lot: str
    quantity: int
    category: str
    unit_mg: int | None


def broken(
    place: str,
    rules: Rules,
    goods: Goods,
    held: Mapping[tuple[str, str], int],
    unit_mg: Mapping[str, int | None],
) -> list[str]:
    """The rules of a place that these goods would break, a sentence each; none is well.

    ``held`` is what the place holds by SKU and lot, ``unit_mg`` the items' masses; an item of
    unknown mass weighs nothing.
    """
    found = []
    named = rules.items or rules.categories
    if named and goods.sku not in rules.items and goods.category not in rules.categories:
        allowed = ", ".join((*rules.items, *rules.categories))
        found.append(f"{place} takes only {allowed}, and {goods.sku} is not among these")
    others = sorted({sku for (sku, _), units in held.items() if units > 0} - {goods.sku})
    if not rules.mixes_items and others:
        found.append(f"{place} mixes no items, and holds {others[0]}")
    lots = sorted(lot for (sku, lot), units in held.items() if sku == goods.sku and units > 0)
    strange = [lot for lot in lots if lot != goods.lot]
    if not rules.mixes_lots and strange:
        found.append(f"{place} mixes no lots, and holds {strange[0] or 'no lot'} of {goods.sku}")
    return [*found, *_too_much(place, rules, goods, held, unit_mg)]


def room_left(
    place: str,
    rules: Rules,
    goods: Goods,
    held: Mapping[tuple[str, str], int],
    unit_mg: Mapping[str, int | None],
) -> int:
    """So many of these goods may come in without breaking a rule, 0 where none may."""
    units = goods.quantity
    if rules.max_units is not None:
        units = min(units, rules.max_units - sum(held.values()))
    if rules.max_mass_mg is not None and goods.unit_mg:
        units = min(units, (rules.max_mass_mg - _mass_mg(held, unit_mg)) // goods.unit_mg)
    fits = units > 0 and not broken(place, rules, goods._replace(quantity=units), held, unit_mg)
    return units if fits else 0


def _too_much(
    place: str,
    rules: Rules,
    goods: Goods,
    held: Mapping[tuple[str, str], int],
    unit_mg: Mapping[str, int | None],
) -> list[str]:
    found = []
    units = sum(held.values())
    if rules.max_units is not None and units + goods.quantity > rules.max_units:
        found.append(
            f"{place} takes {rules.max_units} units and holds {units}: no room for "
            f"{goods.quantity} more"
        )
    mass_mg = _mass_mg(held, unit_mg)
    more_mg = goods.quantity * (goods.unit_mg or 0)
    if rules.max_mass_mg is not None and more_mg and mass_mg + more_mg > rules.max_mass_mg:
        found.append(
            f"{place} bears {rules.max_mass_mg} mg and holds {mass_mg} mg: {more_mg} mg more "
            "are too heavy"
        )
    return found


def _mass_mg(held: Mapping[tuple[str, str], int], unit_mg: Mapping[str, int | None]) -> int:
    return sum(units * (unit_mg.get(sku) or 0) for (sku, _), units in held.items())
