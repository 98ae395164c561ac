"""Reports tell what a trade that is known came to, in the days of each warehouse."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from central.access.behalf import reaching
from central.catalogue import changes
from central.database.store import Database
from central.lots import store as lots
from central.reports.catalogue import REPORTS
from central.reports.desk import ReportDesk
from central.reports.model import Asked, ReportRefused
from central.stock import queries
from central.stock.model import OutOfReach
from tests.central.reports.shop import NOW, Trade, ago, open_warehouses
from tests.fakes.books import sqlite_books

Told = Callable[..., list[dict[str, str]]]


class Office:
    """A desk over books on SQLite; ``tell`` gives a report's rows as CSV has them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(sqlite_books(folder / "central.sqlite"))
        self.desk = ReportDesk(folder / "extract", self.database.read_now)

    def trade(self, work: Callable[[Trade], None]) -> None:
        def do(conn: Connection) -> None:
            open_warehouses(conn)
            work(Trade(conn))

        self.database.write_now(do)

    def tell(self, name: str, now: datetime = NOW, **asked: object) -> list[dict[str, str]]:
        out = self.folder / "out.csv"
        self.desk.write(REPORTS[name], Asked(**asked), now, "csv", out)  # type: ignore[arg-type]
        with out.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    with closing(made.database):
        yield made


def test_levels_are_of_any_day_and_place(office: Office) -> None:
    def trade(t: Trade) -> None:
        t.move("NUT", 100, "supplier", "hall", ago(20))
        t.move("NUT", 40, "hall", "shelf", ago(10), lot="")
        t.move("NUT", 7, "supplier", "WH-2", ago(9))
        t.move("OAT", 5, "supplier", "hall", ago(9), lot="L1")
        t.move("OAT", 2, "hall", "hall", ago(8), lot="L1", destination_status="damaged")

    office.trade(trade)
    rows = office.tell("stock-levels")
    assert [(r["sku"], r["location"], r["lot"], r["status"], r["on_hand"]) for r in rows] == [
        ("NUT", "WH-2", "", "available", "7"),
        ("NUT", "hall", "", "available", "60"),
        ("NUT", "shelf", "", "available", "40"),
        ("OAT", "hall", "L1", "available", "3"),
        ("OAT", "hall", "L1", "damaged", "2"),
    ]
    assert [r["warehouse"] for r in rows[:2]] == ["WH-2", "WH-1"]
    assert (rows[1]["unit_price"], rows[1]["value"]) == ("2.5", "150.0")
    assert [r["on_hand"] for r in office.tell("stock-levels", until=ago(15).date())] == ["100"]
    asked = {"location": "WH-1", "category": "metal"}
    assert [r["location"] for r in office.tell("stock-levels", **asked)] == ["hall", "shelf"]
    assert [r["on_hand"] for r in office.tell("stock-levels", location="shelf")] == ["40"]
    assert {r["sku"] for r in office.tell("stock-levels", sku="OAT")} == {"OAT"}


def test_a_day_is_as_long_as_the_warehouse_has_it(office: Office) -> None:
    evening = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)  # 10 March in Berlin, the 9th in New York

    def trade(t: Trade) -> None:
        for place in ("hall", "WH-2"):
            t.move("NUT", 9, "supplier", place, ago(50))
            t.move("NUT", 2, place, "customer", evening)

    office.trade(trade)
    for day, sites in ((9, ["WH-2"]), (10, ["WH-1"])):
        one = date(2026, 3, day)
        assert [r["warehouse"] for r in office.tell("fast-movers", since=one, until=one)] == sites


