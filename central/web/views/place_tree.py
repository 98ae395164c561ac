"""The tree of places with how full each is, as far as it is within reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import nsmallest
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select

from central import schema
from central.access import reach
from central.natural import natural
from central.stock import totals
from central.stock.rules import Rules

__all__ = [
    "MOST_AT_ONCE",
    "MOST_IN_ONE",
    "Branch",
    "Fill",
    "depth_of",
    "fills_of",
    "forest",
    "grown",
    "room",
]

MOST_AT_ONCE = 400
"""A larger tree is drawn a level at a time."""
MOST_OUTER = 600
"""So many places of its second level are drawn before somebody opens one."""
MOST_IN_ONE = 200
"""So many places right within one are drawn; the page of a place finds the others."""
_place = schema.location.c
_rules = msgspec.json.Decoder(Rules).decode
_HIGH, _OVER = 85, 100
_CUBIC_METRE = 10**9
"""In cubic millimetres."""


class Fill(msgspec.Struct, frozen=True):
    """``percent`` of what a place may hold is there, in ``words``: of units, of mass or of room.
    ``level`` is low, high or over.
    """

    percent: int
    words: str

    @property
    def level(self) -> str:
        """What its colour says; the words say it, too."""
        if self.percent > _OVER:
            return "over"
        return "high" if self.percent >= _HIGH else "low"


class Branch(msgspec.Struct, kw_only=True):
    """A place with all within it: ``units`` are theirs together. ``children`` are in no order,
    ``inner`` is how many there are, ``drawn`` the first by their codes.
    """

    code: str
    name: str
    type: str
    retired: bool
    parent: str | None
    rules: Rules
    units: int = 0
    fills: list[Fill] = []
    children: list[Branch] = []

    @property
    def fill(self) -> Fill | None:
        """Of the capacities the one that is nearest to its end."""
        return max(self.fills, key=lambda one: one.percent, default=None)

    @property
    def drawn(self) -> list[Branch]:
        """The first of them, in order: only what is drawn is worth sorting."""
        return nsmallest(MOST_IN_ONE, self.children, key=lambda branch: natural(branch.code))

    @property
    def inner(self) -> int:
        """Places right within it."""
        return len(self.children)


def fills_of(rules: Rules, held: totals.Total) -> list[Fill]:
    """How full a place is by each of its capacities."""
    found = []
    if rules.max_units is not None:
        share = _share(held.units, rules.max_units)
        found.append(Fill(share, f"{held.units:,} of {rules.max_units:,} units"))
    if rules.max_mass_mg is not None:
        share = _share(held.mass_mg, rules.max_mass_mg)
        kilograms = f"{held.mass_mg / 1e6:,.1f} of {rules.max_mass_mg / 1e6:,.1f} kg"
        found.append(Fill(share, kilograms))
    if rules.max_volume_mm3 is not None:
        share = _share(held.volume_mm3, rules.max_volume_mm3)
        found.append(Fill(share, room(rules.max_volume_mm3, held.volume_mm3)))
    return found


def room(volume_mm3: int, taken_mm3: int | None = None) -> str:
    """A volume for people, and how much of it is taken: in litres, and in cubic metres from one
    on.
    """
    each, digits, unit = (1e6, 1, "litres") if volume_mm3 < _CUBIC_METRE else (1e9, 2, "m³")
    whole = f"{volume_mm3 / each:,.{digits}f} {unit}"
    return whole if taken_mm3 is None else f"{taken_mm3 / each:,.{digits}f} of {whole}"


def _share(held: int, most: int) -> int:
    return round(100 * held / most) if most else (101 if held else 0)


def forest(
    connection: Connection, units: Mapping[str, int], within: str | None = None
) -> dict[str, Branch]:
    """Every place within reach by its code, tied to what encloses it; of one place, it and all
    that lies within it. ``units`` are those that lie at each by itself.
    """
    query = select(_place.code, _place.name, _place.type, _place.status, _place.parent,
                   _place.rules).where(_place.kind == "internal")  # fmt: skip
    granted = reach.within(_place.code)
    if granted is not None:
        query = query.where(granted)
    if within is not None:
        query = query.where(_place.code.in_(_below(within)))
    found = {row.code: _branch(row) for row in connection.execute(query)}
    for one in found.values():
        if one.parent in found:
            found[one.parent].children.append(one)
    for root in grown(found):
        _add_up(root, units)
    _fill(connection, found)
    return found


def grown(found: Mapping[str, Branch]) -> list[Branch]:
    """Those that lie in none of the others."""
    roots = (one for one in found.values() if one.parent not in found)
    return sorted(roots, key=lambda branch: natural(branch.code))


def depth_of(found: Mapping[str, Branch], roots: Sequence[Branch]) -> int:
    """How many levels of it are drawn at once."""
    if len(found) <= MOST_AT_ONCE:
        return len(found)
    return 1 if sum(min(one.inner, MOST_IN_ONE) for one in roots) <= MOST_OUTER else 0


def _below(code: str) -> Select[tuple[str]]:
    """A place's code and those of all within it."""
    tree = select(_place.code).where(_place.code == code).cte("below", recursive=True)
    child = schema.location.alias("child")
    inner = select(child.c.code).join(tree, child.c.parent == tree.c.code)
    return select(tree.union(inner).c.code)


def _branch(row: Any) -> Branch:  # noqa: ANN401 (a row)
    return Branch(
        code=row.code, name=row.name, type=row.type, retired=row.status == "retired",
        parent=row.parent, rules=_rules(row.rules),
    )  # fmt: skip


def _add_up(root: Branch, units: Mapping[str, int]) -> None:
    """From the leaves up; without recursion, as trees may be deep."""
    order, at = [root], 0
    while at < len(order):
        order += order[at].children
        at += 1
    for one in reversed(order):
        one.units = units.get(one.code, 0) + sum(child.units for child in one.children)


def _fill(connection: Connection, found: Mapping[str, Branch]) -> None:
    limited: Sequence[str] = [code for code, one in found.items() if one.rules.limits]
    held = totals.kept(connection, limited) if limited else {}
    for code in limited:
        found[code].fills = fills_of(found[code].rules, held.get(code, totals.Total()))
