"""Shipments are looked for by their carrier."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_shipment_state", "shipment")
    op.create_index("ix_shipment_carrier", "shipment", ["carrier", "state", "id"])


def downgrade() -> None:
    op.drop_index("ix_shipment_carrier", "shipment")
    op.create_index("ix_shipment_state", "shipment", ["state", "id"])
