"""Cut judging into partitions that workers lease, and keep in which order it judged."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from central.database.store import SchemaMismatch

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PARTITIONS = 16
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CUT = ("portals", "shelves")
"""The parts of judging's memory that are kept by read point."""


def upgrade() -> None:
    op.create_table(
        "worker",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "partition",
        sa.Column("no", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("worker", sa.Text(), nullable=False, server_default=""),
        sa.Column("epoch", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("position", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.create_table(
        "memory",
        sa.Column("partition", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "stretch",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("partitions", sa.BigInteger(), nullable=False),
        sa.Column("after_log", sa.BigInteger(), nullable=False),
        sa.Column("upto_log", sa.BigInteger(), nullable=False),
        sa.Column("ledger_from", sa.BigInteger(), nullable=False),
        sa.Column("ledger_upto", sa.BigInteger(), nullable=False),
    )
    _cut_up()


def downgrade() -> None:
    _put_together()
    for table in ("stretch", "memory", "partition", "worker"):
        op.drop_table(table)


def _cut_up() -> None:
    conn = op.get_bind()
    row = conn.execute(
        sa.text("SELECT position, state FROM cursor WHERE name = 'judge'")
    ).one_or_none()
    position = 0 if row is None else row.position
    conn.execute(
        sa.text("INSERT INTO partition (no, position) VALUES (:no, :position)"),
        [{"no": no, "position": position} for no in range(PARTITIONS)],
    )
    if row is None:
        return
    kept = {no: msgspec.msgpack.encode(state) for no, state in _parts(row.state).items()}
    if row.state is None:  # lost on the way down: to be built again from the log
        kept = dict.fromkeys(range(PARTITIONS), b"")
    for no, state in kept.items():
        conn.execute(
            sa.text("INSERT INTO memory (partition, state) VALUES (:no, :state)"),
            {"no": no, "state": state},
        )
    conn.execute(
        sa.text(
            "INSERT INTO stretch (partitions, after_log, upto_log, ledger_from, ledger_upto) "
            "SELECT :all, 0, :position, 0, coalesce(max(seq), 0) FROM movement"
        ),
        {"all": 2**PARTITIONS - 1, "position": position},
    )
    conn.execute(sa.text("DELETE FROM cursor WHERE name = 'judge'"))


def _parts(state: bytes | None) -> dict[int, dict[str, Any]]:
    """Judging's memory by partition: the partition of each read point in it."""
    parts: dict[int, dict[str, Any]] = {}
    whole = msgspec.msgpack.decode(bytes(state)) if state is not None else {}
    for kind in _CUT:
        for read_point, memory in whole.get(kind, {}).items():
            no = zlib.crc32(read_point.encode()) % PARTITIONS
            part = parts.setdefault(no, {"version": whole["version"], **{k: {} for k in _CUT}})
            part[kind][read_point] = memory
    return parts


def _put_together() -> None:
    conn = op.get_bind()
    positions = set(conn.execute(sa.text("SELECT position FROM partition")).scalars())
    if len(positions) > 1:
        raise SchemaMismatch(
            "the partitions are not judged equally far: run one central alone until it has "
            "judged everything, then go down"
        )
    whole: dict[str, Any] = {}
    for state in conn.execute(sa.text("SELECT state FROM memory ORDER BY partition")).scalars():
        part = msgspec.msgpack.decode(bytes(state))
        if not part.keys() >= {"version", *_CUT}:
            continue  # a later release's, which the older one cannot read: it begins anew
        for kind in _CUT:
            whole.setdefault(kind, {}).update(part[kind])
        whole["version"] = part["version"]
    if positions != {0}:
        conn.execute(
            sa.text("INSERT INTO cursor (name, position, state) VALUES ('judge', :at, :state)"),
            {
                "at": positions.pop(),
                "state": msgspec.msgpack.encode(whole) if whole else None,
            },
        )
