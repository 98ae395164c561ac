"""From batches to the ledger: each observation once, whatever breaks, and replay agrees."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, event, text

from central.catalogue import items, packs, places
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.intake.streams import Decision, Stream, admit
from central.judging import replay
from central.judging.judge import Judge
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import ReadPoint
from central.stock import chain, ledger, projection, queries
from gateway import codec
from gateway.contract import Batch, CodeScanned, DeviceHealth, Observation, Presence
from tests.central.shop import NOON, moving
from tests.fakes import portal_log, portal_scenes

TOPIC = "tp/v1/site/edge-1/up/observations"
SCAN: dict[str, Any] = {"device": "scanner-1", "read_point": "desk", "event_time": NOON}


def scan(data: str, *, read_point: str = "desk") -> CodeScanned:
    return CodeScanned(data=data, symbology="]C1", **SCAN | {"read_point": read_point})


def batch(
    first: int, seen: Sequence[Observation], lost: int = 0, epoch: str = "epoch0001"
) -> Batch:
    return Batch(
        edge="edge-1", epoch=epoch, first_seq=first, observations=list(seen),
        lost_before=lost, sent_at=NOON,
    )  # fmt: skip


def wire(*args: Any, **more: Any) -> tuple[str, bytes]:
    return TOPIC, codec.encode(batch(*args, **more))


def set_up(conn: Connection) -> None:
    places.add_location(conn, places.Location(code="hall", name="Hall"))
    for gtin, pack in portal_scenes.PACKS.items():
        items.add_item(conn, items.Item(sku=pack.sku, name=pack.sku))
        packs.put_pack(conn, gtin, pack.sku, pack.quantity)
    places.put_read_point(conn, portal_scenes.DOCK)
    places.put_read_point(conn, ReadPoint(code="desk", kind="scan", location="hall"))


def facts(conn: Connection) -> dict[str, list[tuple[object, ...]]]:
    """All that judging left behind, without central's clock and the cut into stretches."""
    tables = {
        "movement": "seq, id, sku, lot, quantity, source, destination, evidence, epcs",
        "balance": "sku, lot, location, on_hand",
        "portal_pass": "id, tags, decision",
        "review": "id, reason",
        "tag_place": "epc, location",
        "edge_stream": "epoch, upto_seq, lost, fenced",
        "observation": "log_id, epoch, seq, body",
    }
    return {
        # By every column: rows that are alike in the first ones come in any order.
        table: list(map(tuple, conn.execute(text(f"SELECT {names} FROM {table} ORDER BY {names}"))))
        for table, names in tables.items()
    }


def whole(conn: Connection) -> list[str]:
    return [*replay.differences(conn), *chain.verify(conn), *projection.check_balances(conn)]


async def judge_all(database: Database) -> Judge:
    judge = Judge(database, Tide())
    while await judge.step():
        pass
    return judge


