"""The drill: copy while working, go on, lose everything, restore, and know what is missing."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import make_url, text

from central.database import grants
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.keeping import backup as copies
from central.keeping import restore_postgres
from central.keeping.backup import backup
from central.keeping.backup_files import BackupFailed, Manifest
from central.keeping.digest_files import append, read_digests, restores
from central.keeping.restore import restore
from central.keeping.soundness import faults
from central.stock import chain
from edge.fold.moments import moment
from edge.journal import Journal, JournalLimits
from edge.keeper import Keeper
from edge.uplink import Uplink, UplinkSettings
from gateway import codec
from gateway.clock import SystemClock
from gateway.contract import CodeScanned, Digest
from tests.central.dying import KILLED, run, settings_for
from tests.central.test_digests import fill, post, unguarded
from tests.central.test_ingest_and_judge import judge_all, set_up, whole
from tests.edge.waiting import until
from tests.fakes import portal_scenes
from tests.fakes.postgres import fresh_database

LABEL = f"01{portal_scenes.GTINS[1]}"


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        database.migrate()
        yield database
    finally:
        database.close()


def needs_programs(url: str) -> None:
    if make_url(url).get_backend_name() == "postgresql" and shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not installed: apt-get install postgresql-client")


class Line:
    """A real journal, keeper and uplink, handing batches straight to a real ingest."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal.open(folder, JournalLimits(segment_rows=10))
        self.keeper = Keeper(self.journal, commit_every_ms=10)
        self.uplink = Uplink(
            self.keeper, self._publish, site="site", edge="edge-1",
            settings=UplinkSettings(batch=5, resend_after_s=1.0), clock=SystemClock(),
        )  # fmt: skip
        self.keeper.when_committed(lambda _: self.uplink.wake())
        self.ingest: Ingest
        self.said = 0

    async def _publish(self, topic: str, payload: bytes) -> None:
        outcome = await self.ingest.receive([(topic, payload)])
        for mark in outcome.watermarks.values():
            self.uplink.watermark(codec.encode_watermark(mark))

    async def scan(self, count: int) -> None:
        """Scan so many cases; returns when central has them."""
        seen = [
            CodeScanned(
                device="gun", read_point="desk", symbology="]C1",
                event_time=moment(1_700_000_000_000_000 + n), data=f"{LABEL}21N{n}",
            )
            for n in range(self.said, self.said + count)
        ]  # fmt: skip
        self.said += count
        await self.keeper.keep(seen)
        await until(lambda: self.keeper.kept == self.said)
        await asyncio.wait_for(self.uplink.drained(), 60)


def publish(database: Database, file: Path) -> None:
    """Tell the chain's head outside the database, as central does."""
    head = database.read_now(chain.head)
    told = Digest(no=head.no, last_seq=head.last_seq, hash=head.hash, at=datetime.now(UTC))
    append(file, codec.encode_digest(told))


