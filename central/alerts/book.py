"""Alerts in the database: what is open, what happened, who is to be told.

A step of an alert, what happened in it and the notices of that are written in one transaction: a
crash leaves all of them or none, and none is written twice. A step that was thought out over an
alert that somebody changed in the meantime is left: whoever looks next sees it as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, delete, insert, select, update
from sqlalchemy.exc import NoResultFound

from central import schema
from central.access import reach
from central.alerts.life import Step
from central.alerts.model import OF_ITEMS, Alert, Happened, Kind, Severity, State
from central.catalogue.errors import NotFound
from central.database import keyset
from central.database.bulk import storable

__all__ = [
    "Kept", "due", "get", "history", "keep", "listing", "open_of_items", "open_of_kinds",
]  # fmt: skip

T = TypeVar("T", bound=tuple[Any, ...])
_alert = schema.alert.c
_event = schema.alert_event.c
_FIELDS = Alert.__struct_fields__
_OPEN = _alert.cleared_us.is_(None)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, as it is kept under ``seq``, and the alert as it was then."""

    seq: int
    alert: Alert
    happened: Happened


def open_of_items(conn: Connection, skus: Collection[str]) -> dict[str, Alert]:
    """What is not over of some items, by key, of the kinds that are looked at as they move."""
    kinds = _alert.kind.in_([str(one) for one in OF_ITEMS])
    return _by_key(conn, _alert.sku.in_(skus) & kinds)


def open_of_kinds(conn: Connection, kinds: Collection[Kind]) -> dict[str, Alert]:
    """What is not over of some kinds, by key."""
    return _by_key(conn, _alert.kind.in_([str(one) for one in kinds]))


def _by_key(conn: Connection, which: ColumnElement[bool]) -> dict[str, Alert]:
    rows = conn.execute(select(schema.alert).where(_OPEN, which))
    return {row.key: _of(row) for row in rows}


def due(conn: Connection, now_us: int, limit: int = 500) -> list[Alert]:
    """What time alone changes by now, the longest due first."""
    found = select(schema.alert).where(_alert.due_us <= now_us).order_by(_alert.due_us).limit(limit)
    return [_of(row) for row in conn.execute(found)]


def get(conn: Connection, no: int) -> Alert:
    """One alert of a place within reach; raises ``NotFound``."""
    try:
        return _of(conn.execute(_granted(select(schema.alert)).where(_alert.no == no)).one())
    except NoResultFound:
        raise NotFound(f"there is no alert {no}") from None


def listing(
    conn: Connection,
    *,
    states: Collection[State],
    kind: Kind | None = None,
    severity: Severity | None = None,
    sku: str | None = None,
    location: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Alert]:
    """Those of places within reach, the newest first; ``before`` is the number of the last one that
    was seen.
    """
    seen = None if before is None else (before,)
    query = keyset.newest(_granted(select(schema.alert)), (_alert.no,), seen, limit)
    query = query.where(_alert.state.in_(states))
    wanted = {"kind": kind, "severity": severity, "sku": sku, "location": location}
    for column, value in wanted.items():
        if value is not None:
            query = query.where(_alert[column] == str(value))
    return [_of(row) for row in conn.execute(query)]


def _granted(query: Select[T]) -> Select[T]:
    """What is of no place, or of all together, is for those who may see everywhere."""
    granted = reach.within(_alert.location)
    return query if granted is None else query.where(granted)


def history(conn: Connection, no: int) -> list[Happened]:
    """What happened to an alert, oldest first."""
    found = select(schema.alert_event).where(_event.alert == no).order_by(_event.seq)
    return [
        Happened(what=row.what, at_us=row.at_us, by=row.by, note=row.note)
        for row in conn.execute(found)
    ]


def keep(conn: Connection, steps: Iterable[Step]) -> list[Kept]:
    """Write steps down; what happened in those that still held."""
    kept = []
    for step in steps:
        now = _keep(conn, step)
        if now is None:
            continue
        for one in step.happened:
            values = {
                "alert": now.no,
                "what": one.what,
                "at_us": one.at_us,
                "by": storable(one.by),
                "note": storable(one.note),
            }
            made = conn.execute(
                insert(schema.alert_event).values(values).returning(_event.seq)
            ).scalar_one()
            kept.append(Kept(seq=made, alert=now, happened=one))
    return kept


def _keep(conn: Connection, step: Step) -> Alert | None:
    """The alert as it is now, unless it is forgotten or was changed by somebody meanwhile."""
    before, after = step.before, step.alert
    if before is None:
        assert after is not None, "a step makes something of nothing, or of something"
        return _add(conn, after)
    unchanged = (_alert.no == before.no, _alert.version == before.version)
    if after is None:
        conn.execute(delete(schema.alert).where(*unchanged))
        return None
    changed = conn.execute(update(schema.alert).where(*unchanged).values(_values(after)))
    return after if changed.rowcount else None


def _add(conn: Connection, alert: Alert) -> Alert | None:
    there = select(_alert.no).where(_alert.key == alert.key, _OPEN)
    if conn.execute(there).first():
        return None
    made = insert(schema.alert).values(_values(alert)).returning(_alert.no)
    return msgspec.structs.replace(alert, no=conn.execute(made).scalar_one())


def _values(alert: Alert) -> dict[str, object]:
    values = msgspec.structs.asdict(alert)
    del values["no"]
    return values | {"kind": str(alert.kind), "says": storable(alert.says)}


def _of(row: Row[Any]) -> Alert:
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    return Alert(**values | {"kind": Kind(row.kind)})
