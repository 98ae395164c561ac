"""The tree of locations: warehouse, zone, aisle, rack, shelf, bin, to any depth.

A location's rules are kept here and enforced where movements are posted, see
``central.stock.rules``. Its code is unique over all warehouses and never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    CTE,
    Connection,
    RowMapping,
    Select,
    bindparam,
    func,
    insert,
    literal,
    select,
    update,
)

from central import schema
from central.access import reach
from central.catalogue.enclosures import enclose
from central.catalogue.errors import (
    AlreadyExists,
    NotFound,
    NotValid,
    StillInUse,
)
from central.database.prepared import Prepared
from central.stock import queries, totals
from central.stock.model import LocationKind
from central.stock.rules import Rules

__all__ = [
    "TYPES", "Listed", "Location", "Spot", "add_location", "change_location", "codes_under",
    "get_location", "list_locations", "path_of", "spots",
]  # fmt: skip

TYPES = ("", "warehouse", "zone", "aisle", "rack", "shelf", "bin", "dock", "area")
STATUSES = ("active", "retired")
MOST_RULED = 1_000
"""Items and categories that a location's rules may name."""
_location = schema.location.c
_encode = msgspec.json.Encoder().encode
_rules = msgspec.json.Decoder(Rules).decode


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A place that stock is at. ``kind`` is a ``LocationKind``; ``parent`` encloses it; ``type``
    is one of ``TYPES``. ``version`` counts its changes.
    """

    code: str
    name: str
    kind: str = "internal"
    parent: str | None = None
    created_us: int = 0
    type: str = ""
    rules: Rules = Rules()
    status: str = "active"
    version: int = 1


_ONE = Prepared(
    select(*(_location[name] for name in Location.__struct_fields__)).where(
        _location.code == bindparam("wanted")
    )
)


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A location in a listing; ``depth`` is 0 for the listing's root."""

    location: Location
    depth: int


def add_location(conn: Connection, location: Location) -> Location:
    """Put a new location on the map; raises ``AlreadyExists``, ``NotFound``, ``NotValid``."""
    if not 1 <= len(location.code) <= 64 or location.code != location.code.strip():
        raise NotValid("a location's code has 1 to 64 characters and no blanks around it")
    if location.kind not in tuple(LocationKind):
        known = ", ".join(LocationKind)
        raise NotValid(f"a location is one of {known}, not {location.kind!r}")
    _check(location)
    if conn.execute(select(1).where(_location.code == location.code)).first():
        raise AlreadyExists(f"location {location.code} exists already")
    if location.parent is None:
        reach.everywhere("a place within no other")
    else:
        _check_parent(conn, location.parent)
    conn.execute(insert(schema.location).values(_row(location)))
    if location.parent is not None:
        enclose(conn, location.code, location.parent)
    if location.rules.limits:
        totals.count_anew(conn, [location.code])
    return location


def get_location(conn: Connection, code: str) -> Location:
    """The location of this code; raises ``NotFound``, and ``OutOfReach``."""
    found = _ONE.rows(conn, {"wanted": code})
    if not found:
        raise NotFound(f"there is no location {code}: add it first")
    reach.check(conn, [code])
    return _of(dict(zip(Location.__struct_fields__, found[0], strict=True)))


def list_locations(
    conn: Connection, *, under: str | None = None, after: str = "", limit: int = 1_000
) -> list[Listed]:
    """Locations by code, those behind ``after``; only ``under`` and what lies below it when
    given, and only what is within reach. The virtual ones are roots of their own.
    """
    tree = _tree(under)
    query: Select[Any] = (
        select(schema.location, tree.c.depth)
        .join(tree, tree.c.code == _location.code)
        .where(_location.code > after)
        .order_by(_location.code)
        .limit(limit)
    )
    if (granted := reach.within(_location.code)) is not None:
        query = query.where(granted)
    rows = conn.execute(query).mappings()
    return [Listed(location=_of(row), depth=row["depth"]) for row in rows]


def codes_under(conn: Connection, codes: Iterable[str]) -> frozenset[str]:
    """These locations and all that lie below them."""
    found = set[str]()
    for code in codes:
        found.update(conn.execute(select(_tree(code).c.code)).scalars())
    return frozenset(found)


class Spot(NamedTuple):
    """What encloses a place, and its type."""

    parent: str | None
    type: str


def spots(conn: Connection) -> dict[str, Spot]:
    """Every place by its code, also what is out of reach: to find what lies in what."""
    rows = conn.execute(select(_location.code, _location.parent, _location.type))
    return {row.code: Spot(row.parent, row.type) for row in rows}


