"""EPCIS events of others are found by their step, disposition, read point and place."""

from __future__ import annotations

from alembic import op

revision = "0057"
down_revision = "0054"
branch_labels = None
depends_on = None

_COLUMNS = ("biz_step", "disposition", "read_point", "biz_location")


def upgrade() -> None:
    for name in _COLUMNS:
        op.create_index(f"ix_epcis_event_{name}", "epcis_event", [name, "id"])


def downgrade() -> None:
    for name in _COLUMNS:
        op.drop_index(f"ix_epcis_event_{name}", "epcis_event")
