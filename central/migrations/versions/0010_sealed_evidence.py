"""Witnesses are sealed in the ledger's blocks; read points through which goods go one way only;
how high the ledger stood with what a note tells of.
"""

from __future__ import annotations

import hashlib

import msgspec
import sqlalchemy as sa
from alembic import op

from central.database.store import SchemaMismatch

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_WITNESSES = sa.text(
    "SELECT no, id, movement_id, after_seq, log_id, record_us, event_us, origin, read_point, "
    "quantity, confidence, causes, epcs, evidence FROM witness ORDER BY no"
)
_LAST = sa.text("SELECT no, last_seq, hash FROM block ORDER BY no DESC LIMIT 1")
_SEAL = sa.text(
    "INSERT INTO block (no, first_seq, last_seq, rows, prev_hash, hash, last_witness) "
    "VALUES (:no, :first, :last, 0, :before, :hash, :witness)"
)


def upgrade() -> None:
    op.add_column(
        "block", sa.Column("last_witness", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("read_point", sa.Column("one_way", sa.Text(), nullable=False, server_default=""))
    op.add_column(
        "document_note", sa.Column("height", sa.BigInteger(), nullable=False, server_default="0")
    )
    _seal_what_is_there()


def downgrade() -> None:
    sealed = sa.text("SELECT coalesce(max(last_witness), 0) FROM block")
    if op.get_bind().execute(sealed).scalar_one():
        raise SchemaMismatch(
            "the blocks seal evidence (witnesses), which an older release cannot check: restore "
            "a backup of before the upgrade instead"
        )
    op.drop_column("document_note", "height")
    op.drop_column("read_point", "one_way")
    op.drop_column("block", "last_witness")


def _seal_what_is_there() -> None:
    """One block without movements over all witnesses: a movement comes before its witness, so
    there is a block before it.
    """
    conn = op.get_bind()
    rows = conn.execute(_WITNESSES).all()
    if not rows:
        return
    last = conn.execute(_LAST).one()
    hasher = hashlib.sha256(last.hash.encode() + b"\n")
    for row in rows:
        hasher.update(msgspec.json.encode(tuple(row)) + b"\n")
    conn.execute(
        _SEAL,
        {
            "no": last.no + 1,
            "first": last.last_seq + 1,
            "last": last.last_seq,
            "before": last.hash,
            "hash": hasher.hexdigest(),
            "witness": rows[-1].no,
        },
    )
