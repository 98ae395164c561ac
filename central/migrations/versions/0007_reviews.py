"""Hypotheses to choose from in a review, who resolved it, what that teaches, and why anything was
decided.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for column in (
        sa.Column("hypotheses", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("log_id", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("escalated_us", sa.BigInteger(), nullable=True),
        sa.Column("resolution_id", sa.Text(), nullable=True),
    ):
        op.add_column("review", column)
    # What was proposed before had no words and no probability of its own.
    op.execute(
        'UPDATE review SET hypotheses = \'[{"says":"what was proposed","probability": 0.5,'
        "\"movements\":' || proposals || '}]' WHERE proposals <> '[]'"
    )
    op.drop_column("review", "proposals")
    op.create_index("ix_review_resolution", "review", ["resolution_id"], unique=True)
    op.create_index("ix_review_status", "review", ["status", "opened_us"])
    op.add_column(
        "portal_pass", sa.Column("log_id", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_table(
        "trace",
        sa.Column("log_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("reconciler", sa.Integer(), nullable=False),
        sa.Column("context", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_table(
        "label",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("review", sa.Text(), nullable=False),
        sa.Column("pass", sa.Text(), nullable=False, server_default=""),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("read_point", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("truth", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("features", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("model", sa.Text(), nullable=False, server_default=""),
    )
    op.create_index("ix_label_review", "label", ["review"])


def downgrade() -> None:
    op.drop_table("label")
    op.drop_table("trace")
    op.drop_column("portal_pass", "log_id")
    op.drop_index("ix_review_status", "review")
    op.drop_index("ix_review_resolution", "review")
    op.add_column("review", sa.Column("proposals", sa.Text(), nullable=False, server_default="[]"))
    best = "json_extract(hypotheses, '$[0].movements')"
    if op.get_bind().dialect.name == "postgresql":
        best = "hypotheses::json -> 0 ->> 'movements'"
    op.execute(f"UPDATE review SET proposals = coalesce({best}, '[]')")  # noqa: S608
    for column in ("resolution_id", "escalated_us", "log_id", "hypotheses"):
        op.drop_column("review", column)
