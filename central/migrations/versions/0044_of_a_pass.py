"""What a pass led to is found by it: its reviews, and what people said of its tags."""

from __future__ import annotations

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_review_log", "review", ["log_id"])
    op.create_index("ix_label_pass", "label", ["pass"])


def downgrade() -> None:
    op.drop_index("ix_label_pass", "label")
    op.drop_index("ix_review_log", "review")
