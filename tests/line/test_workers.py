"""Several central workers on one PostgreSQL: killed and frozen in the middle of their work, and
yet every observation is judged once, in the order of its read point.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import msgspec
import pytest
from sqlalchemy import Connection, text

from benchmarks.herd.edges import HerdEdge
from central.catalogue import items, packs, places
from central.database.store import Database
from central.judging import replay
from central.reconcile.verdict import ReadPoint
from central.stock import chain, projection
from edge.fold.moments import moment
from gateway.contract import CodeScanned
from tallyport.demo.client import Api
from tallyport.demo.processes import Process, free_port
from tallyport.demo.settings import central_toml
from tests.fakes.mosquitto import MISSING, find_mosquitto, start_mosquitto
from tests.fakes.postgres import fresh_database, running_postgres, why_not

pytestmark = [
    pytest.mark.line,
    pytest.mark.mosquitto,
    pytest.mark.postgres,
    pytest.mark.xdist_group("line"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(find_mosquitto() is None, reason=MISSING),
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]
EDGES = 10
BATCH = 20
GTIN = "09506000134352"
LEASE_S = 3.0


class Workers:
    """Two workers, the database they share, and edges that scan one item after another."""

    def __init__(self, folder: Path, url: str, mqtt_port: int) -> None:
        self.database = Database(url)
        self.urls: dict[str, str] = {}
        self.processes = {
            name: self._worker(folder / name, url, mqtt_port, name) for name in ("anne", "bob")
        }
        self.edges = [HerdEdge(n, mqtt_port, seed=1, batch=BATCH) for n in range(EDGES)]
        self.scans = 0

    def _worker(self, folder: Path, url: str, mqtt_port: int, name: str) -> Process:
        folder.mkdir()
        port = free_port()
        self.urls[name] = f"http://127.0.0.1:{port}"
        settings = central_toml(
            folder, http_port=port, mqtt_port=mqtt_port, embedded=False, database_url=url
        )
        mine = f'\n[worker]\nshared = true\nname = "{name}"\nlease_s = {LEASE_S}\n'
        (folder / "central.toml").write_text(settings + mine)
        arguments = ["central", "run", "--config", str(folder / "central.toml")]
        return Process(name, arguments, folder / "log")

    async def scan(self, pause_s: float) -> None:
        """Every edge scans on and on, until cancelled."""
        chance = Random(7)
        while True:
            for edge in self.edges:
                count = chance.randint(1, 3)
                edge.keep([_scan(edge.name, self.scans + n) for n in range(count)])
                self.scans += count
            await asyncio.sleep(pause_s)

    async def shares(self) -> dict[str, int]:
        """How many partitions each worker holds, by the name in its settings."""
        rows = await self.database.read(
            lambda c: c.execute(
                text(
                    "SELECT p.worker, count(*) FROM partition p JOIN worker w ON w.name = p.worker "
                    "GROUP BY p.worker"
                )
            ).all()
        )
        return {row[0].rpartition("-")[0]: row[1] for row in rows}

    async def become(self, shares: dict[str, int]) -> None:
        """Wait until the partitions are held like this."""
        await self.until(lambda: self._hold(shares), f"the shares to be {shares}")

    async def _hold(self, shares: dict[str, int]) -> bool:
        return await self.shares() == shares

    async def judged(self, more: int) -> None:
        """Wait until so many more movements are posted."""
        goal = await self.database.read(_posted) + more

        async def reached() -> bool:
            return await self.database.read(_posted) >= goal

        await self.until(reached, f"{more} more movements")

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            async with asyncio.timeout(60):
                while True:
                    if await holds():
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            tails = "\n".join(process.tail(30) for process in self.processes.values())
            pytest.fail(f"waited for {what}, but {await self.shares()}\n{tails}")


@asynccontextmanager
async def at_work(tmp_path: Path) -> AsyncIterator[Workers]:
    broker = await asyncio.to_thread(start_mosquitto, tmp_path)
    with running_postgres() as server:
        url = fresh_database(server, "workers")
        with contextlib.closing(Database(url)) as lone:  # which may not write beside workers
            lone.migrate()
            lone.write_now(_open_books)
        workers = Workers(tmp_path, url, broker.port)
        try:
            for process in workers.processes.values():
                await process.start()
            await workers.become({"anne": 8, "bob": 8})
            told = (await Api(workers.urls["bob"]).get("/road"))["workers"]
            assert [one["partitions"] for one in told] == [8, 8]
            yield workers
        finally:
            for process in workers.processes.values():
                await process.kill()
            workers.database.close()
            await asyncio.to_thread(broker.stop)


def _scan(edge: str, number: int) -> bytes:
    seen = CodeScanned(
        device="desk-scanner", read_point=f"{edge}-desk", event_time=moment(1_800_000_000_000_000),
        data=f"01{GTIN}10LOT{number}", symbology="]C1",
    )  # fmt: skip
    return msgspec.json.encode(seen)


def _open_books(conn: Connection) -> None:
    items.add_item(conn, items.Item(sku="TEA", name="Tea"))
    packs.put_pack(conn, GTIN, "TEA", 1)
    places.add_location(conn, places.Location(code="hall", name="Hall"))
    for n in range(EDGES):
        point = ReadPoint(code=f"edge-{n:03}-desk", kind="scan", location="hall")
        places.put_read_point(conn, point)


def _posted(conn: Connection) -> int:
    return int(conn.execute(text("SELECT coalesce(max(seq), 0) FROM movement")).scalar_one())


async def test_a_worker_is_killed_and_one_is_frozen_and_the_other_goes_on(tmp_path: Path) -> None:
    async with at_work(tmp_path) as workers:
        anne, bob = workers.processes["anne"], workers.processes["bob"]
        running = [asyncio.create_task(edge.run()) for edge in workers.edges]
        scanning = asyncio.create_task(workers.scan(0.5))
        try:
            await workers.judged(120)
            await anne.kill()  # in the middle of its batches
            await workers.become({"bob": 16})
            await workers.judged(120)
            await anne.start()
            await workers.become({"anne": 8, "bob": 8})
            await workers.judged(120)
            os.kill(bob.pid, signal.SIGSTOP)
            await workers.become({"anne": 16})
            await workers.judged(120)
            os.kill(bob.pid, signal.SIGCONT)  # it wakes up in the middle of what it did
            await workers.become({"anne": 8, "bob": 8})
            scanning.cancel()
            for edge in workers.edges:
                await asyncio.wait_for(edge.uplink.drained(), 60)
            await workers.until(lambda: _all_judged(workers.database), "everything to be judged")
            assert await anne.terminate() == 0  # and leaves its share at once
            await workers.become({"bob": 16})
            assert bob.running
        finally:
            for task in (scanning, *running):
                task.cancel()
            await asyncio.gather(scanning, *running, return_exceptions=True)
        await workers.database.read(lambda conn: _assert_right(conn, workers))


async def _all_judged(database: Database) -> bool:
    behind = text(
        "SELECT (SELECT max(log_id) FROM observation) - (SELECT min(position) FROM partition)"
    )
    return await database.read(lambda c: c.execute(behind).scalar_one()) == 0


def _assert_right(conn: Connection, workers: Workers) -> None:
    log = conn.execute(
        text("SELECT edge, seq, body, read_point FROM observation ORDER BY log_id")
    ).all()
    for edge in workers.edges:
        mine = [(row.seq, row.body.encode()) for row in log if row.edge == edge.name]
        assert mine == list(enumerate(edge.journal.bodies, start=1))
    moved = conn.execute(
        text(
            "SELECT m.seq, m.log_id, m.lot, o.read_point FROM movement m "
            "JOIN observation o ON o.log_id = m.log_id ORDER BY m.seq"
        )
    ).all()
    assert len(moved) == len({row.lot for row in moved}) == len(log) == workers.scans > 480
    for edge in workers.edges:
        order = [row.log_id for row in moved if row.read_point == f"{edge.name}-desk"]
        assert order == sorted(order)
    assert replay.differences(conn) == []
    assert chain.verify(conn) == []
    assert projection.check_balances(conn) == []
    took_over = conn.execute(text("SELECT max(epoch) FROM partition")).scalar_one()
    assert took_over >= 4
