"""The REST interface, as an integration uses it."""
# ruff: noqa: E501 (a table of requests)

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from central.insight.follow import Follower, LedgerSource
from central.insight.series import Point, SeriesUnavailable
from central.insight.series_duckdb import DuckDBSeries
from screens.headers import CONTENT_SECURITY_POLICY
from tests.central import scene
from tests.central.harness import Bench, bench


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


async def _shop(made: Bench) -> None:
    await made.post("/locations", code="backroom", name="Back room")
    await made.post("/locations", code="shelf", name="Shelf")
    gtins = [{"gtin": "4012345000016", "quantity": 12}]
    await made.post("/items", sku="OAT", name="Oats", gtins=gtins)


async def test_the_first_receipt_into_a_new_place_counts(made: Bench) -> None:
    await _shop(made)
    order = {"id": "order-0001", "sku": "OAT", "quantity": 24, "location": "backroom"}
    first = await made.post("/stock/receive", **order)
    assert (first["seq"], first["repeated"]) == (1, False)
    again = await made.post("/stock/receive", status=200, **order)
    assert (again["seq"], again["repeated"]) == (1, True)
    await made.post("/stock/move", id="refill-01", sku="OAT", quantity=5, source="backroom", destination="shelf")  # fmt: skip
    stock = await made.get("/stock/OAT")
    assert stock["on_hand"] == 24
    assert stock["by_location"] == {"backroom": 19, "shelf": 5}
    item = await made.get("/items/OAT")
    assert item["gtins"] == [{"gtin": "04012345000016", "quantity": 12}]
    at_shelf = await made.get("/api/locations/shelf/inventory")
    assert [(row["sku"], row["on_hand"]) for row in at_shelf["rows"]] == [("OAT", 5)]


async def test_the_founding_documents_routes_are_aliases(made: Bench) -> None:
    await made.post("/locations", code="a", name="A")
    await made.post("/locations", code="b", name="B")
    await made.post("/api/products", sku="X", name="X")
    await made.post("/stock/receive", sku="X", quantity=3, location="a")
    moved = {"sku": "X", "quantity": 1, "from": "a", "to": "b"}
    answer = await made.http.post("/api/inventory/move", json=moved)
    assert answer.status_code == 201, answer.text
    found = await made.get("/api/inventory?sku=X&location=b")
    assert [row["on_hand"] for row in found["rows"]] == [1]


async def test_a_header_makes_a_command_idempotent(made: Bench) -> None:
    await _shop(made)
    body = {"sku": "OAT", "quantity": 1, "location": "shelf"}
    for key in ("short", "a-long-key-" + "x" * 200, "just-right-key"):
        statuses = [
            (
                await made.http.post("/stock/receive", json=body, headers={"Idempotency-Key": key})
            ).status_code
            for _ in range(2)
        ]
        assert statuses == [201, 200]
    assert (await made.get("/stock/OAT"))["on_hand"] == 3