async def test_judging_looks_once_for_each_thing_that_comes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not once more because it has just posted something itself."""
    await database.write(set_up)
    tide = Tide()
    ingest, judge = Ingest(database, tide), Judge(database, tide)
    looks: list[object] = []
    write = judge._write

    def counting(work: Any) -> Any:
        looks.append(work)
        return write(work)

    monkeypatch.setattr(judge, "_write", counting)
    judging = asyncio.create_task(judge.run())
    for number in range(1, 4):
        await ingest.receive([wire(number, [scan(f"010952123400001321S{number}")])])
        while judge.counters["movements"] < number:
            await tide.above(tide.level)
    judging.cancel()
    await asyncio.gather(judging, return_exceptions=True)
    assert len(looks) <= 3 + 2  # and at the start, for the log and for what its memory waits for


@pytest.mark.parametrize(
    ("upto", "first", "count", "lost", "decision", "skip", "gone", "mark"),
    [
        (0, 1, 3, 0, Decision.TAKE, 0, 0, 3),
        (5, 6, 2, 0, Decision.TAKE, 0, 0, 7),
        (5, 4, 4, 0, Decision.TAKE, 2, 0, 7),
        (5, 3, 3, 0, Decision.REPEAT, 0, 0, 5),
        (5, 7, 1, 0, Decision.GAP, 0, 0, 5),
        (5, 9, 2, 3, Decision.TAKE, 0, 3, 10),
        (5, 9, 2, 2, Decision.GAP, 0, 0, 5),
        (5, 9, 0, 3, Decision.TAKE, 0, 3, 8),
        (5, 7, 2, 4, Decision.TAKE, 0, 1, 8),
    ],
)
def test_admission(  # noqa: PLR0917
    upto: int,
    first: int,
    count: int,
    lost: int,
    decision: Decision,
    skip: int,
    gone: int,
    mark: int,
) -> None:
    told = admit(Stream("epoch0001", upto), batch(first, [scan("x")] * count, lost))
    assert told == (decision, mark, skip, gone)
    fenced = admit(Stream("epoch0001", upto, fenced=True), batch(first, [scan("x")] * count, lost))
    assert fenced.decision is Decision.FENCED
    assert fenced.upto_seq == upto


async def test_a_newer_start_closes_the_older_and_counts_what_never_came(
    database: Database,
) -> None:
    ingest = Ingest(database, Tide())
    first = msgspec.structs.replace(batch(1, [scan("1"), scan("2")]), committed_seq=9)
    early = msgspec.structs.replace(batch(4, [scan("d")], epoch="epoch0002"), committed_seq=4)
    later = msgspec.structs.replace(
        batch(1, [scan("a")], epoch="epoch0003"), after_epoch="epoch0001", after_seq=12
    )
    outcome = await ingest.receive([(TOPIC, codec.encode(one)) for one in (first, early, first)])
    assert outcome.counted["gaps"] == 1
    assert outcome.counted["fenced"] == 0  # a start whose beginning is missing closes nothing
    outcome = await ingest.receive([(TOPIC, codec.encode(one)) for one in (later, first)])
    assert outcome.counted["fenced"] == 1
    assert outcome.counted["lost"] == 10
    streams = text("SELECT epoch, upto_seq, lost, fenced FROM edge_stream ORDER BY epoch")
    assert [tuple(row) for row in await database.read(lambda c: c.execute(streams).all())] == [
        ("epoch0001", 2, 10, True),
        ("epoch0003", 1, 0, False),
    ]


async def test_what_a_closed_start_announces_afterwards_is_lost_and_told_once(
    database: Database,
) -> None:
    """A rig of lying cards (seed 115) found it in the books, and no alarm."""
    ingest = Ingest(database, Tide())
    first = batch(1, [scan("1")])
    later = msgspec.structs.replace(
        batch(1, [scan("a")], epoch="epoch0002"), after_epoch="epoch0001", after_seq=1
    )
    await ingest.receive([(TOPIC, codec.encode(one)) for one in (first, later)])
    late = msgspec.structs.replace(batch(2, [scan("2")]), committed_seq=8)
    outcome = await ingest.receive([(TOPIC, codec.encode(one)) for one in (late, late)])
    assert (outcome.counted["fenced"], outcome.counted["lost"]) == (2, 7)
    assert (await database.read(facts))["edge_stream"][0] == ("epoch0001", 1, 7, True)


async def test_a_new_start_whose_second_batch_comes_first_begins_with_its_first(
    database: Database,
) -> None:
    """The simulation (seed 3496) found rows without a stream: refused and then taken at once."""
    ingest = Ingest(database, Tide())
    first, second = batch(1, [scan("1"), scan("2")]), batch(3, [scan("3")])
    sent = [msgspec.structs.replace(one, committed_seq=3) for one in (second, first, second)]
    outcome = await ingest.receive([(TOPIC, codec.encode(one)) for one in sent])
    assert outcome.counted["gaps"] == 1
    (stream,) = (await database.read(facts))["edge_stream"]
    assert stream == ("epoch0001", 3, 0, False)


async def test_an_older_start_that_central_never_met_is_missing_as_a_whole(
    database: Database,
) -> None:
    told = msgspec.structs.replace(batch(1, [scan("a")]), after_epoch="epoch0000", after_seq=7)
    outcome = await Ingest(database, Tide()).receive([(TOPIC, codec.encode(told))])
    assert outcome.counted["lost"] == 7


async def test_a_card_that_forgot_what_central_has_is_told_of(database: Database) -> None:
    ingest = Ingest(database, Tide())
    await ingest.receive([wire(1, [scan(str(n)) for n in range(5)])])
    reset = msgspec.structs.replace(
        batch(1, [scan("a")], epoch="epoch0002"), after_epoch="epoch0001", after_seq=3
    )
    outcome = await ingest.receive([(TOPIC, codec.encode(reset))])
    assert (outcome.counted["forgotten"], outcome.counted["lost"]) == (2, 0)
    assert outcome.counted["observations"] == 1


async def test_torn_repeated_and_foreign_batches_count_once(database: Database) -> None:
    ingest = Ingest(database, Tide())
    seen = [scan(str(n)) for n in range(1, 10)]
    late = wire(7, seen[6:])
    outcome = await ingest.receive([wire(1, seen[:3]), late, wire(2, seen[1:6]), late, late])
    (mark,) = outcome.watermarks.values()
    assert (mark.upto_seq, mark.fenced) == (9, False)
    assert outcome.counted["gaps"] == 1
    assert outcome.counted["observations"] == 9
    assert outcome.counted["repeated"] == 5
    outcome = await ingest.receive(
        [
            (TOPIC, b"{broken"),
            ("tp/v1/site/edge-2/up/observations", late[1]),
            wire(1, seen[:1], epoch="epoch0002"),
            wire(10, [scan("10")]),
        ]
    )
    assert outcome.counted["quarantined"] == 2
    assert outcome.counted["fenced"] == 1
    assert outcome.counted["observations"] == 1
    kept = text("SELECT payload FROM quarantine ORDER BY id")
    payloads = await database.read(lambda c: [bytes(p) for p in c.execute(kept).scalars()])
    assert payloads == [b"{broken", late[1]]
    bodies = (await database.read(facts))["observation"]
    assert [row[:3] for row in bodies] == [
        *((n, "epoch0001", n) for n in range(1, 10)), (10, "epoch0002", 1),
    ]  # fmt: skip


async def test_a_nul_in_a_text_stops_nobody(database: Database) -> None:
    await database.write(set_up)
    ingest = Ingest(database, Tide())
    health = DeviceHealth(state="running", cause="a\x00b", **SCAN)
    gone = Presence(edge="edge-1", state="offline", since=NOON, reason="\x00")
    label = scan(f"01{portal_scenes.GTINS[0]}10LOT\x00A")
    await ingest.receive(
        [
            wire(1, [health, label]),
            (TOPIC.replace("observations", "status"), codec.encode_presence(gone)),
        ]
    )
    await judge_all(database)
    assert await database.read(whole) == []
    assert len((await database.read(facts))["observation"]) == 2


def road() -> list[Observation]:
    """A dock with pallets in and out, and scans between."""
    scene = portal_scenes.dock(3, passes=2, cases=(4, 6), strays=3)
    seen: list[Observation] = [portal_log.described(portal_scenes.dock_antennas())]
    seen += portal_log.fold(scene.reads)
    label = f"01{portal_scenes.GTINS[1]}3705"
    return [*seen[:40], scan(label), scan("nonsense"), *seen[40:], scan(label)]


async def test_the_road_ends_in_stock_and_replay_agrees(database: Database) -> None:
    await database.write(set_up)
    seen, ingest = road(), Ingest(database, Tide())
    half = len(seen) // 2
    await ingest.receive([wire(1, seen[:half])])
    await judge_all(database)
    move = moving(1, "supplier", "hall", 3, sku="SKU-1")
    await database.write(lambda c: ledger.post(c, [move], record_us=1))
    await database.write(lambda c: packs.put_pack(c, portal_scenes.GTINS[2], "SKU-1", 9))
    await ingest.receive([wire(half + 1, seen[half:])])
    judge = await judge_all(database)
    assert judge.counters["failed"] == 0
    assert await database.read(whole) == []
    told = await database.read(facts)
    assert len(told["portal_pass"]) >= 2
    assert {p.movement.origin for p in await database.read(queries.movements)} >= {"scan", "portal"}


async def test_replay_names_what_judging_would_decide_otherwise(database: Database) -> None:
    await database.write(set_up)
    await Ingest(database, Tide()).receive([wire(1, road()[:900])])
    await judge_all(database)
    forged = moving(9, "supplier", "hall", sku="SKU-1", origin="portal")
    await database.write(lambda c: ledger.post(c, [forged], record_us=1))
    await database.write(lambda c: c.execute(text("DELETE FROM portal_pass")))
    told = await database.read(replay.differences)
    assert any("portal pass" in one and "was not stored" in one for one in told)
    assert any("movement-9" in one and "is not decided now" in one for one in told)


async def test_a_refused_movement_becomes_a_review(
    database: Database,
) -> None:
    await database.write(set_up)
    await database.write(lambda c: items.set_item_status(c, "SKU-2", "retired"))
    await Ingest(database, Tide()).receive([wire(1, [scan(f"01{portal_scenes.GTINS[1]}")])])
    await judge_all(database)
    (review,) = (await database.read(facts))["review"]
    assert str(review[0]).startswith("refused-")
    assert "item SKU-2 is retired" in str(review[1])
    assert await database.read(whole) == []


async def test_a_fault_in_judging_sets_one_observation_aside(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_rightly = Reconciler.judge

    def judge_wrongly(self: Reconciler, logged: Any, context: Any) -> Any:
        if any(getattr(one.observation, "data", "") == "poison" for one in logged):
            raise ZeroDivisionError("poison")
        return judge_rightly(self, logged, context)

    await database.write(set_up)
    label = scan(f"01{portal_scenes.GTINS[1]}")
    await Ingest(database, Tide()).receive([wire(1, [label, scan("poison"), label])])
    monkeypatch.setattr(Reconciler, "judge", judge_wrongly)
    judge = await judge_all(database)
    assert judge.counters["failed"] == 1
    told = await database.read(facts)
    assert [row[0] for row in told["review"]] == ["fault-2"]
    assert len(told["movement"]) == 2
    assert await database.read(whole) == []


class _PowerCut(BaseException):
    """Nothing catches it, as nothing catches the loss of the process."""


@contextmanager
def cut_at(database: Database, statement: int) -> Iterator[None]:
    """Break the writer at its n-th statement from now on (the commit counts as one)."""
    left = [statement]

    def count(*_args: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise _PowerCut

    engine = database._writing
    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", count)
        event.remove(engine, "commit", count)


async def test_a_crash_at_any_statement_changes_nothing(database_url: str, tmp_path: Any) -> None:
    """The same road, with the writer broken at every statement in turn: same facts."""
    seen = road()
    size = 60 if database_url.startswith("sqlite") else 240  # a round trip for every statement
    batches = [wire(n + 1, seen[n : n + size]) for n in range(0, len(seen), size)]

    async def drive(url: str, *, cutting: bool) -> dict[str, list[tuple[object, ...]]]:
        database = Database(url)
        try:
            database.migrate()
            await database.write(set_up)
            for message in batches:
                await endure(
                    database, lambda m=message: Ingest(database, Tide()).receive([m]), cutting
                )
                await endure(database, lambda: judge_all(database), cutting)
            assert await database.read(whole) == []
            return await database.read(facts)
        finally:
            database.close()

    async def endure(database: Database, work: Any, cutting: bool) -> None:
        statement = 1
        while cutting:
            try:
                with cut_at(database, statement):
                    await work()
            except _PowerCut:
                statement += 1
            else:
                return
        await work()

    calm = f"sqlite:///{tmp_path / 'calm.sqlite'}"  # both engines come to the same
    assert await drive(database_url, cutting=True) == await drive(calm, cutting=False)
