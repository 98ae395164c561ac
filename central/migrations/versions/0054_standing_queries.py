"""EPCIS queries stand under names, and subscribers are told what they find."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0051"
branch_labels = None
depends_on = None

_OF_DELIVERIES = ("captured_seq", "told_us", "looked_us")


def upgrade() -> None:
    op.create_table(
        "epcis_query",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
    )
    op.add_column("subscription", sa.Column("terms", sa.Text, nullable=False, server_default="{}"))
    for name in _OF_DELIVERIES:
        op.add_column(
            "delivery", sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
        )


def downgrade() -> None:
    # Whoever is told of queries cannot be told of what an older central knows.
    subscription = sa.table("subscription", sa.column("id"), sa.column("terms"))
    ended = sa.select(subscription.c.id).where(subscription.c.terms != "{}")
    for name in ("dead_letter", "delivery"):
        told = sa.table(name, sa.column("subscription"))
        op.execute(sa.delete(told).where(told.c.subscription.in_(ended)))
    op.execute(sa.delete(subscription).where(subscription.c.terms != "{}"))
    for name in _OF_DELIVERIES:
        op.drop_column("delivery", name)
    op.drop_column("subscription", "terms")
    op.drop_table("epcis_query")
