"""Queries for fields that users added to events, for types of their own and for master data."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from central.access.model import Role
from central.epcis import ordering
from tests.central.access.test_gate import Somebody
from tests.central.harness import Bench, bench

SPACE = "https://ns.example.com/epcis/"
GS1 = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
COLD = {
    "@context": [GS1, {"ex": SPACE, "ex2": "https://ns2.example.com/epcis"}],
    "type": "ObjectEvent", "eventID": "urn:uuid:cold", "action": "ADD",
    "eventTime": "2026-01-30T08:00:00Z", "eventTimeZoneOffset": "+00:00",
    "epcList": ["urn:epc:id:sscc:4012345.0000000333"],
    "readPoint": {"id": "urn:epc:id:sgln:0012345.11111.400", "ex:gate": "G7"},
    "bizLocation": {"id": "urn:tallyport:location:WH-01", "ex:aisle": {"ex:side": "left"}},
    "ilmd": {"cbvmda:lotNumber": "L 1", "cbvmda:itemExpirationDate": "2026-03-01",
             "ex:plant": {"ex:line": 4}},
    "sensorElementList": [{
        "sensorMetadata": {"time": "2026-01-30T07:00:00Z", "ex:mast": "M1"},
        "sensorReport": [{"type": "Temperature", "value": 4, "uom": "CEL", "ex:probe": 7}],
        "ex:rack": {"ex:row": "R2"},
    }],
    "ex:grade": "A", "ex:warmth": 7.5, "ex:seen": "2026-01-30T09:00:00+01:00", "ex:checked": True,
    "ex:codes": ["007", "x", {"ex:deep": [{"ex2:deeper": "12"}]}], "ex:gone": None,
    "ex:machine": "urn:epc:id:giai:4012345.ABC", "ex:kind": "ex2:hot",
    "bizTransactionList": [{"type": "ex:ticket", "bizTransaction": "urn:x:ticket:1"}],
    "sourceList": [{"type": "https://ns.example.com/epcis/lender", "source": "urn:x:party:1"}],
}  # fmt: skip
WARM = {
    "@context": {"other": SPACE, "ex": "https://elsewhere.example.com/"},
    "type": "ObjectEvent", "eventID": "urn:uuid:warm", "action": "OBSERVE",
    "eventTime": "2026-01-29T08:00:00Z", "eventTimeZoneOffset": "+00:00",
    "epcList": ["urn:epc:id:sscc:4012345.0000000334"],
    "other:warmth": "20", "other:grade": "B", "ex:grade": "A", "other:deep": 1,
    "bizTransactionList": [{"type": "po", "bizTransaction": "urn:x:ticket:1"}],
}  # fmt: skip
WRONG = WARM | {
    "eventID": "urn:uuid:wrong", "other:warmth": 12,
    "errorDeclaration": {"declarationTime": "2026-02-01T08:00:00Z",
                         "other:issuer": {"other:staff": ["Ann", "Bo"]}, "other:cost": 3},
}  # fmt: skip
HEADER = {"GS1-Extensions": f"ex={SPACE}, ex2=https://ns2.example.com/epcis/"}
COLD_ID, WARM_ID, WRONG_ID = (one["eventID"] for one in (COLD, WARM, WRONG))


@pytest.fixture
def door() -> Somebody:
    return Somebody()


@pytest.fixture
async def made(tmp_path: Path, books_url: str, door: Somebody) -> AsyncIterator[Bench]:
    """Two receipts of ours, and three events of others."""
    async with bench(tmp_path, books_url, door) as opened:
        await opened.post("/warehouses", code="WH-01", name="Leeds", address="1 Dock Road")
        await opened.post("/locations", code="BIN", name="Bin 12", parent="WH-01", type="bin")
        await opened.post("/items", sku="NUT", name="Nut", category="metal",
                          attributes={"colour": "red", "length": 12})  # fmt: skip
        await opened.post("/items", sku="OAT", name="Oats")
        for number, (sku, place) in enumerate((("NUT", "BIN"), ("OAT", "WH-01")), 1):
            await opened.post("/stock/receive", id=f"receipt-{number}", sku=sku, quantity=number,
                              location=place, event_time="2026-01-31T08:00:00Z")  # fmt: skip
        for event in (COLD, WARM, WRONG):
            await opened.post("/epcis/events", **event)
        yield opened


def told(answer: Response) -> list[Any]:
    """Of each event its id, or its movement's."""
    assert answer.status_code == 200, answer.text
    events = answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return [one.get("tallyport:movement", one["eventID"]) for one in events]


