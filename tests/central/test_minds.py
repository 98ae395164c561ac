"""A memory that another release wrote is built again from the log, and nothing is posted twice."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
import structlog
from sqlalchemy import Connection, text

from central.catalogue import items, places
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging import minds
from central.judging.judge import Judge
from central.reconcile.verdict import PlatePlan, ReadPoint
from central.stock.content import content
from gateway.contract import Observation, WeightSettled
from tests.central.shop import NOON
from tests.central.test_ingest_and_judge import judge_all, road, set_up, wire
from tests.central.test_late import PASSES, SEED, Books, batches, in_order, sizes
from tests.central.test_late import set_up as set_up_edges
from tests.central.test_late import whole as whole_edges
from tests.fakes.two_edges import in_time, scene

_FOREIGN = text("UPDATE memory SET state = :state")
_MOVED = text("SELECT sku, quantity, source, destination FROM movement WHERE origin = 'shelf'")


async def upgrade(database: Database) -> None:
    """The release before kept its memory otherwise."""
    await database.write(lambda c: c.execute(_FOREIGN, {"state": b"\x80"}))


@pytest.mark.parametrize("at", [300, 700])
async def test_a_dock_goes_on_after_an_upgrade_as_if_there_had_been_none(
    database: Database, at: int
) -> None:
    await database.write(set_up)
    seen, ingest = road(), Ingest(database, Tide())
    await ingest.receive([wire(1, seen[:at])])
    await judge_all(database)
    await upgrade(database)
    rest = [wire(n + 1, seen[n : n + 700]) for n in range(at, len(seen), 700)]
    await ingest.receive(rest)
    with structlog.testing.capture_logs() as logs:
        await judge_all(database)
    assert {one["event"] for one in logs if one["log_level"] == "warning"} == {"memory_built_again"}
    assert await database.read(whole_edges) == []


async def test_what_waits_when_it_is_upgraded_goes_on_waiting(
    database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain = Database(f"sqlite:///{tmp_path_factory.mktemp('minds') / 'plain.sqlite'}")
    plain.migrate()
    await in_order(plain)
    await database.write(set_up_edges)
    books = Books(database)
    messages = batches(in_time(scene(SEED, PASSES).told), sizes(Random(1)))
    half = len(messages) // 2
    await books.hear(messages[:half])
    await upgrade(database)
    books.restart()
    await books.hear(messages[half:])
    await books.rest()
    assert await database.read(content) == await plain.read(content)
    plain.close()


async def test_a_plate_knows_its_level_however_long_ago_it_changed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settled(second: int, plate: int, gross_mg: int) -> WeightSettled:
        return WeightSettled(
            device="scale-1", read_point="shelf-1", plate=plate, gross_mg=gross_mg, std_mg=100,
            samples=10, event_time=NOON + timedelta(seconds=second),
        )  # fmt: skip

    def shelf(conn: Connection) -> None:
        set_up(conn)
        items.add_item(conn, items.Item(sku="PIECE", name="Piece", unit_mg=100_000))
        for place in ("shelf-1", "backroom"):
            places.add_location(conn, places.Location(code=place, name=place))
        places.put_read_point(
            conn, ReadPoint(code="shelf-1", kind="shelf", location="shelf-1",
                            inbound_from="supplier"),
        )  # fmt: skip
        for plate in (1, 2):
            plan = PlatePlan(
                read_point="shelf-1", plate=plate, sku="PIECE", unit_mg=100_000, unit_cv=0.0
            )
            places.put_plate(conn, plan)

    monkeypatch.setattr(minds, "TAIL", 3)
    await database.write(shelf)
    first: list[Observation] = [settled(0, 1, 1_000_000), settled(1, 2, 500_000)]
    first += [settled(60 + n, 2, 500_000) for n in range(10)]
    ingest = Ingest(database, Tide())
    await ingest.receive([wire(1, first)])
    await judge_all(database)
    await upgrade(database)
    more: list[Observation] = [settled(200, 1, 1_300_000), settled(300, 2, 500_000)]
    await ingest.receive([wire(len(first) + 1, more)])
    judge: Judge = await judge_all(database)
    assert judge.counters["failed"] == 0
    moved = await database.read(lambda c: [tuple(row) for row in c.execute(_MOVED)])
    assert moved == [("PIECE", 3, "supplier", "shelf-1")]
