"""The drill: copy while working, go on, lose everything, restore, and know what is missing."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import make_url, text

from central import backup as copies
from central.backup import BackupFailed, Manifest, backup, restore
from central.ingest import Ingest
from central.stock import chain
from central.store import Database
from central.tide import Tide
from edge.fold.moments import moment
from edge.journal import Journal, JournalLimits
from edge.keeper import Keeper
from edge.uplink import Uplink, UplinkSettings
from gateway import codec
from gateway.clock import SystemClock
from gateway.contract import CodeScanned
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


async def test_the_drill(database_url: str, tmp_path: Path) -> None:
    needs_programs(database_url)
    copy = tmp_path / "copy"
    line = Line(tmp_path / "journal")
    tasks = [asyncio.create_task(line.keeper.run()), asyncio.create_task(line.uplink.run())]
    line.uplink.connected()
    with opened(database_url) as database:
        await database.write(set_up)
        line.ingest = Ingest(database, Tide())
        await line.scan(20)
        await judge_all(database)
        told, _ = await asyncio.gather(
            asyncio.to_thread(backup, database_url, copy), line.scan(10)
        )  # while it works
        manifest = msgspec.json.decode((tmp_path / "copy.json").read_bytes(), type=Manifest)
        upto = manifest.watermarks["edge-1"]
        assert 20 <= upto <= 30
        assert f"edge-1 up to {upto}" in told
        await line.scan(27)
        await judge_all(database)
    with pytest.raises(BackupFailed, match="there is a ledger in the database already"):
        restore(copy, database_url)
    assert "restored: the ledger up to number 20" in restore(copy, database_url, force=True)
    with opened(database_url) as database:
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
    assert "up to number 12" in restore(tmp_path / "good", database_url, force=True)
    with opened(database_url) as database:
        await database.write(lambda c: post(c, 20))
        assert database.read_now(whole) == []


@pytest.mark.postgres
def test_a_dump_holds_what_its_manifest_says_though_central_goes_on(
    postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = fresh_database(postgres_server, "dumped")
    needs_programs(url)
    run = copies._run
    with opened(url) as database:
        database.write_now(fill)

        def after_another_posting(program: str, *arguments: Any) -> None:
            if program == "pg_dump":
                database.write_now(lambda c: post(c, 20))
            run(program, *arguments)

        monkeypatch.setattr(copies, "_run", after_another_posting)
        assert "up to number 12 (block 4" in backup(url, tmp_path / "copy")
        assert database.read_now(chain.head).last_seq == 15
    restore(tmp_path / "copy", url, force=True)
    with opened(url) as database:
        assert database.read_now(chain.head).last_seq == 12


def test_nothing_is_restored_under_a_running_central(database_url: str, tmp_path: Path) -> None:
    needs_programs(database_url)
    with opened(database_url) as database:
        database.write_now(fill)
        backup(database_url, tmp_path / "copy")
        database.write_now(lambda c: post(c, 20))
        with pytest.raises(BackupFailed, match="in use: stop central"):
            restore(tmp_path / "copy", database_url, force=True)
        database.write_now(lambda c: post(c, 30))
    with opened(database_url) as database:
        assert database.read_now(chain.head).last_seq == 18
    assert "up to number 12" in restore(tmp_path / "copy", database_url, force=True)


def test_a_file_that_is_no_database_any_more_can_be_restored(tmp_path: Path) -> None:
    file = tmp_path / "central.sqlite"
    url = f"sqlite:///{file}"
    with opened(url) as database:
        database.write_now(fill)
        backup(url, tmp_path / "copy")
    file.write_bytes(b"x" * 8192)
    assert "up to number 12" in restore(tmp_path / "copy", url, force=True)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'central.sqlite'}"
    with pytest.raises(BackupFailed, match="there is no database"):
        backup(url, tmp_path / "copy")
    with pytest.raises(BackupFailed, match="there is no backup"):
        restore(tmp_path / "copy", url)
