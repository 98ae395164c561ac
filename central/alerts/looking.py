"""What rules look at, out of the tables of others by their own questions. Read-only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, bindparam, select

from central import schema
from central.alerts.items import Held, Seen
from central.alerts.model import Kind, Rule
from central.alerts.nearest import Thing
from central.lots.store import expiring
from central.reservations import holdings
from central.reservations import store as reservations
from central.stock import watched
from central.stock.model import AVAILABLE, VIRTUAL_LOCATIONS, LocationKind

__all__ = ["clock_of", "paths_of", "seen_of", "skus_behind"]

_DAY_US = 86_400_000_000
_VIRTUAL = frozenset(str(kind) for kind in VIRTUAL_LOCATIONS)
_item = schema.item.c
_location = schema.location.c


def seen_of(
    conn: Connection, skus: Collection[str], rules: Sequence[Rule], now_us: int
) -> list[Seen]:
    """Items as they stand now: a few questions for all of them together."""
    things = [
        Thing(sku=row.sku, category=row.category, family=row.parent, active=row.status == "active")
        for row in conn.execute(
            select(_item.sku, _item.category, _item.parent, _item.status)
            .where(_item.sku.in_(skus), ~_item.family)
            .order_by(_item.sku)
        )
    ]
    lying: dict[str, list[watched.Lying]] = defaultdict(list)
    for one in watched.balances_of(conn, skus):
        lying[one.sku].append(one)
    kinds = {one.kind for one in rules}
    reserved = holdings.reserved_of(conn, skus) if Kind.LOW in kinds else {}
    waiting = reservations.waiting(conn, skus) if Kind.BACKORDER in kinds else []
    places = {one.location for each in lying.values() for one in each}
    paths = paths_of(conn, places | {one.within for one in waiting if one.within})
    wanted: dict[str, list[tuple[tuple[str, ...], int]]] = defaultdict(list)
    for claim in waiting:
        wanted[claim.sku].append((paths.get(claim.within, ()), claim.missing))
    lost = _lost(conn, skus, rules, now_us)
    days = expiring(conn, skus) if Kind.EXPIRY in kinds else {}
    return [
        Seen(
            thing=thing,
            held=tuple(
                Held(
                    path=paths[one.location],
                    on_hand=one.on_hand,
                    reserved=_reserved(reserved, one),
                    last_us=one.last_us,
                    sellable=one.status == AVAILABLE,
                    lot=one.lot,
                    last_day=days.get((one.sku, one.lot)),
                )
                for one in lying[thing.sku]
                if one.location not in _VIRTUAL
            ),
            unknown=sum(
                one.on_hand for one in lying[thing.sku] if one.location == LocationKind.UNKNOWN
            ),
            lost=tuple(lost[thing.sku]),
            wanted=tuple(wanted[thing.sku]),
        )
        for thing in things
    ]


def _reserved(reserved: Mapping[tuple[str, str, str], int], one: watched.Lying) -> int:
    """Only what can be sold is reserved."""
    if one.status != AVAILABLE:
        return 0
    return reserved.get((one.sku, one.lot, one.location), 0)


def _lost(
    conn: Connection, skus: Collection[str], rules: Sequence[Rule], now_us: int
) -> dict[str, list[tuple[int, int]]]:
    windows = [one.window_days for one in rules if one.kind == Kind.SHRINKAGE]
    lost: dict[str, list[tuple[int, int]]] = defaultdict(list)
    if windows:
        for one in watched.lost(conn, skus, now_us - max(windows) * _DAY_US):
            lost[one.sku].append((one.at_us, one.units))
    return lost


def paths_of(conn: Connection, codes: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Each place with those around it, from itself to its root."""
    start = select(_location.code.label("leaf"), _location.code, _location.parent)
    tree = start.where(_location.code.in_(codes)).cte("around", recursive=True)
    place = schema.location.alias("place")
    above = select(tree.c.leaf, place.c.code, place.c.parent).join(
        place, place.c.code == tree.c.parent
    )
    around = tree.union_all(above)
    parents: dict[str, dict[str, str | None]] = defaultdict(dict)
    for leaf, code, parent in conn.execute(select(around)):
        parents[leaf][code] = parent
    return {leaf: _chain(leaf, above_it) for leaf, above_it in parents.items()}


def _chain(leaf: str, parents: dict[str, str | None]) -> tuple[str, ...]:
    chain, at = [leaf], parents[leaf]
    while at is not None:
        chain.append(at)
        at = parents[at]
    return tuple(chain)


_BEHIND = (
    select(_item.sku)
    .where(_item.sku > bindparam("after"))
    .order_by(_item.sku)
    .limit(bindparam("most"))
)


def skus_behind(conn: Connection, after: str, limit: int) -> list[str]:
    """Items by SKU, those behind ``after``."""
    return list(conn.execute(_BEHIND, {"after": after, "most": limit}).scalars())


def clock_of(conn: Connection, path: Sequence[str]) -> str:
    """The time zone of the warehouse that a place lies in; UTC where there is none."""
    warehouse = schema.warehouse.c
    found = select(warehouse.time_zone).where(warehouse.code.in_(path))
    return conn.execute(found).scalar() or "UTC"
