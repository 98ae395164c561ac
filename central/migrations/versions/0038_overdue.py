"""Orders by when they were promised: what is late is looked for every half minute."""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_outbound_order_due", "outbound_order", ["state", "due_us"])
    op.create_index("ix_inbound_order_expected", "inbound_order", ["status", "expected_us"])


def downgrade() -> None:
    op.drop_index("ix_inbound_order_expected", "inbound_order")
    op.drop_index("ix_outbound_order_due", "outbound_order")