def role_for(url: str) -> tuple[str, ...]:
    """A role of its own for the database's central, on PostgreSQL, with its rights."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return ()
    role = f"clerk_{parsed.database}"
    with opened(url) as database:
        database.write_now(lambda c: c.execute(text(f"CREATE ROLE {role} LOGIN")) and None)
        database.write_now(lambda c: grants.apply(c, role))
    return (role,)


def kept_by(said: list[str], url: str) -> str:
    """The URL of the books of before, as the answer of a restore names them."""
    place = said[0].rpartition(" ")[2]
    if url.startswith("sqlite"):
        return f"sqlite:///{place}"
    return make_url(url).set(database=place).render_as_string(hide_password=False)


async def test_the_drill(database_url: str, tmp_path: Path) -> None:
    needs_programs(database_url)
    copy, digests = tmp_path / "copy", tmp_path / "digests.jsonl"
    roles = role_for(database_url)
    line = Line(tmp_path / "journal")
    tasks = [asyncio.create_task(line.keeper.run()), asyncio.create_task(line.uplink.run())]
    line.uplink.connected()
    with opened(database_url) as database:
        await database.write(set_up)
        line.ingest = Ingest(database, Tide())
        await line.scan(20)
        await judge_all(database)
        publish(database, digests)
        told, _ = await asyncio.gather(
            asyncio.to_thread(backup, database_url, copy), line.scan(10)
        )  # while it works
        manifest = msgspec.json.decode((tmp_path / "copy.json").read_bytes(), type=Manifest)
        upto = manifest.watermarks["edge-1"]
        assert 20 <= upto <= 30
        assert f"edge-1 up to {upto}" in told
        await line.scan(27)
        await judge_all(database)
        publish(database, digests)
        lost = database.read_now(chain.head)
    with pytest.raises(BackupFailed, match="there is a ledger in the database already"):
        restore(copy, database_url)
    reach, said = restore(copy, database_url, force=True, digests=digests)
    assert reach.ledger_seq == 20
    with opened(kept_by(said, database_url)) as before:
        assert before.read_now(chain.head) == lost
        assert before.read_now(faults) == []
    assert [mark.last_seq for mark in restores(digests)] == [20]
    with opened(database_url) as database:
        assert database.read_now(lambda c: faults(c, read_digests(digests))) == []
        assert database.read_now(grants.holders) == roles
        line.ingest = Ingest(database, Tide())
        line.uplink.connected()
        await line.scan(3)  # the first answer tells the edge how far back central is
        await judge_all(database)
        assert line.ingest.counters["observations"] + line.ingest.counters["lost"] == 60 - upto
        rows = text("SELECT upto_seq, lost FROM edge_stream")
        (stream,) = database.read_now(lambda c: c.execute(rows).all())
        logged = database.read_now(
            lambda c: c.execute(text("SELECT count(*) FROM observation")).scalar_one()
        )
        assert stream.upto_seq == 60
        assert logged + stream.lost == 60
        assert stream.lost == line.ingest.counters["lost"] > 0  # trimmed, and told
        assert database.read_now(whole) == []
        moved = text("SELECT count(*) FROM movement WHERE origin = 'scan'")
        assert database.read_now(lambda c: c.execute(moved).scalar_one()) == logged
    await line.keeper.finish()
    await tasks[0]
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await line.keeper.close()


async def test_a_ledger_that_is_not_whole_is_not_called_a_backup(
    database_url: str, tmp_path: Path
) -> None:
    needs_programs(database_url)
    with opened(database_url) as database:
        await database.write(fill)
        backup(database_url, tmp_path / "good")
        await database.write(
            lambda c: unguarded(c, "UPDATE movement SET quantity = 9 WHERE seq = 8")
        )
        with pytest.raises(BackupFailed, match=r"is not whole: block 3"):
            backup(database_url, tmp_path / "good")
    assert restore(tmp_path / "good", database_url, force=True)[0].ledger_seq == 12
    with opened(database_url) as database:
        await database.write(lambda c: post(c, 20))
        assert database.read_now(whole) == []


@pytest.mark.postgres
def test_a_dump_holds_what_its_manifest_says_though_central_goes_on(
    postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = fresh_database(postgres_server, "dumped")
    needs_programs(url)
    really = copies.run_program
    with opened(url) as database:
        database.write_now(fill)

        def after_another_posting(program: str, *arguments: Any) -> None:
            if program == "pg_dump":
                database.write_now(lambda c: post(c, 20))
            really(program, *arguments)

        monkeypatch.setattr(copies, "run_program", after_another_posting)
        assert "up to number 12 (block 4" in backup(url, tmp_path / "copy")
        assert database.read_now(chain.head).last_seq == 15
    restore(tmp_path / "copy", url, force=True)
    with opened(url) as database:
        assert database.read_now(chain.head).last_seq == 12


def test_nothing_is_restored_under_a_running_central(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_programs(database_url)
    monkeypatch.setattr(restore_postgres, "_LET_GO_S", 0.1)
    with opened(database_url) as database:
        database.write_now(fill)
        backup(database_url, tmp_path / "copy")
        database.write_now(lambda c: post(c, 20))
        with pytest.raises(BackupFailed, match="in use: stop central"):
            restore(tmp_path / "copy", database_url, force=True)
        database.write_now(lambda c: post(c, 30))
    with opened(database_url) as database:
        assert database.read_now(chain.head).last_seq == 18
    assert restore(tmp_path / "copy", database_url, force=True)[0].ledger_seq == 12


def test_a_file_that_is_no_database_any_more_can_be_restored(tmp_path: Path) -> None:
    file = tmp_path / "central.sqlite"
    url = f"sqlite:///{file}"
    with opened(url) as database:
        database.write_now(fill)
        backup(url, tmp_path / "copy")
    file.write_bytes(b"x" * 8192)
    reach, said = restore(tmp_path / "copy", url, force=True)
    assert reach.ledger_seq == 12
    assert Path(said[0].rpartition(" ")[2]).read_bytes() == b"x" * 8192


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'central.sqlite'}"
    with pytest.raises(BackupFailed, match="there is no database"):
        backup(url, tmp_path / "copy")
    with pytest.raises(BackupFailed, match="there is no backup"):
        restore(tmp_path / "copy", url)


def of_twelve(url: str, copy: Path) -> None:
    """Make a backup at number 12, and go on to 15."""
    needs_programs(url)
    with opened(url) as database:
        database.write_now(fill)
        backup(url, copy)
        database.write_now(lambda c: post(c, 20))


def untouched(url: str, folder: Path) -> bool:
    """Whether the books stand as ``of_twelve`` left them, with nothing beside them."""
    with opened(url) as database:
        head = database.read_now(chain.head)
        beside = (
            [
                path.name
                for path in folder.iterdir()
                if "restoring" in path.name or "before" in path.name
            ]
            if database.backend == "sqlite"
            else database.read_now(lambda c: c.execute(text(OTHERS)).scalars().all())
        )
    return head.last_seq == 15 and not beside


OTHERS = (
    "SELECT datname FROM pg_database WHERE datname LIKE current_database() || '%_restoring' "
    "OR datname LIKE current_database() || '%_before_%'"
)


def test_a_backup_that_was_cut_or_changed_is_recognised_and_nothing_happens(
    database_url: str, tmp_path: Path
) -> None:
    copy, manifest = tmp_path / "copy", tmp_path / "copy.json"
    of_twelve(database_url, copy)
    whole_copy, whole_manifest = copy.read_bytes(), manifest.read_bytes()
    drawn = random.Random(3)
    changed = bytearray(whole_copy)
    changed[drawn.randrange(len(changed))] ^= 1
    for content in (b"", whole_copy[: drawn.randrange(len(whole_copy))], bytes(changed)):
        copy.write_bytes(content)
        with pytest.raises(BackupFailed, match="no whole backup: its"):
            restore(copy, database_url, force=True)
    copy.write_bytes(whole_copy)
    for content in (b"", whole_manifest[:-20], b"\xff"):
        manifest.write_bytes(content)
        with pytest.raises(BackupFailed, match="no whole backup"):
            restore(copy, database_url, force=True)
    manifest.unlink()
    with pytest.raises(BackupFailed, match="which is written last"):
        restore(copy, database_url, force=True)
    assert untouched(database_url, tmp_path)


def test_a_copy_is_proven_before_the_books_are_touched(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forged copy with a manifest that fits it, and one that was not what was published."""
    copy, digests = tmp_path / "copy", tmp_path / "digests.jsonl"
    of_twelve(database_url, copy)
    head = Digest(no=3, last_seq=9, hash="a" * 64, at=datetime.now(UTC))
    append(digests, codec.encode_digest(head))
    with pytest.raises(BackupFailed, match="not what was published: block 3"):
        restore(copy, database_url, force=True, digests=digests)
    assert restores(digests) == []
    assert untouched(database_url, tmp_path)
    with opened(database_url) as database, monkeypatch.context() as careless:
        careless.setattr(copies, "ledger_faults", lambda *_: [])
        database.write_now(lambda c: unguarded(c, "UPDATE movement SET quantity = 9 WHERE seq = 8"))
        backup(database_url, copy)
    with pytest.raises(BackupFailed, match="is not whole: block 3"):
        restore(copy, database_url, force=True)
    assert untouched(database_url, tmp_path)


