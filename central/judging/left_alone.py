"""What went by and moved nothing, kept for a while: so that who misses a pallet can ask why.

Passes that post or ask are kept for good. Of those that judging took for strays, for a pallet that
turned back or for somebody walking by, the newest ``MOST`` of each read point are: by their ids,
and by the EPCs of their likeliest tags. Nothing rests on them, and replay does not compare them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, bindparam, select, text

from central import schema
from central.database.bulk import BulkInsert
from central.database.moments import to_us
from central.judging.findings import app_version
from central.reconcile import reconciler
from central.reconcile.verdict import LeftAlone

__all__ = ["MOST", "find", "keep", "pass_of"]

MOST = 200
_COLUMNS = (
    ("id", "text"),
    ("read_point", "text"),
    ("closed_us", "bigint"),
    ("log_id", "bigint"),
    ("app", "text"),
    ("reconciler", "bigint"),
    ("context", "bigint"),
    ("epcs", "text"),
    ("body", "text"),
)
_INSERT = BulkInsert("left_alone", _COLUMNS, "ON CONFLICT (id) DO NOTHING")
_FORGET = text(
    "DELETE FROM left_alone WHERE read_point = :point AND id NOT IN ("
    "SELECT id FROM left_alone WHERE read_point = :point ORDER BY closed_us DESC, id LIMIT :most)"
)
_table = schema.left_alone.c
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(LeftAlone).decode


def keep(conn: Connection, found: Sequence[LeftAlone], log_id: int, context: int) -> None:
    """Keep what log entry ``log_id`` left alone, and forget the oldest beyond ``MOST``."""
    if not found:
        return
    by = (log_id, app_version(), reconciler.VERSION, context)
    lines = [
        (
            one.told.id,
            one.told.read_point,
            to_us(one.told.closed_at),
            *by,
            " ".join(tag.epc for tag in one.told.tags),
            _encode(one).decode(),
        )
        for one in found
    ]
    _INSERT.run(conn, lines)
    for point in sorted({one.told.read_point for one in found}):
        conn.execute(_FORGET, {"point": point, "most": MOST})


def find(conn: Connection, wanted: str) -> RowMapping | None:
    """The row of this id, or the newest with this EPC among its tags; ``None`` if there is none."""
    query = select(schema.left_alone).where(_table.id == wanted)
    found = conn.execute(query).mappings().one_or_none()
    if found is not None or not wanted.isalnum():
        return found
    with_tag = (" " + _table.epcs + " ").contains(bindparam("epc"))
    newest = select(schema.left_alone).where(with_tag).order_by(_table.closed_us.desc(), _table.id)
    return conn.execute(newest.limit(1), {"epc": f" {wanted.upper()} "}).mappings().first()


def pass_of(row: RowMapping | dict[str, Any]) -> LeftAlone:
    """What a row tells."""
    return _decode(row["body"])
