"""Which tags are in which zone, and at which of its places: kept with what judging found, and told.

``presence`` holds the tags that are there now, ``presence_event`` what happened, the newest
``KEPT`` of it: older history is let go of, as the observation log tells it again (``central
replay``). Neither says anything of stock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, RowMapping, Select, Table, case, func, select, text

from central import schema
from central.access import reach
from central.database import keyset
from central.database.bulk import BulkInsert, storable
from central.database.moments import to_us
from central.reconcile.verdict import PresenceEvent

__all__ = [
    "KEPT",
    "Elsewhere",
    "compared_from",
    "elsewhere",
    "events",
    "keep",
    "presence_row",
    "present",
]

KEPT = 500_000
_EVENT = (
    ("id", "text"),
    ("read_point", "text"),
    ("epc", "text"),
    ("kind", "text"),
    ("place", "text"),
    ("was", "text"),
    ("event_us", "bigint"),
    ("decided_us", "bigint"),
    ("heard_us", "bigint"),
    ("confidence", "double precision"),
    ("reads", "bigint"),
    ("causes", "text"),
    ("reader", "text"),
)
_EVENTS = BulkInsert(
    "presence_event", (*_EVENT, ("log_id", "bigint")), "ON CONFLICT (id) DO NOTHING"
)
_THERE = BulkInsert(
    "presence",
    (
        ("read_point", "text"),
        ("epc", "text"),
        ("place", "text"),
        ("arrived_us", "bigint"),
        ("since_us", "bigint"),
        ("confidence", "double precision"),
        ("reader", "text"),
    ),
    "ON CONFLICT (read_point, epc) DO UPDATE SET place = excluded.place, "
    "since_us = excluded.since_us, confidence = excluded.confidence, reader = excluded.reader",
)
_GONE = text("DELETE FROM presence WHERE read_point = :read_point AND epc = :epc")
_PRUNE = text("DELETE FROM presence_event WHERE no <= (SELECT max(no) FROM presence_event) - :kept")
_OLDEST = text("SELECT no, log_id FROM presence_event ORDER BY no LIMIT 1")
_edge, _device = schema.edge_presence.c, schema.device.c
_THERE_NOW = (
    select(
        schema.presence,
        case(
            (_device.state.not_in(("running", "unknown")), _device.state_us),
            (_edge.state != "online", _edge.since_us),
        ).label("unknown_since_us"),
    )
    .outerjoin(schema.device, schema.presence.c.reader == _device.edge + "/" + _device.device)
    .outerjoin(schema.edge_presence, _edge.edge == _device.edge)
)
_encode = msgspec.json.Encoder().encode
_ELSEWHERE = text(
    "SELECT p.read_point, p.epc, t.sku, t.location FROM presence p "
    "JOIN tag_place t ON t.epc = p.epc WHERE p.since_us <= :since AND p.place <> t.location "
    "ORDER BY p.read_point, p.epc"
)


class Elsewhere(NamedTuple):
    """A tag that a zone hears, and where the ledger has it."""

    read_point: str
    epc: str
    sku: str
    location: str


def elsewhere(conn: Connection, *, since_us: int) -> list[Elsewhere]:
    """Tags that stand in zones at least since then, and at another place by the ledger."""
    return [Elsewhere(*row) for row in conn.execute(_ELSEWHERE, {"since": since_us})]


def keep(conn: Connection, told: Sequence[PresenceEvent], log_id: int) -> None:
    """Store what log entry ``log_id`` led to; a repeat changes nothing."""
    if not told:
        return
    _EVENTS.run(conn, [(*presence_row(one).values(), log_id) for one in told])
    last = {(one.read_point, one.epc): one for one in told}
    gone = {key for one in told if one.kind == "departed" for key in [(one.read_point, one.epc)]}
    if gone:
        keys = [{"read_point": point, "epc": epc} for point, epc in sorted(gone)]
        conn.execute(_GONE, keys)
    there = [one for one in last.values() if one.kind != "departed"]
    _THERE.run(conn, [_there(one) for one in there])
    conn.execute(_PRUNE, {"kept": KEPT})


def presence_row(one: PresenceEvent) -> dict[str, object]:
    """An event's columns, all of which judging again must give alike."""
    return {
        "id": one.id,
        "read_point": one.read_point,
        "epc": one.epc,
        "kind": one.kind,
        "place": storable(one.place),
        "was": storable(one.was),
        "event_us": to_us(one.event_time),
        "decided_us": to_us(one.decided_at),
        "heard_us": to_us(one.heard_at),
        "confidence": one.confidence,
        "reads": one.reads,
        "causes": _encode(one.causes).decode(),
        "reader": storable(one.reader),
    }


def compared_from(conn: Connection) -> int:
    """The first log entry of which every event is kept: before it there is nothing to compare."""
    oldest = conn.execute(_OLDEST).one_or_none()
    return 0 if oldest is None or oldest.no == 1 else int(oldest.log_id) + 1


def present(
    conn: Connection,
    *,
    epc: str | None = None,
    read_point: str | None = None,
    place: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 50,
) -> Sequence[RowMapping]:
    """The tags that are there now, by read point and EPC, behind ``after`` of these two.

    ``unknown_since_us`` is since when nobody knows, as the tag's reader, or its edge, is not there.
    Those of a read point that is no zone any more are not told.
    """
    table = schema.presence.c
    query = _of(_THERE_NOW, schema.presence, epc=epc, read_point=read_point, place=place)
    points = schema.read_point
    newest = select(func.max(points.c.id)).group_by(points.c.code)
    zones = select(points.c.code).where(points.c.id.in_(newest), points.c.kind == "zone")
    query = query.where(table.read_point.in_(zones))
    query = keyset.ascending(query, (table.read_point, table.epc), after, limit)
    return conn.execute(query).mappings().all()


def events(
    conn: Connection,
    *,
    epc: str | None = None,
    read_point: str | None = None,
    place: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[RowMapping]:
    """What happened, newest first, before number ``before``."""
    table = schema.presence_event
    query = _of(select(table), table, epc=epc, read_point=read_point, place=place)
    seen = None if before is None else (before,)
    return conn.execute(keyset.newest(query, (table.c.no,), seen, limit)).mappings().all()


def _of(
    query: Select[Any], table: Table, *, epc: str | None, read_point: str | None, place: str | None
) -> Select[Any]:
    if (granted := reach.at(table.c.read_point)) is not None:
        query = query.where(granted)
    for name, wanted in (("epc", epc), ("read_point", read_point), ("place", place)):
        if wanted is not None:
            query = query.where(table.c[name] == wanted)
    return query


def _there(one: PresenceEvent) -> tuple[object, ...]:
    at_us = to_us(one.event_time)
    there = (one.read_point, one.epc, storable(one.place), at_us, at_us)
    return (*there, one.confidence, storable(one.reader))
