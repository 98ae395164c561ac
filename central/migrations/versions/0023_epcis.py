"""EPCIS events that others told us, what they are about, and what became of their documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "epcis_event",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.Text(), nullable=False, unique=True),
        *_texts("type", "biz_step", "disposition", "read_point", "biz_location", "body", "digest"),
        *_texts("movements", "why"),
        sa.Column("event_us", sa.BigInteger(), nullable=False),
        sa.Column("record_us", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "epcis_thing",
        sa.Column("uri", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("event", _ID, sa.ForeignKey("epcis_event.id"), primary_key=True),
    )
    op.create_index("ix_epcis_thing_event", "epcis_thing", ["event"])
    op.create_table(
        "epcis_capture",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("success", sa.Boolean(), nullable=False),
        *_texts("behaviour", "events", "errors"),
    )


def downgrade() -> None:
    op.drop_table("epcis_capture")
    op.drop_table("epcis_thing")
    op.drop_table("epcis_event")