def path_of(conn: Connection, location: Location) -> list[str]:
    """The codes from the root down to the location."""
    path = [location.code]
    parent = location.parent
    while parent is not None:
        path.append(parent)
        parent = conn.execute(select(_location.parent).where(_location.code == parent)).scalar()
    return path[::-1]


def change_location(
    conn: Connection, code: str, changes: dict[str, object]
) -> tuple[Location, Location]:
    """Change ``name``, ``parent``, ``type``, ``rules`` or ``status``: the location before and
    after. What lies below it goes where it goes. Raises ``StillInUse``, ``NotFound``,
    ``NotValid``.

    Rules are for goods that come: what lies there already stays, and so does what comes along
    when a place is moved below another one.
    """
    before = get_location(conn, code)
    if before.kind != LocationKind.INTERNAL:
        raise NotValid(f"{code} is not a place but an end of the books, and stays as it is")
    after: Location = msgspec.structs.replace(before, **changes, version=before.version + 1)
    _check(after)
    if "warehouse" in {before.type, after.type} and before.type != after.type:
        raise NotValid("what is a warehouse stays one, and nothing else becomes one: add it anew")
    if after.parent != before.parent:
        _check_move(conn, after)
    if after.status == "retired" and before.status == "active":
        _check_retired(conn, code)
    if after.status == "active" and before.status == "retired" and after.parent is not None:
        _check_parent(conn, after.parent)
    conn.execute(update(schema.location).where(_location.code == code).values(_row(after)))
    otherwise = {code} if after.rules != before.rules else set[str]()
    if after.parent != before.parent:
        enclose(conn, code, after.parent)
        otherwise |= {*path_of(conn, before)} ^ {*path_of(conn, after)}
    totals.count_anew(conn, otherwise)
    return before, after


def _check(location: Location) -> None:
    if location.type not in TYPES:
        raise NotValid(f"a location's type is one of {', '.join(TYPES[1:])}, or empty")
    if location.status not in STATUSES:
        raise NotValid(f"a location is active or retired, not {location.status!r}")
    if location.type == "warehouse" and location.parent is not None:
        raise NotValid("a warehouse lies within no other location")
    if len(location.rules.items) + len(location.rules.categories) > MOST_RULED:
        raise NotValid(f"a location's rules name at most {MOST_RULED} items and categories")


def _check_parent(conn: Connection, code: str) -> None:
    parent = get_location(conn, code)
    if parent.kind != LocationKind.INTERNAL:
        raise NotValid(f"{code} is not a place that others can lie in")
    if parent.status != "active":
        raise NotValid(f"{code} is retired: make it active first, or choose another parent")


def _check_move(conn: Connection, location: Location) -> None:
    if location.parent is None:
        reach.everywhere("a place within no other")
        return
    _check_parent(conn, location.parent)
    if location.code in path_of(conn, get_location(conn, location.parent)):
        raise NotValid(
            f"{location.parent} lies in {location.code} itself: a location cannot be below itself"
        )


def _check_retired(conn: Connection, code: str) -> None:
    """Nothing lies in it, nothing is below it, and no sensor posts to it."""
    held = queries.on_hand(conn, location=code, limit=1)
    if held:
        raise StillInUse(f"{code} holds {held[0].on_hand} of {held[0].sku}: move that first")
    inside = select(_location.code).where(_location.parent == code, _location.status == "active")
    child = conn.execute(inside.limit(1)).scalar()
    if child is not None:
        raise StillInUse(f"{child} lies in {code}: move or retire it first")
    point = schema.read_point.c
    newest = select(func.max(point.id)).group_by(point.code)
    ends = (point.location == code) | (point.inbound_from == code) | (point.outbound_to == code)
    posts = conn.execute(select(point.code).where(point.id.in_(newest), ends).limit(1)).scalar()
    if posts is not None:
        raise StillInUse(f"read point {posts} posts to {code}: let it mean another place first")


def _tree(under: str | None) -> CTE:
    """Code and depth of ``under`` and all below it; of everything without it."""
    root = _location.parent.is_(None) if under is None else _location.code == under
    tree = select(_location.code, literal(0).label("depth")).where(root).cte("tree", recursive=True)
    child = schema.location.alias("child")
    below = select(child.c.code, tree.c.depth + 1).join(tree, child.c.parent == tree.c.code)
    return tree.union_all(below)


def _of(row: Mapping[str, Any] | RowMapping) -> Location:
    values = {name: row[name] for name in Location.__struct_fields__}
    return Location(**values | {"rules": _rules(row["rules"])})


def _row(location: Location) -> dict[str, object]:
    values = msgspec.structs.asdict(location)
    return values | {"rules": _encode(location.rules).decode()}
