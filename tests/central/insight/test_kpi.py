"""Accuracy figures: pure sums, and what the ledger and the reviews come to on both engines."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from central import schema
from central.api.kpis import metrics, told
from central.database.moments import to_us
from central.database.store import Database
from central.insight import kpi_book
from central.insight.kpi import DAY_US, Delays, Tally
from central.insight.kpi_book import KpiBook
from central.reviews.model import Resolution
from central.stock import ledger
from central.stock.model import Cause, Movement
from tests.central.harness import bench
from tests.central.shop import NOON, moving, open_shop

NOW_US = to_us(NOON)


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 1.0]))
def test_delays_are_told_no_more_than_a_tenth_too_long(seconds: list[float], share: float) -> None:
    delays = Delays()
    for one in seconds:
        delays.add(one)
    told_s = delays.quantile(share)
    assert told_s is not None
    below = sum(one <= told_s + 0.001 for one in seconds)
    assert below >= share * len(seconds) - 1e-9
    exact = sorted(seconds)[max(0, -(-round(share * len(seconds) * 1000) // 1000) - 1)]
    assert told_s <= max(exact * 1.11, 0.0011) + 0.001


def test_delays_of_nothing_and_of_clocks_that_run_ahead() -> None:
    delays = Delays()
    assert delays.quantile(0.5) is None
    delays.add(-5.0)
    assert delays.quantile(0.95) == 0.001


def test_tallies_add_up() -> None:
    total = Tally(auto_posted=98, corrected=1, asked=2, resolved=2, overruled=1)
    total.merge(Tally(auto_posted=2, asked=8, resolved=0))
    assert total.auto_post_precision[:] == (99, 100)
    assert total.review_rate[:] == (10, 110)
    assert total.overturn_rate[:] == (2, 102)
    assert Tally().told()["auto_post_precision"] == {
        "value": None, "hits": 0, "cases": 0, "low": None, "high": None,
    }  # fmt: skip


def sensed(number: int, source: str, destination: str, late_s: float, **more: Any) -> Movement:
    point = more.pop("point", "dock-1")
    return moving(
        number, source, destination, origin="portal",
        evidence={"read_point": point},
        **more,
    )  # fmt: skip


def post(conn: Connection, movement: Movement, *, late_s: float = 1.0, days: int = 0) -> None:
    at_us = NOW_US - days * DAY_US
    event = NOON - timedelta(days=days, seconds=late_s)
    changed = Movement(**{**{f: getattr(movement, f) for f in movement.__struct_fields__},
                          "event_time": event})  # fmt: skip
    ledger.post(conn, [changed], record_us=at_us)


def asked(conn: Connection, name: str, *, days: int, **resolved: object) -> None:
    conn.execute(
        insert(schema.review).values(
            id=name, opened_us=NOW_US - days * DAY_US, event_us=NOW_US, read_point="dock-1",
            reason="low confidence", causes="[]", evidence="{}", **resolved,
        )
    )  # fmt: skip


def said(how: str, choice: int | None = None) -> str:
    done = Resolution(id="x", by="anna", at=NOON, how=how, says="so", choice=choice)
    return msgspec.json.encode(done).decode()


def history(conn: Connection) -> None:
    """Two days at two read points; the oldest movement of all is corrected today."""
    open_shop(conn)
    post(conn, sensed(1, "supplier", "dock", 1, quantity=50), days=40)
    post(conn, sensed(2, "supplier", "dock", 1, quantity=10), days=1, late_s=2.0)
    post(conn, sensed(3, "supplier", "hall", 1, quantity=5, point="dock-2"), late_s=100.0)
    for number in range(4, 12):
        post(conn, sensed(number, "dock", "shelf", 1), late_s=2.0)
    post(conn, moving(12, "dock", "hall", origin="review", evidence={"review": "r-1"}))
    post(conn, moving(13, "dock", "adjustment", 3, reason="damaged"))
    post(conn, moving(14, "hall", "supplier", 5, corrects="movement-3"))
    post(conn, moving(15, "supplier", "hall", 5))
    post(conn, moving(16, "hall", "supplier", 5, corrects="movement-3"))
    asked(conn, "r-0", days=0)
    asked(conn, "r-1", days=0, status="resolved", resolution=said("hypothesis", 0))
    asked(conn, "r-2", days=1, status="resolved", resolution=said("hypothesis", 1))
    asked(conn, "r-3", days=1, status="dismissed", resolution=said("dismissed"))
    asked(conn, "r-old", days=20, status="resolved", resolution=said("quantities"))


async def test_the_ledger_and_the_reviews_are_added_up(database: Database) -> None:
    await database.write(history)
    found = told(await database.read(lambda c: KpiBook().window(c, now_us=NOW_US, days=7)))
    overall: Any = found["overall"]
    assert (overall["auto_posted"], overall["asked"]) == (10, 4)
    assert (overall["auto_post_precision"]["hits"], overall["auto_post_precision"]["cases"]) == (
        9,
        10,
    )
    assert (overall["review_rate"]["hits"], overall["review_rate"]["cases"]) == (4, 14)
    assert (overall["overturn_rate"]["hits"], overall["overturn_rate"]["cases"]) == (2, 12)
    points: Any = found["read_points"]
    assert points["dock-2"]["auto_post_precision"]["value"] == 0.0
    assert 2.0 <= points["dock-1"]["event_to_ledger_s"]["p95"] <= 2.2
    assert 100.0 <= points["dock-2"]["event_to_ledger_s"]["p50"] <= 110.0
    days: Any = found["days"]
    assert [day["day"] for day in days] == ["2026-02-28", "2026-03-01"]
    assert [day["auto_posted"] for day in days] == [1, 9]
    # The nut lies at dock, hall and shelf: 48, 1 and 8. Dock was adjusted by 3, hall corrected.
    right: Any = found["sku_location_accuracy"]
    assert (right["hits"], right["cases"]) == (1, 3)
    assert (found["unexplained_units"], found["unexplained_variance"]) == (
        3,
        pytest.approx(3 / 57, abs=1e-6),
    )
    month = told(await database.read(lambda c: KpiBook().window(c, now_us=NOW_US, days=31)))
    whole: Any = month["overall"]
    assert whole["overturn_rate"]["hits"] == 3


async def test_a_book_goes_on_from_where_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut into small pieces, with more movements and a correction between the questions."""
    await database.write(history)
    monkeypatch.setattr(kpi_book, "_CHUNK", 2)
    monkeypatch.setattr(kpi_book, "MOST_ROWS", 4)
    book = KpiBook()

    def ask(of: KpiBook, later_us: int = 0) -> Any:
        return lambda c: of.window(c, now_us=NOW_US + later_us, days=7)

    for _ in range(4):
        await database.read(ask(book))
    assert not book.catching_up

    def more(conn: Connection) -> None:
        post(conn, sensed(20, "dock", "shelf", 1), late_s=2.0)
        post(conn, moving(21, "shelf", "dock", corrects="movement-20"))
        conn.execute(
            schema.review.update().where(schema.review.c.id == "r-0")
            .values(status="resolved", resolution=said("hypothesis", 2))
        )  # fmt: skip

    await database.write(more)
    for _ in range(2):
        grown = await database.read(ask(book, kpi_book.KEPT_US))
    fresh = KpiBook()
    for _ in range(6):
        anew = await database.read(ask(fresh, kpi_book.KEPT_US))
    assert told(grown) == told(anew)
    assert grown.overall().overturn_rate[:] == (4, 14)