async def found(made: Bench, headers: dict[str, str] | None = None, **asked: object) -> list[Any]:
    header = HEADER if headers is None else headers
    return told(await made.http.get("/epcis/events", params=asked, headers=header))


async def paged(made: Bench, path: str = "/epcis/events", **asked: object) -> list[list[Any]]:
    """All pages; the following ones are asked for by their links alone."""
    answer = await made.http.get(path, params=asked, headers=HEADER)
    pages = [told(answer)]
    while "next" in answer.links:
        answer = await made.http.get(answer.links["next"]["url"])
        pages.append(told(answer))
    return pages


@pytest.mark.parametrize(
    ("name", "here", "elsewhere"),
    [
        ("EQ_ex:grade", "C|A", "a"),
        ("EQ_ex:warmth", "7.50", "7.4"),
        ("EQ_ex:checked", "true", "false"),
        ("EQ_ex:seen", "2026-01-30T08:00:00Z", "2026-01-30T08:00:01Z"),
        ("EQ_ex:codes", "007", "7"),
        ("EQ_ex:machine", "https://id.gs1.org/8004/4012345ABC", "urn:epc:id:giai:4012345.AB"),
        ("EQ_ex:kind", "https://ns2.example.com/epcis/hot", "https://ns2.example.com/epcis/cold"),
        ("LT_ex:warmth", 8, 7.5),
        ("GE_ex:seen", "2026-01-30T08:00:00Z", "2026-01-30T08:00:01Z"),
        ("GT_ex:seen", "2026-01-29", "2026-01-31"),
        ("EXISTS_ex:checked", "", None),
        ("EXISTS_ex2:deeper", None, "true"),
        ("EXISTS_ex:gone", None, "true"),
        ("EXISTS_INNER_ex2:deeper", "true", None),
        ("EXISTS_INNER_ex:grade", None, "true"),
        ("EQ_INNER_ex2:deeper", "12", "13"),
        ("LE_INNER_ex2:deeper", 12, 11),
        ("EQ_ILMD_cbvmda:lotNumber", "L 1", "L 2"),
        ("EQ_ILMD_urn:epcglobal:cbv:mda#lotNumber", "L 1", "L 2"),
        ("LT_ILMD_cbvmda:itemExpirationDate", "2026-03-02", "2026-03-01"),
        ("EXISTS_ILMD_ex:plant", "true", None),
        ("EXISTS_ILMD_ex:line", None, "true"),
        ("EQ_INNER_ILMD_ex:line", 4, 5),
        ("EXISTS_INNER_ILMD_ex:line", "true", None),
        ("EXISTS_INNER_ex:line", None, "true"),
        ("EXISTS_SENSORELEMENT_ex:rack", "true", None),
        ("EQ_INNER_SENSORELEMENT_ex:row", "R2", "R3"),
        ("EQ_SENSORMETADATA_ex:mast", "M1", "M2"),
        ("GE_SENSORREPORT_ex:probe", 7, 8),
        ("EXISTS_SENSORREPORT_ex:mast", None, "true"),
        ("EQ_readPoint_ex:gate", "G7", "G8"),
        ("EQ_INNER_bizLocation_ex:side", "left", "right"),
        ("EQ_bizTransaction_ex:ticket", "urn:x:ticket:1", "urn:x:ticket:2"),
        ("EQ_source_ex:lender", "urn:x:party:1|urn:x:party:2", "urn:x:party:2"),
        ("EQ_destination_ex:lender", None, "urn:x:party:1"),
        (f"EQ_{SPACE}#checked", "true", "false"),
        (f"EQ_{SPACE}checked", "true", "false"),
    ],
)  # fmt: skip
async def test_an_event_is_found_by_what_its_sender_added(
    made: Bench, name: str, here: object, elsewhere: object
) -> None:
    if here is not None:
        assert await found(made, **{name: here}) == [COLD_ID]
    if elsewhere is not None:
        assert await found(made, **{name: elsewhere}) == []


