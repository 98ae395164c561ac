"""The standard's parameters of a query: what is asked of others' events and of ours, and what is
refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.central.harness import Bench, bench

TRANSFORMED = {
    "type": "TransformationEvent", "eventID": "urn:uuid:1", "eventTime": "2026-01-31T08:00:00Z",
    "eventTimeZoneOffset": "+00:00", "transformationID": "urn:epc:id:gdti:0614141.12345.400",
    "inputQuantityList": [{"epcClass": "urn:epc:class:lgtin:4012345.011111.4444", "quantity": 10}],
    "outputEPCList": ["urn:epc:id:sgtin:4012345.077889.25"],
    "sourceList": [{"type": "owning_party", "source": "urn:epc:id:pgln:4012345.00001"}],
    "persistentDisposition": {"set": ["completeness_verified"]},
}  # fmt: skip


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        await opened.post("/warehouses", code="WH-01", name="Leeds")
        await opened.post("/locations", code="WH-01-B12", name="B12", parent="WH-01")
        await opened.post("/items", sku="NUT", name="Nut")
        for number, units in (("12345678", 5), ("12345679", 80)):
            await opened.post("/stock/receive", id=number, sku="NUT", quantity=units,
                              location="WH-01-B12", event_time="2026-01-31T08:00:00Z")  # fmt: skip
        await opened.post("/epcis/events", **TRANSFORMED)
        yield opened


async def found(made: Bench, **asked: object) -> list[dict[str, Any]]:
    answer = await made.http.get("/epcis/events", params=asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["epcisBody"]["queryResults"]["resultsBody"]["eventList"])


@pytest.mark.parametrize(
    ("name", "here", "elsewhere"),
    [
        ("EQ_eventID", "urn:uuid:0|urn:uuid:1", "urn:uuid:2"),
        ("EQ_transformationID", TRANSFORMED["transformationID"], "urn:epc:id:gdti:0614141.12345.4"),
        ("MATCH_inputEPCClass", "https://id.gs1.org/01/04012345111118/10/4444",
         "https://id.gs1.org/01/04012345111118/10/4445"),
        ("MATCH_anyEPCClass", "https://id.gs1.org/01/04012345111118", "urn:tallyport:item:OAT"),
        ("MATCH_outputEPC", "https://id.gs1.org/01/04012345778892/21/25",
         "https://id.gs1.org/01/04012345778892/21/26"),
        ("EQ_source_owning_party", "urn:epc:id:pgln:4012345.00001",
         "urn:epc:id:pgln:4012345.00002"),
        ("EQ_persistentDisposition_set", "completeness_verified", "completeness_inferred"),
    ],
)  # fmt: skip
async def test_a_transformation_is_found_by_what_it_says(
    made: Bench, name: str, here: str, elsewhere: str
) -> None:
    assert [one["eventID"] for one in await found(made, **{name: here})] == ["urn:uuid:1"]
    assert await found(made, **{name: elsewhere}) == []


async def test_ours_are_found_by_quantity_place_and_end(made: Bench) -> None:
    async def units(**asked: object) -> list[int]:
        events = await found(made, eventType="ObjectEvent", **asked)
        return [one["quantityList"][0]["quantity"] for one in events]

    place = "urn:tallyport:location:WH-01"
    assert await units(GT_quantity=5) == [80]
    assert await units(GE_quantity=5, LT_quantity=80) == [5]
    assert await units(WD_bizLocation=place) == [5, 80]
    assert await units(EQ_bizLocation=place) == []
    assert await units(WD_bizLocation=place, EQ_bizLocation=place) == []
    assert await units(WD_readPoint="urn:tallyport:location:WH-01-B12") == [5, 80]
    assert await units(EQ_destination_location=f"{place}-B12", EQ_quantity=80) == [80]
    assert await units(EQ_source_location=place) == []


async def test_ours_are_found_by_id_where_the_books_need_not_be_looked_through(
    made: Bench,
) -> None:
    first = (await found(made, eventType="ObjectEvent"))[0]["eventID"]
    refused = await made.http.get("/epcis/events", params={"EQ_eventID": first})
    assert refused.status_code == 413
    assert refused.json()["type"] == "epcisException:QueryTooLargeException"
    assert "GE_eventTime and LT_eventTime" in refused.json()["detail"]
    day = {"GE_eventTime": "2026-01-31T00:00:00Z", "LT_eventTime": "2026-02-01T00:00:00Z"}
    for more in (day, {"MATCH_epcClass": "urn:tallyport:item:NUT"}):
        assert [one["eventID"] for one in await found(made, EQ_eventID=first, **more)] == [first]


async def test_what_is_no_parameter_is_refused_by_its_name(made: Bench) -> None:
    for name in ("EQ_bizSteps", "EXISTS_myField", "EQ_ILMD_lotNumber", "GE_bizTransaction_po"):
        refused = await made.http.get("/epcis/events", params={name: "x"})
        assert (refused.status_code, name in refused.text) == (422, True)
