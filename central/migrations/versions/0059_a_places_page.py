"""A place's stock comes in the order in which its pages show it, without being sorted."""

from __future__ import annotations

from alembic import op

revision = "0059"
down_revision = "0057"
branch_labels = None
depends_on = None

_NAME, _TABLE = "ix_balance_location", "balance"


def upgrade() -> None:
    op.drop_index(_NAME, _TABLE)
    op.create_index(_NAME, _TABLE, ["location", "sku", "lot", "status"])


def downgrade() -> None:
    op.drop_index(_NAME, _TABLE)
    op.create_index(_NAME, _TABLE, ["location", "sku"])
