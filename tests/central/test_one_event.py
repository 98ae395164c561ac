"""The road with several sensors and announced goods: stock once, evidence of all, replay agrees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest
from sqlalchemy import Connection, text

from central.catalogue import places
from central.database.leases import Holder
from central.database.store import Database
from central.database.tide import Tide
from central.documents import books
from central.intake.ingest import Ingest
from central.judging import replay
from central.judging.judge import Judge
from central.reconcile.expected import Document, Line, Unit
from central.reconcile.serials import of_unit
from central.reconcile.verdict import PlatePlan, ReadPoint
from central.reviews import store
from central.reviews.model import Choice, StaleReview
from central.stock import chain, ledger, projection, queries, witnesses
from central.stock.mending import mend
from gateway.contract import CodeScanned, DeviceHealth, Observation, WeightSettled
from gateway.gs1 import sscc96_hex
from tests.central import test_ingest_and_judge as ingesting
from tests.central.reconcile.test_documents import CASES, SSCC, asn, passing
from tests.central.reconcile.test_fusion import labels
from tests.central.shop import moving
from tests.central.test_ingest_and_judge import wire
from tests.central.test_partitions import Crew
from tests.fakes.portal_log import moment
from tests.fakes.portal_scenes import GTINS

CLOSED = DeviceHealth(
    device="reader-1", read_point="dock-1", event_time=moment(30.0), state="running"
)
UNITS = 24
"""Pieces in the twelve cases."""


def set_up(conn: Connection) -> None:
    ingesting.set_up(conn)
    places.add_location(conn, places.Location(code="shop", name="Shop"))
    shelf = ReadPoint(code="shelf-1", kind="shelf", location="shop", inbound_from="hall")
    places.put_read_point(conn, shelf)
    till = ReadPoint(code="till", kind="scan", location="shop", inbound_from="hall")
    places.put_read_point(conn, till)
    plan = PlatePlan(read_point="shelf-1", plate=1, sku="SKU-1", unit_mg=20_000)
    places.put_plate(conn, plan)


def scan(t: float, data: str, point: str = "desk") -> CodeScanned:
    return CodeScanned(
        device=f"scanner-{point}",
        read_point=point,
        event_time=moment(t),
        data=data,
        symbology="]C1",
    )


def level(t: float, pieces: int) -> WeightSettled:
    return WeightSettled(
        device="plate-1", read_point="shelf-1", event_time=moment(t), plate=1,
        gross_mg=pieces * 20_000, std_mg=200, disturbed_at=moment(t - 1.0),
    )  # fmt: skip


def whole(conn: Connection) -> list[str]:
    return [
        *replay.differences(conn), *chain.verify(conn), *projection.check_balances(conn),
        *projection.check_tags(conn),
    ]  # fmt: skip


def wires(first: int, seen: Sequence[Observation]) -> list[tuple[str, bytes]]:
    """Batches of what was seen, no longer than one may be."""
    return [wire(first + n, seen[n : n + 900]) for n in range(0, len(seen), 900)]


async def judged(database: Database, first: int, seen: Sequence[Observation]) -> Judge:
    """The observations through the whole road; nothing that judging failed on."""
    await Ingest(database, Tide()).receive(wires(first, seen))
    judge = await ingesting.judge_all(database)
    assert judge.counters["failed"] == 0
    return judge


async def on_hand(database: Database, place: str) -> Counter[str]:
    found = await database.read(lambda c: queries.on_hand(c, location=place))
    return Counter({one.sku: one.on_hand for one in found})


@pytest.mark.parametrize("first", ["portal", "scan"])
async def test_cases_scanned_and_driven_through_stand_once_on_the_ledger(
    database: Database, first: str
) -> None:
    await database.write(set_up)
    driven = [*passing(CASES), CLOSED]
    scanned = [scan(60.0 + n, code) for n, code in enumerate(labels(1, 12))]
    if first == "scan":
        scanned = [msgspec.structs.replace(one, event_time=moment(-60.0)) for one in scanned]
    seen = driven + scanned if first == "portal" else scanned + driven
    judge = await judged(database, 1, [*seen, *scanned])
    assert (judge.counters["reviews"], judge.counters["repeated"]) == (0, 0)
    assert (await on_hand(database, "hall")).total() == UNITS
    posted = await database.read(queries.movements)
    assert {one.movement.origin for one in posted} == {first}
    ids = [one.movement.id for one in posted]
    told = await database.read(
        lambda c: [seen for one in ids for seen in witnesses.of_movement(c, one)]
    )
    assert {one.origin for one in told} == {"scan" if first == "portal" else "portal"}
    if first == "scan":
        assert sum(one.quantity for one in told) == UNITS
    assert await database.read(whole) == []


async def test_a_busy_scanner_does_not_read_its_own_scans_again(database: Database) -> None:
    await database.write(set_up)
    scans = [scan(float(n), f"01{GTINS[0]}3001") for n in range(20)]
    await judged(database, 1, [*scans, *passing(CASES), CLOSED])

    def origins(conn: Connection, besides: str) -> Counter[str]:
        known = witnesses.RecentMovements(conn).of("SKU-1", 0, 2**62, besides=besides)
        return Counter(one.origin for one in known)

    every = await database.read(lambda c: origins(c, ""))
    assert every["scan"] == 20
    for besides in ("scan", "portal"):
        found = await database.read(lambda c, b=besides: origins(c, b))  # type: ignore[misc]
        assert found == Counter({k: n for k, n in every.items() if k != besides})


async def test_a_refill_that_was_scanned_and_weighed_is_one_move(database: Database) -> None:
    await database.write(set_up)
    opening = moving(1, "supplier", "hall", 40, sku="SKU-1")
    await database.write(lambda c: ledger.post(c, [opening], record_us=1))
    took = scan(10.0, f"01{GTINS[0]}306", "till")
    later = msgspec.structs.replace(CLOSED, read_point="shelf-1", event_time=moment(75.0))
    await judged(database, 1, [level(0.0, 30), took, level(60.0, 36), later])
    assert (await on_hand(database, "shop"))["SKU-1"] == 6
    (found,) = [
        one for one in await database.read(queries.movements) if one.movement.origin == "scan"
    ]
    (seen,) = await database.read(lambda c: witnesses.of_movement(c, found.movement.id))
    assert (seen.origin, seen.quantity, seen.evidence["plate"]) == ("shelf", 6, 1)
    assert await database.read(whole) == []


async def test_a_portal_and_a_scanner_that_count_otherwise_ask_and_the_rest_is_posted_once(
    database: Database,
) -> None:
    """The portal heard 24 units in cases; the delivery note's label counts 9 of one item."""
    await database.write(set_up)
    note = scan(90.0, f"01{GTINS[2]}3714")
    judge = await judged(database, 1, [*passing(CASES), CLOSED, note])
    assert judge.counters["reviews"] == 1
    row = text("SELECT reason, hypotheses FROM review")
    (review,) = await database.read(lambda c: c.execute(row).all())
    assert "more than the portal did" in review.reason
    more, nothing = msgspec.json.decode(review.hypotheses)
    (proposal,) = more["movements"]
    assert nothing["movements"] == []
    assert (proposal["quantity"], proposal["corrects"] is None) == (14 * 3 - 12, False)
    assert (await on_hand(database, "hall")).total() == UNITS
    assert await database.read(whole) == []


