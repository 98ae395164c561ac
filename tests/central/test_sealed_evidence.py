"""Evidence is sealed with the ledger: a changed, added or lost witness is named."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from central.database.moments import from_us
from central.database.store import Database, SchemaMismatch
from central.reconcile.witness import Witness
from central.stock import chain, witnesses
from tests.central.test_digests import fill, post, unguarded

COLUMNS = ["movement_id", "quantity", "evidence", "epcs", "confidence", "after_seq", "event_us"]


def seen(number: int) -> Witness:
    return Witness(
        id=f"witness-{number}", movement_id="movement-1", quantity=number, origin="portal",
        read_point="dock-1", event_time=from_us(number), evidence={"pass": number},
    )  # fmt: skip


def keep(conn: Connection, *numbers: int) -> None:
    witnesses.add(conn, [seen(n) for n in numbers], record_us=1, log_id=1)


def books(conn: Connection) -> None:
    """Four blocks of movements, one of two witnesses, and another of movements."""
    fill(conn)
    keep(conn, 1, 2)
    post(conn, 12)


def bare(conn: Connection, statement: str) -> None:
    """What an administrator of the database can do, to witnesses too."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("ALTER TABLE witness DISABLE TRIGGER ALL"))
    else:
        for verb in ("update", "delete", "replace"):
            conn.execute(text(f"DROP TRIGGER IF EXISTS witness_no_{verb}"))
    unguarded(conn, statement)


async def test_evidence_has_a_block_and_changes_the_published_head(database: Database) -> None:
    await database.write(fill)
    before = await database.read(chain.head)
    await database.write(lambda c: keep(c, 1, 2))
    after = await database.read(chain.head)
    assert (after.no, after.last_seq) == (before.no + 1, before.last_seq)
    await database.write(lambda c: keep(c, 1, 2))
    assert await database.read(chain.head) == after, "kept once"
    await database.write(lambda c: post(c, 12))
    assert await database.read(chain.verify) == []


@pytest.mark.parametrize("column", COLUMNS)
async def test_a_changed_witness_is_named(database: Database, column: str) -> None:
    await database.write(books)
    kind = "|| 'x'" if column in {"movement_id", "evidence", "epcs"} else "+ 1"
    change = f"UPDATE witness SET {column} = {column} {kind} WHERE no = 2"
    await database.write(lambda c: bare(c, change))
    (fault,) = await database.read(chain.verify)
    assert "block 5" in fault
    assert "not what was sealed" in fault


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("DELETE FROM witness WHERE no = 1", "witness 1 is missing"),
        ("DELETE FROM witness WHERE no = 2", "witness 2 is missing"),
        ("UPDATE block SET last_witness = 1 WHERE no = 5", "block 5"),
        ("UPDATE block SET last_witness = 0 WHERE no = 5", "seals witnesses up to 0"),
        ("UPDATE block SET last_witness = 1 WHERE no = 6", "seals witnesses up to 1"),
        (
            "INSERT INTO witness SELECT 3, 'forged', movement_id, after_seq, log_id, record_us, "
            "event_us, origin, read_point, quantity, confidence, causes, epcs, evidence "
            "FROM witness WHERE no = 1",
            "1 witnesses stand outside every block",
        ),
    ],
)
async def test_lost_and_forged_evidence_is_named(
    database: Database, change: str, named: str
) -> None:
    await database.write(books)
    await database.write(lambda c: bare(c, change))
    (fault,) = await database.read(chain.verify)
    assert named in fault


async def test_evidence_of_before_is_sealed_by_the_upgrade(database: Database) -> None:
    await database.write(fill)
    database.migrate("0009")
    add = (
        "INSERT INTO witness SELECT 1, 'old', id, seq, log_id, record_us, event_us, 'scan', 'desk',"
        " 1, 1.0, '[]', '[]', '{}' FROM movement WHERE seq = 2"
    )
    await database.write(lambda c: c.execute(text(add)))
    database.migrate()
    assert await database.read(chain.verify) == []
    await database.write(lambda c: keep(c, 1))
    assert await database.read(chain.verify) == []
    with pytest.raises(SchemaMismatch, match="restore a backup"):
        database.migrate("0009")
