"""Numbers given away for labels, and what is to be printed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "label_number",
        sa.Column("command", sa.Text(), primary_key=True),
        sa.Column("place", sa.Integer(), primary_key=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("given_us", sa.BigInteger(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
    )
    op.create_index("ix_label_number_scope", "label_number", ["scope", "number"], unique=True)
    op.create_table(
        "label_job",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("seq", sa.BigInteger(), nullable=False, unique=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("printer", "place", "kind")),
        sa.Column("labels", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("form", "asked", "bindings")),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_us", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_label_job_state", "label_job", ["state", "next_us"])


def downgrade() -> None:
    op.drop_table("label_job")
    op.drop_table("label_number")
