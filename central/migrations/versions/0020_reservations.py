"""Reservations of stock, where they hold it, and since when stock is in the house."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_PLACE = ("sku", "lot", "location")
_UNITS = "held >= 0 AND fulfilled >= 0 AND missing >= 0 AND held + fulfilled + missing <= quantity"


def upgrade() -> None:
    op.create_table(
        "reservation",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("sku", sa.Text(), sa.ForeignKey("item.sku"), nullable=False),
        _text("lot"),
        _text("within"),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("fulfilled", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("missing", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("status", sa.Text(), nullable=False),
        _text("order_id"),
        _text("line"),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="0"),
        _text("reference"),
        _text("actor"),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger()),
        sa.CheckConstraint(_UNITS, name="ck_reservation_units"),
    )
    op.create_index("ix_reservation_sku", "reservation", ["sku", "status", "id"])
    op.create_index("ix_reservation_order", "reservation", ["order_id", "line"])
    _partial("ix_reservation_waiting", ["sku", "priority", "created_us"], "missing > 0")
    _partial("ix_reservation_ending", ["expires_us"], "expires_us IS NOT NULL")
    op.create_table(
        "reservation_part",
        sa.Column("reservation", sa.Text(), sa.ForeignKey("reservation.id"), primary_key=True),
        sa.Column("lot", sa.Text(), primary_key=True),
        sa.Column("location", sa.Text(), primary_key=True),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_reservation_part_place", "reservation_part", list(_PLACE))
    for table, what in (("reserved", "units"), ("arrival", "since_us")):
        op.create_table(
            table,
            *(sa.Column(name, sa.Text(), primary_key=True) for name in _PLACE),
            sa.Column(what, sa.BigInteger(), nullable=False),
        )


def downgrade() -> None:
    for table in ("arrival", "reserved", "reservation_part", "reservation"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def _partial(name: str, columns: list[str], which: str) -> None:
    where = sa.text(f"status = 'open' AND {which}")
    op.create_index(name, "reservation", columns, sqlite_where=where, postgresql_where=where)
