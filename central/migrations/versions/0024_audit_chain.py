"""The audit's entries in a chain of blocks; those of before in its first."""

from __future__ import annotations

import hashlib

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_GENESIS = "0" * 64
_ENTRIES = sa.text("SELECT id, at_us, actor, action, subject, before, after FROM audit ORDER BY id")
_SEAL = sa.text(
    "INSERT INTO audit_block (no, last_id, rows, prev_hash, hash) "
    "VALUES (1, :last, :rows, :before, :hash)"
)


def upgrade() -> None:
    op.create_table(
        "audit_block",
        sa.Column("no", _ID, primary_key=True, autoincrement=True),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()
    _seal_what_is_there()


def downgrade() -> None:
    op.drop_table("audit_block")


def _guard_sqlite() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'audit_block is append-only'); END"
    for verb in ("UPDATE", "DELETE"):
        name = f"audit_block_no_{verb.lower()}"
        op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON audit_block {refuse}")
    same = "EXISTS (SELECT 1 FROM audit_block WHERE no = NEW.no)"
    name = "audit_block_no_replace"
    op.execute(f"CREATE TRIGGER {name} BEFORE INSERT ON audit_block WHEN {same} {refuse}")


def _guard_postgresql() -> None:
    for guard, events, each in (
        ("change", "UPDATE OR DELETE", "ROW"),
        ("truncate", "TRUNCATE", "STATEMENT"),
    ):
        name = f"audit_block_no_{guard}"
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {events} ON audit_block "
            f"FOR EACH {each} EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"ALTER TABLE audit_block ENABLE ALWAYS TRIGGER {name}")


def _seal_what_is_there() -> None:
    conn = op.get_bind()
    hasher = hashlib.sha256(_GENESIS.encode() + b"\n")
    rows = last = 0
    for entry in conn.execute(_ENTRIES):
        hasher.update(msgspec.json.encode(tuple(entry)) + b"\n")
        rows, last = rows + 1, entry.id
    if rows:
        sealed = {"last": last, "rows": rows, "before": _GENESIS, "hash": hasher.hexdigest()}
        conn.execute(_SEAL, sealed)
