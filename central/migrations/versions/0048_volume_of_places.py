"""What places with a capacity hold is kept by volume, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_KEPT = sa.text("SELECT place FROM place_total WHERE units IS NOT NULL")
_PARENTS = sa.text("SELECT code, parent FROM location WHERE kind = 'internal'")
_LYING = sa.text(
    "SELECT h.location, h.on_hand, i.length_mm * i.width_mm * i.height_mm AS mm3 FROM balance h "
    "JOIN item i ON i.sku = h.sku WHERE h.on_hand > 0 AND i.length_mm IS NOT NULL"
)
_PUT = sa.text("UPDATE place_total SET volume_mm3 = :mm3 WHERE place = :place")
_UNSAYABLE = sa.text(
    "UPDATE place_total SET units = NULL, mass_mg = NULL, volume_mm3 = NULL WHERE place = :place"
)
_MOST = 2**63 - 1


def upgrade() -> None:
    op.add_column("place_total", sa.Column("volume_mm3", sa.BigInteger()))
    conn = op.get_bind()
    for place, mm3 in _volumes(conn).items():
        if mm3 <= _MOST:
            conn.execute(_PUT, {"place": place, "mm3": mm3})
        else:
            conn.execute(_UNSAYABLE, {"place": place})


def downgrade() -> None:
    op.drop_column("place_total", "volume_mm3")


def _volumes(conn: sa.Connection) -> dict[str, int]:
    """Cubic millimetres that lie in each place with a total, with all below it."""
    held = {row.place: 0 for row in conn.execute(_KEPT)}
    if not held:
        return held
    parents = {row.code: row.parent for row in conn.execute(_PARENTS)}
    for row in conn.execute(_LYING):
        at = row.location
        while at in parents:
            if at in held:
                held[at] += row.on_hand * row.mm3
            at = parents[at]
    return held
