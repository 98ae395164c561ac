"""One flipped bit or byte, anywhere: it is named, or it was of no account."""

from __future__ import annotations

import random
import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError, IntegrityError
from typer.testing import CliRunner

from central.catalogue.items import Item, add_item
from central.cli import app
from central.database.store import Database
from central.keeping.soundness import ledger_faults
from central.stock import ledger, rows
from tests.central.dying import settings_for
from tests.central.shop import moving
from tests.central.test_digests import fill, unguarded

BLOCK = ("no", "first_seq", "last_seq", "rows", "prev_hash", "hash", "format")
SEALED = {"movement": [name for name, _ in rows.COLUMNS], "block": list(BLOCK)}
KEY = {"movement": "seq", "block": "no"}
LAST = {"movement": 15, "block": 5}
LEDGER = ("movement", "block", "balance", "tag_place")
FLIPS = 40
"""So many bytes of each kind of page."""


def books(conn: Connection) -> None:
    """Five blocks, the last with tags, words and fractions in it, of the newer format."""
    fill(conn)
    add_item(conn, Item(sku="DRILL", name="Drill", tracking="serial"))
    several = [
        moving(n, "supplier", "hall", 2, "DRILL", epcs=(f"30AA{n}",), lot="L\u00f6t",
               confidence=0.75, evidence={"seen": n}, corrects="movement-1", reason="re\u00e7u",
               destination_status="damaged", serials=(f"S{n}", f"T{n}"), reference="PO-7",
               actor="anna")
        for n in range(20, 23)
    ]  # fmt: skip
    ledger.post(conn, several, record_us=20)


class Flip(NamedTuple):
    """A bit of one value."""

    table: str
    key: int
    column: str
    bit: int


@st.composite
def flips(draw: st.DrawFn) -> Flip:
    table = draw(st.sampled_from(sorted(SEALED)))
    return Flip(
        table,
        draw(st.integers(1, LAST[table])),
        draw(st.sampled_from(SEALED[table])),
        draw(st.integers(0, 8 * 64 - 1)),
    )


