"""Who is told of events, how far, and what he did not take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SUBSCRIPTION = (
    "id", "name", "target", "kinds", "skus", "locations", "status", "why", "secrets",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "subscription",
        *(
            sa.Column(name, sa.Text(), nullable=False, primary_key=name == "id")
            for name in _SUBSCRIPTION
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "delivery",
        sa.Column("subscription", sa.Text(), sa.ForeignKey("subscription.id"), primary_key=True),
        sa.Column("ledger_seq", sa.BigInteger(), nullable=False),
        sa.Column("log_seq", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_us", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("why", sa.Text(), nullable=False, server_default=""),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("subscription", sa.Text(), sa.ForeignKey("subscription.id"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("event", "kind", "subject")),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("why", "state")),
    )
    op.create_index("ix_dead_letter_subscription", "dead_letter", ["subscription", "id"])


def downgrade() -> None:
    op.drop_table("dead_letter")
    op.drop_table("delivery")
    op.drop_table("subscription")
