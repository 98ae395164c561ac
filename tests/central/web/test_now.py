"""What the first page says needs somebody: all of it, the most urgent first, and calm when none."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, update

from central import schema
from central.database.moments import to_us
from central.web.views import needs, trend
from central.web.views.devices import devices
from tests.central import scene
from tests.central.harness import Bench, bench
from tests.central.web import stocked


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


def found(connection: Connection) -> needs.Needs:
    return needs.needs(connection, devices(connection))


async def test_nothing_needs_anybody_where_all_is_well(made: Bench) -> None:
    await scene.set_up(made)
    assert (await made.services.read(found)).rows == ()
    page = (await made.http.get("/")).text
    assert "Nothing needs you." in page
    assert 'data-nav-count="now" data-value="0"' in page


async def test_everything_that_waits_is_there_the_most_urgent_first(made: Bench) -> None:
    await stocked.stock(made)
    await scene.play(made)
    await made.services.write(_dead_message)
    await made.post("/api/counts", id="count-0001", location="A-04", blind=False, threshold=99)
    await made.post("/api/counts/count-0001/start", 200)
    await made.post("/api/counts/count-0001/entries", id="entry-0001", sku="MILK-1L", lot="L7",
                    location="A-04", quantity=47)  # fmt: skip
    await made.post("/api/counts/count-0001/finish", 200)
    await made.post("/api/counts/count-0001/decisions", 200,
                    lines=[{"sku": "MILK-1L", "reason": "lost"}])  # fmt: skip
    told = await made.services.read(found)
    keys = [one.key for one in told.rows]
    assert keys == [
        "alert-1", "order-PO-2026-77", "order-SO-2026-1001", "device-dock-pi-desk-scanner", "erp",
        "review-review-1", "count-count-0001",
    ]  # fmt: skip
    assert (told.count, told.reviews, told.more) == (7, 1, 0)
    page = (await made.http.get("/")).text
    assert re.findall(r'id="need-([^"]+)"', page) == keys
    assert 'data-post="/api/counts/count-0001/review"' in page
    assert (await made.http.post("/api/counts/count-0001/review", json={})).status_code == 200
    await made.post("/alerts/1/acknowledge", 200)
    left = [one.key for one in (await made.services.read(found)).rows]
    assert left == [one for one in keys if one not in {"alert-1", "count-count-0001"}]


async def test_what_sleeps_or_only_starts_needs_nobody(made: Bench) -> None:
    await stocked.stock(made)
    await scene.play(made)
    await made.post("/alerts/1/snooze", 200, minutes=60)
    await made.services.write(_starting)
    keys = [one.key for one in (await made.services.read(found)).rows]
    assert keys == ["order-PO-2026-77", "order-SO-2026-1001", "review-review-1"]


async def test_many_reviews_are_one_line(made: Bench) -> None:
    await made.services.write(_reviews)
    told = await made.services.read(found)
    assert [one.key for one in told.rows] == ["review-r-06", *(f"review-r-0{n}" for n in range(4)),
                                             "reviews"]  # fmt: skip
    assert told.rows[-1].title == "3 more to review"
    assert (told.count, told.reviews) == (8, 8)


async def test_days_are_added_up_once_and_followed(made: Bench) -> None:
    await scene.set_up(made)
    course = trend.Trend()
    before = (await made.database.read(course.days))[-1].moves
    await made.post("/stock/receive", sku="SCR-M4", quantity=12, location="backroom")
    await made.post("/stock/ship", sku="SCR-M4", quantity=5, location="backroom")
    await made.post("/stock/move", sku="SCR-M4", quantity=3, source="backroom",
                    destination="shelf-7")  # fmt: skip
    days = await made.database.read(course.days)
    fresh = await made.database.read(trend.Trend().days)
    assert (len(days), days[-1].moves) == (trend.DAYS, before + 3)
    assert fresh == days
    assert days[-1].units_out == 5
    on_hand = sum(day.units_in - day.units_out for day in days)
    assert trend.courses(days, on_hand)[-2:] == [0, on_hand]


def _dead_message(conn: Connection) -> None:
    conn.execute(insert(schema.erp_message).values(
        connection="shop", direction="in", key="k", document="order", origin="hook", sha256="0",
        raw=b"{}", state="dead", reason="no such item", at_us=1, changed_us=1,
    ))  # fmt: skip


def _starting(conn: Connection) -> None:
    conn.execute(update(schema.device).values(state="starting", cause="", hint=""))


def _reviews(conn: Connection) -> None:
    at_us = to_us(datetime.now(UTC) - timedelta(hours=1))
    for no in range(8):
        conn.execute(insert(schema.review).values(
            id=f"r-0{no}", opened_us=at_us + no, event_us=at_us + no, read_point="dock-1",
            reason="Which way?", causes="[]", evidence="{}",
            escalated_us=at_us + 9 if no == 6 else None,
        ))  # fmt: skip
