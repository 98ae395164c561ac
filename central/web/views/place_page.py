"""All that is known of one place, with what lies within it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from central import schema
from central.access import reach
from central.catalogue import places, planogram, tree
from central.catalogue.tree import Location
from central.counts import tasks
from central.counts.model import State, Task
from central.reconcile.verdict import PlatePlan, ReadPoint
from central.stock import queries
from central.web.views import open_orders, place_tree, stock
from central.web.views.place_tree import Branch

__all__ = ["Held", "facts"]

GOODS = 100
MOVEMENTS = 12
_LATELY = 200_000
"""Movements that are looked through for those of a place: the ledger knows them by item."""
_OPEN = (State.REQUESTED, State.COUNTING, State.COUNTED, State.INVESTIGATING,
         State.READY_TO_REVIEW)  # fmt: skip
_AT_ONCE, _FEW = 5_000, 50
_place = schema.location.c
_result, _moved = schema.count_result.c, schema.movement.c
_balance, _item = schema.balance.c, schema.item.c


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Units of an item that lie at a place within this one."""

    sku: str
    name: str
    lot: str
    location: str
    place: str
    status: str
    on_hand: int


def facts(
    connection: Connection, code: str, units: Mapping[str, int], *, at_us: int
) -> dict[str, Any]:
    """Raises ``NotFound``, ``OutOfReach``."""
    place = tree.get_location(connection, code)
    branch = place_tree.forest(connection, units, within=code).get(code)
    codes = frozenset(_within(branch)) if branch is not None else frozenset({code})
    goods = _goods(connection, code)
    points = [one for one in places.list_read_points(connection, granted=True)
              if one.location in codes]  # fmt: skip
    return {
        "place": place,
        "branch": branch,
        "path": _path(connection, place),
        "goods": goods[:GOODS],
        "more_goods": len(goods) > GOODS,
        "rules": _rules(place),
        "unmeasured": _unmeasured(connection, place, codes),
        "movements": _movements(connection, codes),
        "shown": MOVEMENTS,
        "coming": open_orders.inbound(connection, now_us=at_us, within=codes),
        "wanted": open_orders.outbound(connection, now_us=at_us, within=codes),
        "counts": _counts(connection, codes),
        "last_counted": _last_counted(connection, codes),
        "points": points,
        "plan": _planned(connection, points, at_us),
    }


def _within(branch: Branch) -> list[str]:
    found, at = [branch], 0
    while at < len(found):
        found += found[at].children
        at += 1
    return [one.code for one in found]


def _path(connection: Connection, place: Location) -> list[tuple[str, str]]:
    """What encloses it, from the outside in, as far as that is within reach."""
    codes = tree.path_of(connection, place)[:-1]
    query = select(_place.code, _place.name).where(_place.code.in_(codes))
    granted = reach.within(_place.code)
    if granted is not None:
        query = query.where(granted)
    names = {row.code: row.name for row in connection.execute(query)}
    return [(names[code], code) for code in codes if code in names]


def _goods(connection: Connection, code: str) -> list[Held]:
    found = queries.on_hand(connection, location=code, below=True, limit=GOODS + 1)
    names = stock.item_names(connection, {one.sku for one in found})
    at = stock.location_names(connection, {one.location for one in found})
    return [
        Held(
            sku=one.sku, name=names.get(one.sku, one.sku), lot=one.lot, location=one.location,
            place=at.get(one.location, one.location), status=one.status, on_hand=one.on_hand,
        )
        for one in found
    ]  # fmt: skip


def _movements(connection: Connection, codes: frozenset[str]) -> tuple[stock.MovementRow, ...]:
    """The newest that touch these places. The ledger is read backwards until there are enough: a
    question for thousands of places at once costs more.
    """
    upto, found = queries.last_seq(connection) + 1, list[int]()
    last, few = max(0, upto - _LATELY), len(codes) <= _FEW
    here = _moved.source.in_(codes) | _moved.destination.in_(codes)
    while upto > last and len(found) < MOVEMENTS:
        step = _LATELY if few else _AT_ONCE
        query = select(_moved.seq, _moved.source, _moved.destination).where(
            _moved.seq < upto, _moved.seq >= max(last, upto - step), *([here] if few else [])
        )
        query = query.order_by(_moved.seq.desc()).limit(MOVEMENTS if few else step)
        ends = connection.execute(query).all()
        found += [seq for seq, source, to in ends if source in codes or to in codes]
        upto -= step
    return stock.movements(connection, seqs=found[:MOVEMENTS], limit=MOVEMENTS)


def _rules(place: Location) -> list[str]:
    """The rules of a place in words."""
    rules, found = place.rules, []
    if rules.max_units is not None:
        found.append(f"Holds at most {rules.max_units:,} units.")
    if rules.max_mass_mg is not None:
        found.append(f"Holds at most {rules.max_mass_mg / 1e6:,.1f} kg.")
    if rules.max_volume_mm3 is not None:
        found.append(f"Has room for at most {place_tree.room(rules.max_volume_mm3)}.")
    if rules.items:
        found.append(f"Takes {', '.join(rules.items[:20])}.")
    if rules.categories:
        found.append(f"Takes items of {', '.join(rules.categories[:20])}.")
    if not rules.mixes_items:
        found.append("Holds one item at a time.")
    if not rules.mixes_lots:
        found.append("Holds one lot of an item at a time.")
    return found


def _unmeasured(connection: Connection, place: Location, codes: frozenset[str]) -> list[str]:
    """What the place's capacities do not count, as its items do not say how large they are."""
    found = []
    for limit, column, lacking in (
        (place.rules.max_mass_mg, _item.unit_mg, "unit weight"),
        (place.rules.max_volume_mm3, _item.length_mm, "dimensions"),
    ):
        if limit is None:
            continue
        asked = (
            select(func.count(_balance.sku.distinct()))
            .join(schema.item, _item.sku == _balance.sku)
            .where(_balance.location.in_(sorted(codes)), _balance.on_hand > 0, column.is_(None))
        )
        if items := connection.execute(asked).scalar_one():
            few = "1 item here has" if items == 1 else f"{items:,} items here have"
            found.append(f"{few} no {lacking}: not counted.")
    return found


def _counts(connection: Connection, codes: frozenset[str]) -> list[Task]:
    """Counts that are asked for or under way here, the newest last."""
    found = [one for state in _OPEN for one in tasks.list_tasks(connection, state=state)]
    return [one for one in found if one.location in codes]


def _last_counted(connection: Connection, codes: frozenset[str]) -> int | None:
    query = select(func.max(_result.at_us)).where(_result.location.in_(sorted(codes)))
    granted = reach.within(_result.location)
    if granted is not None:
        query = query.where(granted)
    return connection.execute(query).scalar()


def _planned(
    connection: Connection, points: list[ReadPoint], at_us: int
) -> list[tuple[PlatePlan, str]]:
    """What should lie on the plates here, with the items' names."""
    shelves = {one.code for one in points if one.kind == "shelf"}
    if not shelves:
        return []
    found = planogram.list_plates(connection, at_us=at_us)
    plan = [one for one in found if one.read_point in shelves]
    names = stock.item_names(connection, {one.sku for one in plan})
    return [(one, names.get(one.sku, one.sku)) for one in plan]
