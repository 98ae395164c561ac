"""When the last of an order's line left, and when a pick was brought: what reports time.

Of lines that left before, their order's last shipment says it, as far as one does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbound_line", sa.Column("left_us", sa.BigInteger()))
    op.add_column("pick", sa.Column("done_us", sa.BigInteger()))
    op.create_index("ix_pick_done", "pick", ["done_us"])
    op.execute(
        "UPDATE outbound_line SET left_us = (SELECT max(shipped_us) FROM shipment "
        "WHERE shipment.order_id = outbound_line.order_id) WHERE shipped > 0"
    )


def downgrade() -> None:
    op.drop_index("ix_pick_done", "pick")
    op.drop_column("pick", "done_us")
    op.drop_column("outbound_line", "left_us")
