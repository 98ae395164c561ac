"""Capture jobs are listed by their time."""

from __future__ import annotations

from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

_NAME, _TABLE = "ix_epcis_capture_at", "epcis_capture"


def upgrade() -> None:
    op.create_index(_NAME, _TABLE, ["at_us", "id"])


def downgrade() -> None:
    op.drop_index(_NAME, _TABLE)
