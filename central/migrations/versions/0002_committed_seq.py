"""Remember how much an edge had kept when it last sent, so that what never came is counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "edge_stream", sa.Column("committed_seq", sa.BigInteger, nullable=False, server_default="0")
    )
    op.execute("UPDATE edge_stream SET committed_seq = upto_seq")


def downgrade() -> None:
    op.drop_column("edge_stream", "committed_seq")
