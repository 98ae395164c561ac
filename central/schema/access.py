"""The tables of access. Part of ``central.schema``, which is what everybody imports.

Of what lets somebody in only hashes are kept: argon2id of passwords, SHA-256 of random secrets.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text

from central.schema.ground import ID, metadata

__all__ = ["access_grant", "account", "api_key", "login_session", "one_time", "refresh_token"]

account = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True),
    Column("full_name", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("password", Text),  # NULL: none was set yet, or another provider asks for it
    Column("external", Text, unique=True),  # issuer and subject of who comes from a provider
    Column("status", Text, nullable=False, server_default="active"),
    Column("created_us", BigInteger, nullable=False),
)
# ``subject`` is ``user:NAME`` or ``key:ID``; ``source`` says who renews it.
access_grant = Table(
    "access_grant",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("subject", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("location", Text, ForeignKey("location.code")),  # NULL: everywhere
    Column("source", Text, nullable=False, server_default="people"),
    Column("made_us", BigInteger, nullable=False),
    Index("ix_access_grant_subject", "subject"),
)
login_session = Table(
    "login_session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", Text, nullable=False, unique=True),
    Column("account", Text, ForeignKey("account.name"), nullable=False, index=True),
    Column("made_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("address", Text, nullable=False, server_default=""),
    Column("agent", Text, nullable=False, server_default=""),
)
# A token that was used stays until it expires: used again, it was stolen.
refresh_token = Table(
    "refresh_token",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("family", Text, nullable=False, index=True),
    Column("account", Text, ForeignKey("account.name"), nullable=False, index=True),
    Column("scopes", Text),
    Column("made_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("used_us", BigInteger),
)
# ``before`` is the hash of the secret that a rotation replaced, good until ``before_until_us``.
api_key = Table(
    "api_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("before", Text),
    Column("before_until_us", BigInteger),
    Column("scopes", Text),  # NULL: all that its roles give
    Column("made_us", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("expires_us", BigInteger),
    Column("used_us", BigInteger),
    Column("revoked_us", BigInteger),
)
one_time = Table(
    "one_time",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("account", Text, ForeignKey("account.name")),
    Column("expires_us", BigInteger, nullable=False),
)
