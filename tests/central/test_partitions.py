"""Who does which partition's work: shares, leases by time, and fencing."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError

from central.catalogue import packs, places
from central.config import CentralSettings
from central.database import store
from central.database.leases import Alone, Gained, Holder, Leases
from central.database.signals import Signals
from central.database.store import Database, passes_by
from central.database.tide import Tide
from central.intake import ingest as ingesting
from central.intake.ingest import Ingest
from central.intake.partitions import ALL, PARTITIONS, Held, partition_of, share
from central.judging import replay
from central.judging.judge import Judge
from central.judging.stretches import Fenced, behind, keep
from central.reconcile.verdict import ReadPoint
from gateway import codec, topics
from gateway.contract import Presence
from gateway.settings_errors import ConfigError, check_settings
from tests.central.test_ingest_and_judge import NOON, facts, scan, set_up, whole, wire
from tests.edge.waiting import until
from tests.fakes import portal_scenes
from tests.fakes.clock import FakeClock
from tests.fakes.link import FakeLink
from tests.fakes.postgres import fresh_database

LABEL = f"01{portal_scenes.GTINS[1]}"


def test_names_fall_into_every_partition_about_equally() -> None:
    counted = Counter(partition_of(f"dock-{n}") for n in range(16_000))
    assert set(counted) == set(ALL)
    assert max(counted.values()) < 1_300


def test_a_name_keeps_its_partition_from_release_to_release() -> None:
    assert [partition_of(name) for name in ("edge-1", "dock-1", "shelf-a")] == [3, 10, 10]


@given(st.integers(1, 24), st.data())
def test_however_leases_stand_a_few_rounds_bring_every_worker_its_share(
    count: int, data: st.DataObject
) -> None:
    alive = [f"worker-{n:02}" for n in range(count)]
    names = st.sampled_from([*alive, "dead", ""])
    holders = {no: data.draw(names) for no in range(PARTITIONS)}
    before = dict(holders)
    for _round in range(2):
        for worker in data.draw(st.permutations(alive)):
            take, leave = share(holders, alive, worker)
            assert all(holders[no] not in alive for no in take)
            assert all(holders[no] == worker for no in leave)
            holders |= dict.fromkeys(take, worker) | dict.fromkeys(leave, "")
    held = Counter(holders.values())
    assert set(held) <= set(alive)
    assert max(held.values()) - min(held[worker] for worker in alive) <= 1
    kept = Counter(no for no in holders if holders[no] == before[no] in alive)
    least = PARTITIONS // count
    assert len(kept) >= sum(min(least, n) for who, n in Counter(before.values()).items()
                            if who in alive)  # fmt: skip


def test_the_partitions_that_are_behind_catch_up_before_all_go_on_together() -> None:
    mine = [Held(1, 0, 40), Held(2, 0, 10), Held(3, 0, 10), Held(4, 0, 25)]
    assert behind(mine) == ([mine[1], mine[2]], 25)
    group, upto = behind(mine[:1])
    assert (group, upto > 10**12) == (mine[:1], True)


def holder_rows(conn: Connection) -> list[tuple[int, str, int]]:
    found = conn.execute(text("SELECT no, worker, epoch FROM partition ORDER BY no"))
    return [(row.no, row.worker, row.epoch) for row in found]


class Crew:
    """Some workers in one process; on PostgreSQL time is the server's, so leases are made to
    expire by hand there.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()

    def worker(self, name: str) -> Leases:
        return Leases(self.database, name, lease_s=15.0, clock=self.clock)

    async def expire(self, name: str) -> None:
        late = text("UPDATE worker SET expires_us = 0 WHERE name = :name")
        await self.database.write(lambda c: c.execute(late, {"name": name}))


