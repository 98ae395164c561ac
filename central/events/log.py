"""The log of domain events that are no movements: written in the transaction of what they tell.

What moved stands on the ledger, which is an outbox of its own; here stands all else that others
may want to hear of (an item was made, an order came, a reservation ran out). Both are followed by
cursors, so nothing is told that was rolled back, and nothing committed is forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from central import schema
from central.database.bulk import BulkInsert

__all__ = ["Event", "Happening", "following", "newest", "record", "record_each"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_event = schema.domain_event.c
_INSERT = BulkInsert(
    "domain_event",
    (("kind", "text"), ("subject", "text"), ("at_us", "bigint"), ("body", "text")),
)


class Happening(NamedTuple):
    """What is to be told: see ``record``."""

    kind: str
    subject: str
    body: dict[str, Any]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to ``subject`` (a SKU, an order's id) at ``at_us`` microseconds since 1970.

    ``kind`` is a name in the past tense (``OrderReserved``), ``body`` what its JSON Schema says.
    """

    seq: int
    kind: str
    subject: str
    at_us: int
    body: dict[str, Any]


def record(conn: Connection, kind: str, subject: str, body: dict[str, Any], *, at_us: int) -> None:
    """Keep an event of this transaction: call it from ``Database.write`` alone, whose commits
    come in the order of their numbers.
    """
    record_each(conn, [Happening(kind, subject, body)], at_us=at_us)


def record_each(conn: Connection, happened: Iterable[Happening], *, at_us: int) -> None:
    """As ``record``, for what happened together, in order."""
    _INSERT.run(
        conn, [(one.kind, one.subject, at_us, _encode(one.body).decode()) for one in happened]
    )


def newest(conn: Connection) -> int:
    """The number of the last event; 0 before the first."""
    return int(conn.execute(select(func.coalesce(func.max(_event.seq), 0))).scalar_one())


def following(
    conn: Connection, after: int, limit: int, *, kinds: Collection[str] | None = None,
    since_us: int | None = None, until_us: int | None = None,
) -> list[Event]:  # fmt: skip
    """Events behind number ``after``, oldest first; only of some ``kinds``, and from ``since_us``
    on and before ``until_us``, where told.
    """
    found = select(schema.domain_event).where(_event.seq > after).order_by(_event.seq).limit(limit)
    if kinds is not None:
        found = found.where(_event.kind.in_(kinds))
    if since_us is not None:
        found = found.where(_event.at_us >= since_us)
    if until_us is not None:
        found = found.where(_event.at_us < until_us)
    return [
        Event(
            seq=row.seq,
            kind=row.kind,
            subject=row.subject,
            at_us=row.at_us,
            body=_decode(row.body),
        )
        for row in conn.execute(found)
    ]
