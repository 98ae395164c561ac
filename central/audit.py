"""Who changed what by command, when, and what stood there before: written once, never changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central.bulk import BulkInsert, storable

__all__ = ["Change", "record"]

_INSERT = BulkInsert(
    "audit",
    (
        ("at_us", "bigint"),
        ("actor", "text"),
        ("action", "text"),
        ("subject", "text"),
        ("before", "text"),
        ("after", "text"),
    ),
)
_encode = msgspec.json.Encoder().encode


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
    _INSERT.run(
        conn,
        [
            (
                at_us,
                storable(actor),
                action,
                storable(change.subject),
                _encode(change.before).decode(),
                _encode(change.after).decode(),
            )
            for change in changes
        ],
    )