async def test_who_names_no_command_is_given_ids_that_rise_with_time(made: Bench) -> None:
    await _shop(made)
    before_ms = time.time_ns() // 1_000_000
    body = {"sku": "OAT", "quantity": 1, "location": "shelf"}
    made_ids = [uuid.UUID((await made.post("/stock/receive", **body))["id"]) for _ in range(20)]
    after_ms = time.time_ns() // 1_000_000
    assert {(one.version, one.variant) for one in made_ids} == {(7, uuid.RFC_4122)}
    at_ms = [one.int >> 80 for one in made_ids]
    assert at_ms == sorted(at_ms)
    assert before_ms <= at_ms[0] <= at_ms[-1] <= after_ms
    assert len(set(made_ids)) == 20


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/items", {"sku": "OAT", "name": "Again"}, 409, "exists already"),
        ("POST", "/items", {"sku": " OAT", "name": "x"}, 422, "sku"),
        ("POST", "/items", {"sku": "Z", "nmae": "x"}, 422, "nmae"),
        ("POST", "/stock/receive", {"sku": "NO", "quantity": 1, "location": "shelf"}, 404, "item NO"),
        ("POST", "/stock/receive", {"sku": "OAT", "quantity": 1, "location": "x"}, 404, "location x"),
        ("POST", "/stock/receive", {"sku": "OAT", "quantity": 0, "location": "shelf"}, 422, "quantity"),
        ("POST", "/stock/move", {"sku": "OAT", "quantity": 1, "from": "shelf", "to": "backroom"}, 409, "holds 0"),
        ("GET", "/stock/NO", None, 404, "add it"),
        ("GET", "/locations/nowhere/inventory", None, 404, "nowhere"),
        ("GET", "/movements/unknown-id", None, 404, "no movement"),
        ("GET", "/api/inventory?after=garbage", None, 422, "begin again"),
        ("GET", "/reviews?after=Wzk5OTk5OTk5OTk5OTk5OTk5OTk5LCJ4Il0=", None, 422, "begin again"),
        ("GET", "/movements?after=99999999999999999999", None, 422, "after"),
        ("GET", "/series?feed=nonsense", None, 422, "/series/feeds"),
        ("GET", "/nowhere", None, 404, "/docs"),
        ("DELETE", "/items", None, 405, "Not Allowed"),
    ],
)  # fmt: skip
async def test_errors_are_problems_that_say_what_to_do(  # noqa: PLR0917 (a table)
    made: Bench, method: str, path: str, body: object, status: int, said: str
) -> None:
    await _shop(made)
    answer = await made.http.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert said in problem["detail"]


