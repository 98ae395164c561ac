"""Queries that stand under a name: asked again, and told to those who subscribed."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as Official

from central.access.model import OPEN, Grant, Role
from central.config import EventsSection
from central.epcis import standing
from central.epcis.names import Names
from central.epcis.reporting import Reports
from central.events import subscriptions
from central.events.courier import Courier, Road
from gateway.clock import SystemClock
from tests.central.access.test_gate import Somebody
from tests.central.harness import Bench, bench
from tests.fakes.clock import FakeClock
from tests.fakes.link import FakeLink
from tests.fakes.receiver import Receiver, receiving

TOKEN = "13df38d8275b13f05704629e5f1cf3d45d6132d5"
ARRIVALS = {"name": "arrivals", "query": {"EQ_bizStep": ["receiving"]}}
SUBSCRIBED = "/epcis/queries/arrivals/subscriptions"
CLASS = "https://id.gs1.org/01/04012345000016"


@pytest.fixture
def door() -> Somebody:
    return Somebody()


@pytest.fixture
async def made(tmp_path: Path, books_url: str, door: Somebody) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url, door) as opened:
        for code in ("WEST", "EAST"):
            await opened.post("/locations", code=code, name=code)
        await opened.post("/items", sku="NUT", name="Nut")
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened


class Telling:
    """Tells one subscriber, step by step, by a clock of its own."""

    def __init__(self, made: Bench) -> None:
        self.made = made
        self.clock = FakeClock(wall_us=SystemClock().now_us())
        settings = EventsSection(webhook_networks=("127.0.0.0/8",))  # type: ignore[arg-type]
        reports = Reports(Names({}), settings, clock=self.clock)
        self.road = Road(
            made.database, FakeLink(), made.tide, settings,
            clock=self.clock, jitter=lambda: 0.0, others={standing.KIND: reports},
        )  # fmt: skip

    async def step(self, subscription: object) -> float:
        """All that is to be told now; how long may pass until there is more."""
        mine = await self.made.database.read(lambda c: subscriptions.get(c, str(subscription)))
        courier = Courier(self.road, mine)
        try:
            while not (rest_s := await courier.step()):
                continue
        finally:
            await courier.close()
        return rest_s


async def _receive(made: Bench, place: str, count: int = 1, quantity: int = 1) -> None:
    for _ in range(count):
        await made.post("/stock/receive", sku="NUT", quantity=quantity, location=place)


async def _subscribed(made: Bench, dest: str, **more: object) -> Any:
    return await made.post(SUBSCRIBED, dest=dest, **{"stream": True} | more)


def _events(body: bytes | object) -> list[dict[str, Any]]:
    said = json.loads(body) if isinstance(body, bytes) else body
    assert isinstance(said, dict)
    return list(said["epcisBody"]["queryResults"]["resultsBody"]["eventList"])


async def test_a_query_stands_under_its_name(made: Bench) -> None:
    answer = await made.http.post("/epcis/queries", json=ARRIVALS)
    assert (answer.status_code, answer.json()) == (201, ARRIVALS)
    assert answer.headers["location"] == "/epcis/queries/arrivals"
    assert answer.headers["gs1-epcis-version"] == "2.0.0"
    assert await made.get("/epcis/queries/arrivals") == ARRIVALS
    again = await made.post("/epcis/queries", 409, **ARRIVALS)
    assert again["type"] == "epcisException:ResourceAlreadyExistsException"
    await made.post("/epcis/queries", 409, name="SimpleEventQuery", query={})
    await made.post("/epcis/queries", name="everything", query={})
    first = await made.http.get("/epcis/queries?perPage=1")
    following = first.headers["link"].partition(">")[0][1:]
    assert first.json() == [ARRIVALS]
    assert [one["name"] for one in (await made.http.get(following)).json()] == ["everything"]
    await _receive(made, "WEST", 3)
    await made.post("/stock/move", sku="NUT", quantity=1, **{"from": "WEST", "to": "EAST"})
    one: Any = await made.get("/epcis/queries/arrivals/events?perPage=500")
    assert one["epcisBody"]["queryResults"]["queryName"] == "arrivals"
    assert [each["bizStep"] for each in _events(one)] == ["receiving"] * 3
    assert len(_events(await made.get("/epcis/queries/everything/events"))) == 4
    page = await made.http.get("/epcis/queries/arrivals/events?perPage=2")
    rest = await made.http.get(page.headers["link"].partition(">")[0][1:])
    assert _events(page.json()) + _events(rest.json()) == _events(one)
    assert (await made.http.delete("/epcis/queries/arrivals")).status_code == 204
    for path in ("", "/events", "/subscriptions", "/subscriptions/none"):
        gone = await made.get(f"/epcis/queries/arrivals{path}", 404)
        assert gone["type"] == "epcisException:NoSuchNameException"
    told = [one["action"] for one in (await made.get("/audit"))["rows"]]  # type: ignore[attr-defined]
    assert {"add EPCIS query", "remove EPCIS query"} <= set(told)


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"HASATTR_bizLocation": ["x"]}, 400, "tallyport:address"),
        ({"HASATTR_bizStep": ["x"]}, 400, "bizStep"),
        ({"orderBy": "field"}, 400, "orderBy"),
        ({"eventCountLimit": 3}, 400, "eventCountLimit"),
        ({"GT_example:field": ["x"]}, 400, "GT_example:field"),
        ({"EQ_example:field": {"x": 1}}, 400, "EQ_example:field"),
        ({"EQ_example:field": [{"x": 1}]}, 400, "EQ_example:field"),
        ({"EQ_nothing": ["x"]}, 400, "EQ_nothing"),
        ({"GE_eventTime": "yesterday"}, 400, "GE_eventTime"),
        ({"EQ_bizStep": [["receiving"]]}, 400, "EQ_bizStep"),
        ({"MATCH_epc": ["urn:a|b"]}, 400, "MATCH_epc"),
        ({"perPage": 3}, 400, "perPage"),
        ({"MATCH_epc": [f"urn:x:{n}" for n in range(101)]}, 413, "100"),
    ],
)
async def test_what_is_no_query_is_refused_by_name(
    made: Bench, query: dict[str, object], status: int, said: str
) -> None:
    refused = await made.post("/epcis/queries", status, name="wrong", query=query)
    assert said in str(refused["detail"])
    if status == 400:
        assert refused["type"] == "epcisException:QueryParameterException"


@pytest.mark.parametrize(
    "more",
    [
        {"stream": False},
        {"schedule": {"hour": "1"}},
        {"stream": False, "schedule": {}},
        {"stream": False, "schedule": {"hour": "24"}},
        {"stream": False, "schedule": {"week": "1"}},
        {"stream": False, "schedule": {"month": "2", "dayOfMonth": "30"}},
        {"reportIfEmpty": True},
    ],
)
async def test_a_subscription_says_when(made: Bench, more: dict[str, object]) -> None:
    await made.post("/epcis/queries", **ARRIVALS)
    wanted = {"dest": "https://client.example.com/told", "stream": True} | more
    refused = await made.post(SUBSCRIBED, 400, **wanted)
    assert refused["type"] == "epcisException:SubscriptionControlsException"


async def test_what_is_asked_of_added_fields_is_told_to_subscribers(
    made: Bench, receiver: Receiver
) -> None:
    space = "https://ns.example.com/epcis/"
    query = {"@context": {"mine": space}, "GE_mine:warmth": 8,
             "HASATTR_bizLocation": ["cbvmda:name"]}  # fmt: skip
    await made.post("/epcis/queries", name="arrivals", query=query)
    mine = await _subscribed(made, receiver.url)
    told = Telling(made)
    for number in range(120):
        await made.post("/epcis/events", **{
            "@context": {"theirs": space}, "type": "ObjectEvent", "action": "OBSERVE",
            "eventID": f"urn:uuid:{number}", "eventTime": "2026-01-31T08:00:00Z",
            "eventTimeZoneOffset": "+00:00", "epcList": ["urn:epc:id:sscc:4012345.0000000333"],
            "bizLocation": {"id": f"urn:tallyport:location:{'WEST' if number % 2 else 'GONE'}"},
            "theirs:warmth": number % 10,
        })  # fmt: skip
    await _receive(made, "WEST")
    assert await told.step(mine["subscriptionID"]) > 0
    events = [one for request in receiver.all() for one in _events(request.body)]
    assert [one["theirs:warmth"] for one in events] == [9] * 12
    assert await told.step(mine["subscriptionID"]) > 0
    assert receiver.all() == [], "once"


async def test_what_a_query_finds_is_told_at_once_and_signed(
    made: Bench, receiver: Receiver
) -> None:
    await _receive(made, "WEST")
    await made.post("/epcis/queries", **ARRIVALS)
    mine = await _subscribed(made, receiver.url, signatureToken=TOKEN)
    told = Telling(made)
    assert await told.step(mine["subscriptionID"]) > 0
    assert receiver.all() == [], "what was there before is none of it"
    await _receive(made, "EAST", quantity=2)
    await made.post("/stock/move", sku="NUT", quantity=1, **{"from": "WEST", "to": "EAST"})
    event = {
        "type": "ObjectEvent", "eventTime": "2026-01-31T08:00:00.000Z", "action": "OBSERVE",
        "eventTimeZoneOffset": "+01:00", "bizStep": "receiving",
        "quantityList": [{"epcClass": CLASS, "quantity": 12}],
    }  # fmt: skip
    await made.post("/epcis/events", **event)
    await told.step(mine["subscriptionID"])
    (post,) = receiver.all()
    assert [one["quantityList"][0]["quantity"] for one in _events(post.body)] == [2, 12]
    result = json.loads(post.body)["epcisBody"]["queryResults"]
    assert (result["queryName"], result["subscriptionID"]) == ("arrivals", mine["subscriptionID"])
    assert post.headers["content-type"] == "application/ld+json"
    digest = hmac.new(TOKEN.encode(), post.body, "sha256").hexdigest()
    assert post.headers["gs1-signature"] == f"sha256={digest}"
    Official(TOKEN.encode()).verify(post.body, post.headers)
    await told.step(mine["subscriptionID"])
    assert receiver.all() == [], "once"
    shown = await made.get(f"{SUBSCRIBED}/{mine['subscriptionID']}")
    assert TOKEN not in str(shown)
    assert "lastNotifiedAt" in shown
    answer = await made.http.delete(f"{SUBSCRIBED}/{mine['subscriptionID']}")
    assert answer.status_code == 204
    assert (await made.http.get(SUBSCRIBED)).json() == []


async def test_what_is_not_taken_is_tried_again_and_put_aside(
    made: Bench, receiver: Receiver
) -> None:
    await made.post("/epcis/queries", **ARRIVALS)
    mine = (await _subscribed(made, receiver.url))["subscriptionID"]
    patched = await made.http.patch(f"/subscriptions/{mine}", json={"attempts": 2})
    assert patched.status_code == 200, patched.text
    refused = await made.http.patch(f"/subscriptions/{mine}", json={"skus": ["NUT"]})
    assert refused.status_code == 422, "what is told is the query's to say"
    receiver.answers = [(500, {})]
    await _receive(made, "WEST")
    told = Telling(made)
    assert await told.step(mine) == pytest.approx(1.0)
    assert "500" in str((await made.get(f"{SUBSCRIBED}/{mine}"))["tallyport:why"])
    told.clock.pass_s(1)
    await told.step(mine)
    first, second = receiver.all()
    assert (first.headers["webhook-id"], _events(first.body)) == (
        second.headers["webhook-id"], _events(second.body),
    )  # fmt: skip
    dead: Any = await made.get(f"/subscriptions/{mine}/dead-letters")
    assert [one["kind"] for one in dead["rows"]] == ["EPCISQueryDocument"]
    receiver.answers = [(204, {})]
    await made.post(f"/subscriptions/{mine}/dead-letters/replay", 202)
    await told.step(mine)
    (again,) = receiver.all()
    assert again.body == second.body
    await made.http.delete("/epcis/queries/arrivals")
    await made.get(f"/subscriptions/{mine}", 404)


async def test_a_schedule_reports_at_its_times(made: Bench, receiver: Receiver) -> None:
    await made.post("/epcis/queries", **ARRIVALS)
    told = Telling(made)
    every = {"stream": False, "schedule": {"minute": "0/1"}}
    quiet = (await _subscribed(made, receiver.url, **every))["subscriptionID"]
    loud = (await _subscribed(made, receiver.url, **every, reportIfEmpty=True))["subscriptionID"]
    await _receive(made, "WEST", 60)
    for one in (quiet, loud):
        assert 0 < await told.step(one) <= 60
    assert receiver.all() == [], "not before it is time"
    told.clock.pass_s(600)
    for one in (quiet, loud):
        await told.step(one)
        posts = receiver.all()
        assert [len(_events(post.body)) for post in posts] == [50, 10]
    told.clock.pass_s(3_600)
    await told.step(quiet)
    assert receiver.all() == []
    await told.step(loud)
    (post,) = receiver.all()
    assert _events(post.body) == [], "once for all that was missed"
    shown = await made.get(f"{SUBSCRIBED}/{loud}")
    assert (shown["schedule"], shown["reportIfEmpty"]) == ({"minute": "0/1"}, True)


async def test_it_begins_where_the_subscriber_says(made: Bench, receiver: Receiver) -> None:
    await made.post("/epcis/queries", **ARRIVALS)
    await _receive(made, "WEST", 2)
    since = _events(await made.get("/epcis/queries/arrivals/events"))[0]["recordTime"]
    told = Telling(made)
    for begins, count in ((since, 2), ("2199-01-01T00:00:00Z", 0)):
        mine = await _subscribed(made, receiver.url, initialRecordTime=begins)
        await told.step(mine["subscriptionID"])
        assert sum(len(_events(post.body)) for post in receiver.all()) == count


async def test_who_was_granted_some_places_is_told_of_those(
    made: Bench, door: Somebody, receiver: Receiver
) -> None:
    await made.post("/epcis/queries", **ARRIVALS)
    await made.post("/epcis/queries", name="others", query={})
    every = (await _subscribed(made, receiver.url))["subscriptionID"]
    door.is_(Role.MANAGER, "WEST")
    mine = (await _subscribed(made, receiver.url))["subscriptionID"]
    assert [one["subscriptionID"] for one in (await made.http.get(SUBSCRIBED)).json()] == [mine]
    for path in (f"{SUBSCRIBED}/{every}", SUBSCRIBED.removesuffix("/subscriptions")):
        assert (await made.http.delete(path)).status_code in {403, 404}
    door.actor = OPEN
    await _receive(made, "WEST", quantity=3)
    await _receive(made, "EAST", quantity=4)
    captured = {
        "type": "ObjectEvent", "eventTime": "2026-01-31T08:00:00.000Z", "action": "OBSERVE",
        "eventTimeZoneOffset": "+01:00", "bizStep": "receiving",
        "quantityList": [{"epcClass": CLASS, "quantity": 9}],
    }  # fmt: skip
    for place in ("WEST", "EAST"):
        there = {"bizLocation": {"id": f"urn:tallyport:location:{place}"}}
        await made.post("/epcis/events", **captured | there)
    told = Telling(made)
    await told.step(mine)
    (post,) = receiver.all()
    assert [one["quantityList"][0]["quantity"] for one in _events(post.body)] == [3, 9]
    assert "EAST" not in post.body.decode()
    await told.step(every)
    (post,) = receiver.all()
    assert len(_events(post.body)) == 4
    door.is_(Role.MANAGER, "WEST")
    assert len(_events(await made.get("/epcis/queries/arrivals/events"))) == 2
    door.actor = OPEN
    narrow = door.actor
    door.actor = type(narrow)(
        name="key", grants=(Grant(role=Role.ADMIN),), scopes=frozenset({"write:epcis"})
    )
    refused = await made.post(SUBSCRIBED, 403, dest=receiver.url, stream=True)
    assert "read:epcis" in str(refused["detail"])