async def test_a_worker_takes_all_then_shares_then_takes_over(database: Database) -> None:
    crew = Crew(database)
    one, two = crew.worker("one"), crew.worker("two")
    await one.renew()
    assert one.held == ALL
    await two.renew()
    assert two.held == frozenset()
    await one.renew()
    await two.renew()
    assert len(one.held) == len(two.held) == 8
    assert one.held | two.held == ALL
    assert (one.leads(), two.leads()) == (True, False)
    await crew.expire("one")
    await two.renew()
    assert two.held == ALL
    rows = await database.read(holder_rows)
    assert {epoch for no, _, epoch in rows if no in one.held} == {2}
    assert await database.read(one.mine) == []
    await one.renew()  # it was only frozen, and sees what it lost
    assert one.held == frozenset()
    await two.release()
    await one.renew()
    assert one.held == ALL


async def test_what_was_gained_is_told_once(database: Database) -> None:
    crew = Crew(database)
    one = crew.worker("one")
    await one.renew()
    await one.renew()
    gains = one.gains()
    assert await anext(gains) == Gained(ALL, after_another=True)
    waiting = asyncio.ensure_future(anext(gains))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_only_who_leads_does_what_must_not_be_done_twice(database: Database) -> None:
    crew = Crew(database)
    one, two = crew.worker("one"), crew.worker("two")
    doing: list[str] = []

    async def work(name: str) -> None:
        doing.append(name)
        try:
            await asyncio.Event().wait()
        finally:
            doing.remove(name)

    tasks = [
        asyncio.create_task(leases.while_leading(lambda name=name: work(name)))
        for name, leases in (("one", one), ("two", two))
    ]
    try:
        await one.renew()
        await two.renew()
        await until(lambda: doing == ["one"])
        await crew.expire("one")
        await two.renew()
        await one.renew()
        await until(lambda: doing == ["two"])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_worker_that_lost_its_lease_writes_nothing(database: Database) -> None:
    crew = Crew(database)
    one, two = crew.worker("one"), crew.worker("two")
    await database.write(set_up)
    await one.renew()
    sleeper = Ingest(database, Tide(), holder=one)
    outcome = await sleeper.receive([wire(1, [scan(LABEL)])])
    assert outcome.counted["observations"] == 1
    await crew.expire("one")
    await two.renew()
    outcome = await sleeper.receive([wire(2, [scan(LABEL)])])
    assert (outcome.watermarks, outcome.counted["elsewhere"]) == ({}, 1)
    assert await Judge(database, Tide(), holder=one).step() is False
    assert await Judge(database, Tide(), holder=two).step() is True
    assert await database.read(whole) == []
    told = await database.read(facts)
    assert (len(told["observation"]), len(told["movement"])) == (1, 1)


async def test_a_partition_that_changed_hands_in_between_fences_the_transaction(
    database: Database,
) -> None:
    mine = await database.read(Alone().mine)
    await database.write(lambda c: keep(c, mine[:2], 7, {}))
    with pytest.raises(Fenced):
        await database.write(lambda c: keep(c, mine[:3], 9, {0: b"never"}))
    assert [one.position for one in await database.read(Alone().mine)][:3] == [7, 7, 0]
    never = text("SELECT count(*) FROM memory")
    assert await database.read(lambda c: c.execute(never).scalar_one()) == 0


def points(count: int) -> list[str]:
    """Scan read points, in several partitions."""
    return [f"desk-{n}" for n in range(count)]


def open_points(conn: Connection) -> None:
    set_up(conn)
    for code in points(12):
        places.put_read_point(conn, ReadPoint(code=code, kind="scan", location="hall"))


async def two_at_work(database: Database) -> tuple[Crew, Leases, Leases]:
    """Two workers with half of the partitions each."""
    crew = Crew(database)
    one, two = crew.worker("one"), crew.worker("two")
    await database.write(open_points)
    for leases in (one, two, one, two):
        await leases.renew()
    return crew, one, two


async def judge_by(database: Database, holder: Holder) -> Judge:
    judge = Judge(database, Tide(), holder=holder)
    while await judge.step():
        pass
    return judge