async def test_documents_units_and_their_changes_replay_as_they_were_judged(
    database: Database,
) -> None:
    await database.write(set_up)
    order = asn(units=(Unit(name=of_unit(SSCC), epcs=tuple(CASES)),))
    pallet = sscc96_hex(SSCC, 7)
    seen = [*passing([pallet, *CASES[:11]]), CLOSED]
    half = len(seen) // 2
    await judged(database, 1, seen[:half])
    await database.write(lambda c: books.add_document(c, order, at_us=1))
    more = Document(
        id="order-0002", kind="sales_order", source="hall", destination="customer",
        lines=(Line(line="1", sku="SKU-1", quantity=4),),
    )  # fmt: skip
    await database.write(lambda c: books.add_document(c, more, at_us=2))
    judge = await judged(database, half + 1, seen[half:])
    assert judge.counters["reviews"] == 1, "one case was not heard"
    await database.write(lambda c: books.close_document(c, order.id, at_us=3))
    await judged(database, len(seen) + 1, [scan(200.0, f"00{SSCC}"), scan(201.0, labels(12, 1)[0])])
    notes = await database.read(lambda c: books.notes_of(c, order.id))
    assert len(notes) == 1, "a closed document is told of nothing more"
    told = books.progress(order, notes)
    assert [(one["state"], one["read_qty"]) for one in told] == [
        ("matched", 8), ("matched", 12), ("short", 3),
    ]  # fmt: skip
    assert (await on_hand(database, "hall")).total() == UNITS
    assert await database.read(whole) == []


