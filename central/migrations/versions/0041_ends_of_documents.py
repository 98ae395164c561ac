"""Documents can be found by the places that their goods come from and go to."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0031"
branch_labels = None
depends_on = None

_ENDS = ("source", "destination")
_ROWS = sa.text("SELECT id, body FROM document")
_SAY = sa.text("UPDATE document SET source = :source, destination = :destination WHERE id = :id")


def upgrade() -> None:
    for name in _ENDS:
        op.add_column("document", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    conn = op.get_bind()
    found = [{"id": row.id, **json.loads(row.body)} for row in conn.execute(_ROWS)]
    if found:
        conn.execute(_SAY, [{name: one[name] for name in ("id", *_ENDS)} for one in found])


def downgrade() -> None:
    for name in _ENDS:
        op.drop_column("document", name)
