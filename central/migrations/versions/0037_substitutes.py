"""Items that may be given in place of others, and where that was done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0041"
branch_labels = None
depends_on = None

_STANDING_IN = sa.text("substituted_for <> ''")
_ADDED = (
    ("outbound_order", "substitution", sa.Text, "none"),
    ("outbound_line", "substitution", sa.Text, ""),
    ("outbound_line", "substituted", sa.BigInteger, "0"),
    ("outbound_line", "substituted_for", sa.Text, ""),
    ("pick", "substituted_for", sa.Text, ""),
    ("reservation", "substituted_for", sa.Text, ""),
)


def upgrade() -> None:
    op.create_table(
        "item_substitute",
        sa.Column("sku", sa.Text(), sa.ForeignKey("item.sku"), primary_key=True),
        sa.Column("substitute", sa.Text(), sa.ForeignKey("item.sku"), primary_key=True),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Text()),
        sa.Column("until_on", sa.Text()),
    )
    for table, name, kind, default in _ADDED:
        op.add_column(table, sa.Column(name, kind(), nullable=False, server_default=default))
    op.create_index(
        "ix_reservation_standing_in", "reservation", ["substituted_for"],
        sqlite_where=_STANDING_IN, postgresql_where=_STANDING_IN,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_reservation_standing_in", "reservation")
    for table, name, _, _ in reversed(_ADDED):
        op.drop_column(table, name)
    op.drop_table("item_substitute")
