"""What an entry of the log led to is found by it: a pass tells the movements it posted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_HEARD = sa.text("log_id > 0")


def upgrade() -> None:
    op.create_index(
        "ix_movement_log", "movement", ["log_id"],
        sqlite_where=_HEARD, postgresql_where=_HEARD,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_movement_log", "movement")
