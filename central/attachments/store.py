"""What is attached to what, in the database. Every change is audited in its transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from central import audit, schema
from central.attachments.model import Attachment, Kind, NoSuchAttachment, TooMany
from central.catalogue.changes import Told

__all__ = ["add", "every", "get", "is_attached", "listed", "remove", "unattached"]

_row = schema.attachment.c
_NAMES: dict[Kind, str] = {
    "items": "item", "orders": "order", "inbound-orders": "inbound order",
    "movements": "movement", "reviews": "review",
}  # fmt: skip
"""How the audit names what a file belongs to."""
_AT_ONCE = 500


def listed(conn: Connection, kind: Kind, subject: str) -> list[Attachment]:
    """All that is attached to this, the oldest first."""
    query = select(schema.attachment).where(_row.kind == kind, _row.subject == subject)
    found = conn.execute(query.order_by(_row.added_us, _row.sha256)).mappings()
    return [Attachment(**row) for row in found]


def every(conn: Connection) -> Iterator[Attachment]:
    """All that is attached to anything."""
    query = select(schema.attachment).order_by(_row.sha256, _row.kind, _row.subject)
    for row in conn.execute(query).mappings():
        yield Attachment(**row)


def get(conn: Connection, kind: Kind, subject: str, sha256: str) -> Attachment:
    """The attachment of this hash. Raises ``NoSuchAttachment``."""
    query = select(schema.attachment).where(
        _row.kind == kind, _row.subject == subject, _row.sha256 == sha256
    )
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        raise NoSuchAttachment(f"{_NAMES[kind]} {subject} has no attachment {sha256}")
    return Attachment(**row)


def add(conn: Connection, wanted: Attachment, most_each: int) -> tuple[Attachment, bool]:
    """Attach a file; answers what is attached, and whether it was before: then as it was, with its
    first name. Raises ``TooMany``.
    """
    here = _row.kind == wanted.kind, _row.subject == wanted.subject
    there = conn.execute(select(schema.attachment).where(*here, _row.sha256 == wanted.sha256))
    if (row := there.mappings().one_or_none()) is not None:
        return Attachment(**row), True
    if conn.execute(select(func.count()).where(*here)).scalar_one() >= most_each:
        raise TooMany(
            f"{_NAMES[wanted.kind]} {wanted.subject} has {most_each} attachments: remove one "
            "first ([attachments] most_each)"
        )
    conn.execute(insert(schema.attachment).values(msgspec.to_builtins(wanted)))
    told = Told(by=wanted.added_by, at_us=wanted.added_us)
    _record(conn, wanted, "add attachment", told, added=True)
    return wanted, False


def remove(conn: Connection, kind: Kind, subject: str, sha256: str, told: Told) -> None:
    """Let this file belong there no more. Raises ``NoSuchAttachment``."""
    was = get(conn, kind, subject, sha256)
    conn.execute(
        delete(schema.attachment).where(
            _row.kind == kind, _row.subject == subject, _row.sha256 == sha256
        )
    )
    _record(conn, was, "remove attachment", told, added=False)


def is_attached(conn: Connection, sha256: str) -> bool:
    """Whether a file belongs to anything."""
    return not unattached(conn, [sha256])


def unattached(conn: Connection, hashes: Iterable[str]) -> list[str]:
    """Those of these files that belong to nothing."""
    rest, found = iter(hashes), []
    while some := list(islice(rest, _AT_ONCE)):
        known = set(conn.scalars(select(_row.sha256).where(_row.sha256.in_(some))))
        found += [sha256 for sha256 in some if sha256 not in known]
    return found


def _record(conn: Connection, one: Attachment, action: str, told: Told, *, added: bool) -> None:
    said = {"sha256": one.sha256, "name": one.name, "media": one.media, "bytes": one.bytes}
    subject = f"{_NAMES[one.kind]} {one.subject}"
    change = audit.Change(subject, None if added else said, said if added else None)
    audit.record(conn, [change], actor=told.by, action=action, at_us=told.at_us)
