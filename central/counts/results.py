"""What approved counts found: each count's lines, and how often the books were right."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select, text

from central import schema
from central.insight.shares import Share

__all__ = ["accuracy", "last_counted", "results_of"]

_result = schema.count_result.c
_serials = msgspec.json.Decoder(tuple[str, ...]).decode
_ACCURACY = text(
    "SELECT count(*) AS cases, coalesce(sum(exact), 0) AS hits FROM ("
    "SELECT min(CASE WHEN counted = expected THEN 1 ELSE 0 END) AS exact FROM count_result "
    "WHERE at_us >= :since GROUP BY task, sku, location) AS pairs"
)


def results_of(conn: Connection, name: str) -> list[dict[str, object]]:
    """The lines of a count that was approved, with the pieces that were posted by them."""
    serials = schema.movement.c.serials
    query = (
        select(schema.count_result, serials)
        .outerjoin(schema.movement, schema.movement.c.id == _result.movement)
        .where(_result.task == name)
        .order_by(_result.no)
    )
    rows = conn.execute(query).mappings()
    return [dict(row) | {"serials": _serials(row["serials"] or "[]")} for row in rows]


def accuracy(conn: Connection, since_us: int) -> Share:
    """Pairs of item and place that were counted since then, and those of them where every lot
    and status was as the books said: an exact match, not one in sum.
    """
    row = conn.execute(_ACCURACY, {"since": since_us}).one()
    return Share(int(row.hits), int(row.cases))


def last_counted(conn: Connection, location: str) -> dict[str, int]:
    """When each item at a place was last counted there (microseconds since 1970)."""
    query = select(_result.sku, _result.at_us).where(_result.location == location)
    return {row.sku: row.at_us for row in conn.execute(query.order_by(_result.at_us))}
