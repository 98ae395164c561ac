"""The tables of domain events, and of who is told of them. Part of ``central.schema``, which is
what everybody imports.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from central.schema.ground import ID, metadata

domain_event = Table(
    "domain_event",
    metadata,
    Column("seq", ID, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_domain_event_kind", "kind", "seq"),
)
# Who is told of events: what he asked for, and beside it how far he has been told.
subscription = Table(
    "subscription",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("kinds", Text, nullable=False),
    Column("skus", Text, nullable=False),
    Column("locations", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("secrets", Text, nullable=False),
    # What another part keeps of its own subscriptions.
    Column("terms", Text, nullable=False, server_default="{}"),
)
delivery = Table(
    "delivery",
    metadata,
    Column("subscription", Text, ForeignKey("subscription.id"), primary_key=True),
    Column("ledger_seq", BigInteger, nullable=False),
    Column("log_seq", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("next_us", BigInteger, nullable=False, server_default="0"),
    Column("why", Text, nullable=False, server_default=""),
    Column("captured_seq", BigInteger, nullable=False, server_default="0"),
    Column("told_us", BigInteger, nullable=False, server_default="0"),
    Column("looked_us", BigInteger, nullable=False, server_default="0"),
)
dead_letter = Table(
    "dead_letter",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("subscription", Text, ForeignKey("subscription.id"), nullable=False),
    Column("event", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("state", Text, nullable=False),
    Index("ix_dead_letter_subscription", "subscription", "id"),
)
