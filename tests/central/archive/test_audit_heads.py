"""The audit's head is kept outside: who rewrites the whole chain is found out by that."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest
from sqlalchemy import Connection, text
from typer.testing import CliRunner

from central.archive.audit import name_of_head, read_heads
from central.archive.follower import AUDIT, Archivist
from central.archive.shelves import Folder
from central.audit import chain as audit_chain
from central.audit.heads import AuditHeads
from central.cli import app
from central.database.store import Database
from central.database.tide import Tide
from central.events import kinds
from central.events import log as events
from tests.central.dying import settings_for
from tests.central.test_audit_chain import GUARDS, note, three

BLOCKS = text("DELETE FROM audit_block")
ENTRIES = text("SELECT id, at_us, actor, action, subject, before, after FROM audit ORDER BY id")


def forge(conn: Connection, said: str) -> None:
    """What somebody does who owns the tables, and knows how blocks are sealed."""
    for statement in GUARDS[conn.dialect.name]:
        conn.execute(text(statement))
    conn.execute(text(said))
    conn.execute(BLOCKS)
    for line in conn.execute(ENTRIES).all():
        audit_chain.seal(conn, [tuple(line)])


async def kept(database: Database, folder: Path) -> Archivist:
    one = Archivist(database, Tide(), Folder(folder), source=AUDIT)
    assert await one.step()
    assert not await one.step()
    return one


async def test_no_entry_lies_in_the_archive_and_every_block_does(
    database: Database, tmp_path: Path
) -> None:
    await database.write(three)
    archivist = await kept(database, tmp_path)
    assert archivist.counters["blocks"] == 3
    assert "anna" not in (tmp_path / name_of_head(3)).read_text()
    found, faults = await read_heads(Folder(tmp_path))
    assert ([one.no for one in found], faults) == ([1, 2, 3], [])
    assert await database.read(lambda c: audit_chain.compare(c, found)) == []
    await database.write(lambda c: note(c, "later"))
    assert await database.read(lambda c: audit_chain.compare(c, found)) == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE id = 2", "block 2 of the audit (entries up to 2)"),
        ("DELETE FROM audit WHERE id > 1", "the audit ends before block 2 (entries up to 3)"),
    ],
)
def test_a_chain_that_was_rewritten_as_a_whole_is_found(
    books_url: str, tmp_path: Path, said: str, told: str
) -> None:
    with closing(Database(books_url)) as database:
        database.write_now(three)
        asyncio.run(kept(database, tmp_path / "archive"))
        database.write_now(lambda c: forge(c, said))
        assert database.read_now(audit_chain.verify) == []  # of itself it is whole
    asked = ["audit", "verify", str(tmp_path / "archive"), "-c"]
    config = str(settings_for(books_url, tmp_path))
    found = CliRunner().invoke(app, [*asked, config])
    assert (found.exit_code, told in found.output) == (1, True), found.output


def test_the_command_says_what_it_held_it_against(books_url: str, tmp_path: Path) -> None:
    config = str(settings_for(books_url, tmp_path))
    with closing(Database(books_url)) as database:
        database.write_now(three)
    alone = CliRunner().invoke(app, ["audit", "verify", "-c", config])
    assert (alone.exit_code, "held against nothing outside" in alone.output) == (0, True)
    folder = tmp_path / "archive"
    (folder / name_of_head(1)).parent.mkdir(parents=True)
    (folder / name_of_head(1)).write_text("{}")
    broken = CliRunner().invoke(app, ["audit", "verify", str(folder), "-c", config, "--json"])
    assert broken.exit_code == 1
    assert "cannot be read" in json.loads(broken.stdout)["faults"][0]
    none = str(tmp_path / "none")
    assert CliRunner().invoke(app, ["audit", "verify", none, "-c", config]).exit_code == 2


async def test_subscribers_are_told_of_each_head_once(database: Database) -> None:
    heads = AuditHeads(database, Tide(), every_s=60)
    await heads.step()
    await database.write(three)
    for _ in range(2):
        await heads.step()
    await database.write(lambda c: note(c, "later"))
    await heads.step()
    told = await database.read(lambda c: events.following(c, 0, 10))
    assert [(one.kind, one.subject) for one in told] == [("AuditSealed", "3"), ("AuditSealed", "4")]
    head = await database.read(audit_chain.head)
    assert told[-1].body == {"no": 4, "last_id": 5, "hash": head.hash}
    said = kinds.schema("AuditSealed", 1)
    assert said is not None
    jsonschema.validate(told[-1].body, said)
