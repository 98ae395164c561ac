"""Announced goods, later evidence of what had moved, and what read points make of both."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SENSED = sa.text("origin IN ('portal', 'shelf', 'scan', 'review')")
_CORRECTING = sa.text("corrects IS NOT NULL")


def upgrade() -> None:
    _read_points()
    _witnesses()
    _documents()
    for name, columns, where in (
        ("ix_movement_sensed", ["sku", "event_us"], _SENSED),
        ("ix_movement_corrects", ["corrects"], _CORRECTING),
    ):
        op.create_index(name, "movement", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_movement_corrects", "movement")
    op.drop_index("ix_movement_sensed", "movement")
    for table in ("document_note", "document", "witness"):
        op.drop_table(table)  # and its triggers
    for column in ("inferred", "fuse_s"):
        op.drop_column("read_point", column)


def _read_points() -> None:
    for column in (
        sa.Column("fuse_s", sa.Integer(), nullable=False, server_default="600"),
        sa.Column("inferred", sa.Text(), nullable=False, server_default="review"),
    ):
        op.add_column("read_point", column)


def _witnesses() -> None:
    op.create_table(
        "witness",
        sa.Column("no", _ID, primary_key=True, autoincrement=False),
        sa.Column("id", sa.Text(), nullable=False, unique=True),
        sa.Column("movement_id", sa.Text(), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), nullable=False),
        sa.Column("log_id", sa.BigInteger(), nullable=False),
        sa.Column("record_us", sa.BigInteger(), nullable=False),
        sa.Column("event_us", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("read_point", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("causes", sa.Text(), nullable=False),
        sa.Column("epcs", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
    )
    op.create_index("ix_witness_movement", "witness", ["movement_id"])
    if op.get_bind().dialect.name == "postgresql":
        for guard, verbs, each in (
            ("change", "UPDATE OR DELETE", "ROW"),
            ("truncate", "TRUNCATE", "STATEMENT"),
        ):
            name = f"witness_no_{guard}"
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {verbs} ON witness "
                f"FOR EACH {each} EXECUTE FUNCTION refuse_change()"
            )
            op.execute(f"ALTER TABLE witness ENABLE ALWAYS TRIGGER {name}")
        return
    refuse = "BEGIN SELECT RAISE(ABORT, 'witness is append-only'); END"
    for verb in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER witness_no_{verb.lower()} BEFORE {verb} ON witness {refuse}")
    same = " OR ".join(
        f"EXISTS (SELECT 1 FROM witness WHERE {key})"  # noqa: S608 (our own words)
        for key in ("no = NEW.no", "id = NEW.id")
    )
    op.execute(f"CREATE TRIGGER witness_no_replace BEFORE INSERT ON witness WHEN {same} {refuse}")


def _documents() -> None:
    op.create_table(
        "document",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("valid_from_log", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("ix_document_document", "document", ["document", "id"])
    op.create_index("ix_document_status", "document", ["status"])
    op.create_index("ix_document_from", "document", ["valid_from_log"])
    op.create_table(
        "document_note",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("read_point", sa.Text(), nullable=False),
        sa.Column("event_us", sa.BigInteger(), nullable=False),
        sa.Column("log_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("ix_document_note_document", "document_note", ["document"])
    op.create_index("ix_document_note_event", "document_note", ["event_id"])
