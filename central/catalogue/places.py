"""Locations, and what read points and shelf plates mean for stock."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select

from central import schema
from central.catalogue.errors import AlreadyExists, NotFound, NotValid
from central.catalogue.items import get_item
from central.effective import next_log_id
from central.reconcile.portal.ways import ONE_WAY
from central.reconcile.verdict import PlatePlan, ReadPoint
from central.reconcile.zone.zone import LEAST_GONE_AFTER_S
from central.stock.model import LocationKind

READ_POINT_KINDS = ("portal", "shelf", "scan", "zone")
MOST_GONE_AFTER_S = 86_400.0
INFERRED = ("review", "auto")
MOST_FUSE_S = 86_400


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A place that stock is at. ``kind`` is a ``LocationKind``; ``parent`` encloses it."""

    code: str
    name: str
    kind: str = "internal"
    parent: str | None = None
    created_us: int = 0


def add_location(conn: Connection, location: Location) -> Location:
    """Put a new location on the map; raises ``AlreadyExists``, ``NotFound``, ``NotValid``."""
    if not 1 <= len(location.code) <= 64 or location.code != location.code.strip():
        raise NotValid("a location's code has 1 to 64 characters and no blanks around it")
    if location.kind not in tuple(LocationKind):
        known = ", ".join(LocationKind)
        raise NotValid(f"a location is one of {known}, not {location.kind!r}")
    if conn.execute(select(1).where(schema.location.c.code == location.code)).first():
        raise AlreadyExists(f"location {location.code} exists already")
    if location.parent is not None:
        get_location(conn, location.parent)
    conn.execute(insert(schema.location).values(msgspec.structs.asdict(location)))
    return location


def get_location(conn: Connection, code: str) -> Location:
    """The location of this code; raises ``NotFound``."""
    row = (
        conn.execute(select(schema.location).where(schema.location.c.code == code))
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound(f"there is no location {code}: add it first")
    return Location(**row)


def list_locations(conn: Connection) -> list[Location]:
    """Every location, by code; the virtual ones too."""
    rows = conn.execute(select(schema.location).order_by(schema.location.c.code)).mappings()
    return [Location(**row) for row in rows]


def put_read_point(conn: Connection, read_point: ReadPoint) -> ReadPoint:
    """Say what a read point means from the next observation on; a code's newest word holds."""
    if read_point.kind not in READ_POINT_KINDS:
        known = ", ".join(READ_POINT_KINDS)
        raise NotValid(f"a read point is one of {known}, not {read_point.kind!r}")
    if read_point.inferred not in INFERRED:
        known = " or ".join(INFERRED)
        raise NotValid(f"what is inferred is left to {known}, not {read_point.inferred!r}")
    if not 0 <= read_point.fuse_s <= MOST_FUSE_S:
        raise NotValid(f"fuse_s is 0 (never) to {MOST_FUSE_S} seconds, not {read_point.fuse_s}")
    if not LEAST_GONE_AFTER_S <= read_point.gone_after_s <= MOST_GONE_AFTER_S:
        raise NotValid(
            f"gone_after_s is {LEAST_GONE_AFTER_S:.0f} to {MOST_GONE_AFTER_S:.0f} seconds, "
            f"not {read_point.gone_after_s}"
        )
    if read_point.one_way not in ONE_WAY or (read_point.one_way and read_point.kind != "portal"):
        raise NotValid('one_way is "in" or "out" for a portal, and empty for all else')
    if read_point.moves_stock and read_point.kind != "zone":
        raise NotValid("moves_stock is for zones: portals, shelves and scans always do")
    for code in (read_point.location, read_point.inbound_from, read_point.outbound_to):
        get_location(conn, code)
    values = msgspec.structs.asdict(read_point) | {"valid_from_log": next_log_id(conn)}
    conn.execute(insert(schema.read_point).values(values))
    return read_point


def put_plate(conn: Connection, plan: PlatePlan) -> PlatePlan:
    """Say which item lies on a shelf's plate from the next observation on."""
    if plan.unit_mg < 1 or plan.unit_cv < 0:
        raise NotValid("a plate's unit_mg is at least 1 and its unit_cv not negative")
    get_item(conn, plan.sku)
    values = msgspec.structs.asdict(plan) | {"valid_from_log": next_log_id(conn)}
    conn.execute(insert(schema.plate_plan).values(values))
    return plan


def list_read_points(conn: Connection) -> list[ReadPoint]:
    """The read points in force, by code."""
    newest = select(func.max(schema.read_point.c.id)).group_by(schema.read_point.c.code)
    rows = conn.execute(
        select(schema.read_point)
        .where(schema.read_point.c.id.in_(newest))
        .order_by(schema.read_point.c.code)
    )
    return [read_point_of(row) for row in rows.mappings()]


def list_plates(conn: Connection, read_point: str | None = None) -> list[PlatePlan]:
    """The plate plans in force, by read point and plate."""
    table = schema.plate_plan.c
    newest = select(func.max(table.id)).group_by(table.read_point, table.plate)
    query = select(schema.plate_plan).where(table.id.in_(newest))
    if read_point is not None:
        query = query.where(table.read_point == read_point)
    rows = conn.execute(query.order_by(table.read_point, table.plate))
    return [plate_of(row) for row in rows.mappings()]


def read_point_of(row: RowMapping) -> ReadPoint:
    """A row of ``read_point`` as judging knows it."""
    return ReadPoint(**{name: row[name] for name in ReadPoint.__struct_fields__})


def plate_of(row: RowMapping) -> PlatePlan:
    """A row of ``plate_plan`` as judging knows it."""
    return PlatePlan(**{name: row[name] for name in PlatePlan.__struct_fields__})