def flipped(value: object, bit: int) -> bytes | int | float:
    """The value with a bit of it changed; text comes back as its bytes."""
    if isinstance(value, str):
        stored = bytearray(value.encode())
        assume(stored)
        stored[bit // 8 % len(stored)] ^= 1 << bit % 8
        return bytes(stored)
    kind = "<d" if isinstance(value, float) else "<q"
    stored = bytearray(struct.pack(kind, value))
    stored[bit // 8 % 8] ^= 1 << bit % 8
    other: int | float = struct.unpack(kind, stored)[0]
    return other


def put(conn: Connection, flip: Flip) -> None:
    """Change the value as somebody does who has all rights."""
    key = KEY[flip.table]
    where = f"FROM {flip.table} WHERE {key} = :key"
    value = conn.execute(text(f"SELECT {flip.column} {where}"), {"key": flip.key}).scalar_one()
    assume(value is not None)
    other: Any = flipped(value, flip.bit)
    typed = ":other"
    if isinstance(other, bytes):
        if conn.dialect.name == "sqlite":
            typed = "CAST(:other AS TEXT)"
        else:
            assume(b"\x00" not in other)
            try:
                other = other.decode()
            except UnicodeDecodeError:
                assume(False)
    change = f"UPDATE {flip.table} SET {flip.column} = {typed} WHERE {key} = :key"
    try:
        unguarded(conn, change, other=other, key=flip.key)
    except (IntegrityError, DataError):
        assume(False)  # a null, a number that is taken or that no column holds: it stays out


@pytest.fixture
def filled(database: Database) -> Database:
    database.write_now(books)
    assert database.read_now(ledger_faults) == []
    if database.backend == "postgresql":  # whoever flips bits asks no constraint
        for table, name in (
            ("movement", "ck_movement_quantity"), ("movement", "ck_movement_ends"),
        ):  # fmt: skip
            drop = text(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            database.write_now(lambda c, drop=drop: c.execute(drop) and None)  # type: ignore[misc]
    return database


class Undo(Exception):
    """Nothing of it is to stay."""


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(flip=flips())
def test_any_bit_of_a_sealed_row_names_its_block(filled: Database, flip: Flip) -> None:
    found: list[str] = []

    def work(conn: Connection) -> None:
        if conn.dialect.name == "sqlite":
            conn.execute(text("PRAGMA defer_foreign_keys=ON"))
            conn.execute(text("PRAGMA ignore_check_constraints=ON"))
        put(conn, flip)
        found.extend(ledger_faults(conn))
        raise Undo

    with pytest.raises(Undo):
        filled.write_now(work)
    block = flip.key if flip.table == "block" else (flip.key + 2) // 3
    named = [f"block {block} ("]
    if flip.column == "no":  # the last one, sent below the first, leaves rows that nothing seals
        named += [f"block {block} is missing", "(13 to 15) stand outside every block"]
    assert any(name in fault for fault in found for name in named), (flip, found)
    earlier = [f"block {number} (" for number in range(1, block)]
    assert not any(name in fault for fault in found for name in earlier), (flip, found)


def content(file: Path) -> list[list[tuple[object, ...]]]:
    """The ledger and what follows from it, read in the order of the file, with kinds."""
    with closing(sqlite3.connect(file)) as conn:
        conn.text_factory = bytes
        return [
            conn.execute(f"SELECT * FROM {table} NOT INDEXED ORDER BY rowid").fetchall()
            for table in LEDGER
        ]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with books in it, closed."""
    file = tmp_path_factory.mktemp("sound") / "central.sqlite"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    database.write_now(books)
    database.close()
    return file


def places(file: Path, where: str, chance: random.Random) -> list[int]:
    """Offsets of bytes in the file: of its header, of the ledger's pages, or anywhere."""
    with closing(sqlite3.connect(file)) as conn:
        size = conn.execute("PRAGMA page_size").fetchone()[0]
        named = ", ".join(repr(table) for table in LEDGER)
        roots = conn.execute(f"SELECT rootpage FROM sqlite_master WHERE tbl_name IN ({named})")
        pages = [row[0] for row in roots if row[0]]
    stored = file.read_bytes()
    candidates = {
        "header": range(200),
        "ledger": [
            offset
            for page in pages
            for offset in range((page - 1) * size, page * size)
            if stored[offset]  # most of the rest is empty
        ],
        "anywhere": range(len(stored)),
    }[where]
    return [chance.choice(candidates) for _ in range(FLIPS)]


@pytest.mark.parametrize("where", ["header", "ledger", "anywhere"])
def test_any_byte_of_the_file_is_told_or_was_of_no_account(
    sound: Path, tmp_path: Path, where: str
) -> None:
    chance = random.Random(f"{where} 1")
    truth = content(sound)
    file = tmp_path / "central.sqlite"
    command = ["verify", "-c", str(settings_for(f"sqlite:///{file}", tmp_path))]
    told = 0
    for offset in places(sound, where, chance):
        for rest in ("-wal", "-shm", "-journal"):
            Path(f"{file}{rest}").unlink(missing_ok=True)
        shutil.copyfile(sound, file)
        with file.open("r+b") as stored:
            stored.seek(offset)
            byte = stored.read(1)[0] ^ chance.randrange(1, 256)
            stored.seek(offset)
            stored.write(bytes([byte]))
        answer = CliRunner().invoke(app, command)
        said = (offset, byte, answer.output)
        assert answer.exception is None or isinstance(answer.exception, SystemExit), said
        assert answer.output.strip(), said
        told += bool(answer.exit_code)
        if answer.exit_code == 0:
            assert content(file) == truth, said
    assert told > FLIPS // 2 or where != "ledger"  # most of the rest of the file is empty
