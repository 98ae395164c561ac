"""Two edges at one dock, through the books: in any order the same, and late is put right."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from unittest import mock

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from central.catalogue import items, packs, places
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging import amendments, replay
from central.judging import judge as judging
from central.judging.judge import Judge
from central.reconcile.ordering import LATENESS_US
from central.reconcile.verdict import Amendment, ReadPoint
from central.stock import chain, ledger, projection, queries
from central.stock.content import content
from central.stock.model import Movement, Posted
from gateway import codec
from gateway.contract import Batch
from tests.central.shop import NOON, moving
from tests.fakes import portal_scenes
from tests.fakes.books import sqlite_books
from tests.fakes.clock import FakeClock
from tests.fakes.two_edges import Told, away, in_time, scene

SEED, PASSES = 3, 1
_OPEN = text("SELECT count(*) FROM review WHERE status = 'open'")


def set_up(conn: Connection) -> None:
    places.add_location(conn, places.Location(code="hall", name="Hall"))
    for gtin, pack in portal_scenes.PACKS.items():
        items.add_item(conn, items.Item(sku=pack.sku, name=pack.sku))
        packs.put_pack(conn, gtin, pack.sku, pack.quantity)
    places.put_read_point(conn, portal_scenes.DOCK)
    places.put_read_point(conn, ReadPoint(code="desk", kind="scan", location="hall"))
    opening = [
        Movement(
            id=f"opening-{epc}", sku=portal_scenes.PACKS[portal_scenes.GTINS[n % 3]].sku,
            quantity=n % 3 + 1, source="supplier", destination="hall", biz_step="receiving",
            event_time=NOON, epcs=(epc,),
        )
        for n, epc in enumerate(portal_scenes.epcs_of(0, 60))
        if scene(SEED, PASSES).placed.get(epc) == "hall"
    ]  # fmt: skip
    ledger.post(conn, opening, record_us=1)


def batches(told: Sequence[Told], sizes: Iterator[int]) -> list[tuple[str, bytes]]:
    """What arrives, in the order in which it does, cut where the edge changes and by size."""
    runs: list[list[Told]] = []
    for one in told:
        if not runs or runs[-1][0].edge != one.edge or len(runs[-1]) >= next(sizes):
            runs.append([])
        runs[-1].append(one)
    return [
        (
            f"tp/v1/site/{run[0].edge}/up/observations",
            codec.encode(
                Batch(
                    edge=run[0].edge, epoch="epoch0001", first_seq=run[0].seq,
                    observations=[one.seen for one in run], sent_at=NOON,
                )
            ),
        )
        for run in runs
    ]  # fmt: skip


def sizes(chance: Random) -> Iterator[int]:
    while True:
        yield chance.randint(1, 200)


class Books:
    """Central's ingest and judging over a database, by a clock that is ours."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()
        self.restart()

    def restart(self) -> None:
        self.ingest = Ingest(self.database, Tide(), clock=self.clock)
        self.judge = Judge(self.database, Tide(), clock=self.clock)

    async def hear(self, messages: Sequence[tuple[str, bytes]]) -> None:
        await self.ingest.receive(messages)
        while await self.judge.step():
            pass

    async def rest(self) -> None:
        """Nothing comes for a while."""
        await self.judge.settle()
        self.clock.pass_s(1.0)
        await self.judge.settle()


def whole(conn: Connection) -> list[str]:
    return [
        *replay.differences(conn), *chain.verify(conn), *projection.check_balances(conn),
        *projection.check_tags(conn),
    ]  # fmt: skip


def movements(conn: Connection) -> list[Posted]:
    return queries.movements(conn, after_seq=0, limit=1_000)


def stock(conn: Connection) -> list[tuple[object, ...]]:
    found = conn.execute(text("SELECT sku, location, on_hand FROM balance ORDER BY 1, 2"))
    return [tuple(row) for row in found if row.on_hand]


def fresh(folder: Path, name: str) -> Database:
    return Database(sqlite_books(folder / f"{name}.sqlite"))


