"""Alerts: what is watched, what was found, and who is told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("cleared_us IS NULL")


def upgrade() -> None:
    _make_rules()
    _make_alerts()
    _make_outbox()


def _make_rules() -> None:
    op.create_table(
        "alert_rule",
        sa.Column("id", sa.Text(), primary_key=True),
        _word("kind"),
        sa.Column("sku", sa.Text(), sa.ForeignKey("item.sku")),
        sa.Column("location", sa.Text(), sa.ForeignKey("location.code")),
        sa.Column("enabled", sa.Boolean(), nullable=False, server_default=sa.true()),
        _word("body"),
    )
    op.create_index("ix_alert_rule_sku", "alert_rule", ["sku"])
    op.create_table(
        "alert_channel",
        sa.Column("code", sa.Text(), primary_key=True),
        _word("body"),
        _word("secret", ""),
    )


def _make_alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("no", _ID, primary_key=True, autoincrement=True),
        *(_word(name) for name in ("key", "kind", "rule", "severity", "state", "says")),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("limit", sa.BigInteger()),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        *(_word(name, "") for name in ("sku", "location", "subject")),
        sa.Column("raised_us", sa.BigInteger()),
        sa.Column("acknowledged_us", sa.BigInteger()),
        _word("acknowledged_by", ""),
        *(
            sa.Column(name, sa.BigInteger())
            for name in ("snoozed_until_us", "escalated_us", "cleared_us", "due_us")
        ),
        sa.Column("version", sa.BigInteger(), nullable=False, server_default="1"),
    )
    op.create_index(
        "ix_alert_open", "alert", ["key"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_index("ix_alert_sku", "alert", ["sku", "no"])
    op.create_index("ix_alert_state", "alert", ["state", "no"])
    op.create_index("ix_alert_due", "alert", ["due_us"])
    op.create_table(
        "alert_event",
        sa.Column("seq", _ID, primary_key=True, autoincrement=True),
        sa.Column("alert", sa.BigInteger(), sa.ForeignKey("alert.no"), nullable=False),
        _word("what"),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        _word("by", ""),
        _word("note", ""),
    )
    op.create_index("ix_alert_event_alert", "alert_event", ["alert"])


def _make_outbox() -> None:
    op.create_table(
        "alert_notice",
        sa.Column("event", sa.BigInteger(), sa.ForeignKey("alert_event.seq"), primary_key=True),
        sa.Column("channel", sa.Text(), primary_key=True),
        sa.Column("alert", sa.BigInteger(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_alert_notice_alert", "alert_notice", ["alert"])
    op.create_index("ix_alert_notice_due", "alert_notice", ["due_us"])
    op.create_table(
        "alert_message",
        sa.Column("no", _ID, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False, unique=True),
        *(_word(name) for name in ("channel", "state", "body")),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("next_us", sa.BigInteger()),
        sa.Column("sent_us", sa.BigInteger()),
        _word("error", ""),
    )
    op.create_index("ix_alert_message_next", "alert_message", ["next_us"])
    op.create_index("ix_alert_message_state", "alert_message", ["state", "no"])
    op.create_table(
        "alert_told",
        sa.Column("alert", sa.BigInteger(), sa.ForeignKey("alert.no"), primary_key=True),
        sa.Column("channel", sa.Text(), primary_key=True),
    )


def _word(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def downgrade() -> None:
    for table in ("told", "message", "notice", "event"):
        op.drop_table(f"alert_{table}")
    op.drop_table("alert")
    for table in ("channel", "rule"):
        op.drop_table(f"alert_{table}")
