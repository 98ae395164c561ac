"""Count what comes again instead of keeping it again, and bound what is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("last_us", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("times", sa.BigInteger(), nullable=False, server_default="1"),
        sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("digest", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("quarantine", column)
    # What was kept before has no digest: if it comes again, it is kept once more, and then counted.
    op.execute(
        "UPDATE quarantine SET last_us = received_us, bytes = length(payload), "
        "digest = 'before-' || id"
    )
    op.create_index("ix_quarantine_digest", "quarantine", ["digest"], unique=True)
    # Covers what is asked for at every addition: SQLite would read each payload otherwise.
    op.create_index("ix_quarantine_last", "quarantine", ["last_us", "id", "bytes", "times"])
    op.create_table(
        "quarantine_gone",
        sa.Column("no", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("quarantine_gone")
    op.drop_index("ix_quarantine_last", "quarantine")
    op.drop_index("ix_quarantine_digest", "quarantine")
    for column in ("digest", "bytes", "times", "last_us"):
        op.drop_column("quarantine", column)
