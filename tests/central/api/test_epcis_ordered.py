"""The standard's order and limits of a query, what sensors reported, and jobs of capturing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from central.epcis import ordering
from tests.central.harness import Bench, bench

PROBE = "https://example.org/giai/401234599999"
COLD = {
    "type": "ObjectEvent", "eventID": "urn:uuid:cold", "action": "OBSERVE",
    "eventTime": "2026-01-30T08:00:00Z", "eventTimeZoneOffset": "+00:00",
    "epcList": ["urn:epc:id:sscc:4012345.0000000333"],
    "sensorElementList": [{
        "sensorMetadata": {
            "startTime": "2026-01-30T07:00:00Z", "endTime": "2026-01-30T08:00:00Z",
            "deviceID": "urn:epc:id:giai:4000001.111", "bizRules": "https://example.org/rules/1",
        },
        "sensorReport": [
            {"type": "gs1:MT-Temperature", "time": "2026-01-30T07:30:00Z", "value": 4.5,
             "minValue": -2, "sDev": 0.25, "uom": "CEL"},
            {"type": "Relative_humidity", "percRank": 50, "percValue": 81.5, "uom": "P1",
             "deviceID": PROBE, "booleanValue": True, "stringValue": "A|b"},
            {"type": "Mass", "time": "yesterday", "value": "much", "uom": "KGM"},
        ],
    }],
}  # fmt: skip
STEEL = {
    "type": "ObjectEvent", "eventID": "urn:uuid:steel", "action": "OBSERVE",
    "eventTime": "2026-02-28T08:00:00Z", "eventTimeZoneOffset": "+00:00",
    "quantityList": [
        {"epcClass": "urn:epc:class:lgtin:4012345.011111.4444", "quantity": 12.5, "uom": "KGM"}
    ],
}  # fmt: skip
TIMES = ("2026-01-31T08:00:00Z", "2026-01-20T08:00:00Z", "2026-01-31T08:00:00Z")


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    """Five events, recorded in this order: three receipts (the second is of long ago, the others
    of one time), what was cold, and what is of the future.
    """
    async with bench(tmp_path, books_url) as opened:
        await opened.post("/warehouses", code="WH-01", name="Leeds")
        await opened.post("/items", sku="NUT", name="Nut")
        for units, at in enumerate(TIMES, 1):
            await opened.post("/stock/receive", id=f"receipt-{units}", sku="NUT", quantity=units,
                              location="WH-01", event_time=at)  # fmt: skip
        for event in (COLD, STEEL):
            await opened.post("/epcis/events", **event)
        yield opened


def told(answer: Response) -> list[Any]:
    """Of each event its quantity, or its id."""
    assert answer.status_code == 200, answer.text
    events = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return [
        one["eventID"] if one["eventID"].startswith("urn:") else one["quantityList"][0]["quantity"]
        for one in events
    ]


async def found(made: Bench, **asked: object) -> list[Any]:
    return told(await made.http.get("/epcis/events", params=asked))


async def paged(made: Bench, path: str = "/epcis/events", **asked: object) -> list[list[Any]]:
    """All pages, by their links."""
    answer = await made.http.get(path, params=asked)
    pages = [told(answer)]
    while "next" in answer.links:
        answer = await made.http.get(answer.links["next"]["url"])
        pages.append(told(answer))
    return pages


COLD_ID, STEEL_ID = COLD["eventID"], STEEL["eventID"]
LATEST = [STEEL_ID, 1, 3, COLD_ID, 2]
"""By the time of the event; of one time as they were recorded."""


async def test_events_come_in_the_order_that_is_asked_for(made: Bench) -> None:
    assert await found(made) == [1, 2, 3, COLD_ID, STEEL_ID]
    assert await found(made, orderBy="eventTime") == LATEST
    assert await found(made, orderBy="eventTime", orderDirection="ASC") == [
        2, COLD_ID, 1, 3, STEEL_ID
    ]  # fmt: skip
    assert await found(made, orderBy="recordTime") == [STEEL_ID, COLD_ID, 3, 2, 1]
    assert await found(made, orderBy="recordTime", orderDirection="ASC") == [
        1, 2, 3, COLD_ID, STEEL_ID
    ]  # fmt: skip
    assert await found(made, orderBy="eventTime", LT_eventTime=TIMES[0]) == [COLD_ID, 2]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("by", ["eventTime", "recordTime"])
async def test_pages_are_of_the_whole_order(made: Bench, by: str, direction: str) -> None:
    asked = {"orderBy": by, "orderDirection": direction}
    whole = await found(made, **asked)
    for size in (1, 2, 4):
        pages = await paged(made, **asked, perPage=size)
        assert [one for page in pages for one in page] == whole
        assert {len(page) for page in pages[:-1]} == {size}
    assert await paged(made, **asked, perPage=2, eventCountLimit=3) == [whole[:2], whole[2:3]]
    assert await found(made, **asked, eventCountLimit=2) == whole[:2]


async def test_a_query_that_stands_keeps_its_order(made: Bench) -> None:
    query = {"orderBy": "eventTime", "eventCountLimit": 3, "LT_value_CEL": 5}
    await made.post("/epcis/queries", name="cold", query={"LT_value_CEL": 5})
    await made.post("/epcis/queries", name="newest", query={"orderBy": "eventTime"})
    await made.post("/epcis/queries", name="both", query=query)
    assert await paged(made, "/epcis/queries/newest/events", perPage=2) == [
        LATEST[:2], LATEST[2:4], LATEST[4:]
    ]  # fmt: skip
    assert await paged(made, "/epcis/queries/cold/events") == [[COLD_ID]]
    assert await paged(made, "/epcis/queries/both/events") == [[COLD_ID]]
    body = {"dest": "https://client.example.com/callback", "stream": True}
    refused = await made.http.post("/epcis/queries/newest/subscriptions", json=body)
    assert refused.status_code == 400
    assert refused.json()["type"] == "epcisException:SubscribeNotPermittedException"
    wrong = {"name": "wrong", "query": {"GE_valeu_CEL": 5}}
    refused = await made.http.post("/epcis/queries", json=wrong)
    assert (refused.status_code, "GE_valeu_CEL" in refused.json()["detail"]) == (400, True)


async def test_more_than_is_allowed_is_refused(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(await found(made, maxEventCount=5)) == 5
    over = await made.http.get("/epcis/events", params={"maxEventCount": 4})
    assert over.status_code == 413
    assert over.json()["type"] == "epcisException:QueryTooLargeException"
    for asked in (
        {"eventCountLimit": 3},
        {"eventCountLimit": 3, "maxEventCount": 3, "orderBy": "eventTime"},
    ):
        refused = await made.http.get("/epcis/events", params=asked)
        assert refused.status_code == 400
        assert refused.json()["type"] == "epcisException:QueryParameterException"
    monkeypatch.setattr(ordering, "MOST", 2)
    assert await found(made, orderBy="eventTime") == LATEST  # by spans that hold two at most
    asked = {"orderBy": "eventTime", "orderDirection": "ASC"}
    assert (await made.http.get("/epcis/events", params=asked)).status_code == 413
    monkeypatch.setattr(ordering, "MOST", 1)
    one_time = await made.http.get("/epcis/events", params={"orderBy": "eventTime"})
    assert (one_time.status_code, "one eventTime" in one_time.json()["detail"]) == (413, True)


@pytest.mark.parametrize(
    ("name", "here", "elsewhere"),
    [
        ("EQ_type", "Temperature|Length", "Length"),
        ("EQ_deviceID", PROBE, f"{PROBE}0"),
        ("EQ_bizRules", "https://example.org/rules/1", "https://example.org/rules/2"),
        ("EQ_booleanValue", "true", "false"),
        ("GE_startTime", "2026-01-30T07:00:00Z", "2026-01-30T07:00:01Z"),
        ("LT_endTime", "2026-01-30T08:00:01Z", "2026-01-30T08:00:00Z"),
        ("GE_time", "2026-01-30T07:30:00Z", "2026-01-30T07:30:01Z"),
        ("EQ_value_CEL", 4.5, 5),
        ("GT_value_CEL", 4, 4.5),
        ("LE_minValue_CEL", -2, -3),
        ("EQ_sDev_CEL", 0.25, 0.5),
        ("GE_percValue_P1", 81.5, 82),
        ("GE_percRank", 50, 51),
        ("LT_value_CEL", 5, 4),
    ],
)  # fmt: skip
async def test_what_sensors_reported_is_found(
    made: Bench, name: str, here: object, elsewhere: object
) -> None:
    assert await found(made, **{name: here}) == [COLD_ID]
    assert await found(made, **{name: elsewhere}) == []


async def test_numbers_are_of_their_unit(made: Bench) -> None:
    assert await found(made, GE_value_FAH=0) == []
    assert await found(made, GE_quantity_KGM=12.5) == [STEEL_ID]
    assert await found(made, GT_quantity_KGM=12.5) == []
    assert await found(made, EQ_quantity_LTR=12.5) == []
    assert await found(made, EXISTS_sensorElementList="true") == [COLD_ID]
    assert len(await found(made, EXISTS_sensorElementList="false")) == 5
    for name, value in (("GE_value_CEL", "warm"), ("GE_value_CEL", "nan"), ("GE_worth_CEL", 1)):
        refused = await made.http.get("/epcis/events", params={name: value})
        assert (refused.status_code, name in refused.text) == (422, True)


async def test_jobs_of_capturing_are_listed_the_latest_first(made: Bench) -> None:
    jobs = list[str]()
    for number in range(3):
        event = COLD | {"eventID": f"urn:uuid:{number}"}
        answer = await made.post(
            "/epcis/capture", 202, type="EPCISDocument", schemaVersion="2.0",
            creationDate="2026-01-31T08:00:01Z", epcisBody={"eventList": [event]},
            **{"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"]},
        )  # fmt: skip
        jobs.append(str(answer["captureID"]))
    first = await made.http.get("/epcis/capture", params={"perPage": 2})
    second = await made.http.get(first.links["next"]["url"])
    listed = [one["captureID"] for page in (first, second) for one in page.json()]
    assert sorted(listed) == sorted(jobs)
    times = [one["createdAt"] for page in (first, second) for one in page.json()]
    assert times == sorted(times, reverse=True)
    assert ("next" in second.links, first.json()[0]["success"]) == (False, True)


async def test_xml_is_refused_and_says_what_is_taken(made: Bench) -> None:
    told = await made.http.get("/epcis/events", headers={"accept": "application/xml"})
    assert (told.status_code, "application/ld+json" in told.json()["detail"]) == (406, True)
    xml = {"content-type": "application/xml"}
    taken = await made.http.post("/epcis/capture", content=b"<EPCISDocument/>", headers=xml)
    assert (taken.status_code, "application/ld+json" in taken.json()["detail"]) == (415, True)
