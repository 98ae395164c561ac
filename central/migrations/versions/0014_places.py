"""Warehouses, a tree of typed locations with rules, and plans for plates that begin at a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_LOCATION = ("type", "rules", "status")
_PLAN = ("valid_from_us", "said_us")


def upgrade() -> None:
    for name, default in zip(_LOCATION, ("", "{}", "active"), strict=True):
        op.add_column(
            "location", sa.Column(name, sa.Text(), nullable=False, server_default=default)
        )
    op.add_column(
        "location", sa.Column("version", sa.BigInteger(), nullable=False, server_default="1")
    )
    op.create_index(op.f("ix_location_parent"), "location", ["parent"])
    op.create_table(
        "warehouse",
        sa.Column("code", sa.Text(), sa.ForeignKey("location.code"), primary_key=True),
        sa.Column("address", sa.Text(), nullable=False, server_default=""),
        sa.Column("time_zone", sa.Text(), nullable=False, server_default="UTC"),
    )
    for name in _PLAN:
        op.add_column(
            "plate_plan", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        )


def downgrade() -> None:
    for name in _PLAN:
        op.drop_column("plate_plan", name)
    op.drop_table("warehouse")
    op.drop_index(op.f("ix_location_parent"), "location")
    for name in ("version", *_LOCATION):
        op.drop_column("location", name)