def test_a_manifest_that_tells_of_other_books_is_refused(database_url: str, tmp_path: Path) -> None:
    copy, manifest = tmp_path / "copy", tmp_path / "copy.json"
    of_twelve(database_url, copy)
    said = msgspec.json.decode(manifest.read_bytes(), type=Manifest)
    manifest.write_bytes(msgspec.json.encode(msgspec.structs.replace(said, log_id=7)))
    with pytest.raises(BackupFailed, match="disagree about log_id"):
        restore(copy, database_url, force=True)
    manifest.write_bytes(msgspec.json.encode(msgspec.structs.replace(said, engine="duckdb")))
    with pytest.raises(BackupFailed, match="a backup of duckdb"):
        restore(copy, database_url, force=True)
    assert untouched(database_url, tmp_path)


@pytest.mark.postgres
def test_a_role_that_is_not_there_any_more_is_told(postgres_server: str, tmp_path: Path) -> None:
    url = fresh_database(postgres_server, "orphaned")
    needs_programs(url)
    (role,) = role_for(url)
    with opened(url) as database:
        database.write_now(fill)
        backup(url, tmp_path / "copy")
        database.write_now(lambda c: c.execute(text(f"DROP OWNED BY {role}")) and None)
        database.write_now(lambda c: c.execute(text(f"DROP ROLE {role}")) and None)
    _, said = restore(tmp_path / "copy", url, force=True)
    assert f"role {role} could not be given its rights again" in said[1]


