"""The tables of alerts: what is watched, what was found, and who is told. Part of
``central.schema``, which is what everybody imports.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text, text, true

from central.schema.ground import ID, metadata

__all__ = [
    "alert", "alert_channel", "alert_event", "alert_message", "alert_notice", "alert_rule",
    "alert_told",
]  # fmt: skip

alert_rule = Table(
    "alert_rule",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("sku", Text, ForeignKey("item.sku"), index=True),
    Column("location", Text, ForeignKey("location.code")),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    Column("body", Text, nullable=False),
)
# A thing has at most one alert that is not over.
alert = Table(
    "alert",
    metadata,
    Column("no", ID, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("says", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("limit", BigInteger),
    Column("since_us", BigInteger, nullable=False),
    Column("sku", Text, nullable=False, server_default=""),
    Column("location", Text, nullable=False, server_default=""),
    Column("subject", Text, nullable=False, server_default=""),
    Column("raised_us", BigInteger),
    Column("acknowledged_us", BigInteger),
    Column("acknowledged_by", Text, nullable=False, server_default=""),
    Column("snoozed_until_us", BigInteger),
    Column("escalated_us", BigInteger),
    Column("cleared_us", BigInteger),
    Column("due_us", BigInteger),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Index(
        "ix_alert_open",
        "key",
        unique=True,
        sqlite_where=text("cleared_us IS NULL"),
        postgresql_where=text("cleared_us IS NULL"),
    ),
    Index("ix_alert_sku", "sku", "no"),
    Index("ix_alert_state", "state", "no"),
    Index("ix_alert_due", "due_us"),
)
alert_event = Table(
    "alert_event",
    metadata,
    Column("seq", ID, primary_key=True, autoincrement=True),
    Column("alert", BigInteger, ForeignKey("alert.no"), nullable=False, index=True),
    Column("what", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
)
alert_channel = Table(
    "alert_channel",
    metadata,
    Column("code", Text, primary_key=True),
    Column("body", Text, nullable=False),
    # What opens the channel; never answered, never logged.
    Column("secret", Text, nullable=False, server_default=""),
)
# Whom to tell of what happened, from when on; gone once it stands in a message.
alert_notice = Table(
    "alert_notice",
    metadata,
    Column("event", BigInteger, ForeignKey("alert_event.seq"), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("alert", BigInteger, nullable=False, index=True),
    Column("due_us", BigInteger, nullable=False),
    Index("ix_alert_notice_due", "due_us"),
)
alert_message = Table(
    "alert_message",
    metadata,
    Column("no", ID, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("tries", BigInteger, nullable=False, server_default="0"),
    Column("next_us", BigInteger),
    Column("sent_us", BigInteger),
    Column("error", Text, nullable=False, server_default=""),
    Index("ix_alert_message_next", "next_us"),
    Index("ix_alert_message_state", "state", "no"),
)
# Who was told of an alert at all hears when it is over.
alert_told = Table(
    "alert_told",
    metadata,
    Column("alert", BigInteger, ForeignKey("alert.no"), primary_key=True),
    Column("channel", Text, primary_key=True),
)
