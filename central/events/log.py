"""The log of domain events that are no movements: written in the transaction of what they tell.

What moved stands on the ledger, which is an outbox of its own; here stands all else that others
may want to hear of (an item was made, an order came, a reservation ran out). Both are followed by
cursors, so nothing is told that was rolled back, and nothing committed is forgotten.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from central import schema

__all__ = ["Event", "following", "record"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_event = schema.domain_event.c


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
    conn.execute(
        insert(schema.domain_event).values(
            kind=kind, subject=subject, at_us=at_us, body=_encode(body).decode()
        )
    )


def following(conn: Connection, after: int, limit: int) -> list[Event]:
    """Events behind number ``after``, oldest first."""
    found = select(schema.domain_event).where(_event.seq > after).order_by(_event.seq).limit(limit)
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