def test_movers_turnover_and_days_of_stock(office: Office) -> None:
    def trade(t: Trade) -> None:
        t.move("NUT", 100, "supplier", "hall", datetime(2026, 1, 1, tzinfo=UTC))
        t.move("BOLT", 100, "supplier", "hall", datetime(2026, 1, 1, tzinfo=UTC))
        sold = t.move("NUT", 60, "hall", "customer", datetime(2026, 3, 1, 11, tzinfo=UTC))
        t.move("NUT", 10, "customer", "hall", ago(2), corrects=sold)
        t.move("NUT", 3, "customer", "hall", ago(1))  # a return is no demand undone
        t.move("NUT", 20, "hall", "shelf", ago(1))

    office.trade(trade)
    period = {"since": date(2026, 3, 1), "until": date(2026, 3, 30)}
    (fast,) = office.tell("fast-movers", **period)
    assert (fast["demand"], fast["lines"], fast["days_with_demand"], fast["class"]) == (
        "50", "1", "1", "A",
    )  # fmt: skip
    slow = office.tell("slow-movers", **period)
    assert [(r["sku"], r["demand"], r["on_hand"]) for r in slow] == [
        ("BOLT", "0", "100"),
        ("NUT", "50", "53"),
    ]
    assert slow[0]["last_demand"] == ""
    lasts = {r["sku"]: r for r in office.tell("days-of-stock", **period)}
    assert float(lasts["NUT"]["demand_per_day"]) == pytest.approx(50 / 30, rel=0.01)
    assert float(lasts["NUT"]["days_of_stock"]) == pytest.approx(53 / (50 / 30), rel=0.01)
    assert lasts["BOLT"]["days_of_stock"] == ""
    turned = {r["sku"]: r for r in office.tell("turnover", **period)}
    nut = turned["NUT"]
    assert [nut[key] for key in ("opening", "arrived", "demand", "closing")] == [
        "100", "0", "50", "53",
    ]  # fmt: skip
    # 100 for half a day, 40 until two days before the end, then 50 and 53: a little over 41
    assert 41 < float(nut["average"]) < 43
    assert float(nut["turns"]) == pytest.approx(50 / float(nut["average"]) / 30 * 365, rel=0.01)
    assert turned["BOLT"]["turns"] == "0.0"
    moved = {r["sku"]: r for r in office.tell("fast-movers", location="hall", **period)}
    assert moved["NUT"]["demand"] == "70"  # of the hall, what went to the shelf as well


def test_age_is_of_what_came_last(office: Office) -> None:
    def trade(t: Trade) -> None:
        for days, quantity in ((200, 50), (100, 30), (40, 20), (10, 5)):
            t.move("NUT", quantity, "supplier", "hall", ago(days))
        t.move("NUT", 60, "hall", "customer", ago(1))
        t.move("NUT", 30, "hall", "shelf", ago(1))

    office.trade(trade)
    (row,) = office.tell("ageing")
    ages = [row[key] for key in ("to_30_days", "to_90_days", "to_180_days", "older")]
    assert (row["on_hand"], ages) == ("45", ["5", "20", "20", "0"])
    assert float(row["oldest"]) == pytest.approx(100)
    assert float(row["mean_age"]) == pytest.approx((5 * 10 + 20 * 40 + 20 * 100) / 45)


def test_what_expires_first_comes_first(office: Office) -> None:
    told = changes.Told(by="test", at_us=1)

    def trade(t: Trade) -> None:
        for lot, quantity in (("L1", 5), ("L2", 7), ("L3", 9)):
            t.move("OAT", quantity, "supplier", "hall", ago(9), lot=lot)
        t.move("OAT", 7, "hall", "customer", ago(8), lot="L2")

    office.trade(trade)
    assert office.tell("expiry") == []
    days = {"L1": date(2026, 4, 2), "L2": date(2026, 4, 1), "L3": date(2026, 3, 30)}
    for lot, day in days.items():
        office.database.write_now(
            lambda c, lot=lot, day=day: lots.keep(c, "OAT", lot, told, expires_on=day)
        )
    rows = office.tell("expiry")
    assert [(r["lot"], r["on_hand"], r["expires_on"], r["days_left"]) for r in rows] == [
        ("L3", "9", "2026-03-30", "-1"),
        ("L1", "5", "2026-04-02", "2"),
    ]
    assert rows[0]["value"] == "9.0"


def test_shrinkage_is_told_by_its_cause(office: Office) -> None:
    def trade(t: Trade) -> None:
        t.move("NUT", 100, "supplier", "hall", ago(20))
        broken = t.move("NUT", 10, "hall", "scrap", ago(9), reason="broken")
        t.move("NUT", 2, "scrap", "hall", ago(8), reason="broken", corrects=broken)
        t.move("NUT", 4, "hall", "adjustment", ago(7), reason="count")
        t.move("NUT", 1, "adjustment", "shelf", ago(6), reason="count")
        t.move("NUT", 3, "hall", "unknown", ago(5))
        t.move("NUT", 1, "hall", "unknown", ago(60))

    office.trade(trade)
    rows = office.tell("shrinkage")
    assert [(r["by"], r["cause"], r["lost"], r["found"], r["net"], r["value"]) for r in rows] == [
        ("scrap", "broken", "10", "2", "8", "20.0"),
        ("adjustment", "count", "4", "1", "3", "7.5"),
        ("unknown", "", "3", "0", "3", "7.5"),
    ]


