"""EPCIS 2.0 over REST: what the ledger tells, and others; asked for as the standard says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.central.documented import indented
from tests.central.harness import Bench, bench

GTIN = "04012345000016"
LINK = f"https://id.gs1.org/01/{GTIN}"
TAG, TAG_LINK = "3034257BF7194E4000001A85", "https://id.gs1.org/01/80614141123458/21/6789"
CLASS_PLACE = "urn:tallyport:location:WH-01"


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        await opened.post("/locations", code="WH-01", name="Warehouse")
        await opened.post("/locations", code="hall", name="Hall")
        gtins = [{"gtin": GTIN, "quantity": 1}, {"gtin": "9521234000013", "quantity": 12}]
        await opened.post("/items", sku="NUT", name="Nut", gtins=gtins)
        await opened.post("/items", sku="A/B", name="Bolt")
        yield opened


async def _found(made: Bench, **asked: object) -> list[dict[str, Any]]:
    answer = await made.http.get("/epcis/events", params=asked)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/ld+json"
    assert "rel" not in answer.headers.get("link", "") or "perPage" in asked
    body = answer.json()
    assert (body["type"], body["schemaVersion"]) == ("EPCISQueryDocument", "2.0")
    return list(body["epcisBody"]["queryResults"]["resultsBody"]["eventList"])


async def _stock(made: Bench) -> None:
    received = {"location": "WH-01", "event_time": "2026-01-01T00:00:00Z"}
    await made.post("/stock/receive", sku="NUT", quantity=5, reference="PO-7890", **received)
    await made.post("/stock/receive", sku="NUT", quantity=7, lot="L1", **received)
    await made.post("/stock/receive", sku="A/B", quantity=9, epcs=[TAG], **received)
    moved = {"event_time": "2026-01-02T00:00:00Z", "from": "WH-01", "to": "hall"}
    await made.post("/stock/move", sku="A/B", quantity=4, **moved)
    await made.post("/stock/move", sku="NUT", quantity=1, **moved | {"to": "customer"})


async def test_the_ledger_is_asked_as_the_standard_says(made: Bench) -> None:
    await _stock(made)
    whole = await _found(made)
    assert [one["bizStep"] for one in whole] == [*["receiving"] * 3, "storing", "shipping"]
    assert whole[0]["bizTransactionList"] == [
        {"type": "po", "bizTransaction": "urn:tallyport:reference:PO-7890"}
    ]
    assert whole[1]["quantityList"] == [{"epcClass": f"{LINK}/10/L1", "quantity": 7}]
    assert whole[2]["epcList"] == [TAG_LINK]
    assert whole[3]["quantityList"][0]["epcClass"] == "urn:tallyport:item:A%2FB"
    for asked, numbers in (
        ({"eventType": "ObjectEvent|AggregationEvent"}, [0, 1, 2, 3, 4]),
        ({"eventType": "AggregationEvent"}, []),
        ({"EQ_bizStep": "storing|shipping"}, [3, 4]),
        ({"EQ_bizStep": "https://ref.gs1.org/cbv/BizStep-storing"}, [3]),
        ({"EQ_disposition": "in_progress"}, [0, 1, 2, 3]),
        ({"EQ_disposition": "in_transit"}, [4]),
        ({"EQ_disposition": "damaged"}, []),
        ({"GE_eventTime": "2026-01-02T01:00:00+01:00"}, [3, 4]),
        ({"LT_eventTime": "2026-01-02T00:00:00Z"}, [0, 1, 2]),
        ({"GE_recordTime": "2200-01-01T00:00:00Z"}, []),
        ({"LT_recordTime": "2200-01-01T00:00:00Z"}, [0, 1, 2, 3, 4]),
        ({"EQ_readPoint": CLASS_PLACE}, [0, 1, 2, 4]),
        ({"EQ_bizLocation": f"{CLASS_PLACE}|urn:x:1"}, [0, 1, 2]),
        ({"EQ_bizLocation": "urn:x:1"}, []),
        ({"MATCH_epc": TAG_LINK}, [2]),
        ({"MATCH_anyEPC": "urn:epc:id:sgtin:0614141.812345.6789"}, [2]),
        ({"MATCH_epc": "urn:epc:id:sgtin:0614141.812345.6788"}, []),
        ({"MATCH_epcClass": LINK}, [0, 1, 4]),
        ({"MATCH_epcClass": f"{LINK}/10/L1|urn:tallyport:item:A%2FB"}, [1, 3]),
    ):
        found = await _found(made, **asked)
        assert found == [whole[number] for number in numbers], asked
    for wrong in ({"EQ_events": "urn:x:1"}, {"GE_eventTime": "yesterday"}, {"perPage": 0}):
        assert (await made.http.get("/epcis/events", params=wrong)).status_code == 422


async def test_pages_are_linked(made: Bench) -> None:
    await _stock(made)
    await made.post("/epcis/events", **_event())
    whole = await _found(made)
    assert len(whole) == 6
    paged, url = list[dict[str, Any]](), "/epcis/events?perPage=2&eventType=ObjectEvent"
    for left in (True, True, False):
        answer = await made.http.get(url)
        paged += answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        assert ("link" in answer.headers) is left
        url = answer.headers.get("link", "").partition(">")[0][1:]
    assert paged == whole


def _event(**change: object) -> dict[str, Any]:
    return {
        "type": "ObjectEvent",
        "eventTime": "2026-01-31T08:00:00.000Z",
        "eventTimeZoneOffset": "+01:00",
        "action": "OBSERVE",
        "quantityList": [{"epcClass": LINK, "quantity": 12}],
        "bizStep": "receiving",
        "bizLocation": {"id": CLASS_PLACE},
        **change,
    }


def _document(*events: dict[str, Any]) -> dict[str, Any]:
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
                     {"acme": "https://acme.example/"}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-01-31T08:00:00Z",
        "epcisBody": {"eventList": list(events)},
    }  # fmt: skip


async def test_the_documented_examples_are_booked(made: Bench) -> None:
    schemas = (await made.http.get("/openapi.json")).json()["components"]["schemas"]
    job = await made.post("/epcis/capture", status=202, **schemas["EpcisDocument"]["examples"][0])
    assert (job["success"], job["running"], job["errors"]) == (True, False, [])
    assert (await made.get("/stock/NUT"))["by_location"] == {"WH-01": 12}
    moved = (await made.get("/movements"))["rows"][0]  # type: ignore[index]
    assert (moved["origin"], moved["reference"]) == ("epcis", "PO-7890")
    one = schemas["EpcisEvent"]["examples"][0]
    known = await made.post("/epcis/events", status=409, **one)
    assert "is known already" in str(known["detail"])
    answer = await made.http.post("/epcis/events", json=one | {"eventTime": "2026-02-01T08:00:00Z"})
    assert answer.status_code == 201
    assert answer.json()["eventID"].startswith("ni:///sha-256;")
    kept = await made.get(quote(answer.headers["location"], safe="/:;"))
    assert (kept["tallyport:why"], len(kept["tallyport:movements"])) == ("", 1)  # type: ignore[arg-type]
    assert len(await _found(made)) == 2, "a movement that follows from an event is told once"
    await made.get("/epcis/events/urn:uuid:none", status=404)


async def test_the_lot_and_its_last_day_are_taken_from_master_data(made: Bench) -> None:
    ilmd = {"cbvmda:lotNumber": "L-7", "cbvmda:itemExpirationDate": "2031-01-31"}
    added = {"action": "ADD", "ilmd": ilmd}
    await made.post("/epcis/events", **_event(**added))
    (lot,) = (await made.get("/lots?sku=NUT"))["rows"]  # type: ignore[misc]
    assert (lot["lot"], lot["expires_on"]) == ("L-7", "2031-01-31")
    assert (await made.get("/stock/NUT"))["on_hand"] == 12
    # Two days for one lot are one too many, and a day has to be one: kept, and not booked.
    for number, (name, said, why) in enumerate((
        ("itemExpirationDate", "2032-01-31", "correct the lot first"),
        ("itemExpirationDate", "soon", "is no day"), ("lotNumber", 7, "1 to 20 characters"),
    )):  # fmt: skip
        wrong = ilmd | {f"cbvmda:{name}": said}
        event = _event(**added | {"ilmd": wrong, "eventID": f"urn:uuid:{number}"})
        await made.post("/epcis/events", **event)
        assert why in str((await made.get(f"/epcis/events/urn:uuid:{number}"))["tallyport:why"])
    assert (await made.get("/stock/NUT"))["on_hand"] == 12


async def test_a_document_is_taken_as_a_whole_or_as_far_as_it_goes(made: Bench) -> None:
    good, bad = _event(), _event(action="LOOK")
    document = _document(good, bad, _event(**{"acme:x": 1}))
    answer = await made.http.post("/epcis/capture", json=document)
    assert answer.status_code == 202
    job = await made.get(answer.headers["location"])
    assert job == answer.json()
    assert (job["success"], job["captureErrorBehaviour"]) == (False, "rollback")
    assert "event 1: this is no EPCIS 2.0 event" in str(job["errors"])
    assert await _found(made) == []
    assert (await made.get("/stock/NUT"))["on_hand"] == 0
    greedy = {"GS1-Capture-Error-Behaviour": "proceed"}
    answer = await made.http.post("/epcis/capture", json=document, headers=greedy)
    assert len(answer.json()["tallyport:events"]) == 2
    assert len(await _found(made)) == 2
    again = await made.http.post("/epcis/capture", json=_document(good))
    assert (again.json()["success"], len(await _found(made))) == (True, 2)
    assert (await made.get("/stock/NUT"))["on_hand"] == 24
    await made.get("/epcis/capture/none", status=404)


async def test_what_cannot_be_booked_is_kept_and_says_why(made: Bench) -> None:
    parent = "urn:epc:id:sscc:4012345.0000000333"
    packed = {
        "type": "AggregationEvent",
        "eventTime": "2026-01-31T08:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "eventID": "urn:uuid:831c0292-4de1-430a-8255-2aca821abaab",
        "action": "ADD",
        "parentID": parent,
        "childEPCs": [TAG_LINK],
        "bizStep": "packing",
        "disposition": "in_progress",
        "readPoint": {"id": "urn:epc:id:sgln:4012345.00001.0"},
    }
    job = await made.post(
        "/epcis/capture", status=202, **_document(packed, _event(bizStep="shipping"))
    )
    assert job["success"] is True
    kept = await made.get(f"/epcis/events/{packed['eventID']}")
    assert "names no open purchase order of ours" in str(kept["tallyport:why"])
    assert kept["@context"] == [{"acme": "https://acme.example/"}]
    short = (await _found(made, EQ_bizStep="shipping"))[0]
    why = (await made.get(quote(f"/epcis/events/{short['eventID']}", safe="/:;")))["tallyport:why"]
    assert "WH-01 holds 0 of NUT, 12 were asked for" in str(why)
    for asked, found in (
        ({"eventType": "AggregationEvent"}, 1),
        ({"MATCH_anyEPC": "https://id.gs1.org/00/040123450000003338"}, 1),
        ({"MATCH_epc": parent}, 0),
        ({"MATCH_epc": "urn:epc:id:sgtin:0614141.812345.6789"}, 1),
        ({"EQ_readPoint": "https://id.gs1.org/414/4012345000016"}, 1),
        ({"EQ_bizLocation": CLASS_PLACE}, 1),
        ({"MATCH_epcClass": LINK}, 1),
        ({"EQ_disposition": "in_progress", "EQ_bizStep": "packing"}, 1),
        ({"GE_eventTime": "2026-01-31T08:00:00Z", "LT_eventTime": "2026-01-31T08:00:01Z"}, 2),
        ({"LT_recordTime": "2000-01-01T00:00:00Z"}, 0),
    ):
        assert len(await _found(made, **asked)) == found, asked
    clash = await made.post("/epcis/events", status=409, **packed | {"action": "DELETE"})
    assert "another event has the id" in str(clash["detail"])


async def test_what_cannot_be_kept_is_refused(made: Bench) -> None:
    deep: dict[str, Any] = {}
    for _ in range(30):
        deep = {"x:a": deep}
    for body in (
        _event(**{"x:a": deep}), _event(**{"x:a": 2**70}), {"type": "ObjectEvent"},
        _event(action=None), _event(**{"x:a": "\ud800"}), _event(**{"\ud800:a": 1}),
    ):  # fmt: skip
        answer = await made.http.post(
            "/epcis/events", content=json.dumps(body), headers={"content-type": "application/json"}
        )
        assert answer.status_code == 422, answer.text
    many = _document(*[_event()] * 501)
    assert (await made.http.post("/epcis/capture", json=many)).status_code == 422


ID = "urn:uuid:831c0292-4de1-430a-8255-2aca821abaaa"
RIGHT = "urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8"
WRONG = {
    "declarationTime": "2026-02-01T08:00:00.000Z",
    "reason": "incorrect_data",
    "correctiveEventIDs": [RIGHT],
}


async def _here(made: Bench) -> object:
    return (await made.get("/stock/NUT"))["by_location"]


async def test_what_is_declared_wrong_is_taken_back(made: Bench) -> None:
    event = _event(eventID=ID)
    await made.post("/epcis/events", **event)
    assert await _here(made) == {"WH-01": 12}
    told = await made.post("/epcis/events", **event, errorDeclaration=WRONG)
    assert (told["eventID"], told["errorDeclaration"]) == (ID, WRONG)
    await made.post("/epcis/events", **_event(eventID=RIGHT, quantityList=[_units(10)]))
    assert await _here(made) == {"WH-01": 10}
    kept = await made.get(f"/epcis/events/{ID}")
    declared = kept["tallyport:declaredWrong"]
    assert "errorDeclaration" not in kept
    assert declared["reason"] == "incorrect_data"  # type: ignore[index]
    (back,) = declared["tallyport:movements"]  # type: ignore[index]
    assert (await made.get(f"/movements/{back}"))["corrects"] == kept["tallyport:movements"][0]  # type: ignore[index]
    await made.post("/epcis/events", 409, **event, errorDeclaration=WRONG)
    otherwise = WRONG | {"reason": "did_not_occur"}
    clash = await made.post("/epcis/events", 409, **event, errorDeclaration=otherwise)
    assert "declared wrong before, in other words" in str(clash["detail"])
    other = _event(eventID=ID, quantityList=[_units(11)])
    await made.post("/epcis/events", 409, **other, errorDeclaration=WRONG)
    await made.post("/epcis/events", 422, **event, errorDeclaration={"reason": "x"})
    job = await made.post(
        "/epcis/capture", 202, **_document(event, event | {"errorDeclaration": WRONG})
    )
    assert job["success"] is True, "what is known is no error"
    assert await _here(made) == {"WH-01": 10}
    assert len(await _found(made)) == 3
    for asked, found in (
        ({"EXISTS_errorDeclaration": ""}, 1),
        ({"EQ_errorReason": "incorrect_data|did_not_occur"}, 1),
        ({"EQ_errorReason": "https://ref.gs1.org/cbv/ER-incorrect_data"}, 1),
        ({"EQ_errorReason": "did_not_occur"}, 0),
        ({"EQ_correctiveEventID": RIGHT}, 1),
        ({"EQ_correctiveEventID": ID}, 0),
        ({"GE_errorDeclarationTime": "2026-02-01T09:00:00+01:00"}, 1),
        ({"LT_errorDeclarationTime": "2026-02-01T08:00:00Z"}, 0),
        ({"GE_errorDeclaration_Time": "2026-02-01T08:00:00Z"}, 1),
        ({"LT_errorDeclaration_Time": "2026-02-01T08:00:00Z"}, 0),
    ):
        events = await _found(made, **asked)
        assert [one["errorDeclaration"] for one in events] == [WRONG] * found, asked


def _units(units: int) -> dict[str, Any]:
    return {"epcClass": LINK, "quantity": units}


async def test_what_cannot_be_taken_back_asks_a_person(made: Bench) -> None:
    event = _event(eventID=ID)
    await made.post("/epcis/events", **event)
    await made.post("/stock/move", sku="NUT", quantity=5, **{"from": "WH-01", "to": "customer"})
    await made.post("/epcis/events", **event, errorDeclaration=WRONG)
    assert await _here(made) == {"WH-01": 7}
    declared: Any = (await made.get(f"/epcis/events/{ID}"))["tallyport:declaredWrong"]
    (review,) = (await made.get("/reviews"))["rows"]  # type: ignore[misc]
    assert declared["tallyport:movements"] == []
    assert declared["tallyport:why"].endswith(f"{review['id']} asks a person")
    assert "declared wrong, and is not taken back: WH-01 holds 7 of NUT" in review["reason"]


async def test_what_was_declared_wrong_before_it_came_is_never_booked(made: Bench) -> None:
    event = _event(eventID=ID)
    job = await made.post("/epcis/capture", 202, **_document(event | {"errorDeclaration": WRONG}))
    assert job["success"] is True
    alone = await made.get(f"/epcis/events/{ID}")
    assert "is not known here" in str(alone["tallyport:why"])
    await made.post("/epcis/events", **event)
    assert await _here(made) == {}
    assert "before it came" in str((await made.get(f"/epcis/events/{ID}"))["tallyport:why"])


async def test_the_pages_requests_are_answered(made: Bench) -> None:
    await made.post("/items", sku="ABC-12345", name="Wireless mouse")
    asked = indented("epcis.md")
    assert len(asked) == 23
    for method, path, body in asked:
        answer = await made.http.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.text}"
    assert (await made.get("/stock/ABC-12345"))["by_location"] == {"WH-01": 150}
