"""What people and sensors did to orders and counts since it was last looked at, for pages that are
live.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from central import schema
from central.counts.model import State

__all__ = ["COUNTS", "ORDERS", "Acted", "acted_since"]

ORDERS, COUNTS = "orders", "counts"
_MOST = 5_000
_OF_ORDERS = (
    "Order", "Inbound", "Goods", "Receiving", "Return", "Carton", "Shipment", "Backorder",
)  # fmt: skip
"""How the kinds of events begin that concern orders."""
_UNDER_WAY = tuple(one.value for one in State if one not in {State.REVIEWED, State.CANCELLED})
_event, _task, _pick = schema.domain_event.c, schema.count_task.c, schema.pick.c


class Acted(NamedTuple):
    """How far it was followed: the newest event, pick (microseconds since 1970) and entry of a
    count, and how many counts stand in each state.
    """

    event: int = 0
    picked_us: int = 0
    entry: int = 0
    counts: tuple[tuple[str, int], ...] = ()


def acted_since(conn: Connection, before: Acted) -> tuple[Acted, set[str]]:
    """How far it goes now, and which topics have something new. Indexes answer it: it is asked
    after every commit while somebody watches.
    """
    standing = select(_task.state, func.count()).where(_task.state.in_(_UNDER_WAY))
    rows = conn.execute(standing.group_by(_task.state))
    now = Acted(
        event=_newest(conn, _event.seq),
        picked_us=_newest(conn, _pick.done_us),
        entry=_newest(conn, schema.count_entry.c.no),
        counts=tuple(sorted((str(row[0]), int(row[1])) for row in rows)),
    )
    topics = set()
    if (now.entry, now.counts) != (before.entry, before.counts):
        topics.add(COUNTS)
    if now.picked_us != before.picked_us or _ordered(conn, before.event):
        topics.add(ORDERS)
    return now, topics


def _ordered(conn: Connection, seq: int) -> bool:
    query = select(_event.kind).where(_event.seq > seq).order_by(_event.seq.desc()).limit(_MOST)
    return any(kind.startswith(_OF_ORDERS) for kind in conn.execute(query).scalars())


def _newest(conn: Connection, column: ColumnElement[Any]) -> int:
    return int(conn.execute(select(func.max(column))).scalar() or 0)