async def test_a_field_is_told_by_its_namespace(made: Bench) -> None:
    for space in (SPACE, "https://ns.example.com/epcis", "https://ns.example.com/epcis#"):
        header = {"GS1-Extensions": f"mine={space}"}
        assert await found(made, header, **{"GE_mine:warmth": 12}) == [WARM_ID, WRONG_ID]
    assert await found(made, {}, **{"EQ_ex:grade": "A"}) == [COLD_ID, WARM_ID, WRONG_ID]
    assert await found(made, **{"EQ_ex:grade": "A"}) == [COLD_ID]
    assert await found(made, **{"EQ_ex:grade": "A|B", "GT_ex:warmth": 12}) == [WARM_ID]
    elsewhere = {"EQ_https://elsewhere.example.com#grade": "A"}
    assert await found(made, {}, **elsewhere) == [WARM_ID, WRONG_ID]


async def test_declarations_of_errors_are_found_by_what_was_added_to_them(made: Bench) -> None:
    for name, value in (
        ("GE_ERROR_DECLARATION_ex:cost", 3), ("EXISTS_ERROR_DECLARATION_ex:issuer", "true"),
        ("EQ_INNER_ERROR_DECLARATION_ex:staff", "Bo"),
        ("EQ_ERROR_DECLARATION_INNER_ex:staff", "Ann"),
    ):  # fmt: skip
        assert await found(made, **{name: value}) == [WRONG_ID], name
    assert await found(made, **{"GT_ERROR_DECLARATION_ex:cost": 3}) == []


async def test_our_own_fields_are_fields(made: Bench) -> None:
    assert await found(made, **{"EQ_tallyport:movement": "receipt-2"}) == ["receipt-2"]
    assert await found(made, **{"EXISTS_tallyport:movement": "true"}) == ["receipt-1", "receipt-2"]
    assert await found(made, **{"EXISTS_tallyport:corrects": "true"}) == []
    whole = ["receipt-1", "receipt-2", COLD_ID, WARM_ID, WRONG_ID]
    assert await found(made, **{"EXISTS_ex:grade": "false"}) == whole, "it asks for nothing"


async def test_pages_go_on_by_their_links_alone(made: Bench) -> None:
    for number in range(7):
        event = COLD | {"eventID": f"urn:uuid:{number}", "ex:grade": "AB"[number % 2]}
        await made.post("/epcis/events", **event)
    whole = await found(made, **{"EQ_ex:grade": "A"})
    assert whole == [COLD_ID, *(f"urn:uuid:{number}" for number in range(0, 7, 2))]
    for size in (1, 2, 5):
        pages = await paged(made, **{"EQ_ex:grade": "A", "perPage": size})
        assert [one for page in pages for one in page] == whole
        assert {len(page) for page in pages[:-1]} <= {size}
    pages = await paged(made, "/epcis/eventTypes/ObjectEvent/events",
                        **{"EQ_ex:grade": "A", "EQ_bizTransaction_ex:ticket": "urn:x:ticket:1",
                           "perPage": 2})  # fmt: skip
    assert [one for page in pages for one in page] == whole


OURS_TOO = ["receipt-1", "receipt-2"]


@pytest.mark.parametrize(
    ("by", "direction", "order"),
    [
        ("ex:warmth", "ASC", [COLD_ID, WRONG_ID, WARM_ID, *OURS_TOO]),
        ("ex:warmth", "DESC", [WARM_ID, WRONG_ID, COLD_ID, *OURS_TOO]),
        ("ex:grade", "DESC", [WARM_ID, WRONG_ID, COLD_ID, *OURS_TOO]),
        ("ex:seen", "ASC", [COLD_ID, *OURS_TOO, WARM_ID, WRONG_ID]),
        ("tallyport:movement", "DESC", ["receipt-2", "receipt-1", COLD_ID, WARM_ID, WRONG_ID]),
        ("ex:nowhere", "ASC", [*OURS_TOO, COLD_ID, WARM_ID, WRONG_ID]),
    ],
)
async def test_events_come_in_the_order_of_a_field(
    made: Bench, by: str, direction: str, order: list[str]
) -> None:
    asked = {"orderBy": by, "orderDirection": direction}
    assert await found(made, **asked) == order
    for size in (1, 2, 3, 4):
        pages = await paged(made, **asked, perPage=size)
        assert [one for page in pages for one in page] == order
        assert {len(page) for page in pages[:-1]} <= {size}
    assert await paged(made, **asked, perPage=2, eventCountLimit=4) == [order[:2], order[2:4]]
    assert await paged(made, **asked, perPage=2, eventCountLimit=3) == [order[:2], order[2:3]]


