"""EPCIS of what is no movement: packing, unpacking, reserving; and of what is taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from central.epcis.from_ledger import CONTEXT_OF_OURS
from central.epcis.hashing import event_hash
from tests.central.epcis import acts
from tests.central.epcis.acts import LINK, OATS, PACKED, SSCC, TAG_LINK
from tests.central.harness import Bench, bench

PLACE = "urn:tallyport:location:"


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


async def found(made: Bench, **asked: object) -> list[dict[str, Any]]:
    answer = await made.http.get("/epcis/events", params={"perPage": 500, **asked})  # type: ignore[dict-item]
    assert answer.status_code == 200, answer.text
    return list(answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"])


def classes(event: dict[str, Any], field: str = "quantityList") -> dict[str, int]:
    return {one["epcClass"]: one["quantity"] for one in event[field]}


async def test_packing_and_reserving_are_told(made: Bench) -> None:
    carton = (await acts.play(made))["carton"]
    tied = await found(made, eventType="TransactionEvent")
    assert [(one["action"], one.get("disposition")) for one in tied] == [
        ("ADD", "reserved"), ("ADD", "reserved"), ("DELETE", None), ("ADD", "reserved"),
        ("DELETE", None),
    ]  # fmt: skip
    assert {one["bizStep"] for one in tied} == {"reserving"}
    assert [classes(one) for one in tied] == [
        {LINK: 6, OATS: 4}, {LINK: 6}, {LINK: 6}, {f"{OATS}/10/L1": 2}, {f"{OATS}/10/L1": 2},
    ]  # fmt: skip
    papers = [one["bizTransactionList"][0]["bizTransaction"].rpartition(":")[2] for one in tied]
    assert papers == ["order-0001", "order-0002", "order-0002", "hold-0001", "hold-0001"]
    assert tied[3]["bizLocation"] == {"id": f"{PLACE}BIN"}
    packed, sent, seen, opened = await found(made, eventType="AggregationEvent")
    assert (packed["action"], packed["bizStep"]) == ("ADD", "packing")
    assert packed["parentID"] == f"https://id.gs1.org/00/{carton}"
    assert classes(packed, "childQuantityList") == {LINK: 6, OATS: 4}
    assert packed["bizLocation"] == {"id": f"{PLACE}DOCK"}
    assert sent["eventID"] == PACKED["eventID"]
    assert (seen["action"], seen["bizStep"], seen["parentID"]) == ("OBSERVE", "receiving", SSCC)
    said = (opened["action"], opened["bizStep"], opened["parentID"], opened["childEPCs"])
    assert said == ("DELETE", "unpacking", SSCC, [TAG_LINK])
    for event in (seen, opened):
        assert classes(event, "childQuantityList") == {f"{OATS}/10/L2": 11}
    for event in (*tied, packed, opened):
        told = {k: v for k, v in event.items() if k not in {"eventID", "recordTime"}}
        assert event["eventID"] == event_hash(told, CONTEXT_OF_OURS)


async def test_a_units_contents_that_others_packed_are_expected(made: Bench) -> None:
    await acts.play(made)
    kept = await made.get(f"/epcis/events/{PACKED['eventID']}")
    assert "expected with inbound order buy-00001, as notice epcis-" in str(kept["tallyport:why"])
    assert (await made.get("/stock/NUT"))["by_location"] == {"BIN": 15}
    assert (await made.get("/stock/OAT"))["by_location"] == {"BIN": 16}
    lost = PACKED | {"eventID": "urn:uuid:2", "bizTransactionList": []}
    stolen = PACKED | {"eventID": "urn:uuid:3", "parentID": "urn:x:y"}
    unknown = PACKED | {"eventID": "urn:uuid:4", "childEPCs": ["urn:x:z"]}
    for event, why in (
        (lost, "names no open purchase order"), (stolen, "names no unit"),
        (unknown, "no item of ours"), (PACKED | {"eventID": "urn:uuid:5", "action": "DELETE"},
                                       "AggregationEvent DELETE: it moves nothing"),
    ):  # fmt: skip
        await made.post("/epcis/events", **event)
        told = await made.get(f"/epcis/events/{event['eventID']}")
        assert why in str(told["tallyport:why"]), told
    loose = {"action": "OBSERVE", "bizStep": "receiving", "childEPCs": [],
             "bizLocation": {"id": f"{PLACE}BIN"}}  # fmt: skip
    await made.post("/epcis/events", **PACKED | {"eventID": "urn:uuid:6"} | loose)
    assert (await made.get("/stock/OAT"))["by_location"] == {"BIN": 27}


async def test_events_are_found_by_unit_paper_and_action(made: Bench) -> None:
    carton = (await acts.play(made))["carton"]
    whole = await found(made)
    sold, bought = "urn:tallyport:reference:order-0001", "urn:tallyport:reference:PO-7890"
    theirs = PACKED["bizTransactionList"][0]["bizTransaction"]
    for asked, steps in (
        ({"MATCH_parentID": SSCC}, ["packing", "receiving", "unpacking"]),
        ({"MATCH_parentID": "urn:epc:id:sscc:4012345.3000000001"}, ["packing", "receiving",
                                                                    "unpacking"]),
        ({"MATCH_parentID": "urn:epc:id:sscc:4012345.3000000002"}, []),
        ({"MATCH_parentID": f"https://acme.example/00/{carton}"}, ["packing"]),
        ({"MATCH_anyEPC": SSCC}, ["packing", "receiving", "unpacking"]),
        ({"MATCH_epc": TAG_LINK}, ["packing", "receiving", "unpacking"]),
        ({"EQ_bizTransaction_po": sold}, ["reserving", "packing", "shipping", "shipping"]),
        ({"EQ_bizTransaction_po": f"{theirs}|urn:x"}, ["packing"]),
        ({"EQ_bizTransaction_po": bought}, ["receiving", "receiving", "unpacking"]),
        ({"EQ_bizTransaction_desadv": sold}, []),
        ({"EQ_action": "ADD"}, ["reserving", "reserving", "reserving", "packing", "packing"]),
        ({"EQ_action": "DELETE", "EQ_bizStep": "unpacking"}, ["unpacking"]),
        ({"EQ_bizStep": "reserving", "MATCH_epcClass": LINK, "EQ_action": "DELETE"}, ["reserving"]),
        ({"EQ_bizLocation": f"{PLACE}DOCK", "EQ_bizStep": "packing"}, ["packing"]),
    ):  # fmt: skip
        events = await found(made, **asked)
        assert [one["bizStep"] for one in events] == steps, asked
        assert [one for one in whole if one in events] == events
    assert await found(made, EQ_bizTransaction_xy=sold) == []
    in_full = {"EQ_bizTransaction_https://ref.gs1.org/cbv/BTT-po": sold}
    assert await found(made, **in_full) == await found(made, EQ_bizTransaction_po=sold)
    paged, url = list[dict[str, Any]](), "/epcis/events?perPage=3"
    while url:
        answer = await made.http.get(url)
        paged += answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        url = answer.headers.get("link", "").partition(">")[0][1:]
    assert paged == whole


async def test_a_movement_that_never_was_is_declared_wrong(made: Bench) -> None:
    await acts.set_up(made)
    first = (await found(made))[0]
    was = await made.get(f"/movements/{first['tallyport:movement']}")
    back = {"sku": "NUT", "quantity": 20, "from": "BIN", "to": "supplier", "corrects": was["id"],
            "event_time": was["event_time"]}  # fmt: skip
    undone = await made.post("/stock/move", id="undo-0001", **back)
    (declared,) = await found(made, EXISTS_errorDeclaration="true")
    said = declared.pop("errorDeclaration")
    assert (said["reason"], said["tallyport:movement"]) == ("did_not_occur", undone["id"])
    assert {**declared, "recordTime": first["recordTime"]} == first
    assert said["declarationTime"] == declared["recordTime"]
    right = {"sku": "NUT", "quantity": 18, "from": "supplier", "to": "BIN", "corrects": was["id"]}
    await made.post("/stock/move", id="right-001", **right)
    (declared,) = await found(made, EQ_errorReason="incorrect_data")
    instead = (await found(made))[-1]
    assert instead["tallyport:corrects"] == was["id"]
    assert declared["errorDeclaration"]["correctiveEventIDs"] == [instead["eventID"]]
    assert await found(made, EQ_correctiveEventID=instead["eventID"]) == [declared]
    assert await found(made, EQ_errorReason="did_not_occur") == []
    assert await found(made, LT_errorDeclarationTime="2020-01-01T00:00:00Z") == []
    assert declared in await found(made, EQ_bizLocation=f"{PLACE}BIN")
    later = {"sku": "OAT", "lot": "L1", "quantity": 9, "from": "BIN", "to": "supplier"}
    oats = (await found(made))[1]["tallyport:movement"]
    await made.post("/stock/move", id="later-001", corrects=oats, **later)
    assert len(await found(made, EXISTS_errorDeclaration="true")) == 1
