"""Cycle counts: tasks, what was found, decisions, results and schedules; tags by place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str, **more: object) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), **{"nullable": False} | more)  # type: ignore[arg-type]


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "count_task",
        _text("id", primary_key=True), _text("location"), _text("state"), _number("created_us"),
        _text("body"),
    )  # fmt: skip
    op.create_index("ix_count_task_state", "count_task", ["state", "id"])
    op.create_table(
        "count_entry",
        sa.Column("no", _ID, primary_key=True, autoincrement=True),
        _text("id", unique=True), _text("task"), _text("asked"), _text("body"),
        sa.Column("void", sa.Boolean(), nullable=False, server_default=sa.false()),
    )  # fmt: skip
    op.create_index("ix_count_entry_task", "count_entry", ["task", "no"])
    op.create_table(
        "count_decision",
        _text("task", primary_key=True), _text("line", primary_key=True), _text("body"),
        _number("at_us"),
    )  # fmt: skip
    op.create_table(
        "count_result",
        _text("task", primary_key=True),
        sa.Column("no", sa.Integer(), primary_key=True, autoincrement=False),
        _text("kind"), _text("sku"), _text("lot"), _text("location"), _text("status"),
        _number("counted"), _number("expected"), _text("reason"), _text("movement", nullable=True),
        _number("at_us"),
    )  # fmt: skip
    op.create_index("ix_count_result_at", "count_result", ["at_us"])
    op.create_index("ix_count_result_sku", "count_result", ["sku", "at_us"])
    op.create_index("ix_count_result_location", "count_result", ["location", "at_us"])
    op.create_table(
        "count_schedule",
        _text("id", primary_key=True), _text("location"), _number("next_us"), _text("body"),
    )  # fmt: skip
    op.create_index("ix_count_schedule_next", "count_schedule", ["next_us"])
    op.create_index("ix_tag_place_location", "tag_place", ["location"])


def downgrade() -> None:
    op.drop_index("ix_tag_place_location", "tag_place")
    for table in (
        "count_schedule", "count_result", "count_decision", "count_entry", "count_task",
    ):  # fmt: skip
        op.drop_table(table)
