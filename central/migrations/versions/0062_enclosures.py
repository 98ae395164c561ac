"""Judging knows what encloses a place, from a log entry on.

How places lie already is in force from the next entry on: all before it was judged without.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TABLE = "enclosure"
_SEED = sa.text(
    "INSERT INTO enclosure (valid_from_log, code, parent) "
    "SELECT (SELECT coalesce(max(position), 0) + 1 FROM partition), code, parent "
    "FROM location WHERE parent IS NOT NULL ORDER BY code"
)


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("valid_from_log", sa.BigInteger, nullable=False, index=True),
        sa.Column("code", sa.Text, sa.ForeignKey("location.code"), nullable=False),
        sa.Column("parent", sa.Text, sa.ForeignKey("location.code")),
    )
    op.create_index("ix_enclosure_code", _TABLE, ["code", "id"])
    op.get_bind().execute(_SEED)


def downgrade() -> None:
    op.drop_table(_TABLE)