def test_run_out_counts_only_days_with_stock(office: Office) -> None:
    def trade(t: Trade) -> None:
        t.move("NUT", 60, "supplier", "hall", ago(80))
        for day in range(30):
            t.move("NUT", 2, "hall", "customer", ago(79.5 - day))
        t.move("NUT", 30, "supplier", "hall", ago(20))  # nothing to sell for a month before
        for day in range(10):
            t.move("NUT", 2, "hall", "customer", ago(19.5 - day))
        t.move("BOLT", 9, "supplier", "hall", ago(70))

    office.trade(trade)
    rows = {r["sku"]: r for r in office.tell("run-out", until=ago(10).date())}
    nut = rows["NUT"]
    assert 38 < float(nut["history"]) < 41
    assert float(nut["demand_per_day"]) == pytest.approx(2, rel=0.05)
    assert nut["on_hand"] == "10"
    told = [date.fromisoformat(nut[key]) for key in ("not_before", "runs_out", "not_after")]
    assert told == sorted(told)
    assert 4 <= (told[1] - ago(10).date()).days <= 7
    assert rows["BOLT"]["note"] == "too little history"


def test_what_makes_no_sense_is_refused(office: Office) -> None:
    office.trade(lambda t: None)
    for asked, said in (
        ({"location": "nowhere"}, "no place nowhere"),
        ({"location": "customer"}, "no place customer"),
        ({"sku": "NONE"}, "no item NONE"),
        ({"since": date(2026, 3, 2), "until": date(2026, 3, 1)}, "is behind"),
    ):
        with pytest.raises(ReportRefused, match=said):
            office.tell("turnover", **asked)
    with pytest.raises(ReportRefused, match="not by item"):
        office.tell("sensor-accuracy", sku="NUT")
    with pytest.raises(ReportRefused, match="go back 31 days"):
        office.tell("sensor-accuracy", since=date(2025, 1, 1))
    for name in REPORTS:
        assert office.tell(name) == []


_ENDS = ("supplier", "hall", "shelf", "WH-2", "customer", "scrap")
_MOVES = st.lists(
    st.tuples(
        st.sampled_from(_ENDS), st.sampled_from(_ENDS), st.integers(1, 50), st.integers(0, 90)
    ),
    max_size=12,
)


@settings(max_examples=6, deadline=None)
@given(_MOVES)
def test_levels_are_the_balances(moves: list[tuple[str, str, int, int]]) -> None:
    with TemporaryDirectory() as folder:
        made = Office(Path(folder))
        with closing(made.database):

            def trade(t: Trade) -> None:
                for place in ("hall", "shelf", "WH-2"):
                    t.move("NUT", 1_000, "supplier", place, ago(99))
                for source, destination, quantity, days in moves:
                    if source != destination:
                        t.move("NUT", quantity, source, destination, ago(days))

            made.trade(trade)
            held = made.database.read_now(queries.on_hand)
            told = made.tell("stock-levels")
            assert [(r["location"], int(r["on_hand"])) for r in told] == [
                (one.location, one.on_hand) for one in held
            ]
            for row in made.tell("turnover"):
                here = sum(b.on_hand for b in held if (b.location == "WH-2") == (
                    row["warehouse"] == "WH-2"))  # fmt: skip
                assert int(row["closing"]) == here


def test_nobody_sees_further_than_he_may(office: Office) -> None:
    def trade(t: Trade) -> None:
        t.move("NUT", 9, "supplier", "hall", ago(5))
        t.move("NUT", 9, "supplier", "WH-2", ago(5))
        t.move("NUT", 4, "hall", "WH-2", ago(4))

    office.trade(trade)
    with reaching(frozenset({"WH-2"})):
        (row,) = office.tell("stock-levels")
        assert (row["location"], row["on_hand"]) == ("WH-2", "13")
        assert [r["warehouse"] for r in office.tell("ageing")] == ["WH-2"]
        with pytest.raises(ReportRefused, match="no place hall"):
            office.tell("stock-levels", location="hall")
        with pytest.raises(OutOfReach):
            office.tell("sensor-accuracy")
    assert len(office.tell("stock-levels")) == 2