async def test_no_more_than_can_be_put_in_order_is(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "MOST", 2)
    answer = await made.http.get("/epcis/events", params={"orderBy": "ex:warmth"}, headers=HEADER)
    assert (answer.status_code, "GE_eventTime" in answer.json()["detail"]) == (413, True)
    assert await found(made, orderBy="ex:seen", eventCountLimit=1) == [COLD_ID]
    assert await found(made, orderBy="ex:warmth", **{"GE_ex:warmth": 12}) == [WARM_ID, WRONG_ID]


async def test_who_takes_two_pages_while_events_come_misses_and_repeats_none(made: Bench) -> None:
    asked = {"orderBy": "ex:warmth", "orderDirection": "ASC", "perPage": 2, "GE_ex:warmth": 0}
    first = await made.http.get("/epcis/events", params=asked, headers=HEADER)
    assert told(first) == [COLD_ID, WRONG_ID]
    for warmth in (1, 15):
        event = COLD | {"eventID": f"urn:uuid:{warmth}", "ex:warmth": warmth}
        await made.post("/epcis/events", **event)
    assert told(await made.http.get(first.links["next"]["url"])) == ["urn:uuid:15", WARM_ID]


@pytest.mark.parametrize(
    ("name", "here", "which"),
    [
        ("EQATTR_bizLocation_cbvmda:name", "Bin 12", ["receipt-1"]),
        ("EQATTR_readPoint_tallyport:type", "bin", ["receipt-1"]),
        ("EQATTR_bizLocation_urn:epcglobal:cbv:mda#name", "Leeds", ["receipt-2", COLD_ID]),
        ("EQATTR_bizLocation_tallyport:parent", "urn:tallyport:location:WH-01", ["receipt-1"]),
        ("EQ_ATTR_bizLocation_tallyport:address", "1 Dock Road", ["receipt-2", COLD_ID]),
        ("EQATTR_bizLocation_tallyport:timeZone", "Europe/Leeds", []),
        ("HASATTR_bizLocation", "tallyport:address|tallyport:timeZone", ["receipt-2", COLD_ID]),
        ("HASATTR_readPoint", "cbvmda:name", ["receipt-1", "receipt-2"]),
        ("EQATTR_epcClass_colour", "blue|red", ["receipt-1"]),
        ("EQATTR_epcClass_length", "12.0", ["receipt-1"]),
        ("EQATTR_epcClass_cbvmda:descriptionShort", "Oats", ["receipt-2"]),
        ("HASATTR_epcClass", "colour", ["receipt-1"]),
        ("HASATTR_epcClass", "tallyport:category", ["receipt-1"]),
        ("HASATTR_epcClass", "weight", []),
    ],
)
async def test_events_are_found_by_what_the_catalogue_knows(
    made: Bench, name: str, here: str, which: list[str]
) -> None:
    assert await found(made, **{name: here}) == which


async def test_places_out_of_reach_tell_no_attributes(made: Bench, door: Somebody) -> None:
    moved = {"from": "BIN", "to": "WH-01"}
    await made.post("/stock/move", id="moved-001", sku="NUT", quantity=1, **moved)
    door.is_(Role.MANAGER, "BIN")
    assert await found(made) == ["receipt-1", "moved-001"]
    assert await found(made, HASATTR_bizLocation="cbvmda:name") == ["receipt-1"]
    assert await found(made, **{"EQATTR_bizLocation_cbvmda:name": "Leeds"}) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GT_ex:warmth", "hot", "one number"),
        ("GT_ex:warmth", "1|2", "one number"),
        ("GT_ex:warmth", "2026-01-31T08:00:00", "says its zone"),
        ("HASATTR_disposition", "x", "bizLocation, readPoint, epcClass, not of disposition"),
        ("EQATTR_ex:field_cbvmda:name", "x", "not of ex:field"),
        ("EQATTR_bizLocation_cbvmda:city", "Leeds", "cbvmda:name, tallyport:type"),
    ],
)
async def test_what_cannot_be_asked_says_what_can(
    made: Bench, name: str, value: str, said: str
) -> None:
    refused = await made.http.get("/epcis/events", params={name: value})
    assert (refused.status_code, said in refused.json()["detail"]) == (400, True)
    assert refused.json()["type"] == "epcisException:QueryParameterException"


