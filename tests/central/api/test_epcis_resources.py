"""What there are EPCIS events about: listed, looked into, asked for its events, and discovered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from central.access.model import Role
from tests.central.access.test_gate import Somebody
from tests.central.harness import Bench, bench

TAG = "https://id.gs1.org/01/00614141123452/21/6789"
OURS = "urn:tallyport:location:"
LYING = {
    "WEST": ["3034257BF7194E4000001A85", "E2000017221101441890ABCD"],
    "EAST": ["3034257BF7194E4000001A86"],
}
ELSEWHERE = "https://id.gs1.org/414/4012345000023"
LOADED = {
    "type": "ObjectEvent", "eventTime": "2026-01-31T08:00:00Z", "eventTimeZoneOffset": "+00:00",
    "action": "OBSERVE", "epcList": ["urn:epc:id:sgtin:0614141.012345.6789", "urn:x:pallet:1"],
    "bizStep": "https://example.com/steps/hugging", "disposition": "in_transit",
    "readPoint": {"id": f"{OURS}WEST"}, "bizLocation": {"id": "urn:epc:id:sgln:4012345.00002.0"},
}  # fmt: skip


@pytest.fixture
def door() -> Somebody:
    return Somebody()


@pytest.fixture
async def made(tmp_path: Path, books_url: str, door: Somebody) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url, door) as opened:
        for code in ("WEST", "EAST"):
            await opened.post("/locations", code=code, name=code)
        await opened.post("/items", sku="NUT", name="Nut")
        for place, epcs in LYING.items():
            await opened.post("/stock/receive", sku="NUT", quantity=len(epcs), location=place,
                              epcs=epcs)  # fmt: skip
        await opened.post("/epcis/events", **LOADED)
        yield opened


async def members(made: Bench, name: str, per_page: int = 500) -> list[str]:
    """Of all pages."""
    told, path = list[str](), f"/epcis/{name}?perPage={per_page}"
    while path:
        answer = await made.http.get(path)
        assert answer.status_code == 200, answer.text
        assert answer.json()["type"] == "Collection"
        assert len(answer.json()["member"]) <= per_page
        told += answer.json()["member"]
        path = answer.headers.get("link", "").partition(">")[0][1:]
    assert len(set(told)) == len(told)
    return told


async def events(made: Bench, path: str, status: int = 200) -> Any:
    answer = await made.http.get(f"/epcis/{path}")
    assert answer.status_code == status, answer.text
    if status != 200:
        return answer.json()
    return answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]


async def test_every_resource_is_listed(made: Bench) -> None:
    top = await made.get("/epcis")
    assert top["member"] == [
        "capture", "events", "queries", "eventTypes", "epcs", "bizSteps", "bizLocations",
        "readPoints", "dispositions",
    ]  # fmt: skip
    assert sorted(await members(made, "eventTypes"))[::4] == [
        "AggregationEvent", "TransformationEvent"
    ]  # fmt: skip
    steps = await members(made, "bizSteps")
    assert (len(steps), steps[-1]) == (42, "https://example.com/steps/hugging")
    assert len(await members(made, "dispositions")) == 33
    assert await members(made, "bizLocations") == [f"{OURS}EAST", f"{OURS}WEST", ELSEWHERE]
    assert await members(made, "readPoints") == [f"{OURS}EAST", f"{OURS}WEST"]


@pytest.mark.parametrize("name", ["bizSteps", "bizLocations", "epcs", "readPoints"])
async def test_pages_tell_the_same_as_the_whole(made: Bench, name: str) -> None:
    whole = await members(made, name)
    for per_page in (1, 2, 3):
        assert await members(made, name, per_page) == whole
    odd = await made.http.get(f"/epcis/{name}?nextPageToken=nonsense")
    assert odd.status_code == 422


async def test_each_has_its_events(made: Bench) -> None:
    epcs = await members(made, "epcs")
    assert {TAG, "urn:x:pallet:1"} < set(epcs)
    assert len(epcs) == 5
    for path in (
        "eventTypes/ObjectEvent", "bizSteps/receiving", f"readPoints/{OURS}WEST",
        "bizSteps/urn:epcglobal:cbv:bizstep:receiving", f"bizLocations/{OURS}WEST",
        "dispositions/in_progress",
    ):  # fmt: skip
        below = await made.get(f"/epcis/{path}")
        assert below["member"] == ["events"]
        assert await events(made, f"{path}/events?EQ_action=OBSERVE"), path
    theirs = quote("https://example.com/steps/hugging", safe="")
    (hugged,) = await events(made, f"bizSteps/{theirs}/events?eventType=ObjectEvent")
    assert hugged["bizStep"] == LOADED["bizStep"]
    for place in (ELSEWHERE, "urn:epc:id:sgln:4012345.00002.0"):
        assert len(await events(made, f"bizLocations/{quote(place, safe='')}/events")) == 1
    for epc in epcs:
        assert await events(made, f"epcs/{quote(epc, safe='')}/events"), epc
    page = await made.http.get("/epcis/eventTypes/ObjectEvent/events?perPage=2")
    following = page.headers["link"].partition(">")[0][len("</epcis/") :]
    assert len(await events(made, following)) == 1


@pytest.mark.parametrize(
    "path",
    [
        "eventTypes/Party", "epcs/urn:x:nobody", "bizSteps/waltzing", "dispositions/merry",
        "bizLocations/urn:tallyport:location:NORTH", "readPoints/urn:x:1", "bizLocations/supplier",
        "bizLocations/urn:tallyport:location:supplier",
    ],
)  # fmt: skip
async def test_what_nobody_knows_is_nowhere(made: Bench, path: str) -> None:
    for below in ("", "/events"):
        refused = await events(made, path + below, 404)
        assert refused["type"] == "epcisException:NoSuchResourceException"
        assert f"/epcis/{path.partition('/')[0]} lists" in refused["detail"]


async def test_a_resource_is_asked_for_in_the_path_alone(made: Bench) -> None:
    refused = await events(made, "bizSteps/receiving/events?EQ_bizStep=shipping", 400)
    assert refused["type"] == "epcisException:QueryParameterException"
    assert "EQ_bizStep" in refused["detail"]
    await events(made, "bizSteps/receiving/events?HASATTR_bizStep=x", 400)
    await events(made, "bizSteps/receiving/events?EQ_nothing=1", 422)


async def test_who_was_granted_some_places_is_told_of_those(made: Bench, door: Somebody) -> None:
    west = set(await members(made, "epcs"))
    door.is_(Role.MANAGER, "WEST")
    assert await members(made, "bizLocations") == [f"{OURS}WEST"]
    assert await members(made, "readPoints") == [f"{OURS}WEST"]
    assert len(await members(made, "bizSteps")) == 41
    lying = await members(made, "epcs")
    assert len(lying) == 2
    assert set(lying) < west
    for path in (f"bizLocations/{OURS}EAST", f"bizLocations/{quote(ELSEWHERE, safe='')}"):
        await events(made, path, 404)
        await events(made, f"{path}/events", 404)
    (elsewhere,) = west - set(lying) - {TAG, "urn:x:pallet:1"}
    await events(made, f"epcs/{quote(elsewhere, safe='')}/events", 404)
    assert len(await events(made, f"epcs/{quote(lying[0], safe='')}/events")) == 1
    assert len(await events(made, f"epcs/{quote(TAG, safe='')}/events")) == 1  # seen in the west


async def test_what_can_be_done_is_discovered(made: Bench) -> None:
    async def said(path: str) -> dict[str, str]:
        answer = await made.http.options(f"/epcis{path}")
        assert (answer.status_code, answer.content) == (204, b"")
        return {name.lower(): value for name, value in answer.headers.items()}

    for path, allowed in (
        ("", "OPTIONS, GET"), ("/events", "OPTIONS, GET, POST"), ("/capture/1", "OPTIONS, GET"),
        ("/events/urn:uuid:1", "OPTIONS, GET"), ("/epcs", "OPTIONS, GET"),
        ("/bizSteps/receiving", "OPTIONS, GET"), ("/queries", "OPTIONS, GET, POST"),
        ("/bizSteps/receiving/events", "OPTIONS, GET"), ("/queries/a", "OPTIONS, DELETE, GET"),
        ("/queries/a/subscriptions/1", "OPTIONS, DELETE, GET"),
    ):  # fmt: skip
        headers = await said(path)
        assert headers["allow"] == allowed, path
        for what in ("version", "min", "max"):
            assert headers[f"gs1-epcis-{what}"] == headers[f"gs1-cbv-{what}"] == "2.0.0"
        assert headers["gs1-extensions"] == "tallyport=urn:tallyport:epcis:"
        assert headers["gs1-vendor-version"] == version("tallyport")
        assert headers["gs1-epc-format"] == "Never_Translates"
        assert "gs1-epcis-capture-limit" not in headers
    capture = await said("/capture")
    assert capture["allow"] == "OPTIONS, GET, POST"
    assert capture["gs1-epcis-capture-limit"] == "500"
    assert capture["gs1-capture-error-behaviour"] == "all"
