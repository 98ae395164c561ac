"""Counts by the clock: asked for once when due, items by their class."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from central.api.services import now_us
from central.counts import scheduling
from central.counts.scheduling import DAY_US
from tests.central.harness import Bench, bench

WEEKLY = {"id": "hall-weekly", "location": "hall", "every_days": 7}
CLASSES = {"A": 30, "B": 90, "C": 365}


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        await opened.post("/locations", code="hall", name="Hall")
        for sku, price, units in (("CAR", 1_000, 80), ("CUP", 100, 140), ("PIN", 1, 60)):
            await opened.post("/items", sku=sku, name=sku, unit_price=price)
            await opened.post("/stock/receive", sku=sku, quantity=units, location="hall")
        yield opened


async def due(made: Bench, days: float) -> list[Any]:
    at_us = now_us() + round(days * DAY_US)
    return await made.database.write(lambda c: scheduling.ask_due(c, at_us))


async def test_a_place_is_counted_every_week_and_once_for_weeks_that_were_missed(
    made: Bench,
) -> None:
    plan: Any = await made.post("/api/count-schedules", **WEEKLY)
    await made.post("/api/count-schedules", 200, **WEEKLY)
    await made.post("/api/count-schedules", 409, **WEEKLY | {"every_days": 8})
    (first,) = await due(made, 0)
    assert (first.location, first.schedule, first.state) == ("hall", "hall-weekly", "REQUESTED")
    assert await due(made, 6.9) == []
    assert len(await due(made, 22)) == 1
    (row,) = (await made.get("/api/count-schedules"))["rows"]  # type: ignore[misc]
    assert row["next_us"] == plan["next_us"] + 28 * DAY_US
    assert len((await made.get("/api/counts"))["rows"]) == 2  # type: ignore[arg-type]
    ended: Any = await made.post("/api/count-schedules/hall-weekly/end", 200)
    assert not ended["active"]
    assert await due(made, 40) == []
    await made.post("/api/count-schedules/none/end", 404)


async def test_dear_items_are_counted_more_often(made: Bench) -> None:
    by_class = {"id": "hall-by-class", "location": "hall", "every_days": 1, "class_days": CLASSES}
    await made.post("/api/count-schedules", 422, **by_class | {"class_days": {"A": 1}})
    await made.post("/api/count-schedules", **by_class)
    (first,) = await due(made, 0)
    assert first.skus == ("CAR", "CUP", "PIN")
    path = f"/api/counts/{first.id}"
    await made.post(f"{path}/start", 200)
    for sku, units in (("CAR", 80), ("CUP", 140), ("PIN", 60)):
        await made.post(f"{path}/entries", id=f"found-{sku}", sku=sku, quantity=units)
    assert (await made.post(f"{path}/finish", 200, complete=True))["state"] == "REVIEWED"
    assert await due(made, 29) == []
    (later,) = await due(made, 31)
    assert later.skus == ("CAR",)