async def in_order(database: Database) -> Books:
    await database.write(set_up)
    books = Books(database)
    await books.hear(batches(in_time(scene(SEED, PASSES).told), sizes(Random(1))))
    await books.rest()
    return books


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[tuple[object, ...]]]:
    """The content and the stock of a ledger to which everything came in time."""
    database = fresh(tmp_path_factory.mktemp("late"), "in-time")
    asyncio.run(_run(database))
    told = database.read_now(content), database.read_now(stock)
    assert database.read_now(whole) == []
    assert len(database.read_now(movements)) > 3
    database.close()
    return told


async def _run(database: Database) -> None:
    await in_order(database)


@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 2**32), again=st.sets(st.integers(0, 30)), dies=st.sets(st.integers(0, 30))
)
def test_the_ledger_says_the_same_however_it_came(
    tmp_path_factory: pytest.TempPathFactory,
    expected: tuple[str, list[tuple[object, ...]]],
    seed: int,
    again: set[int],
    dies: set[int],
) -> None:
    """Delayed within the lateness, cut anywhere, delivered twice, with judging that is rolled
    back and central that starts anew between any two messages.
    """
    chance = Random(seed)
    arrivals, latest = [], dict[str, float]()
    for one in in_time(scene(SEED, PASSES).told):
        delay_us = 0.0 if one.seq == 1 else chance.uniform(0.0, LATENESS_US - 1.0)
        latest[one.edge] = max(latest.get(one.edge, 0.0), one.at_us + delay_us)
        arrivals.append((one.seq > 1, latest[one.edge], one.edge, one.seq, one))
    told = [one for *_, one in sorted(arrivals, key=lambda arrival: arrival[:4])]
    messages = batches(told, sizes(chance))
    database = fresh(tmp_path_factory.mktemp("late"), "permuted")
    asyncio.run(_deliver(database, messages, chance, again, dies))
    assert database.read_now(content) == expected[0]
    assert database.read_now(whole) == []
    database.close()


async def _deliver(
    database: Database,
    messages: list[tuple[str, bytes]],
    chance: Random,
    again: set[int],
    dies: set[int],
) -> None:
    await database.write(set_up)
    books = Books(database)
    done = 0
    for number in range(len(messages)):
        upto = min(len(messages), done + chance.randint(1, 150))
        if done == upto:
            break
        some = messages[max(0, done - 5 if number in again else done) : upto]
        if number in dies:
            await rolled_back(books, some)
            books.restart()
        await books.hear(some)
        done = upto
    await books.rest()


async def rolled_back(books: Books, messages: Sequence[tuple[str, bytes]]) -> None:
    """Judging posts everything, and then the transaction fails."""
    await books.ingest.receive(messages)
    with (
        mock.patch.object(judging, "keep", side_effect=RuntimeError("the machine dies here")),
        pytest.raises(RuntimeError, match="dies here"),
    ):
        await books.judge.step()


@pytest.mark.parametrize("edge", ["edge-in", "edge-out"])
async def test_an_edge_that_was_offline_puts_right_what_was_decided_without_it(
    database: Database, edge: str, expected: tuple[str, list[tuple[object, ...]]]
) -> None:
    """It delivers when everything else has come and judging has rested: nothing is edited."""
    await database.write(set_up)
    books = Books(database)
    log = away(scene(SEED, PASSES), edge, 4.0, 900.0)
    told = [Told(0, one.edge, one.seq, one.observation) for one in log]
    late = next(n for n, one in enumerate(told) if n > 2 and one.edge == edge)
    await books.hear(batches(told[:late], sizes(Random(1))))
    await books.rest()
    before = await database.read(movements)
    await books.hear(batches(told[late:], sizes(Random(2))))
    await books.rest()
    after = await database.read(movements)
    assert after[: len(before)] == before
    assert await database.read(stock) == expected[1]
    assert await database.read(whole) == []
    new = [one.movement for one in after[len(before) :]]
    # With the ledger's say either half may have told the way of all; ``test_mind`` is of others.
    assert {one.evidence["late"] for one in new if "late" in one.evidence} <= {"again"}
    assert await database.read(lambda c: c.execute(_OPEN).scalar_one()) == 0


