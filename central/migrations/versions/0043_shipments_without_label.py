"""A shipment's label is drawn when it is asked for: nothing ever kept one in this column."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("shipment", "label")


def downgrade() -> None:
    op.add_column("shipment", sa.Column("label", sa.Text(), nullable=False, server_default=""))