async def test_two_judges_side_by_side_come_to_what_one_would_and_replay_sees_the_order(
    database: Database,
) -> None:
    crew, one, two = await two_at_work(database)
    seen = [scan(LABEL, read_point=points(12)[n % 12]) for n in range(120)]
    await Ingest(database, Tide()).receive([wire(1, seen)])
    judges = [Judge(database, Tide(), holder=leases) for leases in (two, one)]
    assert [await judge.step() for judge in judges] == [True, True]
    await Ingest(database, Tide()).receive([wire(121, seen)])
    for judge in judges:
        while await judge.step():
            pass
    assert sum(judge.counters["movements"] for judge in judges) == 240
    assert await database.read(whole) == []
    stretches = text("SELECT count(*) FROM stretch")
    assert 3 <= await database.read(lambda c: c.execute(stretches).scalar_one()) <= 4
    # One falls silent, and the other goes on where it was.
    await Ingest(database, Tide()).receive([wire(241, seen)])
    await crew.expire("one")
    await two.renew()
    judge = await judge_by(database, two)
    assert judge.counters["movements"] == 120
    assert await database.read(whole) == []
    assert len(await database.read(Alone().mine)) == PARTITIONS
    assert {one.position for one in await database.read(Alone().mine)} == {360}


async def test_a_change_of_the_catalogue_holds_from_one_entry_on_for_all_workers(
    database: Database,
) -> None:
    _, one, two = await two_at_work(database)
    seen = [scan(LABEL, read_point=points(12)[n % 12]) for n in range(24)]
    await Ingest(database, Tide()).receive([wire(1, seen)])
    await judge_by(database, one)
    await database.write(lambda c: packs.put_pack(c, portal_scenes.GTINS[1], "SKU-1", 7))
    await Ingest(database, Tide()).receive([wire(25, seen)])
    await judge_by(database, two)  # its part of the first 24 is judged as of before
    await judge_by(database, one)
    quantities = text("SELECT log_id, quantity, sku FROM movement ORDER BY log_id")
    found = [tuple(row) for row in await database.read(lambda c: c.execute(quantities).all())]
    assert [row[0] for row in found] == list(range(1, 49))
    assert {row[1:] for row in found[:24]} == {(2, "SKU-2")}
    assert {row[1:] for row in found[24:]} == {(7, "SKU-1")}
    assert await database.read(whole) == []


async def test_replay_notices_when_a_stretch_is_missing(database: Database) -> None:
    await database.write(set_up)
    await Ingest(database, Tide()).receive([wire(1, [scan(LABEL)])])
    await judge_by(database, Alone())
    await database.write(lambda c: c.execute(text("DELETE FROM stretch")))
    (told,) = await database.read(replay.differences)
    assert "is not decided now" in told


async def test_a_database_that_is_away_when_partitions_are_gained_is_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "_RETRY_S", 0.01)
    await Ingest(database, Tide()).receive([wire(1, [scan("1")])])
    read, fails = database.read, [3]

    async def away(work: Any) -> Any:
        if fails[0]:
            fails[0] -= 1
            raise OperationalError("SELECT", {}, sqlite3.OperationalError("unable to open"))
        return await read(work)

    monkeypatch.setattr(database, "read", away)
    link = FakeLink()
    task = asyncio.create_task(Ingest(database, Tide()).run(link))
    try:
        await until(lambda: bool(link.published))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert codec.decode_watermark(link.published[0][1]).upto_seq == 1