async def test_where_it_was_sensed_is_asked_of_the_log_where_evidence_is_silent(
    database: Database,
) -> None:
    def sense(conn: Connection) -> None:
        open_shop(conn)
        conn.execute(
            insert(schema.observation).values(
                edge="pi", epoch="e1", seq=7, kind="code_scanned", device="gun",
                read_point="desk", event_us=NOW_US, record_us=NOW_US, body="{}",
            )
        )  # fmt: skip
        for number, seq in ((1, 7), (2, 8)):
            cause = Cause(edge="pi", epoch="e1", first_seq=seq, last_seq=seq + 1)
            post(conn, moving(number, "supplier", "hall", origin="scan", causes=(cause,)))
        post(conn, moving(3, "hall", "supplier", corrects="movement-1"))

    await database.write(sense)
    found = await database.read(lambda c: KpiBook().window(c, now_us=NOW_US))
    told_of = {point: (t.auto_posted, t.corrected) for point, t in found.by_read_point().items()}
    assert told_of == {"desk": (1, 1), "unknown": (1, 0)}


async def test_an_empty_ledger_has_nothing_to_tell(database: Database) -> None:
    found = await database.read(lambda c: KpiBook().window(c, now_us=NOW_US))
    body: Any = told(found)
    assert (body["read_points"], body["days"], body["unexplained_variance"]) == ({}, [], None)
    assert [metric.samples for metric in metrics(found)] == [[], []]


async def test_the_api_tells_them(tmp_path: Path, books_url: str) -> None:
    async with bench(tmp_path, books_url) as made:
        await made.post("/locations", code="hall", name="Hall")
        await made.post("/items", sku="NUT", name="Nut")
        await made.post("/stock/receive", sku="NUT", quantity=9, location="hall")
        await made.post("/stock/move", sku="NUT", quantity=1, source="hall", destination="scrap")
        body = await made.get("/kpis?days=1")
        assert body["sku_location_accuracy"]["value"] == 1.0
        assert (body["overall"]["auto_posted"], body["catching_up"]) == (0, False)
        assert (await made.http.get("/kpis?days=99")).status_code == 422
        text = (await made.http.get("/metrics")).text
        assert 'tallyport_kpi_share{kpi="sku_location_accuracy",read_point=""} 1.0' in text


async def test_metrics_are_the_same_figures(database: Database) -> None:
    await database.write(history)
    found = await database.read(lambda c: KpiBook().window(c, now_us=NOW_US))
    values = {
        (one.name, *sorted(one.labels.items())): one.value
        for metric in metrics(found)
        for one in metric.samples
    }
    name = "tallyport_kpi_share"
    assert values[name, ("kpi", "auto_post_precision"), ("read_point", "")] == 0.9
    assert values[name, ("kpi", "sku_location_accuracy"), ("read_point", "")] == pytest.approx(
        1 / 3
    )
    delay = "tallyport_event_to_ledger_seconds"
    assert values[delay, ("quantile", "0.5"), ("read_point", "dock-2")] > 100.0
