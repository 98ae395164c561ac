"""Balances change in place on PostgreSQL: a fifth of each page of them is left empty.

A changed row that finds room beside itself needs no new entries in the indexes. The balances that
are there are written anew, an item's beside each other: a movement changes two of one item.
"""

from __future__ import annotations

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE balance SET (fillfactor = 80)")
        op.execute("CLUSTER balance USING balance_pkey")
        op.execute("ALTER TABLE balance SET WITHOUT CLUSTER")  # nobody does it again


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE balance RESET (fillfactor)")
