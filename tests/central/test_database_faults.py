"""A database that is away is waited for; what it will never take goes aside, alone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError

from central.database.store import Database, blames_the_row, passes_by
from central.database.tide import Tide
from central.intake import ingest as ingesting
from central.intake.ingest import Ingest
from central.judging.judge import Judge
from central.reconcile.reconciler import Reconciler
from gateway import codec, topics
from tests.central.test_ingest_and_judge import (
    facts,
    judge_all,
    scan,
    set_up,
    whole,
    wire,
)
from tests.edge.waiting import until
from tests.fakes import portal_scenes
from tests.fakes.link import FakeLink

LABEL = f"01{portal_scenes.GTINS[1]}"
SQLITE = (
    "CREATE TRIGGER poison BEFORE INSERT ON {table} WHEN {when} "
    "BEGIN SELECT RAISE(ABORT, 'poison'); END"
)
POSTGRES = (
    "CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN IF {when} THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END $$",
    "CREATE TRIGGER poison BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_poison()",
)


def refuse(conn: Connection, table: str, when: str) -> None:
    """Make the database itself refuse some rows for good."""
    postgres = conn.dialect.name == "postgresql"
    for statement in POSTGRES if postgres else (SQLITE,):
        conn.exec_driver_sql(statement.format(table=table, when=when.replace("%", "%%")))


@asynccontextmanager
async def running(ingest: Ingest, link: FakeLink) -> AsyncIterator[None]:
    task = asyncio.create_task(ingest.run(link))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_observation_that_cannot_be_stored_goes_to_quarantine_and_its_stream_goes_on(
    database: Database,
) -> None:
    await database.write(lambda c: refuse(c, "observation", "NEW.body LIKE '%poison%'"))
    ingest, link = Ingest(database, Tide()), FakeLink()
    async with running(ingest, link):
        for message in (
            wire(1, [scan("1"), scan("2")]),
            wire(3, [scan("3"), scan("4"), scan("poison"), scan("6")]),
            wire(7, [scan("7")]),
            wire(3, [scan("3"), scan("4"), scan("poison"), scan("6")]),
        ):
            link.arrive(*message)
        await until(lambda: link.acked == 4)
    told = await database.read(facts)
    assert [row[2] for row in told["observation"]] == [1, 2, 3, 4, 6, 7]
    ((reason, payload),) = await database.read(
        lambda c: c.execute(text("SELECT reason, payload FROM quarantine")).all()
    )
    assert "the database refuses it" in reason
    aside = codec.decode(bytes(payload))
    assert (aside.first_seq, aside.observations) == (5, [scan("poison")])
    assert ingest.counters["quarantined"] == 1
    assert ingest.counters["observations"] == 6
    assert codec.decode_watermark(link.published[-1][1]).upto_seq == 7
    assert [(row[0], row[2]) for row in told["edge_stream"]] == [("epoch0001", 1)]


async def test_a_fault_of_the_database_costs_no_observation(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No table, no right to write: every observation would fail, and none of them is at fault."""
    monkeypatch.setattr(ingesting, "_RETRY_S", 0.01)
    await database.write(lambda c: c.exec_driver_sql("ALTER TABLE observation RENAME TO hidden"))
    ingest, link = Ingest(database, Tide()), FakeLink()
    async with running(ingest, link):
        link.arrive(*wire(1, [scan("1"), scan("2")]))
        await until(lambda: ingest.counters["retries"] >= 3)
        assert (link.acked, link.published) == (0, [])
        restored = "ALTER TABLE hidden RENAME TO observation"
        await database.write(lambda c: c.exec_driver_sql(restored))
        await until(lambda: link.acked == 1)
    assert (ingest.counters["quarantined"], ingest.counters["lost"]) == (0, 0)
    assert [row[2] for row in (await database.read(facts))["observation"]] == [1, 2]


async def test_a_fault_of_the_database_sends_no_observation_to_a_person(
    database: Database,
) -> None:
    await database.write(set_up)
    await Ingest(database, Tide()).receive([wire(1, [scan(LABEL)])])
    await database.write(lambda c: c.exec_driver_sql("ALTER TABLE tag_place RENAME TO hidden"))
    await database.write(lambda c: c.exec_driver_sql("ALTER TABLE balance RENAME TO hidden_too"))
    judge = Judge(database, Tide())
    with pytest.raises(DBAPIError):
        await judge.step()
    await database.write(lambda c: c.exec_driver_sql("ALTER TABLE hidden RENAME TO tag_place"))
    await database.write(lambda c: c.exec_driver_sql("ALTER TABLE hidden_too RENAME TO balance"))
    assert await judge.step()
    told = await database.read(facts)
    assert (len(told["review"]), len(told["movement"])) == (0, 1)