async def test_time_that_passes_is_in_the_books_so_that_a_replay_knows(
    database: Database,
) -> None:
    await database.write(set_up)
    books = Books(database)
    told = in_time(scene(SEED, PASSES).told)
    for n in range(0, len(told), 400):
        await books.hear(batches(told[n : n + 400], sizes(Random(n))))
        await books.rest()
    settled = text("SELECT count(*) FROM stretch WHERE upto_log <= after_log")
    assert await database.read(lambda c: c.execute(settled).scalar_one()) >= 2
    traced = await database.read(
        lambda c: c.execute(text("SELECT body FROM trace")).scalars().all()
    )
    explained = {name for body in traced for one in json.loads(body) for name in one["of"]}
    posted = [one.movement for one in await database.read(movements)]
    judged = [one for one in posted if one.origin == "portal"]
    assert judged
    assert all({one.id, one.evidence["pass"]} & explained for one in judged)
    assert await database.read(whole) == []


async def test_judging_does_not_wait_for_ever_for_an_edge_that_is_silent(
    database: Database,
) -> None:
    """What waits goes on by itself, after a restart too."""
    await database.write(set_up)
    books = Books(database)
    told = [
        one for one in in_time(scene(SEED, PASSES).told) if one.seq == 1 or one.edge == "edge-in"
    ]
    await books.hear(batches(told[:900], sizes(Random(1))))
    books.restart()
    assert await books.judge.settle()
    books.clock.pass_s(1.0)
    assert not await books.judge.settle()
    assert await database.read(whole) == []


def amendment(**change: object) -> Amendment:
    back = Movement(
        id="undo-0001", sku="SKU-1", quantity=3, source="hall", destination="supplier",
        biz_step="receiving", event_time=NOON, origin="portal", corrects="original-1",
    )  # fmt: skip
    told = Amendment(
        id="a1", read_point="dock-1", event_time=NOON, originals=("original-1",), movements=(back,)
    )
    return msgspec.structs.replace(told, **change)


def original(conn: Connection, epcs: tuple[str, ...] = ()) -> None:
    set_up(conn)
    one = Movement(
        id="original-1", sku="SKU-1", quantity=3, source="supplier", destination="hall",
        biz_step="receiving", event_time=NOON, origin="portal", epcs=epcs,
    )  # fmt: skip
    ledger.post(conn, [one], record_us=1)


def applied(conn: Connection, one: Amendment) -> str:
    asked = amendments.apply(conn, one, record_us=2, log_id=0).asked
    return "" if asked is None else asked.reason


async def test_a_correction_is_posted_once(database: Database) -> None:
    await database.write(original)
    assert await database.write(lambda c: applied(c, amendment())) == ""
    assert await database.write(lambda c: applied(c, amendment())) == ""
    found = await database.read(movements)
    assert [one.movement.corrects for one in found].count("original-1") == 1


async def test_a_person_is_asked_where_a_person_was_or_the_ledger_is_another(
    database: Database,
) -> None:
    await database.write(original)
    unknown = amendment(originals=("never-was",))
    assert "would post today" in await database.write(lambda c: applied(c, unknown))
    short = [msgspec.structs.replace(amendment().movements[0], quantity=9_999)]
    refused = amendment(movements=tuple(short))
    assert "the ledger refuses it" in await database.write(lambda c: applied(c, refused))
    fixed = moving(7, "hall", "supplier", 1, sku="SKU-1")
    fixed = msgspec.structs.replace(fixed, corrects="original-1", origin="user")
    await database.write(lambda c: ledger.post(c, [fixed], record_us=1))
    assert "a person has corrected" in await database.write(lambda c: applied(c, amendment()))


async def test_a_person_is_asked_where_the_tags_have_moved_on(database: Database) -> None:
    tag = portal_scenes.epcs_of(100, 1)
    await database.write(lambda c: original(c, tuple(tag)))
    gone = moving(8, "hall", "customer", 3, sku="SKU-1")
    gone = msgspec.structs.replace(gone, epcs=tuple(tag))
    await database.write(lambda c: ledger.post(c, [gone], record_us=1))
    back = [msgspec.structs.replace(amendment().movements[0], epcs=tuple(tag))]
    late = amendment(movements=tuple(back))
    assert "lies at customer" in await database.write(lambda c: applied(c, late))
