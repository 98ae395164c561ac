"""Where scales, zones and counts differ from the books: told, and nothing moved."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert

from central import schema
from central.alerts.differing import surely_apart
from central.catalogue import places
from central.catalogue.items import Item, add_item
from central.counts import counting, reviewing, tasks
from central.counts.counting import Found
from central.counts.model import Task
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.reconcile.verdict import PlatePlan, ReadPoint
from gateway.contract import WeightDisturbed, WeightSettled
from tests.central.alerts.stage import NOON_US, Stage
from tests.central.shop import NOON
from tests.central.test_ingest_and_judge import judge_all, wire

PIECE_MG = 100_000


@pytest.fixture
def stage(database: Database) -> Stage:
    """On each engine in turn."""
    return Stage(database)


@pytest.mark.parametrize(
    ("pieces", "variance", "on_hand", "apart"),
    [(10.1, 0.04, 10, 0), (8.0, 0.04, 10, 1), (8.0, 0.0, 10, 2), (200.0, 16.0, 208, 0)],
)
def test_only_what_weight_cannot_explain_differs(
    pieces: float, variance: float, on_hand: int, apart: int
) -> None:
    assert surely_apart(pieces, variance, on_hand) == apart


class Shelf:
    """Two plates at the stage's shelf, of pieces of 100 g."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.ingest = Ingest(stage.database, Tide())
        self._seq = 1
        stage.write(self._open)

    @staticmethod
    def _open(conn: Connection) -> None:
        add_item(conn, Item(sku="PIECE", name="Piece", unit_mg=PIECE_MG))
        point = ReadPoint(code="scales", kind="shelf", location="shelf", inbound_from="supplier")
        places.put_read_point(conn, point)
        for plate in (1, 2):
            plan = PlatePlan(read_point="scales", plate=plate, sku="PIECE", unit_mg=PIECE_MG)
            places.put_plate(conn, plan)

    async def tells(self, second: int, plate: int, pieces: float, zero: int | None = 1) -> None:
        """A level at rest; ``zero`` is the number of its calibration."""
        await self._tell(
            WeightSettled(
                device="scale-1",
                read_point="scales",
                plate=plate,
                std_mg=100,
                samples=10,
                gross_mg=round(pieces * PIECE_MG * 0.985),
                calibration=zero,
                event_time=NOON + timedelta(seconds=second),
            )
        )

    async def shakes(self, second: int, plate: int) -> None:
        await self._tell(
            WeightDisturbed(
                device="scale-1",
                read_point="scales",
                plate=plate,
                reason="held",
                gross_mg=9_000_000,
                event_time=NOON + timedelta(seconds=second),
            )
        )

    async def _tell(self, seen: WeightSettled | WeightDisturbed) -> None:
        await self.ingest.receive([wire(self._seq, [seen])])
        self._seq += 1
        await judge_all(self.stage.database)


async def test_a_scale_and_the_books_differ_for_a_while_before_anybody_is_told(
    stage: Stage,
) -> None:
    shelf = Shelf(stage)
    stage.rule("apart", "discrepancy", 2, margin=2, location="shop", for_s=600)
    await shelf.tells(0, 1, 6)
    await stage.after(30)
    assert not stage.open(), "the other plate has not been heard"
    await shelf.tells(1, 2, 4)
    stage.move("supplier", "shelf", 7, sku="PIECE")
    await stage.after(30)
    says = "the plates at shelf carry 10.0 of PIECE, the books say 7"
    assert {text: one.state for text, one in stage.open().items()} == {says: "waiting"}
    await shelf.shakes(100, 1)
    await stage.after(600)
    (alert,) = stage.open().values()
    assert (alert.state, alert.sku, alert.location, alert.value) == ("raised", "PIECE", "shelf", 3)
    stage.move("supplier", "shelf", 2, sku="PIECE")
    await stage.look()
    assert len(stage.open()) == 1, "an item that moved is looked at, and that says nothing of it"
    await stage.after(30)
    assert [one.value for one in stage.open().values()] == [1], "not over by its margin"
    stage.move("supplier", "shelf", 1, sku="PIECE")
    await stage.after(30)
    assert stage.happened() == ["raised", "cleared"]


async def test_a_plate_without_a_known_zero_says_nothing_of_how_much_lies_there(
    stage: Stage,
) -> None:
    shelf = Shelf(stage)
    stage.rule("apart", "discrepancy", 1)
    for plate in (1, 2):
        await shelf.tells(plate, plate, 5, zero=None)
    await stage.after(30)
    assert not stage.open()


async def test_tags_that_stand_in_a_zone_and_elsewhere_in_the_books(stage: Stage) -> None:
    stage.rule("strangers", "discrepancy", 2, location="hall")

    def scene(conn: Connection) -> None:
        places.put_read_point(conn, ReadPoint(code="eye", kind="zone", location="hall"))
        for number, (at, books) in enumerate(
            [("hall", "yard"), ("hall", "yard"), ("hall", "bin"), ("shelf", "shelf")]
        ):
            epc = f"urn:epc:{number}"
            row = {
                "read_point": "eye",
                "epc": epc,
                "place": at,
                "arrived_us": NOON_US,
                "since_us": NOON_US,
                "confidence": 1.0,
            }
            conn.execute(insert(schema.presence).values(row))
            tag = {"epc": epc, "sku": "NUT", "location": books, "last_seq": 1}
            conn.execute(insert(schema.tag_place).values(tag))

    stage.write(scene)
    await stage.after(59)
    assert not stage.open(), "they may only go by"
    await stage.after(30)
    assert list(stage.open()) == [
        "zone eye hears 2 tags that the books have elsewhere, such as urn:epc:0 of NUT at yard"
    ]


async def test_what_a_count_found_differs_until_somebody_decides(stage: Stage) -> None:
    stage.rule("apart", "discrepancy", 5)
    stage.move("supplier", "shelf", 20)
    stage.move("supplier", "bin", 9)

    def counted(conn: Connection) -> None:
        tasks.add_task(conn, Task(id="count-1", location="shelf"), stage.told())
        tasks.start(conn, "count-1", stage.told())
        counting.count(conn, "count-1", "e-1", Found(sku="NUT", quantity=13), stage.told())
        reviewing.finish(conn, "count-1", stage.told(), complete=True)

    stage.write(counted)
    await stage.after(30)
    assert list(stage.open()) == ["count count-1 found 13 of NUT at shelf, the books say 20"]
    stage.write(lambda c: tasks.cancel(c, "count-1"))
    await stage.after(30)
    assert not stage.open()
