"""Charts over the API: feeds are found, spikes survive, everything can be taken away as CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from central import schema
from central.insight.series import Point
from tests.central import scene
from tests.central.harness import Bench, bench

SECOND = 1_000_000
BEGIN_S = 1_700_000_040  # a whole minute
READS = json.dumps(["antenna", {"antenna": "1", "device": "dock-1-reader"}, "reads"])
STOCK = json.dumps(["stock", {"location": "shelf-7", "sku": "SCR-M4"}, "on_hand"])
PLATE = json.dumps(["plate", {"plate": "1", "read_point": "shelf-7"}, "gross_g"])


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as ready:
        await scene.set_up(ready)
        await scene.play(ready)
        for follower in ready.followers:
            while await follower.step():
                pass
        yield ready


@pytest.mark.parametrize(
    ("search", "labels"),
    [
        ("hex m4 shelf", ["SCR-M4 at shelf-7: on hand"]),
        ("DOCK-1 rssi", [f"dock-1-reader, antenna {n}: peak rssi" for n in (1, 2)]),
        ("plate 3 weight", ["shelf-7, plate 3: weight"]),
        ("frames", ["dock-1-reader: frames"]),
        ("warehouse moved in", ["warehouse: moved in"]),
        ("nowhere", []),
    ],
)  # fmt: skip
async def test_feeds_are_found_by_the_words_of_people(
    made: Bench, search: str, labels: list[str]
) -> None:
    found = (await made.http.get("/series/feeds", params={"search": search})).json()
    assert [one["label"] for one in found["feeds"]] == labels
    assert found["more"] is False


async def test_a_feed_says_what_it_is_about(made: Bench) -> None:
    answer = await made.http.get("/series/feeds", params={"search": "SCR-M4 shelf-7", "limit": 1})
    (feed,) = answer.json()["feeds"]
    assert feed["title"] == "Hex screw M4 x 20 at shelf-7"
    assert (feed["key"], feed["unit"], feed["step"]) == (STOCK, "units", True)
    antenna = (await made.http.get("/series/feeds", params={"search": "reads/s"})).json()["feeds"]
    assert {one["read_point"] for one in antenna} == {"dock-1"}
    assert (await made.get("/series/feeds?limit=2"))["more"] is True


async def _write(made: Bench, values: dict[int, float]) -> None:
    tags = {"device": "dock-1-reader", "antenna": "1"}
    timed = {(BEGIN_S + at) * SECOND: {"reads": value} for at, value in values.items()}
    await made.series.write(
        [
            Point(measurement="antenna", tags=tags, fields=fields, time_us=at_us)
            for at_us, fields in timed.items()
        ]
    )


async def _chart(made: Bench, **asked: object) -> dict[str, list[float]]:
    answer = await made.http.get("/series", params={"feed": READS, **asked})  # type: ignore[dict-item]
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_spike_of_one_second_survives_a_day(made: Bench) -> None:
    await _write(made, dict.fromkeys(range(86_400), 3.0) | {40_000: 900.0})
    day = await _chart(made, seconds=86_400, to_s=BEGIN_S + 86_400, max_points=200)
    assert len(day["times_s"]) <= 200
    assert max(day["high"]) == 900.0
    assert min(day["low"]) == 3.0
    (at,) = (n for n, high in enumerate(day["high"]) if high == 900)
    step = day["step_s"]
    assert day["values"][at] == pytest.approx((3 * (step - 1) + 900) / step)  # type: ignore[operator]
    assert 0 <= BEGIN_S + 40_000 - day["times_s"][at] < step  # type: ignore[operator]


async def test_what_keeps_its_value_is_known_before_the_span(made: Bench) -> None:
    now_s = datetime.now(UTC).timestamp()
    answer = await made.http.get(
        "/series", params={"feed": STOCK, "seconds": 60, "to_s": now_s + 3_600}
    )
    assert (answer.json()["before"], answer.json()["values"]) == (63, [])


async def test_what_moved_adds_up_to_what_the_ledger_says(made: Bench) -> None:
    rows = list[dict[str, Any]]()
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        after = {"after": page["next"]} if page["next"] else {}
        page = (await made.http.get("/movements", params={"limit": 500, **after})).json()
        rows += page["rows"]
    for field, end in (("units_in", "destination"), ("units_out", "source")):
        key = json.dumps(["movement", {"location": "warehouse"}, field])
        answer = await made.http.get("/series", params={"feed": key, "seconds": 86_400})
        moved = sum(row["quantity"] for row in rows if row[end] == "warehouse")
        assert moved > 0
        assert sum(answer.json()["values"]) == moved


async def test_every_sample_leaves_as_csv(made: Bench) -> None:
    await _write(made, {0: 1.5, 1: 2.0, 3: 4.0, 60: 8.0})
    answer = await made.http.get(
        "/series/export", params={"feed": [READS, STOCK], "seconds": 60, "to_s": BEGIN_S + 60}
    )
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["time", "feed", "quantity", "unit", "value"],
        ["2023-11-14T22:14:00.000000+00:00", "dock-1-reader, antenna 1", "Reads", "reads/s", "1.5"],
        ["2023-11-14T22:14:01.000000+00:00", "dock-1-reader, antenna 1", "Reads", "reads/s", "2"],
        ["2023-11-14T22:14:03.000000+00:00", "dock-1-reader, antenna 1", "Reads", "reads/s", "4"],
    ]


async def test_flags_tell_what_happened_at_what_is_charted(made: Bench) -> None:
    now_us = round(datetime.now(UTC).timestamp() * 1e6)
    down = {"edge": "dock-pi", "device": "dock-1-reader"}
    await made.series.write(
        [
            Point(measurement="device", tags=down, fields={"up": up}, time_us=now_us - ago * SECOND)
            for up, ago in ((0.0, 100), (0.0, 90), (1.0, 80), (0.0, 70))
        ]
    )
    alert = {
        "key": "k", "kind": "low", "rule": "r", "severity": "critical", "state": "open",
        "says": "Few screws", "value": 1, "since_us": now_us, "sku": "SCR-M4", "raised_us": now_us,
    }  # fmt: skip
    await made.services.write(lambda conn: conn.execute(insert(schema.alert).values(alert)))

    paths = [str(getattr(route, "path", "")) for route in made.app.router.routes]
    pages = {re.sub(r"\{\w+\}", "{}", path) for path in paths}

    async def told(*feeds: str) -> dict[str, list[str]]:
        asked = {"feed": feeds, "seconds": 3_600, "to_s": now_us / 1e6 + 60}
        answer = (await made.http.get("/series/happenings", params=asked)).json()  # type: ignore[arg-type]
        assert [one["at_s"] for one in answer["rows"]] == sorted(o["at_s"] for o in answer["rows"])
        kinds: dict[str, list[str]] = {}
        for href in {one["href"] for one in answer["rows"] if one["href"]}:
            if href.startswith("/devices/"):  # an edge's console, over a broker that is not here
                assert re.sub("dock-[a-z0-9-]+", "{}", href) in pages
            else:
                assert (await made.http.get(href)).status_code == 200, href
        for one in answer["rows"]:
            kinds.setdefault(one["kind"], []).append(one["says"])
        return kinds

    portal = await told(READS)
    assert portal.keys() == {"pass", "fault"}
    assert len(portal["pass"]) == 5
    assert portal["fault"] == ["dock-1-reader stopped running"] * 2
    shelf = await told(PLATE)
    assert shelf.keys() == {"review", "alert", "movement", "setting"}
    assert "9 of SCR-M4 from shelf-7 to customer" in shelf["movement"]
    assert shelf["alert"] == ["Few screws"]
    assert (await told(STOCK)).keys() == {"alert", "movement"}
    page = await made.http.get("/screen/movements/pick-0001")
    assert page.status_code == 200
    assert (await made.http.get("/series/happenings")).status_code == 422