async def test_listings_are_paged_to_the_end(made: Bench) -> None:
    await made.post("/locations", code="a", name="A")
    for number in range(7):
        await made.post("/items", sku=f"S{number}", name="x")
        await made.post("/stock/receive", sku=f"S{number}", quantity=1, location="a")
    for path, key in (("/items?x", "sku"), ("/api/inventory?x", "sku"), ("/movements?x", "seq")):
        seen, after = [], ""
        while True:
            page = await made.get(f"{path}&limit=3{after}")
            seen += [row[key] for row in page["rows"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert len(seen) == len(set(seen)) == 7, path


async def test_the_road_counts_each_read_once(made: Bench) -> None:
    await scene.set_up(made)
    await scene.play(made)
    road = await made.get("/road")
    assert road == await made.get("/road")
    bodies = await made.services.read(
        lambda c: c.exec_driver_sql("SELECT body FROM observation").scalars().all()
    )
    reads = sum(json.loads(body).get("count", 0) for body in bodies)
    assert (road["reads"], road["observations"]) == (reads, len(bodies))
    assert road["judge_lag"] == road["observations"]
    assert road["heard"] == reads + 12
    assert road["edges"][0]["edge"] == "dock-pi"


async def test_passes_reviews_and_devices_are_listed(made: Bench) -> None:
    await scene.set_up(made)
    await scene.play(made)
    first = await made.get("/passes?limit=2")
    second = await made.get(f"/passes?limit=2&after={first['next']}")
    ids = [row["id"] for row in first["rows"] + second["rows"]]
    assert ids == ["p4", "p3", "p2", "p1"]
    assert first["rows"][0]["tags"][0]["direction"] == "in"
    assert (await made.get("/reviews"))["rows"][0]["hypotheses"][0]["movements"][0][
        "sku"
    ] == "SCR-M4"
    assert (await made.get("/reviews?status=resolved"))["rows"] == []
    devices = {row["device"]: row for row in (await made.get("/devices"))["rows"]}
    assert devices["desk-scanner"]["hint"].startswith("Plug the scanner in")
    assert devices["dock-1-reader"]["counters"] == {"frames": 12_400}
    moved = (await made.get("/movements?origin=portal&limit=1"))["rows"][0]
    assert moved["causes"][0]["edge"] == "dock-pi"
    assert (await made.get(f"/movements/{moved['id']}"))["evidence"] == moved["evidence"]


async def test_health_and_metrics(made: Bench) -> None:
    made.services.counters["ingest"] = Counter(observations=3)
    assert (await made.get("/healthz"))["status"] == "ok"
    assert (await made.get("/readyz"))["status"] == "ready"
    text = (await made.http.get("/metrics")).text
    assert 'tallyport_ingest_total{what="observations"} 3.0' in text
    assert "tallyport_judge_lag 0.0" in text

    class Gone:
        is_connected = False
        last_error = "cannot reach the broker"

    made.services.broker = Gone()
    state = await made.get("/readyz", status=503)
    assert "cannot reach the broker" in str(state["reasons"])


async def test_the_description_has_examples_and_the_page_shows_them(made: Bench) -> None:
    described = await made.get("/openapi.json")
    assert {"/items", "/stock/receive", "/road"} <= set(described["paths"])
    assert described["components"]["schemas"]["ReceiveBody"]["examples"]
    page = await made.http.get("/docs")
    assert page.status_code == 200
    assert "po-4711-line-1" in page.text


async def test_every_answer_carries_the_security_headers(made: Bench) -> None:
    for path in ("/", "/items", "/nowhere", "/static/app.css"):
        answer = await made.http.get(path)
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_measurements_follow_the_facts(made: Bench) -> None:
    await scene.set_up(made)
    await scene.play(made)
    for follower in made.followers:
        while await follower.step():
            pass
    feeds = (await made.get("/series/feeds"))["feeds"]
    keys = {feed["label"]: feed["key"] for feed in feeds}
    reads = await made.http.get(
        "/series", params={"feed": keys["dock-1-reader, antenna 1: reads"], "seconds": 3_600}
    )
    spans = reads.json()
    stretch = spans["times_s"][1] - spans["times_s"][0]
    heard = (await made.get("/road"))["reads"]
    assert sum(spans["values"]) * stretch == pytest.approx(heard / 2, rel=0.05)
    stock = await made.http.get(
        "/series", params={"feed": keys["SCR-M4 at shelf-7: on hand"], "seconds": 3_600}
    )
    assert stock.json()["values"][-1] == 63
    weight = await made.http.get(
        "/series", params={"feed": keys["shelf-7, plate 1: weight"], "seconds": 3_600}
    )
    assert weight.json()["values"][-1] == pytest.approx(63 * 3.2)


class _Away(DuckDBSeries):
    """A store that cannot be written for a while."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.away = True
        self.refused = asyncio.Event()
        self.written = asyncio.Event()

    async def write(self, points: Sequence[Point]) -> None:
        if self.away:
            self.refused.set()
            raise SeriesUnavailable("the disk is full")
        await super().write(points)
        self.written.set()


async def test_a_store_that_was_away_is_caught_up_with(made: Bench, tmp_path: Path) -> None:
    await scene.set_up(made)
    store = _Away(tmp_path / "away.duckdb")
    await store.open()
    follower = Follower(
        database=made.database, tide=made.tide, store=store, target="away", source=LedgerSource()
    )
    running = asyncio.create_task(follower.run())
    async with asyncio.timeout(60):
        await store.refused.wait()
        store.away = False
        await store.written.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert follower.counters["retries"] == 1
    tags = {"sku": "SCR-M4", "location": "shelf-7"}
    newest = await store.newest("stock", tags, "on_hand", before_us=2**52)
    assert newest is not None
    assert newest.value == 72.0
    await store.close()


async def test_a_plate_shows_how_many_pieces_it_can_tell_apart(made: Bench) -> None:
    await _shop(made)
    await made.put("/read-points/scales", kind="shelf", location="shelf")
    await made.put("/read-points/scales/plates/1", sku="OAT", unit_mg=500_000, unit_cv=0.02)
    (point,) = (await made.get("/read-points"))["rows"]  # type: ignore[misc]
    (plate,) = point["plates"]  # type: ignore[index]
    assert (plate["sku"], plate["countable"]) == ("OAT", 69)
