"""How a shelf stands, over REST: read, looked over, said, refused with every mistake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from central.database.moments import to_us
from central.intake import observations
from central.intake.observations import Arrived
from gateway.contract import DeviceDescribed
from tests.central.harness import Bench, bench

PATH = "/read-points/shelf/layout"
BOARD = {"board": 1, "width_mm": 900, "depth_mm": 400}
ONE = {"plate": 1, "board": 1, "x_mm": 0, "y_mm": 0, "width_mm": 300, "depth_mm": 400}
TWO = ONE | {"plate": 2, "x_mm": 300}
STANDS: dict[str, Any] = {"boards": [BOARD], "plates": [ONE, TWO]}


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as ready:
        await ready.post("/locations", code="B1", name="Bin")
        await ready.post("/items", sku="NUT", name="Nut")
        await ready.put("/read-points/shelf", kind="shelf", location="B1")
        await ready.put("/read-points/door", kind="portal", location="B1")
        for plate in (1, 2):
            await ready.put(f"/read-points/shelf/plates/{plate}", sku="NUT", unit_mg=2_000)
        yield ready


async def test_it_is_said_read_and_kept_in_the_audit(made: Bench) -> None:
    empty = await made.http.get(PATH)
    assert empty.json() == {"boards": [], "plates": []}
    swapped = STANDS | {"plates": [TWO, ONE]}
    said = await made.http.put(PATH, json=swapped, headers={"If-Match": empty.headers["etag"]})
    assert (said.status_code, said.json()) == (200, STANDS)
    again = await made.http.get(PATH)
    assert again.json() == STANDS
    assert again.headers["etag"] == said.headers["etag"] != empty.headers["etag"]
    await made.put(PATH, **STANDS)  # the same again is no change
    late = await made.http.put(PATH, json=STANDS, headers={"If-Match": empty.headers["etag"]})
    assert late.status_code == 412
    await made.put(PATH, boards=[], plates=[])
    assert (await made.http.get(PATH)).headers["etag"] == empty.headers["etag"]
    rows: Any = (await made.get("/audit?subject=layout%20shelf"))["rows"]
    assert [(row["action"], row["before"], row["after"]) for row in rows] == [
        ("lay out shelf", STANDS, {"boards": [], "plates": []}),
        ("lay out shelf", None, STANDS),
    ]


async def test_every_mistake_is_told_before_and_when_it_is_said(made: Bench) -> None:
    wrong = {"boards": [BOARD], "plates": [ONE | {"x_mm": -20}, TWO | {"x_mm": 100}, TWO |
                                           {"plate": 7, "board": 3}]}  # fmt: skip
    looked = await made.post(f"{PATH}/preview", 200, **wrong)
    refused = await made.http.put(PATH, json=wrong)
    assert refused.status_code == 422
    told = refused.json()
    assert told["type"] == "urn:tallyport:problem:layout-refused"
    assert told["mistakes"] == looked["mistakes"]
    assert [one["where"] for one in told["mistakes"]] == [
        "plate 1", "plate 7", "plate 7", "plates 1 and 2",
    ]  # fmt: skip
    assert told["mistakes"][-1]["plates"] == [1, 2]
    assert "they lie on each other, 180 x 400 mm on board 1: move one" in told["detail"]
    assert (await made.get(PATH)) == {"boards": [], "plates": []}
    assert (await made.post(f"{PATH}/preview", 200, **STANDS)) == {"mistakes": []}


@pytest.mark.parametrize("code", ["nowhere", "door"])
async def test_what_is_no_shelf_has_no_layout(made: Bench, code: str) -> None:
    path = f"/read-points/{code}/layout"
    for answer in (await made.http.get(path), await made.http.put(path, json=STANDS),
                   await made.http.post(f"{path}/preview", json=STANDS)):  # fmt: skip
        assert answer.status_code == 404
        assert f"there is no shelf {code}: say first" in answer.json()["detail"]


async def test_a_plate_of_a_scale_that_has_no_plan_yet_can_be_laid(made: Bench) -> None:
    now = datetime.now(UTC)
    said = DeviceDescribed(
        device="scale", read_point="shelf", event_time=now, driver="mt-sics", plate=5
    )
    arrived = [Arrived(edge="pi", epoch="e0000001", seq=1, observation=said)]
    await made.services.write(lambda c: observations.append(c, arrived, to_us(now)))
    await made.put(PATH, boards=[BOARD], plates=[ONE | {"plate": 5}])
