"""What read points mean for stock, and the names of places that most others need."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select

from central import schema
from central.access import reach
from central.catalogue.errors import NotValid
from central.catalogue.planogram import put_plate
from central.catalogue.tree import Location, add_location, get_location
from central.judging.effective import next_log_id
from central.reconcile.portal.ways import ONE_WAY
from central.reconcile.verdict import ReadPoint
from central.reconcile.zone.zone import LEAST_GONE_AFTER_S

__all__ = [
    "Location", "add_location", "get_location", "list_read_points", "put_plate", "put_read_point",
    "read_point_of",
]  # fmt: skip

READ_POINT_KINDS = ("portal", "shelf", "scan", "zone")
MOST_GONE_AFTER_S = 86_400.0
INFERRED = ("review", "auto")
MOST_FUSE_S = 86_400


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


def list_read_points(conn: Connection, *, granted: bool = False) -> list[ReadPoint]:
    """The read points in force, by code; only those within reach, where only ``granted`` ones are
    asked for.
    """
    newest = select(func.max(schema.read_point.c.id)).group_by(schema.read_point.c.code)
    query = select(schema.read_point).where(schema.read_point.c.id.in_(newest))
    if granted and (inside := reach.within(schema.read_point.c.location)) is not None:
        query = query.where(inside)
    rows = conn.execute(query.order_by(schema.read_point.c.code))
    return [read_point_of(row) for row in rows.mappings()]


def read_point_of(row: RowMapping) -> ReadPoint:
    """A row of ``read_point`` as judging knows it."""
    return ReadPoint(**{name: row[name] for name in ReadPoint.__struct_fields__})
