"""Every sealed block is kept elsewhere, once, and proves the ledger from there alone."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, text
from typer.testing import CliRunner

from central.archive.follower import Archivist
from central.archive.model import name_of
from central.archive.proof import prove
from central.archive.shelves import ArchiveUnavailable, Bucket, Folder, Shelf
from central.cli import app
from central.database import cursors
from central.database.moments import from_us
from central.database.store import Database
from central.database.tide import Tide
from central.reconcile.witness import Witness
from central.stock import chain, ledger, witnesses
from tests.central.shop import moving
from tests.central.test_digests import fill, forge, post
from tests.edge.waiting import until
from tests.fakes import s3

_numbers = itertools.count()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3.Store]:
    """A server that speaks S3."""
    with s3.running_s3(tmp_path_factory.mktemp("s3")) as running:
        yield running


def bucket(store: s3.Store, *, secret: str = "", conditional: bool = True) -> Bucket:
    name = f"ledger-{next(_numbers)}"
    store.make(name)
    return Bucket(
        f"s3://{name}/site-1", store.endpoint, "us-east-1", store.access_key,
        SecretStr(secret or store.secret_key), conditional=conditional,
    )  # fmt: skip


@pytest.fixture(params=["folder", "bucket", "plain bucket"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """An empty archive of each kind."""
    if request.param == "folder":
        return Folder(tmp_path / "archive")
    running: s3.Store = request.getfixturevalue("store")
    return bucket(running, conditional=request.param == "bucket")


def books(conn: Connection) -> None:
    """Six blocks: of both formats, and one of evidence alone."""
    fill(conn)
    damaged = moving(20, "dock", "dock", 2, destination_status="damaged", actor="anna")
    ledger.post(conn, [damaged], record_us=20)
    seen = Witness(
        id="witness-1", movement_id="movement-1", quantity=1, origin="shelf", read_point="r",
        event_time=from_us(1), confidence=0.5, causes=(), epcs=(), evidence={"mg": 7},
    )  # fmt: skip
    witnesses.add(conn, [seen], record_us=21, log_id=1)


async def archived(database: Database, shelf: Shelf) -> Archivist:
    made = Archivist(database, Tide(), shelf)
    while await made.step():
        pass
    return made


async def test_every_block_is_kept_and_the_chain_follows_from_the_files_alone(
    database: Database, shelf: Shelf
) -> None:
    await database.write(books)
    made = await archived(database, shelf)
    assert made.counters == {"blocks": 6}
    proof = await prove(shelf)
    assert proof.faults == []
    assert proof.heads[-1] == await database.read(chain.head)
    assert await database.read(lambda c: chain.compare(c, proof.heads)) == []
    first = json.loads(await shelf.get(name_of(5)) or b"")
    assert first["movements"][0]["actor"] == "anna"
    await database.write(lambda c: post(c, 30))
    assert (await archived(database, shelf)).counters == {"blocks": 1}


async def test_a_block_that_was_written_before_a_crash_is_not_written_again(
    database: Database, shelf: Shelf
) -> None:
    await database.write(books)
    await archived(database, shelf)
    await database.write(lambda c: cursors.forget(c, f"archive:{shelf.name}"))
    assert (await archived(database, shelf)).counters == {"known": 6}


async def test_what_is_there_is_never_written_over(shelf: Shelf) -> None:
    assert await shelf.put("a/1.json", b"first")
    assert not await shelf.put("a/1.json", b"second")
    assert await shelf.get("a/1.json") == b"first"
    assert await shelf.get("a/2.json") is None


async def test_books_that_were_rewritten_stop_the_archive_and_show_against_it(
    database: Database, tmp_path: Path
) -> None:
    shelf = Folder(tmp_path / "archive")
    await database.write(fill)
    await archived(database, shelf)
    await database.write(forge)
    proof = await prove(shelf)
    (fault,) = await database.read(lambda c: chain.compare(c, proof.heads))
    assert "block 2 (up to row 6) is not what was published of it" in fault
    await database.write(lambda c: cursors.forget(c, f"archive:{shelf.name}"))
    with pytest.raises(ArchiveUnavailable, match="is another in the archive"):
        await archived(database, shelf)
    assert (await prove(shelf)).faults == []  # it kept what it had


async def test_a_flipped_bit_of_a_file_is_named_or_says_the_same(
    database: Database, tmp_path: Path
) -> None:
    shelf = Folder(tmp_path / "archive")
    await database.write(books)
    await archived(database, shelf)
    whole = (await prove(shelf)).heads
    dice = random.Random(1)
    for no in range(1, 7):
        file = tmp_path / "archive" / name_of(no)
        file.chmod(0o600)
        content = file.read_bytes()
        for place in dice.sample(range(len(content)), 25):
            changed = bytearray(content)
            changed[place] ^= 1 << dice.randrange(8)
            file.write_bytes(changed)
            proof = await prove(shelf)
            assert proof.faults or proof.heads == whole, changed
        file.write_bytes(content)
    (tmp_path / "archive" / name_of(3)).unlink()
    assert len((await prove(shelf)).heads) == 2


async def test_a_key_that_is_wrong_is_told(database: Database, store: s3.Store) -> None:
    await database.write(fill)
    with pytest.raises(ArchiveUnavailable, match="SignatureDoesNotMatch"):
        await archived(database, bucket(store, secret="wrong"))


async def test_it_follows_the_books_and_outlives_a_store_that_is_away(
    database: Database, tmp_path: Path
) -> None:
    away = tmp_path / "archive"
    away.write_text("a file where the folder should be")
    tide = Tide()
    made = Archivist(database, tide, Folder(away), retry_s=0.01)
    await database.write(fill)
    running = asyncio.create_task(made.run())
    await until(lambda: made.counters["failed"] > 0)
    away.unlink()
    await until(lambda: made.counters["blocks"] == 4)
    await database.write(lambda c: post(c, 30))
    tide.rise()
    await until(lambda: made.counters["blocks"] == 5)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def test_the_command_proves_an_archive_alone_and_against_the_books(tmp_path: Path) -> None:
    settings = tmp_path / "central.toml"
    folder = tmp_path / "archive"
    settings.write_text(f'[central]\ndata_dir = "{tmp_path}"\n[archive]\nfolder = "{folder}"\n')
    database = Database(f"sqlite:///{tmp_path / 'central.sqlite'}")
    database.migrate()
    database.write_now(fill)
    asyncio.run(archived(database, Folder(folder)))
    database.write_now(lambda c: post(c, 30))
    database.close()
    run = CliRunner().invoke
    told = run(app, ["archive", "verify", "-c", str(settings)])
    assert "the archive is whole: 4 of 5 blocks" in told.stdout
    alone = run(app, ["archive", "verify", str(folder), "--alone", "--json"])
    assert json.loads(alone.stdout) == {"ok": True, "faults": [], "blocks": 4, "of": 4}
    database = Database(f"sqlite:///{tmp_path / 'central.sqlite'}")
    database.write_now(lambda c: c.execute(text("DROP TRIGGER block_no_update")))
    database.write_now(lambda c: c.execute(text("UPDATE block SET hash = 'x' WHERE no = 2")))
    database.close()
    broken = run(app, ["archive", "verify", str(folder), "-c", str(settings)])
    assert broken.exit_code == 1
    assert "block 2 (up to row 6) is not what was published" in broken.stdout
    missing = run(app, ["archive", "verify", str(tmp_path / "none")])
    assert (missing.exit_code, "there is no folder" in missing.stderr) == (2, True)
