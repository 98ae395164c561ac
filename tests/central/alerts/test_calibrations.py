"""A scale that is to be calibrated again is told, by the day and by its zero, on both engines."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from central import audit
from central.catalogue import places
from central.database.moments import to_us
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.reconcile.verdict import Cause, ReadPoint, Rezeroed
from gateway.contract import CellCalibration, Certificate, DeviceDescribed
from tests.central.alerts.stage import Stage
from tests.central.shop import NOON
from tests.central.test_ingest_and_judge import wire

DAY_S = 86_400
CELL = CellCalibration(
    version=1, on="2026-01-01", by="ann", mass_g="1000", zero_counts="1", counts_per_g="420"
)


@pytest.fixture
def stage(database: Database) -> Stage:
    """On each engine in turn."""
    return Stage(database)


class Edge:
    """An edge with one scale at the stage's shelf."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.ingest = Ingest(stage.database, Tide())
        self._seq = 1
        stage.write(self._open)

    @staticmethod
    def _open(conn: Connection) -> None:
        point = ReadPoint(code="scales", kind="shelf", location="shelf", inbound_from="supplier")
        places.put_read_point(conn, point)

    async def tells(
        self, due_in: int, *, passed: bool = True, limit_mg: int | None = None,
        cell: CellCalibration | None = None,
    ) -> None:  # fmt: skip
        """How the scale is set up: calibrated on the stage's first day."""
        paper = Certificate(
            on=NOON.date().isoformat(), by="ann", passed=passed, zero_limit_mg=limit_mg,
            due=(NOON.date() + timedelta(days=due_in)).isoformat(),
        )  # fmt: skip
        said = DeviceDescribed(
            device="plate", read_point="scales", plate=1, driver="mt-sics", calibration=cell,
            certificate=paper, event_time=NOON + timedelta(seconds=self._seq),
        )  # fmt: skip
        await self.ingest.receive([wire(self._seq, [said])])
        self._seq += 1

    def zero(self, before_mg: int, after_mg: int, days: int) -> None:
        """Judging sets the plate's zero anew."""
        found = Rezeroed(
            read_point="scales", plate=1, sku="NUT", event_time=NOON + timedelta(days=days),
            before_mg=before_mg, after_mg=after_mg, error_mg=10, unit_mg=100_000,
            cause=Cause(edge="edge-1", epoch="e", first_seq=1, last_seq=1),
        )  # fmt: skip
        at_us = to_us(found.event_time)
        self.stage.write(lambda c: audit.rezeroed(c, [found], at_us=at_us))


def said(stage: Stage) -> list[str]:
    return [one.partition(" of edge ")[2] for one in stage.open()]


async def test_it_is_told_before_the_day_and_over_with_a_new_certificate(stage: Stage) -> None:
    edge = Edge(stage)
    stage.rule("scales", "calibration", 7, location="shop")
    await edge.tells(30)
    await stage.after(30)
    assert not stage.open(), "23 days too early"
    await stage.after(24 * DAY_S)
    assert said(stage) == ["edge-1 is to be calibrated within 6 days, by 2026-03-31"]
    (alert,) = stage.open().values()
    assert (alert.location, alert.value, alert.limit) == ("shelf", 6, 7)
    assert alert.subject == "calibration edge-1/plate"
    await stage.after(8 * DAY_S)
    assert [one.value for one in stage.open().values()] == [-2]
    await edge.tells(212)
    await stage.after(30)
    assert not stage.open()
    assert stage.happened() == ["raised", "cleared"]


async def test_a_calibration_that_failed_is_due(stage: Stage) -> None:
    edge = Edge(stage)
    stage.rule("scales", "calibration", 0)
    await edge.tells(180, passed=False)
    await stage.after(30)
    assert ["failed its calibration" in one for one in said(stage)] == [True]
    await edge.tells(180)
    await stage.after(30)
    assert not stage.open()


@pytest.mark.parametrize(
    ("cell", "moves", "drift"),
    [
        (None, [(5_000, 65_000)], "+60 g"),
        (None, [(5_000, 30_000), (30_000, -46_000)], "-51 g"),
        (CELL, [(90_000, 1_000)], None),
        (CELL, [(90_000, 1_000), (1_000, 51_000)], "+51 g"),
        (None, [(5_000, 55_000)], None),
    ],
)
async def test_a_zero_that_moved_too_far_makes_it_due(
    stage: Stage, cell: CellCalibration | None, moves: list[tuple[int, int]], drift: str | None
) -> None:
    edge = Edge(stage)
    stage.rule("scales", "calibration", 0)
    await edge.tells(180, limit_mg=50_000, cell=cell)
    edge.zero(0, 900_000, days=-3)  # before it was calibrated
    for day, (before_mg, after_mg) in enumerate(moves, 1):
        edge.zero(before_mg, after_mg, days=day)
    await stage.after(30)
    if drift is None:
        assert not stage.open()
    else:
        (words,) = said(stage)
        assert f"moved by {drift} since its calibration" in words
        assert "more than 50 g" in words