async def test_what_came_short_is_asked_about_later_by_whoever_judges_then(
    database: Database,
) -> None:
    """The label counts one case more than passes; central is started anew in between."""
    await database.write(set_up)
    counts = [scan(n, f"01{GTINS[n]}30{units}") for n, units in enumerate((4, 8, 15))]
    seen = [*counts, *passing(CASES), CLOSED]
    assert (await judged(database, 1, seen)).counters["reviews"] == 0
    late = msgspec.structs.replace(CLOSED, event_time=moment(800.0))
    judge = await judged(database, len(seen) + 1, [late, late])
    assert judge.counters["reviews"] == 1
    reason = text("SELECT reason FROM review")
    told = await database.read(lambda c: c.execute(reason).scalar_one())
    assert told == "the portal tells of 3 fewer than the scan did"
    assert (await on_hand(database, "hall")).total() == UNITS + 3
    assert await database.read(whole) == []


async def test_a_question_whose_goods_were_scanned_meanwhile_cannot_be_posted_again(
    database: Database,
) -> None:
    await database.write(set_up)
    order = asn(units=(Unit(name=of_unit(SSCC), epcs=tuple(CASES)),))
    await database.write(lambda c: books.add_document(c, order, at_us=1))
    one_by_one = [scan(5.0 + n, code) for n, code in enumerate(labels(1, 12))]
    judge = await judged(database, 1, [scan(0.0, f"00{SSCC}"), *one_by_one])
    assert (judge.counters["reviews"], judge.counters["movements"]) == (3, 12)
    asked = await database.read(lambda c: store.page(c, limit=9))
    for number, review in enumerate(asked):
        choice = Choice(id=f"anna-000{number}", by="anna", hypothesis=0)
        with pytest.raises(StaleReview, match="at hall by now"):
            await database.write(lambda c, r=review.id, k=choice: store.resolve(c, r, k, at_us=9))
    assert (await on_hand(database, "hall")).total() == UNITS
    assert await database.read(whole) == []


async def test_tags_that_only_a_witness_names_are_placed_and_mended_by_it(
    database: Database,
) -> None:
    await database.write(set_up)
    counts = [scan(n, f"01{GTINS[n]}30{units}") for n, units in enumerate((4, 8, 12))]
    await judged(database, 1, [*counts, *passing(CASES), CLOSED])
    assert (await on_hand(database, "hall")).total() == UNITS
    where = text("SELECT epc, location FROM tag_place ORDER BY epc")
    placed = await database.read(lambda c: [tuple(row) for row in c.execute(where)])
    assert placed == sorted((epc, "hall") for epc in CASES)
    await database.write(lambda c: c.execute(text("DELETE FROM tag_place")))
    faults = await database.write(lambda c: mend(c, actor="anna", at_us=1))
    assert len(faults) == 12
    assert await database.read(lambda c: [tuple(row) for row in c.execute(where)]) == placed
    assert await database.read(whole) == []


async def test_workers_that_judge_the_sensors_apart_replay_in_the_order_of_their_commits(
    database: Database,
) -> None:
    """What one worker attaches, the next one sees: witnesses stand in the ledger's order."""
    await database.write(set_up)
    crew = Crew(database)
    one, two = crew.worker("one"), crew.worker("two")
    for leases in (one, two, one, two):
        await leases.renew()

    async def by(holder: Holder) -> None:
        judge = Judge(database, Tide(), holder=holder)
        while await judge.step():
            pass

    counts = [scan(n, f"01{GTINS[n]}30{units}") for n, units in enumerate((4, 8, 12))]
    again = [scan(30.0 + n, code) for n, code in enumerate(labels(1, 12))]
    seen = [*counts, *passing(CASES), CLOSED, *again]
    await Ingest(database, Tide()).receive(wires(1, seen))
    for leases in (two, one):
        await by(leases)
    assert await database.read(whole) == []
    more = [scan(100.0 + n, code) for n, code in enumerate(labels(1, 12))]
    await Ingest(database, Tide()).receive(wires(len(seen) + 1, more))
    for leases in (one, two):
        await by(leases)
    assert await database.read(whole) == []