async def test_what_nobody_took_is_asked_for_again_and_who_is_present_is_heard_again(
    database: Database,
) -> None:
    """Between a worker's death and the next one's lease, messages pass by everybody."""
    crew = Crew(database)
    one, link = crew.worker("one"), FakeLink()
    await Ingest(database, Tide()).receive([wire(1, [scan("1")])])
    ingest = Ingest(database, Tide(), holder=one)
    task = asyncio.create_task(ingest.run(link))
    try:
        link.arrive(*wire(2, [scan("2")]))
        await until(lambda: ingest.counters["elsewhere"] == 1)
        assert (link.acked, link.subscribed.count(topics.ALL_STATUS)) == (1, 0)
        await one.renew()
        await until(lambda: bool(link.published))
        mark = codec.decode_watermark(link.published[0][1])
        assert (mark.upto_seq, mark.again) == (1, True)
        assert link.subscribed.count(topics.ALL_STATUS) == 1
        gone = Presence(edge="edge-1", state="offline", since=NOON)
        link.arrive("tp/v1/site/edge-1/up/status", codec.encode_presence(gone))
        link.arrive(*wire(2, [scan("2")]))
        await until(lambda: link.acked == 3)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert ingest.counters["observations"] == 1
    present = text("SELECT state FROM edge_presence")
    assert await database.read(lambda c: c.execute(present).scalars().all()) == ["offline"]


@pytest.mark.postgres
async def test_a_worker_that_is_frozen_in_a_transaction_does_not_hold_up_the_others(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_STILL_THERE", ("SET idle_in_transaction_session_timeout = '1s'",))
    url = fresh_database(postgres_server, "frozen")
    sleeper, other = Database(url, shared=True), Database(url, shared=True)
    asleep, woken = threading.Event(), threading.Event()
    put = text("INSERT INTO cursor (name, position) VALUES (:name, 1)")

    def sleep(conn: Connection) -> None:
        conn.execute(put, {"name": "sleeper"})
        asleep.set()
        woken.wait(60)
        conn.execute(put, {"name": "too late"})

    try:
        sleeper.migrate()
        sleeping = asyncio.ensure_future(sleeper.write(sleep))
        await asyncio.to_thread(asleep.wait, 30)
        await other.write(lambda c: c.execute(put, {"name": "other"}))  # once the lock is free
        woken.set()
        with pytest.raises(DBAPIError) as failed:
            await sleeping
        assert passes_by(failed.value)
        names = text("SELECT name FROM cursor")
        assert await other.read(lambda c: c.execute(names).scalars().all()) == ["other"]
        await sleeper.write(lambda c: c.execute(put, {"name": "awake"}))
    finally:
        woken.set()
        for database in (sleeper, other):
            await asyncio.to_thread(database.close)


@pytest.mark.postgres
async def test_a_commit_that_changed_something_raises_the_tide_of_all(postgres_server: str) -> None:
    url = fresh_database(postgres_server, "signals")
    database, tide = Database(url, shared=True), Tide()
    listening = asyncio.create_task(Signals(url, tide).run())
    try:
        database.migrate()
        await asyncio.wait_for(tide.above(0), 30)  # it listens
        nothing, something = "DELETE FROM cursor", "INSERT INTO cursor VALUES ('one', 1)"
        for statement in (nothing, nothing, something):
            await database.write(lambda c, statement=statement: c.execute(text(statement)))
        assert await asyncio.wait_for(tide.above(1), 30) == 2  # notices come in order
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await asyncio.to_thread(database.close)


def test_workers_need_a_database_and_a_broker_that_can_be_shared() -> None:
    worker: dict[str, object] = {"shared": True, "name": "anne"}
    postgres = {"url": "postgresql://db/tallyport"}
    with pytest.raises(ConfigError, match="PostgreSQL"):
        check_settings({"worker": worker}, CentralSettings)
    with pytest.raises(ConfigError, match="embedded = false"):
        check_settings({"worker": worker, "database": postgres}, CentralSettings)
    settings = check_settings(
        {"worker": worker, "database": postgres, "mqtt": {"embedded": False}}, CentralSettings
    )
    assert settings.client_id == "tallyport-central-anne"


def test_the_settings_on_the_operations_page_are_settings() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    section = page.partition("## More than one central")[2].partition("\n## ")[0]
    settings = check_settings(
        tomllib.loads(section.partition("```toml\n")[2].partition("```")[0]), CentralSettings
    )
    assert (settings.worker.shared, settings.worker.lease_s) == (True, 15.0)
    assert "16 partitions" in section
    assert PARTITIONS == 16