async def test_names_that_cannot_be_stored_and_headers_that_define_nothing_are_refused(
    made: Bench,
) -> None:
    for asked, status in (
        ("EQ_ex:a%00=1", 422), ("EQ_ex:a=%00", 422), ("EQ_ex:a=1&EQ_ex:a=2", 400),
    ):  # fmt: skip
        answer = await made.http.get(f"/epcis/events?{asked}")
        assert (answer.status_code, "EQ_ex:a" in answer.json()["detail"]) == (status, True)
    header = {"GS1-Extensions": "ex: https://ns.example.com/"}
    refused = await made.http.get("/epcis/events", headers=header)
    assert (refused.status_code, "GS1-Extensions" in refused.json()["detail"]) == (400, True)
    many = "|".join(map(str, range(101)))
    refused = await made.http.get("/epcis/events", params={"EQ_ex:a": many})
    assert refused.status_code == 413


async def test_a_query_that_stands_says_itself_what_its_prefixes_are(made: Bench) -> None:
    query: dict[str, object] = {
        "@context": {"mine": SPACE}, "EXISTS_mine:warmth": None, "GE_mine:warmth": 12,
        "EQ_mine:grade": ["A", "B"], "orderBy": "mine:warmth",
    }  # fmt: skip
    answer = await made.post("/epcis/queries", name="warm", query=query)
    assert answer["query"] == query
    assert await paged(made, "/epcis/queries/warm/events", perPage=1) == [[WARM_ID], [WRONG_ID]]
    by_header = {"name": "byHeader", "query": {"EQ_ex:warmth": [7.5]}}
    assert (await made.http.post("/epcis/queries", json=by_header, headers=HEADER)).is_success
    assert await paged(made, "/epcis/queries/byHeader/events") == [[COLD_ID]]
    exact = {"name": "exact", "query": {"EQ_ex:number": [1234567.25]}}
    await made.post("/epcis/queries", **exact)
    await made.post("/epcis/events", **COLD | {"eventID": "urn:uuid:e", "ex:number": 1234567.25})
    assert await paged(made, "/epcis/queries/exact/events") == [["urn:uuid:e"]]


async def test_what_senders_added_comes_back_as_it_was_sent(made: Bench) -> None:
    answer = await made.http.get("/epcis/events/urn:uuid:cold")
    assert {name: answer.json()[name] for name in COLD if name != "@context"} == {
        name: value for name, value in COLD.items() if name != "@context"
    }
    assert answer.json()["@context"] == COLD["@context"][1:]
    document = {
        "@context": [GS1, {"one": "https://one.example.com/"}], "type": "EPCISDocument",
        "schemaVersion": "2.0", "creationDate": "2026-01-31T08:00:01Z",
        "epcisBody": {"eventList": [
            WARM | {"eventID": "urn:uuid:both", "one:a": 1.10, "other:b": 'é\u2028"', "one:c": 0.1,
                    "other:d": 2**53 + 1, "other:e": 1e-7, "other:f": -0.0, "other:g": [[], {}]}
        ]},
    }  # fmt: skip
    await made.post("/epcis/capture", 202, **document)
    kept = (await made.http.get("/epcis/events/urn:uuid:both")).text
    for said in ('"one:a":1.1,', '"one:c":0.1,', f'"other:d":{2**53 + 1},', '"other:e":1e-7',
                 '"other:f":-0.0', '"other:g":[[],{}]'):  # fmt: skip
        assert said in kept
    await made.post("/epcis/events", **COLD | {"eventID": "urn:uuid:nul", "ex:a\x00": "\x00"})
    assert '"ex:a\\u0000":"\\u0000"' in (await made.http.get("/epcis/events/urn:uuid:nul")).text
    for number in ("1e400", "-1e400", "NaN"):
        body = json.dumps(COLD | {"eventID": f"urn:uuid:{number}", "ex:warmth": 0.5})
        sent = await made.http.post(
            "/epcis/events", content=body.replace("0.5", number),
            headers={"content-type": "application/json"},
        )  # fmt: skip
        assert (sent.status_code, "write it as text" in sent.text) == (422, True)
    assert await found(made, **{"EQ_https://one.example.com/a": 1.1}) == ["urn:uuid:both"]
    assert await found(made, **{"EQ_ex:d": 2**53 + 1}) == ["urn:uuid:both"]
    assert await found(made, **{"EQ_ex:d": 2**53}) == []
    assert await found(made, **{"EQ_ex:b": 'é\u2028"'}) == ["urn:uuid:both"]
