"""Where the goods of inbound orders come from, and receiving sessions by their place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    source = sa.Column("source", sa.Text(), nullable=False, server_default="supplier")
    op.add_column("inbound_order", source)
    op.create_index("ix_receiving_session_place", "receiving_session", ["location", "status"])


def downgrade() -> None:
    op.drop_index("ix_receiving_session_place", "receiving_session")
    op.drop_column("inbound_order", "source")
