"""What subscribers were told of the goods that came of orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "goods_told",
        *(sa.Column(name, sa.Text(), primary_key=True) for name in ("order_id", "line", "lot")),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("damaged", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_document_note_height", "document_note", ["height"])


def downgrade() -> None:
    op.drop_index("ix_document_note_height", "document_note")
    op.drop_table("goods_told")
