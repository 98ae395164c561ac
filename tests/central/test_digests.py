"""One changed byte is named, and so is a ledger that was forged as a whole."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from central.database.store import Database
from central.database.tide import Tide
from central.keeping.digest_files import read_digests
from central.keeping.digests import Digests
from central.stock import chain, ledger, rows, sealing
from central.stock.chain import Head
from gateway import codec, topics
from gateway.mqtt_settings import NotConnected
from tests.central.shop import moving, open_shop
from tests.edge.waiting import until
from tests.fakes.link import FakeLink

COLUMNS = [name for name, _ in rows.COLUMNS if name != "seq"]


def post(conn: Connection, first: int, count: int = 3) -> None:
    """One block of movements."""
    several = [moving(n, "supplier", "dock", n + 1) for n in range(first, first + count)]
    ledger.post(conn, several, record_us=first)


def fill(conn: Connection) -> None:
    """Four blocks of three rows."""
    open_shop(conn)
    for first in (0, 3, 6, 9):
        post(conn, first)


def unguarded(conn: Connection, statement: str, **values: Any) -> None:
    """What an administrator of the database can do."""
    if conn.dialect.name == "postgresql":
        for table in ("movement", "block"):
            conn.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
    else:
        conn.execute(text("PRAGMA foreign_keys=OFF"))
        for table in ("movement", "block"):
            for verb in ("update", "delete"):
                conn.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{verb}"))
    conn.execute(text(statement), values)


@pytest.mark.parametrize("column", COLUMNS)
async def test_one_changed_value_of_a_row_names_its_block(database: Database, column: str) -> None:
    await database.write(fill)
    changed = {
        "quantity": "quantity + 1", "event_us": "event_us + 1", "record_us": "record_us + 1",
        "log_id": "log_id + 1", "confidence": "confidence / 2", "sku": "'BOLT'",
        "source": "'customer'", "destination": "'hall'", "corrects": "'movement-1'",
    }.get(column, f"{column} || 'x'")  # fmt: skip
    await database.write(
        lambda c: unguarded(c, f"UPDATE movement SET {column} = {changed} WHERE seq = 8")
    )
    (fault,) = await database.read(chain.verify)
    assert "block 3 (rows 7 to 9)" in fault


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE block SET hash = 'g' || substr(hash, 2) WHERE no = 2", "block 2"),
        ("UPDATE block SET prev_hash = 'f' || substr(prev_hash, 2) WHERE no = 2", "block 2"),
        ("UPDATE block SET last_seq = 5 WHERE no = 2", "block 2"),
        ("UPDATE block SET first_seq = 5 WHERE no = 2", "block 2"),
        ("DELETE FROM block WHERE no = 2", "block 3"),
        ("DELETE FROM block WHERE no = 4", "outside every block"),
        ("DELETE FROM movement WHERE seq = 5", "block 2"),
        ("DELETE FROM movement WHERE seq = 12", "block 4"),
    ],
)
async def test_a_changed_or_missing_block_is_named(
    database: Database, change: str, named: str
) -> None:
    await database.write(fill)
    await database.write(lambda c: unguarded(c, change))
    (fault,) = await database.read(chain.verify)
    assert named in fault


def forge(conn: Connection) -> None:
    """Rewrite a row and every hash after it: the chain is sound in itself."""
    unguarded(conn, "UPDATE movement SET quantity = 999 WHERE seq = 5")
    before = sealing.Sealed()
    for block in list(chain.blocks(conn)):
        forged = sealing.sealed(before, [tuple(row) for row in chain.movements_of(conn, block)], ())
        conn.execute(
            text("UPDATE block SET prev_hash = :prev_hash, hash = :hash WHERE no = :no"),
            forged._asdict(),
        )
        before = forged.sealed


async def test_a_forged_chain_shows_against_what_was_published(
    database: Database, tmp_path: Path
) -> None:
    file, link, tide = tmp_path / "digests.jsonl", FakeLink(), Tide()
    telling = Digests(database, tide, link, file=file, every_s=0.01)
    await database.write(open_shop)
    running = asyncio.create_task(telling.run())
    for first in (0, 3, 6, 9):
        await database.write(lambda c, first=first: post(c, first))  # type: ignore[misc]
        tide.rise()
        await until(lambda first=first: telling.counters["published"] == first // 3 + 1)  # type: ignore[misc]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    published = list(read_digests(file))
    assert [head.no for head in published] == [1, 2, 3, 4]
    topic, payload, retained = link.published[-1]
    assert (topic, retained) == (topics.DIGEST, True)
    assert codec.decode_digest(payload).last_seq == 12
    assert await database.read(lambda c: chain.compare(c, published)) == []
    await database.write(forge)
    assert await database.read(chain.verify) == []
    (fault,) = await database.read(lambda c: chain.compare(c, published))
    assert "block 2 (up to row 6) is not what was published" in fault


async def test_rows_that_were_published_and_are_gone_are_missed(database: Database) -> None:
    await database.write(fill)
    head = await database.read(chain.head)
    later = [head, Head(9, 40, "a" * 64)]
    (fault,) = await database.read(lambda c: chain.compare(c, later))
    assert "block 9 was published (up to row 40) and is not there" in fault


class Away(FakeLink):
    """A broker that is away."""

    async def publish(self, *_: Any, **__: Any) -> bool:
        raise NotConnected("away")


async def test_the_file_is_kept_while_the_broker_is_away_and_a_torn_line_is_passed_over(
    database: Database, tmp_path: Path
) -> None:
    file, tide = tmp_path / "digests.jsonl", Tide()
    await database.write(fill)
    file.write_bytes(b'{"no":3,"last_s')  # a power cut
    telling = Digests(database, tide, Away(), file=file, every_s=0.01)
    running = asyncio.create_task(telling.run())
    await until(lambda: telling.counters["unsent"] == 1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [head.no for head in read_digests(file)] == [4]
    file.write_bytes(file.read_bytes() + b'{"no":"x"}\n')
    with pytest.raises(ValueError, match=r"line 3 of .* is no digest"):
        list(read_digests(file))
