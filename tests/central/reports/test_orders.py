"""Orders whose story is known, as reports tell it: on both engines."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from central.access.behalf import reaching
from central.catalogue import tree
from central.catalogue.errors import NotFound
from central.database.moments import to_us
from central.database.store import Database
from central.orders import cancelling, ordering, picking, shipping, waves
from central.orders.model import Line, Order
from central.orders.picking import Brought, Task
from central.reports.around import share_of
from central.reports.catalogue import REPORTS
from central.reports.desk import ReportDesk
from central.reports.model import Asked
from central.stock.model import StockError
from tests.central.reports.shop import NOW, Trade, ago, open_warehouses


class Floor:
    """Takes orders, lets them go, picks and ships them at times that a test says."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def order(
        self, name: str, lines: dict[str, int], at: datetime, due: datetime | None = None
    ) -> None:
        wanted = tuple(
            Line(line=str(number), sku=sku, quantity=units)
            for number, (sku, units) in enumerate(lines.items(), 1)
        )
        order = Order(
            id=name, customer="Jo", warehouse="WH-1", ship_from="hall", lines=wanted,
            due_us=None if due is None else to_us(due),
        )  # fmt: skip
        (taken,) = ordering.take_each(self._conn, [order], at_us=to_us(at))
        assert not isinstance(taken, StockError)

    def task(self, name: str, *orders: str, at: datetime) -> Task:
        released = waves.release(self._conn, name, orders, at_us=to_us(at))
        return picking.make(self._conn, name, name, released, by="", at_us=to_us(at))

    def pick(self, task: Task, at: datetime, seconds: list[float], by: str, short: int = 0) -> None:
        for one, after_s in zip(task.picks, seconds, strict=True):
            brought = Brought(
                pick=one.id, location=one.location, sku=one.sku, quantity=one.quantity - short,
                event_time=at + timedelta(seconds=after_s), by=by,
                reason="not-there" if short else "",
            )  # fmt: skip
            picking.confirm(self._conn, brought, at_us=to_us(at))

    def ship(self, order: str, at: datetime) -> None:
        said = shipping.Shipping(id=f"{order}-truck", order=order, event_time=at)
        shipping.ship(self._conn, said, at_us=to_us(at))


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> ReportDesk:
    database.write_now(story)
    return ReportDesk(tmp_path / "extract", database.read_now)


def story(conn: Connection) -> None:
    """Three orders of WH-1: one in time, one a day late, one that waits for goods."""
    open_warehouses(conn)
    for number in (2, 10):
        bin_ = tree.Location(code=f"bin-{number}", name="Bin", parent="shelf", type="bin")
        tree.add_location(conn, bin_)
    trade, floor = Trade(conn), Floor(conn)
    trade.move("NUT", 100, "supplier", "bin-2", ago(5))
    trade.move("BOLT", 5, "supplier", "bin-10", ago(5))
    floor.order("so-1", {"NUT": 10, "BOLT": 3}, ago(4), ago(2))
    floor.order("so-2", {"NUT": 20}, ago(4), ago(2))
    floor.order("so-3", {"BOLT": 10}, ago(4), ago(1))
    floor.order("so-4", {"NUT": 1}, ago(4), ago(3))
    cancelling.cancel(conn, "so-4", at_us=to_us(ago(4)))
    first = floor.task("wave-1", "so-1", "so-2", at=ago(3))
    assert [one.location for one in first.picks] == ["bin-2", "bin-2", "bin-10"]
    floor.pick(first, ago(3), [0, 60, 90], "anna")
    floor.ship("so-1", ago(3))
    floor.ship("so-2", ago(1))


def tell(desk: ReportDesk, name: str, **asked: object) -> list[dict[str, str]]:
    out = desk._extract.folder.parent / "out.csv"
    desk.write(REPORTS[name], Asked(**asked), NOW, "csv", out)  # type: ignore[arg-type]
    with out.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_was_promised_and_what_was_kept(desk: ReportDesk) -> None:
    (told,) = tell(desk, "fulfilment")
    wanted = {
        "ordered_from": "WH-1", "orders": "3", "lines": "4", "units_ordered": "43",
        "units_shipped": "33", "fill_rate": "0.767442", "lines_in_full": "3",
        "lines_promised": "4", "lines_on_time_in_full": "2", "on_time_in_full": "0.5",
        "lines_overdue": "1", "took_p50": "24.0", "took_p90": "62.4", "late_p50": "-24.0",
        "late_p90": "14.4", "backorders": "1", "backorder_units": "8", "backorder_age_p50": "4.0",
        "backorder_age_most": "4.0",
    }  # fmt: skip
    assert wanted.items() <= told.items()
    (told,) = tell(desk, "fulfilment", sku="BOLT", location="WH-1")
    assert (told["lines"], told["units_shipped"], told["backorder_units"]) == ("2", "3", "8")
    assert tell(desk, "fulfilment", category="food") == []
    assert tell(desk, "fulfilment", location="WH-2") == []
    yesterday = ago(1).date()
    (told,) = tell(desk, "fulfilment", since=yesterday, until=yesterday)
    assert (told["lines"], told["lines_overdue"], told["took_p50"]) == ("1", "1", "")
    with pytest.raises(NotFound, match="there is no item"):
        tell(desk, "fulfilment", sku="WHAT")
    with reaching(frozenset({"WH-2"})):
        assert tell(desk, "fulfilment") == []
        assert tell(desk, "picking-times") == []


def test_how_fast_was_picked_and_how_far_that_was_to_walk(
    desk: ReportDesk, database: Database
) -> None:
    (told,) = tell(desk, "picking-times")
    figures = {
        "warehouse": "WH-1", "zone": "shelf", "by": "anna", "tasks": "1", "lines": "3",
        "units": "33", "short": "0", "hours": "0.025", "lines_per_hour": "80.0",
        "line_p50": "45.0", "line_p95": "58.5",
    }  # fmt: skip
    assert told == figures
    (told,) = tell(desk, "picking-tasks", location="shelf")
    wanted = {
        "task": "wave-1", "by": "anna", "first": "2026-03-28T15:00:00Z",
        "last": "2026-03-28T15:01:30Z", "stops": "2", "way": "1", "shortest_way": "1",
    }  # fmt: skip
    assert wanted.items() <= told.items()

    def more(conn: Connection) -> None:
        floor = Floor(conn)
        floor.order("so-5", {"NUT": 2}, ago(1))
        floor.order("so-6", {"NUT": 3}, ago(1))
        again = floor.task("wave-2", "so-5", "so-6", at=ago(1))
        floor.pick(again, ago(1), [0, 1_000], "ben", short=1)
        tree.change_location(conn, "bin-2", {"type": "zone"})

    database.write_now(more)
    rows = {one["by"]: one for one in tell(desk, "picking-times", sku="NUT")}
    ben = rows["ben"]
    assert (ben["zone"], ben["lines"], ben["units"], ben["short"]) == ("bin-2", "2", "3", "2")
    assert (ben["hours"], ben["lines_per_hour"], ben["line_p50"]) == ("0.0", "", "")


@pytest.mark.parametrize(
    ("values", "share", "told"),
    [([], 0.5, None), ([4.0], 0.95, 4.0), ([1.0, 2.0, 3.0, 4.0], 0.5, 2.5), ([0.0, 10.0], 0.9, 9)],
)
def test_shares_are_those_of_spreadsheets(
    values: list[float], share: float, told: float | None
) -> None:
    assert share_of(values, share) == told
