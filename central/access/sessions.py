"""Sessions of people's browsers, the tokens of their programs, and what is good once only."""

from __future__ import annotations

import secrets
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from central import audit, schema
from central.access.accounts import subject_of
from central.access.errors import NotFound, NotYours
from central.access.tokens import fresh, hashed
from central.audit import Change
from central.catalogue.changes import Told

__all__ = [
    "Lifetimes", "Refreshed", "Session", "begin", "csrf_of", "end", "find", "listed", "make_once",
    "refresh", "start_family", "sweep", "take_once", "touch",
]  # fmt: skip

_session = schema.login_session.c
_token = schema.refresh_token.c
_once = schema.one_time.c
_WORDS = 200


class Lifetimes(NamedTuple):
    """Microseconds: of a session that nobody uses, of any, and of a refresh token."""

    idle_us: int
    session_us: int
    refresh_us: int


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser in which somebody is logged in."""

    id: str
    account: str
    made_us: int
    seen_us: int
    expires_us: int
    address: str
    agent: str


_COLUMNS = [_session[name] for name in Session.__struct_fields__]


def begin(  # noqa: PLR0917 (what is kept of a session)
    conn: Connection, name: str, told: Told, lifetimes: Lifetimes, address: str, agent: str
) -> str:
    """A new session of an account: its secret, for the cookie."""
    secret = fresh()
    conn.execute(
        insert(schema.login_session).values(
            id=secrets.token_hex(8),
            hash=hashed(secret),
            account=name,
            made_us=told.at_us,
            seen_us=told.at_us,
            expires_us=told.at_us + lifetimes.session_us,
            address=address[:_WORDS],
            agent=agent[:_WORDS],
        )
    )
    return secret


def find(conn: Connection, secret: str, lifetimes: Lifetimes, *, now_us: int) -> Session:
    """The session of a cookie. Raises ``NotYours`` for one that is over."""
    query = select(*_COLUMNS).where(_session.hash == hashed(secret))
    row = conn.execute(query).mappings().first()
    if row is None or now_us >= min(row["expires_us"], row["seen_us"] + lifetimes.idle_us):
        raise NotYours("the session is over: log in again")
    return Session(**row)


def touch(conn: Connection, session_id: str, *, now_us: int) -> None:
    """It was used."""
    conn.execute(
        update(schema.login_session).where(_session.id == session_id).values(seen_us=now_us)
    )


def listed(conn: Connection, name: str) -> list[Session]:
    """An account's sessions, the last used first."""
    query = select(*_COLUMNS).where(_session.account == name)
    rows = conn.execute(query.order_by(_session.seen_us.desc(), _session.id)).mappings()
    return [Session(**row) for row in rows]


def end(conn: Connection, name: str, session_id: str, told: Told) -> None:
    """Log out. Raises ``NotFound`` for a session that is none of this account's."""
    ended = conn.execute(
        delete(schema.login_session).where(_session.account == name, _session.id == session_id)
    )
    if not ended.rowcount:
        raise NotFound(f"{name} has no session {session_id}")
    change = Change(subject_of(name), {"session": session_id}, None)
    audit.record(conn, [change], actor=told.by, action="log out", at_us=told.at_us)


def csrf_of(secret: str) -> str:
    """What a page of this session sends along with every change, and no other site knows."""
    return hashed(f"csrf {secret}")[:40]


# ---- tokens of people's programs ----------------------------------------------------------
class Refreshed(NamedTuple):
    """Who it is for, what it was narrowed to, and the token to come back with."""

    account: str
    scopes: frozenset[str] | None
    token: str


def start_family(
    conn: Connection, name: str, scopes: frozenset[str] | None, told: Told, lifetimes: Lifetimes
) -> Refreshed:
    """The first refresh token for a program of somebody's."""
    change = Change(subject_of(name), None, {"scopes": _told(scopes)})
    audit.record(conn, [change], actor=told.by, action="make token", at_us=told.at_us)
    return _next(conn, name, scopes, secrets.token_hex(8), told.at_us + lifetimes.refresh_us, told)


def refresh(conn: Connection, token: str, told: Told) -> Refreshed | None:
    """Exchange a token for the next of its family. ``None`` where it lets nobody in: unknown,
    expired, or used before; then it was stolen, by whoever came first or second, and all of its
    family are taken back.
    """
    query = select(schema.refresh_token).where(_token.hash == hashed(token))
    row = conn.execute(query).mappings().first()
    if row is None or told.at_us >= row["expires_us"]:
        return None
    if row["used_us"] is not None:
        conn.execute(delete(schema.refresh_token).where(_token.family == row["family"]))
        change = Change(subject_of(row["account"]), {"family": row["family"]}, None)
        audit.record(conn, [change], actor=told.by, action="token was used twice", at_us=told.at_us)
        return None
    used = update(schema.refresh_token).where(_token.hash == row["hash"])
    conn.execute(used.values(used_us=told.at_us))
    scopes = None if row["scopes"] is None else frozenset(msgspec.json.decode(row["scopes"]))
    return _next(conn, row["account"], scopes, row["family"], row["expires_us"], told)


def _next(  # noqa: PLR0917 (what is kept of a token)
    conn: Connection,
    name: str,
    scopes: frozenset[str] | None,
    family: str,
    expires_us: int,
    told: Told,
) -> Refreshed:
    token = fresh()
    narrowed = _told(scopes)
    conn.execute(
        insert(schema.refresh_token).values(
            hash=hashed(token),
            family=family,
            account=name,
            scopes=None if narrowed is None else msgspec.json.encode(narrowed).decode(),
            made_us=told.at_us,
            expires_us=expires_us,
        )
    )
    return Refreshed(name, scopes, token)


def _told(scopes: frozenset[str] | None) -> list[str] | None:
    return None if scopes is None else sorted(scopes)


# ---- good once -----------------------------------------------------------------------------
def make_once(conn: Connection, purpose: str, name: str | None, *, expires_us: int) -> str:
    """A secret that is good once, for setting up (nobody's) or for an account's password. Those
    of the same purpose and account that were made before are good no more.
    """
    secret = fresh()
    conn.execute(
        delete(schema.one_time).where(
            _once.purpose == purpose, _once.account.is_not_distinct_from(name)
        )
    )
    conn.execute(
        insert(schema.one_time).values(
            hash=hashed(secret), purpose=purpose, account=name, expires_us=expires_us
        )
    )
    return secret


def take_once(conn: Connection, purpose: str, secret: str, *, now_us: int) -> str | None:
    """Whose it is, and it is good no more. Raises ``NotYours``."""
    mine = (_once.hash == hashed(secret)) & (_once.purpose == purpose)
    row = conn.execute(select(_once.account, _once.expires_us).where(mine)).first()
    if row is None or now_us >= row.expires_us:
        raise NotYours("this token was used, has expired, or never was: ask for a new one")
    conn.execute(delete(schema.one_time).where(mine))
    name: str | None = row.account
    return name


def sweep(conn: Connection, *, now_us: int) -> None:
    """Delete what has expired."""
    for table in (schema.login_session, schema.refresh_token, schema.one_time):
        conn.execute(delete(table).where(table.c.expires_us <= now_us))
