"""Grants in the database: which role whom, and where."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator

import msgspec
from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from central import audit, schema
from central.access.errors import AccessError, NotFound, NotValid
from central.access.model import Grant, Role
from central.audit import Change
from central.catalogue.changes import Told
from central.catalogue.tree import get_location

__all__ = [
    "Listed",
    "grant",
    "has_admin",
    "keeping_an_admin",
    "listed",
    "of",
    "replace",
    "take_back",
]

_grant = schema.access_grant.c
_account = schema.account.c


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A grant that is in force. ``source`` is ``people``, or ``provider`` for what a group at the
    OIDC provider gives.
    """

    id: int
    subject: str
    role: str
    location: str | None
    source: str
    made_us: int


def of(conn: Connection, subject: str) -> tuple[Grant, ...]:
    """What somebody was granted."""
    rows = conn.execute(select(_grant.role, _grant.location).where(_grant.subject == subject))
    return tuple(Grant(role=Role(row.role), location=row.location) for row in rows)


def listed(
    conn: Connection, *, subject: str | None = None, after: int = 0, limit: int = 200
) -> list[Listed]:
    """Grants in the order in which they were made, those behind ``after``."""
    query = select(schema.access_grant).where(_grant.id > after).order_by(_grant.id).limit(limit)
    if subject is not None:
        query = query.where(_grant.subject == subject)
    return [_listed(row) for row in conn.execute(query).mappings()]


def grant(conn: Connection, subject: str, what: Grant, told: Told) -> Listed:
    """Give a role; giving it again changes nothing. Raises ``NotFound``."""
    _check(conn, subject, what)
    same = select(schema.access_grant).where(
        _grant.subject == subject,
        _grant.role == what.role.value,
        _grant.location.is_not_distinct_from(what.location),
        _grant.source == "people",
    )
    if known := conn.execute(same).mappings().first():
        return _listed(known)
    return _insert(conn, subject, what, "people", told)


def replace(conn: Connection, subject: str, wanted: Collection[Grant], told: Told) -> None:
    """Let what a provider's groups give be this, and what people gave stay."""
    before = {
        Grant(role=Role(one.role), location=one.location): one
        for one in listed(conn, subject=subject, limit=10_000)
        if one.source == "provider"
    }
    for what, known in before.items():
        if what not in wanted:
            _delete(conn, known, told)
    for what in sorted(set(wanted) - {*before}, key=str):
        _check(conn, subject, what)
        _insert(conn, subject, what, "provider", told)


def take_back(conn: Connection, number: int, told: Told) -> Listed:
    """Raises ``NotFound``, and ``AccessError`` for the last administrator's."""
    row = conn.execute(select(schema.access_grant).where(_grant.id == number)).mappings().first()
    if row is None:
        raise NotFound(f"there is no grant {number}")
    found = _listed(row)
    with keeping_an_admin(conn):
        _delete(conn, found, told)
    return found


@contextlib.contextmanager
def keeping_an_admin(conn: Connection) -> Iterator[None]:
    """Raises ``AccessError`` where what is done within takes the last administrator away."""
    before = _admins(conn)
    yield
    if before and not _admins(conn):
        raise AccessError("this is the last administrator: make another one first")


def has_admin(conn: Connection) -> bool:
    """Whether an active account may do everything, everywhere."""
    return bool(_admins(conn))


def _admins(conn: Connection) -> int:
    query = (
        select(func.count(_account.name.distinct()))
        .join(schema.access_grant, _grant.subject == "user:" + _account.name)
        .where(
            _account.status == "active",
            _grant.role == Role.ADMIN.value,
            _grant.location.is_(None),
        )
    )
    return int(conn.execute(query).scalar_one())


def _check(conn: Connection, subject: str, what: Grant) -> None:
    kind, _, name = subject.partition(":")
    table = {"user": schema.account.c.name, "key": schema.api_key.c.id}.get(kind)
    if table is None:
        raise NotValid("a grant is for user:NAME or key:ID")
    if conn.execute(select(table).where(table == name)).first() is None:
        raise NotFound(f"there is no {kind} {name}: add it first")
    if what.location is not None:
        get_location(conn, what.location)


def _insert(conn: Connection, subject: str, what: Grant, source: str, told: Told) -> Listed:
    values: dict[str, object] = {
        "subject": subject,
        "role": what.role.value,
        "location": what.location,
        "source": source,
        "made_us": told.at_us,
    }
    done = conn.execute(insert(schema.access_grant).values(values))
    assert done.inserted_primary_key is not None
    change = Change(subject, None, values)
    audit.record(conn, [change], actor=told.by, action="grant", at_us=told.at_us)
    return Listed(id=done.inserted_primary_key[0], **values)  # type: ignore[arg-type]


def _delete(conn: Connection, found: Listed, told: Told) -> None:
    conn.execute(delete(schema.access_grant).where(_grant.id == found.id))
    change = Change(found.subject, msgspec.structs.asdict(found), None)
    audit.record(conn, [change], actor=told.by, action="take grant back", at_us=told.at_us)


def _listed(row: RowMapping) -> Listed:
    return Listed(**row)
