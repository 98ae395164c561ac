"""What places with a capacity hold is kept as a total; balances are found by place and item."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0038"
branch_labels = None
depends_on = None

_RULED = sa.text("SELECT code, rules FROM location WHERE rules <> '{}'")
_PARENTS = sa.text("SELECT code, parent FROM location WHERE kind = 'internal'")
_LYING = sa.text(
    "SELECT h.location, h.on_hand, i.unit_mg FROM balance h JOIN item i ON i.sku = h.sku "
    "WHERE h.on_hand > 0"
)
_MOST = 2**63 - 1


def upgrade() -> None:
    made = op.create_table(
        "place_total",
        sa.Column("place", sa.Text(), sa.ForeignKey("location.code"), primary_key=True),
        sa.Column("units", sa.BigInteger()),
        sa.Column("mass_mg", sa.BigInteger()),
    )
    assert made is not None
    if totals := _totals():
        op.bulk_insert(made, totals)
    op.drop_index("ix_balance_location", "balance")
    op.create_index("ix_balance_location", "balance", ["location", "sku"])


def downgrade() -> None:
    op.drop_index("ix_balance_location", "balance")
    op.create_index("ix_balance_location", "balance", ["location"])
    op.drop_table("place_total")


def _totals() -> list[dict[str, object]]:
    """What the places hold that have a capacity, with all below them."""
    conn = op.get_bind()
    limits = {"max_units", "max_mass_mg"}
    held = {
        row.code: [0, 0] for row in conn.execute(_RULED) if limits & json.loads(row.rules).keys()
    }
    if not held:
        return []
    parents = {row.code: row.parent for row in conn.execute(_PARENTS)}
    for row in conn.execute(_LYING):
        at = row.location
        while at in parents:
            if at in held:
                held[at][0] += row.on_hand
                held[at][1] += row.on_hand * (row.unit_mg or 0)
            at = parents[at]
    return [
        {
            "place": place,
            "units": units if max(units, mass_mg) <= _MOST else None,
            "mass_mg": mass_mg if max(units, mass_mg) <= _MOST else None,
        }
        for place, (units, mass_mg) in held.items()
    ]
