"""Stock lies somewhere in a status; movements name serials, papers and who said so; blocks have a
format, which says what of their rows they cover.
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

from central.database.store import SchemaMismatch

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_BEFORE = "source <> destination"
_NOW = "source <> destination OR source_status <> destination_status"
_PLAIN = {
    "source_status": "available",
    "destination_status": "available",
    "serials": "[]",
    "reference": "",
    "actor": "",
}
_KEY = ["sku", "lot", "location"]
_TABLE = sa.text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'movement'")
_ON_IT = sa.text(
    "SELECT sql FROM sqlite_master WHERE tbl_name = 'movement' AND type IN ('index', 'trigger') "
    "AND sql IS NOT NULL ORDER BY type, name"
)


def upgrade() -> None:
    for name, default in _PLAIN.items():
        op.add_column("movement", _text(name, default))
    _ends(_NOW)
    op.add_column("tag_place", _text("status", "available"))
    op.add_column("block", sa.Column("format", sa.Integer(), nullable=False, server_default="1"))
    _balances([*_KEY, "status"])


def downgrade() -> None:
    newer = sa.text("SELECT count(*) FROM block WHERE format <> 1")
    if op.get_bind().execute(newer).scalar_one():
        raise SchemaMismatch(
            "the ledger tells of statuses, serials, papers or people, which an older release "
            "cannot check: restore a backup of before the upgrade instead"
        )
    _balances(_KEY)
    op.drop_column("block", "format")
    op.drop_column("tag_place", "status")
    _ends(_BEFORE)
    for name in reversed(_PLAIN):
        op.drop_column("movement", name)


def _text(name: str, default: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def _balances(key: list[str]) -> None:
    """Made anew, keyed so: all else of it is kept."""
    op.drop_index("ix_balance_location", "balance")
    op.rename_table("balance", "balance_before")
    if op.get_bind().dialect.name == "postgresql":  # an index's name is its schema's there
        op.execute("ALTER INDEX balance_pkey RENAME TO balance_before_pkey")
    op.create_table(
        "balance",
        *(
            _text(name, "available")
            if name == "status"
            else sa.Column(name, sa.Text(), nullable=False)
            for name in key
        ),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*key),
    )
    names = ", ".join([*_KEY, "on_hand", "last_seq"])
    op.execute(f"INSERT INTO balance ({names}) SELECT {names} FROM balance_before")  # noqa: S608
    op.drop_table("balance_before")
    op.create_index("ix_balance_location", "balance", ["location"])


def _ends(check: str) -> None:
    """What a movement's two ends must be; SQLite keeps that in the text of the table alone."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("ck_movement_ends", "movement")
        op.create_check_constraint("ck_movement_ends", "movement", check)
        return
    conn = op.get_bind()
    made = conn.execute(_TABLE).scalar_one()
    others = conn.execute(_ON_IT).scalars().all()
    named = made.replace(made.partition("(")[0], "CREATE TABLE movement_now ", 1)
    now = re.sub(r"(ck_movement_ends CHECK )\(.*?\)", rf"\1({check})", named, count=1)
    assert now != named, "the table's own words are as alembic wrote them"
    for statement in (
        now,
        "INSERT INTO movement_now SELECT * FROM movement",
        "DROP TABLE movement",
        "ALTER TABLE movement_now RENAME TO movement",
        *others,
    ):
        conn.exec_driver_sql(statement)
