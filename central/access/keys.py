"""Keys of programs: ``tp_ID_SECRET``, of which only the secret's hash is kept."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update

from central import audit, schema
from central.access import grants
from central.access.errors import AccessError, NotFound, NotValid, NotYours
from central.access.model import PERMISSIONS, Actor, Grant
from central.access.tokens import fresh, hashed
from central.audit import Change
from central.catalogue.changes import Told

__all__ = [
    "PREFIX",
    "Key",
    "actor_of",
    "add",
    "check",
    "check_good",
    "get",
    "listed",
    "revoke",
    "rotate",
    "used",
]

PREFIX = "tp_"
_key = schema.api_key.c


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a key. ``scopes`` narrow what its grants give; ``None`` does not."""

    id: str
    name: str
    scopes: tuple[str, ...] | None
    made_us: int
    made_by: str
    expires_us: int | None
    used_us: int | None
    revoked_us: int | None
    before_until_us: int | None


_COLUMNS = [_key[name] for name in Key.__struct_fields__]


def add(  # noqa: PLR0917 (what a key is)
    conn: Connection,
    name: str,
    given: Iterable[Grant],
    scopes: Iterable[str] | None,
    expires_us: int | None,
    told: Told,
) -> tuple[Key, str]:
    """A new key, and what its program sends: it cannot be shown again. Raises ``NotValid``."""
    wanted = None if scopes is None else tuple(sorted(scopes))
    if unknown := {*(wanted or ())} - PERMISSIONS:
        raise NotValid(f"there is no permission {', '.join(sorted(unknown))}")
    key_id, secret = secrets.token_hex(6), fresh()
    conn.execute(
        insert(schema.api_key).values(
            id=key_id,
            name=name,
            hash=hashed(secret),
            scopes=None if wanted is None else msgspec.json.encode(wanted).decode(),
            made_us=told.at_us,
            made_by=told.by,
            expires_us=expires_us,
        )
    )
    made = get(conn, key_id)
    _keep(conn, "add key", None, made, told)
    for one in given:
        grants.grant(conn, f"key:{key_id}", one, told)
    return made, f"{PREFIX}{key_id}_{secret}"


def get(conn: Connection, key_id: str) -> Key:
    """Raises ``NotFound``."""
    row = conn.execute(select(*_COLUMNS).where(_key.id == key_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no key {key_id}")
    return _of(row)


def listed(conn: Connection, *, after: str = "", limit: int = 200) -> list[Key]:
    """Keys by id, those that are good no more too."""
    query = select(*_COLUMNS).where(_key.id > after).order_by(_key.id).limit(limit)
    return [_of(row) for row in conn.execute(query).mappings()]


def rotate(conn: Connection, key_id: str, overlap_us: int, told: Told) -> tuple[Key, str]:
    """Another secret; the one of before is good for ``overlap_us`` yet. Raises ``NotFound``, and
    ``AccessError`` for a key that was revoked.
    """
    before = get(conn, key_id)
    if before.revoked_us is not None:
        raise AccessError(f"key {key_id} was revoked: make a new one")
    secret = fresh()
    conn.execute(
        update(schema.api_key)
        .where(_key.id == key_id)
        .values(hash=hashed(secret), before=_key.hash, before_until_us=told.at_us + overlap_us)
    )
    after = get(conn, key_id)
    _keep(conn, "rotate key", before, after, told)
    return after, f"{PREFIX}{key_id}_{secret}"


def revoke(conn: Connection, key_id: str, told: Told) -> Key:
    """Good no more, at once and for ever; doing it again changes nothing. Raises ``NotFound``."""
    before = get(conn, key_id)
    if before.revoked_us is not None:
        return before
    conn.execute(update(schema.api_key).where(_key.id == key_id).values(revoked_us=told.at_us))
    after = get(conn, key_id)
    _keep(conn, "revoke key", before, after, told)
    return after


def check(conn: Connection, shown: str, *, now_us: int) -> Key:
    """The key that a program shows. Raises ``NotYours``, which does not say what is wrong."""
    key_id, _, secret = shown.removeprefix(PREFIX).partition("_")
    columns = (*_COLUMNS, _key.hash, _key.before)
    row = conn.execute(select(*columns).where(_key.id == key_id)).mappings().first()
    given = hashed(secret)
    right = row is not None and hmac.compare_digest(row["hash"], given)
    if row is not None and row["before"] is not None and now_us < row["before_until_us"]:
        right = right or hmac.compare_digest(row["before"], given)
    if row is None or not right:
        raise NotYours("this key lets nobody in")
    found = _of({name: row[name] for name in Key.__struct_fields__})
    check_good(found, now_us=now_us)
    return found


def check_good(key: Key, *, now_us: int) -> None:
    """Raises ``NotYours`` for a key that was revoked or has expired."""
    expired = key.expires_us is not None and now_us >= key.expires_us
    if expired or key.revoked_us is not None:
        raise NotYours("this key lets nobody in")


def actor_of(conn: Connection, key: Key) -> Actor:
    """Who a key is."""
    subject = f"key:{key.id}"
    scopes = None if key.scopes is None else frozenset(key.scopes)
    return Actor(
        name=f"key {key.name}", subject=subject, grants=grants.of(conn, subject), scopes=scopes
    )


def used(conn: Connection, key_id: str, *, now_us: int) -> None:
    """It was used."""
    conn.execute(update(schema.api_key).where(_key.id == key_id).values(used_us=now_us))


def _of(row: RowMapping | dict[str, object]) -> Key:
    said = row["scopes"]
    scopes = None if said is None else tuple(msgspec.json.decode(str(said)))
    return Key(**{**row, "scopes": scopes})


def _keep(conn: Connection, action: str, before: Key | None, after: Key, told: Told) -> None:
    shown = None if before is None else msgspec.structs.asdict(before)
    change = Change(f"key:{after.id}", shown, msgspec.structs.asdict(after))
    audit.record(conn, [change], actor=told.by, action=action, at_us=told.at_us)
