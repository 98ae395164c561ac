"""EPCIS events that their senders declared wrong: when, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("epcis_event", sa.Column("declared_us", sa.BigInteger()))
    op.add_column(
        "epcis_event", sa.Column("error_reason", sa.Text(), nullable=False, server_default="")
    )


def downgrade() -> None:
    op.drop_column("epcis_event", "error_reason")
    op.drop_column("epcis_event", "declared_us")
