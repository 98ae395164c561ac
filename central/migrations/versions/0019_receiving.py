"""Inbound orders, receiving sessions, and how orders and what came of them differ."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def _text(name: str, **more: object) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), **{"nullable": False} | more)  # type: ignore[arg-type]


def _number(name: str, **more: object) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), **{"nullable": False} | more)  # type: ignore[arg-type]


def upgrade() -> None:
    op.create_table(
        "inbound_order",
        _text("id", primary_key=True), _text("reference"), _text("supplier"), _text("location"),
        _text("status"), _number("expected_us", nullable=True), _text("body"),
    )  # fmt: skip
    op.create_index("ix_inbound_order_status", "inbound_order", ["status", "id"])
    op.create_index("ix_inbound_order_reference", "inbound_order", ["reference"])
    op.create_table(
        "receiving_session",
        _text("id", primary_key=True), _text("order_id"), _text("location"),
        _text("aside", nullable=True), _text("status"), _number("opened_us"), _text("opened_by"),
        _number("closed_us", nullable=True),
    )  # fmt: skip
    op.create_index("ix_receiving_session_order", "receiving_session", ["order_id"])
    op.create_table(
        "receipt",
        _text("id", primary_key=True), _text("session"), _text("order_id"), _text("asked"),
        _text("answer"), _number("at_us"), _text("by"),
    )  # fmt: skip
    op.create_index("ix_receipt_order", "receipt", ["order_id"])
    op.create_index("ix_receipt_session", "receipt", ["session"])
    op.create_table(
        "receipt_take",
        _text("receipt", primary_key=True),
        sa.Column("no", sa.Integer(), primary_key=True, autoincrement=False),
        _text("order_id"), _text("line"), _text("sku"), _text("lot"), _text("kind"),
        _number("confirmed"), _number("posted"), _number("aside"),
    )  # fmt: skip
    op.create_index("ix_receipt_take_order", "receipt_take", ["order_id"])
    op.create_table(
        "receipt_piece",
        _text("order_id", primary_key=True), _text("name", primary_key=True), _text("receipt"),
    )  # fmt: skip
    op.create_table(
        "inbound_discrepancy",
        _text("order_id", primary_key=True),
        sa.Column("no", sa.Integer(), primary_key=True, autoincrement=False),
        _text("line"), _text("sku"), _text("kind"), _number("quantity"), _text("reason"),
        _text("by"), _number("at_us"),
    )  # fmt: skip


def downgrade() -> None:
    for table in (
        "inbound_discrepancy", "receipt_piece", "receipt_take", "receipt", "receiving_session",
        "inbound_order",
    ):  # fmt: skip
        op.drop_table(table)
