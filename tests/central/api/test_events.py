"""Subscriptions and the stream of events over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection

from central.config import BrokerSection
from central.events import deliveries
from central.events.model import Letter
from tests.central.documented import indented
from tests.central.harness import Bench, bench
from tests.fakes import told

URL = "https://erp.example.com/stock"


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


async def _subscribe(made: Bench, **more: object) -> dict[str, object]:
    target = {"kind": "webhook", "url": URL}
    return await made.post("/subscriptions", **{"name": "ERP", "target": target} | more)


async def test_the_documented_example_is_taken_and_its_secret_told_once(made: Bench) -> None:
    described = (await made.http.get("/openapi.json")).json()
    example = described["components"]["schemas"]["SubscriptionBody"]["examples"][0]
    unknown = await made.post("/subscriptions", status=422, **example | {"kinds": ["Reserved"]})
    assert "there are no events called Reserved: see /events/schemas" in str(unknown["detail"])
    subscribed = await made.post("/subscriptions", **example)
    assert subscribed["kinds"] == ["stock_updated", "OrderReserved"]
    assert str(subscribed.pop("secret")).startswith("whsec_")
    assert (subscribed["status"], subscribed["attempts"]) == ("active", 15)
    one = f"/subscriptions/{subscribed['id']}"
    assert await made.get(one) == subscribed
    assert (await made.get("/subscriptions"))["rows"] == [subscribed]
    rotated = await made.post(f"{one}/secret")
    assert str(rotated["secret"]).startswith("whsec_")
    audited = (await made.get("/audit"))["rows"]
    assert [row["action"] for row in audited] == ["rotate secret", "add subscription"]  # type: ignore[attr-defined]
    assert "whsec_" not in str(audited)


async def test_a_subscription_is_changed_paused_and_ended(made: Bench) -> None:
    one = f"/subscriptions/{(await _subscribe(made))['id']}"
    seen = (await made.http.get(one)).headers["etag"]
    patch = {"status": "paused", "kinds": ["StockMoved"], "locations": ["WH-01"]}
    done = await made.http.patch(one, json=patch, headers={"If-Match": seen})
    assert (done.status_code, done.json()["kinds"], done.json()["name"]) == (
        200, ["StockMoved"], "ERP",
    )  # fmt: skip
    stale = await made.http.patch(one, json={"name": "x"}, headers={"If-Match": seen})
    assert stale.status_code == 412
    example = (await made.http.get("/openapi.json")).json()["components"]["schemas"]
    again = await made.http.patch(one, json=example["SubscriptionPatch"]["examples"][0])
    assert again.json()["status"] == "paused"
    mqtt = await made.http.patch(one, json={"target": {"kind": "mqtt"}})
    assert (mqtt.status_code, "a webhook stays one" in mqtt.text) == (422, True)
    assert (await made.http.delete(one)).status_code == 204
    for method, path in (
        ("GET", one), ("DELETE", one), ("PATCH", one), ("GET", f"{one}/delivery"),
        ("GET", f"{one}/dead-letters"), ("POST", f"{one}/secret"),
        ("POST", f"{one}/dead-letters/replay"),
    ):  # fmt: skip
        assert (await made.http.request(method, path, json={})).status_code == 404, path


async def test_what_makes_no_sense_is_refused(made: Bench) -> None:
    for target, said in (
        ({"kind": "webhook"}, "has a url"),
        ({"kind": "mqtt", "url": URL}, "nothing else has one"),
        ({"kind": "broker"}, "named by"),
        ({"kind": "broker", "broker": "rabbit"}, r"no broker rabbit (known: none)"),
        ({"kind": "webhook", "url": "ftp://a.example/x"}, "https://"),
        ({"kind": "webhook", "url": "https://a:b@c.example/"}, "neither a user"),
        ({"kind": "webhook", "url": "https://c.example/ x"}, "without blanks"),
        ({"kind": "webhook", "url": "https://c.example:99999/"}, "url"),
        ({"kind": "carrier pigeon"}, "kind"),
    ):
        refused = await made.post("/subscriptions", status=422, name="x", target=target)
        assert said in str(refused["detail"]), target
    made.services.events.brokers["rabbit"] = BrokerSection(url=SecretStr("amqp://a.example"))
    taken = await _subscribe(made, target={"kind": "broker", "broker": "rabbit"})
    assert "secret" not in taken
    refused = await made.post(f"/subscriptions/{taken['id']}/secret", status=422)
    assert "only webhooks are signed" in str(refused["detail"])


async def test_where_deliveries_stand_and_what_was_not_taken(made: Bench) -> None:
    mine = str((await _subscribe(made, begins="beginning"))["id"])
    await made.post("/items", sku="NUT", name="Nut")
    now = await made.get(f"/subscriptions/{mine}/delivery")
    assert (now["behind"], now["delivered"], now["why"]) == (1, 0, "")
    later = await _subscribe(made)
    assert (await made.get(f"/subscriptions/{later['id']}/delivery"))["behind"] == 0

    def put(conn: Connection) -> None:
        letter = Letter("event-1", "ProductCreated", "catalogue_changed", "NUT", b"{}")
        for _ in range(3):
            deliveries.put_aside(conn, mine, letter, "500: no", 7)

    await made.services.write(put)
    dead = (await made.get(f"/subscriptions/{mine}/dead-letters?limit=2"))["rows"]
    assert [(one["id"], one["event"], one["why"]) for one in dead] == [  # type: ignore[attr-defined]
        (3, "event-1", "500: no"), (2, "event-1", "500: no"),
    ]  # fmt: skip
    rest = await made.get(f"/subscriptions/{mine}/dead-letters?limit=2&after=2")
    assert (len(rest["rows"]), rest["next"]) == (1, None)  # type: ignore[arg-type]
    replay = f"/subscriptions/{mine}/dead-letters/replay"
    assert await made.post(replay, status=202, ids=[1]) == {"asked": 1}
    assert await made.post(replay, status=202) == {"asked": 2}
    assert await made.post(replay, status=202) == {"asked": 0}


async def test_events_can_be_asked_for_page_by_page(made: Bench) -> None:
    begin = await made.get("/events?after=now")
    assert begin["rows"] == []
    await made.post("/items", sku="NUT", name="Nut")
    await made.post("/locations", code="dock", name="Dock")
    await made.post("/stock/receive", sku="NUT", quantity=3, location="dock", reference="PO-7890")
    first = await made.get(f"/events?after={begin['next']}&limit=1")
    second = await made.get(f"/events?after={first['next']}&limit=1")
    both = [first["rows"][0], second["rows"][0]]  # type: ignore[index]
    assert [one["type"] for one in both] == [
        "tallyport.ProductCreated.v1", "tallyport.StockReceived.v1",
    ]  # fmt: skip
    for one in both:
        told.check(one["type"].split(".")[1], one["data"])
    end = await made.get(f"/events?after={second['next']}")
    assert (end["rows"], end["next"]) == ([], second["next"])
    assert len((await made.get("/events"))["rows"]) == 2  # type: ignore[arg-type]
    await made.get("/events?after=nonsense", status=422)


async def test_schemas_are_served(made: Bench) -> None:
    rows = (await made.get("/events/schemas"))["rows"]
    assert isinstance(rows, list)
    assert {"ProductCreated", "StockMoved", "StatusChanged"} <= {row["name"] for row in rows}
    for row in rows:
        served = await made.http.get(row["schema"])
        assert served.headers["content-type"] == "application/schema+json"
        assert served.json()["title"] == row["name"]
    assert (await made.get("/events/schemas/Movement/1"))["title"] == "Movement"
    await made.get("/events/schemas/StockMoved/2", status=404)


async def test_the_pages_requests_are_answered(made: Bench) -> None:
    asked = indented("events.md")
    assert len(asked) >= 12
    subscription = ""
    ended: list[str] = []
    for method, path, body in asked:
        if "SUB" in path and not subscription:
            subscription = str((await _subscribe(made))["id"])
        answer = await made.http.request(method, path.replace("SUB", subscription), json=body)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        if method == "POST" and path == "/subscriptions":
            subscription = answer.json()["id"]
        if method == "DELETE":
            ended.append(subscription)
            subscription = ""
    assert ended
