"""Who changed what, when, and what stood there before: written once, never changed.

People change by command; judging sets a plate's zero anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, func, select, text

from central import schema
from central.audit import chain as audit_chain
from central.database import keyset
from central.database.bulk import BulkInsert, storable
from central.database.moments import to_us
from central.reconcile.verdict import Rezeroed

__all__ = [
    "REZERO",
    "Change",
    "Entry",
    "Noted",
    "behind",
    "entries",
    "following",
    "record",
    "rezeroed",
]

REZERO = "re-zero"

_INSERT = BulkInsert(
    "audit",
    (
        ("id", "bigint"),
        ("at_us", "bigint"),
        ("actor", "text"),
        ("action", "text"),
        ("subject", "text"),
        ("before", "text"),
        ("after", "text"),
    ),
)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Change(NamedTuple):
    """A row that is another one now; ``None`` where there was or is none."""

    subject: str
    before: dict[str, object] | None
    after: dict[str, object] | None


def record(
    conn: Connection, changes: Iterable[Change], *, actor: str, action: str, at_us: int
) -> None:
    """Keep what is changed in this transaction; ``at_us`` in microseconds since 1970.

    ``actor`` is who says so; PostgreSQL's own word for who is connected is added to it.
    """
    if conn.dialect.name == "postgresql":
        session = conn.execute(text("SELECT session_user")).scalar_one()
        actor = f"{actor} (role {session})"
    last = conn.execute(select(func.max(schema.audit.c.id))).scalar() or 0
    lines = [
        (
            number,
            at_us,
            storable(actor),
            storable(action),
            storable(change.subject),
            _encode(change.before).decode(),
            _encode(change.after).decode(),
        )
        for number, change in enumerate(changes, last + 1)
    ]
    if lines:
        _INSERT.run(conn, lines)
        audit_chain.seal(conn, lines)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the audit keeps of one change: ``at_us`` in microseconds since 1970."""

    id: int
    at_us: int
    actor: str
    action: str
    subject: str
    before: object
    after: object


def rezeroed(conn: Connection, found: Iterable[Rezeroed], *, at_us: int) -> None:
    """Keep that judging set plates' zeros anew, with what it went by."""
    changes = [
        Change(
            f"plate {one.read_point}/{one.plate}",
            {"zero_mg": one.before_mg},
            {
                "zero_mg": one.after_mg,
                "moved_mg": one.after_mg - one.before_mg,
                "error_mg": one.error_mg,
                "sku": one.sku,
                "unit_mg": one.unit_mg,
                "because": "the plate was empty",
                "event_us": to_us(one.event_time),
                "cause": msgspec.to_builtins(one.cause),
            },
        )
        for one in found
    ]
    if changes:
        record(conn, changes, actor="judging", action=REZERO, at_us=at_us)


def entries(
    conn: Connection,
    *,
    action: str | None = None,
    subject: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Entry]:
    """The newest entries first; ``before`` is an entry's id."""
    table = schema.audit
    seen = None if before is None else (before,)
    wanted = keyset.newest(select(table), (table.c.id,), seen, limit)
    if action is not None:
        wanted = wanted.where(table.c.action == action)
    if subject is not None:
        wanted = wanted.where(table.c.subject == subject)
    return [_entry(row) for row in conn.execute(wanted)]


def behind(conn: Connection, after: int, limit: int) -> list[Entry]:
    """Entries behind an id, the oldest first: for exports."""
    table = schema.audit
    wanted = select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
    return [_entry(row) for row in conn.execute(wanted)]


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.id,
        at_us=row.at_us,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        before=_decode(row.before),
        after=_decode(row.after),
    )


class Noted(NamedTuple):
    """That something was changed, for whoever follows: ``id`` is the entry's number."""

    id: int
    action: str
    subject: str


def following(conn: Connection, after: int, limit: int) -> list[Noted]:
    """Entries behind number ``after``, oldest first."""
    table = schema.audit.c
    query = select(table.id, table.action, table.subject).where(table.id > after)
    return [Noted(*row) for row in conn.execute(query.order_by(table.id).limit(limit))]