async def test_each_epoch_of_an_edge_hears_its_own_word(database: Database) -> None:
    ingest = Ingest(database, Tide())
    outcome = await ingest.receive(
        [
            wire(1, [scan("1")]),
            wire(1, [scan("2")], epoch="epoch0002"),
            wire(2, [scan("1")]),
        ]
    )
    assert {(mark.epoch, mark.fenced) for mark in outcome.watermarks.values()} == {
        ("epoch0001", True),
        ("epoch0002", False),
    }


async def test_a_database_that_is_full_is_tried_again_and_told_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "_RETRY_S", 0.01)
    write, fails = database.write, [5]

    async def full(work: Any) -> Any:
        if fails[0]:
            fails[0] -= 1
            raise OperationalError("INSERT", {}, sqlite3.OperationalError("disk is full"))
        return await write(work)

    monkeypatch.setattr(database, "write", full)
    ingest, link = Ingest(database, Tide()), FakeLink()
    async with running(ingest, link):
        link.arrive(*wire(1, [scan("1")]))
        await until(lambda: link.acked == 1)
    assert ingest.counters["retries"] == 5
    assert ingest.counters["observations"] == 1
    assert ingest.counters["quarantined"] == 0


async def test_a_database_that_goes_away_before_the_quarantine_is_waited_for_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "_RETRY_S", 0.01)
    await database.write(lambda c: refuse(c, "observation", "NEW.body LIKE '%poison%'"))
    write, asked = database.write, [0]

    async def away_at_the_second(work: Any) -> Any:
        asked[0] += 1
        if asked[0] == 2:
            raise OperationalError("INSERT", {}, sqlite3.OperationalError("disk is full"))
        return await write(work)

    monkeypatch.setattr(database, "write", away_at_the_second)
    ingest, link = Ingest(database, Tide()), FakeLink()
    async with running(ingest, link):
        link.arrive(*wire(1, [scan("poison")]))
        await until(lambda: link.acked == 1)
    assert (ingest.counters["retries"], ingest.counters["quarantined"]) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "passes", "blamed"),
    [
        (psycopg.errors.DiskFull(), True, False),
        (psycopg.errors.SerializationFailure(), True, False),
        (psycopg.errors.AdminShutdown(), True, False),
        (psycopg.errors.ReadOnlySqlTransaction(), True, False),
        (psycopg.errors.UndefinedTable(), False, False),
        (psycopg.errors.InsufficientPrivilege(), False, False),
        (psycopg.errors.ProgramLimitExceeded(), False, True),
        (psycopg.errors.NumericValueOutOfRange(), False, True),
        (psycopg.errors.NotNullViolation(), False, True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_what_may_succeed_later_is_tried_again_and_only_a_rows_own_fault_is_its(
    fault: psycopg.Error, passes: bool, blamed: bool
) -> None:
    error = DBAPIError.instance("INSERT", {}, fault, psycopg.Error)
    assert isinstance(error, DBAPIError)
    assert (passes_by(error), blames_the_row(error)) == (passes, blamed)


def test_what_sqlite_cannot_carry_out_is_not_tried_again(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'central.sqlite'}")
    try:
        database.migrate()
        for statement in ("SELECT * FROM gone", f"SELECT abs({-(2**63)})"):
            with pytest.raises(DBAPIError) as failed:
                database.read_now(lambda c, s=statement: c.exec_driver_sql(s).all())  # type: ignore[misc]
            assert not passes_by(failed.value)
            assert blames_the_row(failed.value) is ("overflow" in str(failed.value))
    finally:
        database.close()


async def test_a_preview_that_fails_stops_nothing(database: Database) -> None:
    def fails(_topic: str, _payload: bytes) -> None:
        raise OverflowError("no float holds it")

    ingest, link = Ingest(database, Tide(), preview=fails), FakeLink()
    async with running(ingest, link):
        link.arrive("tp/v1/site/edge-1/up/live", b"{}")
        link.arrive(*wire(1, [scan("1")]))
        await until(lambda: link.acked == 1)
    assert ingest.counters["previews_failed"] == 1
    assert ingest.counters["observations"] == 1


async def test_a_mind_that_cannot_be_kept_sets_one_observation_aside(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_rightly, dump_rightly = Reconciler.judge, Reconciler.dump
    poisoned: set[int] = set()

    def judge(self: Reconciler, logged: Any, context: Any) -> Any:
        if any(getattr(one.observation, "data", "") == "poison" for one in logged):
            poisoned.add(id(self))
        return judge_rightly(self, logged, context)

    def dump(self: Reconciler) -> bytes:
        if id(self) in poisoned:
            poisoned.discard(id(self))
            raise OverflowError("Integer value out of range")
        return dump_rightly(self)

    await database.write(set_up)
    await Ingest(database, Tide()).receive([wire(1, [scan(LABEL), scan("poison"), scan(LABEL)])])
    monkeypatch.setattr(Reconciler, "judge", judge)
    monkeypatch.setattr(Reconciler, "dump", dump)
    told = await judge_all(database)
    assert told.counters["failed"] == 1
    found = await database.read(facts)
    assert [row[0] for row in found["review"]] == ["fault-2"]
    assert len(found["movement"]) == 2


async def test_a_fenced_epoch_is_told_and_the_living_one_finds_its_own_word_kept(
    database: Database,
) -> None:
    ingest, link = Ingest(database, Tide()), FakeLink()
    await ingest.receive([wire(1, [scan("1")])])
    async with running(ingest, link):
        await until(lambda: len(link.published) == 1)
        link.arrive(*wire(1, [scan("1")], epoch="epoch0002"))
        await until(lambda: link.acked == 1)
        link.arrive(*wire(2, [scan("1")]))
        await until(lambda: link.acked == 2)
    told = [(codec.decode_watermark(payload), kept) for _, payload, kept in link.published]
    assert [(mark.epoch, mark.fenced, kept) for mark, kept in told] == [
        ("epoch0001", False, True),
        ("epoch0002", False, True),
        ("epoch0001", True, False),
    ]


async def test_a_verdict_that_the_database_refuses_sets_one_observation_aside(
    database: Database,
) -> None:
    await database.write(set_up)
    await database.write(lambda c: refuse(c, "movement", "NEW.quantity = 77"))
    seen = [scan(LABEL), scan(f"{LABEL}3077"), scan(LABEL)]
    await Ingest(database, Tide()).receive([wire(1, seen)])
    judge = await judge_all(database)
    assert judge.counters["failed"] == 1
    told = await database.read(facts)
    assert [row[0] for row in told["review"]] == ["fault-2"]
    assert [row[0] for row in told["movement"]] == [1, 2]
    assert await database.read(whole) == []


async def test_at_its_start_central_says_where_every_living_edge_stands(
    database: Database,
) -> None:
    """After a restore it went back: an edge must not wait for its next batch to learn that."""
    before = Ingest(database, Tide())
    await before.receive([wire(1, [scan("1")]), wire(1, [scan("2")], epoch="epoch0002")])
    link = FakeLink()
    async with running(Ingest(database, Tide()), link):
        await until(lambda: bool(link.published))
    ((topic, payload, retained),) = link.published
    mark = codec.decode_watermark(payload)
    assert (topic, retained) == (topics.watermark("site", "edge-1"), True)
    assert (mark.epoch, mark.upto_seq, mark.fenced) == ("epoch0002", 1, False)


async def test_what_needs_no_acknowledgement_cannot_fill_the_memory(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is away, a flood at QoS 0 is held back by nobody else."""
    monkeypatch.setattr(ingesting, "_MOST_UNASKED", 10)
    ingest, link = Ingest(database, Tide()), FakeLink()
    away = asyncio.Event()

    async def write(_work: object) -> None:
        await away.wait()

    monkeypatch.setattr(database, "write", write)
    for number in range(500):
        link.arrive("tp/v1/site/edge-1/up/observations", b"{%d" % number, qos=0)
    async with running(ingest, link):
        await until(lambda: ingest.counters["dropped"] > 400, "the flood is dropped")
        link.arrive(*wire(1, [scan("1")]))  # at QoS 1 the broker holds back: never dropped
        await until(link._arriving.empty)
    assert ingest.counters["dropped"] < 500
