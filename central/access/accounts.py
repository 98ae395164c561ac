"""Accounts: the people who log in."""

from __future__ import annotations

import re

import msgspec
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from central import audit, schema
from central.access import grants
from central.access.errors import AccessError, NotFound, NotValid
from central.audit import Change
from central.catalogue.changes import Told

__all__ = [
    "Account", "add", "change", "end_sessions", "find_external", "get", "listed", "password_of",
    "renew_hash", "set_password", "subject_of",
]  # fmt: skip

_account = schema.account.c
_NAME = re.compile(r"^[a-z0-9][a-z0-9._@-]{0,63}$")


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can log in. ``external`` is set for who comes from an OIDC provider."""

    name: str
    full_name: str = ""
    email: str = ""
    external: str | None = None
    status: str = "active"
    created_us: int = 0


_COLUMNS = [_account[name] for name in Account.__struct_fields__]


def subject_of(name: str) -> str:
    """How grants and tokens name an account."""
    return f"user:{name}"


def add(conn: Connection, account: Account, told: Told) -> Account:
    """A new account, without a password. Raises ``AccessError`` and ``NotValid``."""
    if not _NAME.fullmatch(account.name):
        raise NotValid("a user's name has 1 to 64 of a-z, 0-9 and . _ @ -, a letter or digit first")
    if conn.execute(select(1).where(_account.name == account.name)).first():
        raise AccessError(f"there is a user {account.name} already")
    made = msgspec.structs.replace(account, created_us=told.at_us)
    conn.execute(insert(schema.account).values(msgspec.structs.asdict(made)))
    _keep(conn, "add user", None, made, told)
    return made


def get(conn: Connection, name: str) -> Account:
    """Raises ``NotFound``."""
    row = conn.execute(select(*_COLUMNS).where(_account.name == name)).mappings().first()
    if row is None:
        raise NotFound(f"there is no user {name}")
    return _of(row)


def find_external(conn: Connection, external: str) -> Account | None:
    """Who comes from a provider under this name."""
    row = conn.execute(select(*_COLUMNS).where(_account.external == external)).mappings().first()
    return None if row is None else _of(row)


def listed(conn: Connection, *, after: str = "", limit: int = 200) -> list[Account]:
    """Accounts by name."""
    query = select(*_COLUMNS).where(_account.name > after).order_by(_account.name).limit(limit)
    return [_of(row) for row in conn.execute(query).mappings()]


def change(conn: Connection, name: str, changes: dict[str, str], told: Told) -> Account:
    """Change ``full_name``, ``email`` or ``status``. Who is disabled is out at once. Raises
    ``NotFound``, and ``AccessError`` for the last administrator.
    """
    before = get(conn, name)
    after: Account = msgspec.structs.replace(before, **changes)
    if after == before:
        return before
    with grants.keeping_an_admin(conn):
        conn.execute(update(schema.account).where(_account.name == name).values(changes))
    if after.status != "active":
        end_sessions(conn, name)
    _keep(conn, "change user", before, after, told)
    return after


def password_of(conn: Connection, name: str) -> str | None:
    """The hash of an active account's password; ``None`` for all others."""
    query = select(_account.password).where(_account.name == name, _account.status == "active")
    return conn.execute(query).scalar()


def set_password(conn: Connection, name: str, kept: str, told: Told) -> None:
    """Ends all of the account's sessions and tokens. Raises ``NotFound``."""
    account = get(conn, name)
    conn.execute(update(schema.account).where(_account.name == name).values(password=kept))
    end_sessions(conn, name)
    _keep(conn, "set password", None, account, told)


def renew_hash(conn: Connection, name: str, kept: str) -> None:
    """The same password, hashed by today's parameters."""
    conn.execute(update(schema.account).where(_account.name == name).values(password=kept))


def end_sessions(conn: Connection, name: str) -> None:
    """Let nobody in any more who came in as this account."""
    for table in (schema.login_session, schema.refresh_token, schema.one_time):
        conn.execute(delete(table).where(table.c.account == name))


def _keep(
    conn: Connection, action: str, before: Account | None, after: Account, told: Told
) -> None:
    shown = None if before is None else msgspec.structs.asdict(before)
    entry = Change(subject_of(after.name), shown, msgspec.structs.asdict(after))
    audit.record(conn, [entry], actor=told.by, action=action, at_us=told.at_us)


def _of(row: RowMapping) -> Account:
    return Account(**row)