@pytest.mark.postgres
def test_a_database_that_is_gone_is_made_and_one_of_somebody_else_is_left_alone(
    postgres_server: str, tmp_path: Path
) -> None:
    url = fresh_database(postgres_server, "source_of_two")
    of_twelve(url, tmp_path / "copy")
    gone = make_url(url).set(database="was_gone")
    target = gone.render_as_string(hide_password=False)
    assert restore(tmp_path / "copy", target)[1] == []
    with opened(target) as database:
        assert database.read_now(chain.head).last_seq == 12
    fresh_database(postgres_server, "was_gone_restoring")
    with pytest.raises(BackupFailed, match="that no restore of ours left"):
        restore(tmp_path / "copy", target, force=True)


@pytest.mark.postgres
def test_without_the_right_to_make_databases_it_says_so(
    postgres_server: str, tmp_path: Path
) -> None:
    url = fresh_database(postgres_server, "confined")
    (role,) = role_for(url)
    of_twelve(url, tmp_path / "copy")
    as_clerk = make_url(url).set(username=role).render_as_string(hide_password=False)
    with pytest.raises(BackupFailed, match="CREATEDB"):
        restore(tmp_path / "copy", as_clerk, force=True)


def test_the_old_books_are_kept_where_links_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'central.sqlite'}"
    of_twelve(url, tmp_path / "copy")

    def no_links(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(os, "link", no_links)
    _, said = restore(tmp_path / "copy", url, force=True)
    with opened(kept_by(said, url)) as before:
        assert before.read_now(chain.head).last_seq == 15


def test_killed_while_restoring_the_books_are_the_old_ones_and_it_can_be_done_again(
    database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    of_twelve(database_url, tmp_path / "copy")
    command = ["restore", str(tmp_path / "copy"), "--force", "-c"]
    command.append(str(settings_for(database_url, folder)))
    for number in (1, 8, 15):
        assert run(command, folder / "log", die_at=number) == KILLED
        with opened(database_url) as database:
            assert database.read_now(chain.head).last_seq == 15
    assert run(command, folder / "log") == 0, (folder / "log").read_text()
    assert "the books of before are in" in (folder / "log").read_text()
    with opened(database_url) as database:
        assert database.read_now(chain.head).last_seq == 12
        assert database.read_now(faults) == []
