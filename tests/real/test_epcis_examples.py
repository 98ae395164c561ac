"""EPCIS both ways against GS1's examples and JSON Schema, where they lie beside the checkout.

Theirs are captured, and told again by us as their schema says; so are our movements.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.central.epcis import acts
from tests.central.harness import Bench, bench

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "epcis"
EXAMPLES = sorted((FOLDER / "examples").rglob("*.jsonld"))
OURS = {"recordTime", "@context", "eventID"}
"""What a repository sets, or may."""
pytestmark = pytest.mark.skipif(
    not EXAMPLES, reason="GS1's EPCIS examples are not beside the checkout"
)


def _is_valid(document: dict[str, Any]) -> None:
    schema = json.loads((FOLDER / "EPCIS-JSON-Schema.json").read_text())
    flaws = [error.message for error in Draft7Validator(schema).iter_errors(document)]
    assert not flaws, flaws


async def _told(made: Bench) -> dict[str, Any]:
    answer = await made.http.get("/epcis/events?perPage=500")
    return dict(answer.json())


def _events(document: dict[str, Any]) -> list[dict[str, Any]]:
    body = document["epcisBody"]
    return list(body.get("eventList") or body["queryResults"]["resultsBody"]["eventList"])


async def test_every_example_is_captured_and_told_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        kept, seen = 0, set[str]()
        for example in EXAMPLES:
            document = json.loads(example.read_text())
            for event in _events(document):  # two of the examples share an id
                if event.get("eventID") in seen:
                    del event["eventID"]
                seen.add(event.get("eventID", ""))
            job = await made.post("/epcis/capture", status=202, **document)
            assert job["success"] is True, f"{example.name}: {job['errors']}"
            kept += len(_events(document))
        told = await _told(made)
        _is_valid(told)
        assert 0 < len(_events(told)) <= kept
        for event in _events(told):
            ours = _as_sent(event)
            sent = [
                one
                for example in EXAMPLES
                for one in _events(json.loads(example.read_text()))
                if all(ours.get(name) == one[name] for name in one if name not in OURS)
            ]
            assert sent, f"nobody sent {event}"
        every = [_as_sent(event) for event in _events(told)]
        for example in EXAMPLES:
            for event in _events(json.loads(example.read_text())):
                assert _as_sent(event) in every, f"{example.name} is not told again"


def _as_sent(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in event if name not in OURS}


async def test_our_movements_are_told_as_the_schema_says(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await made.post("/locations", code="WH 01", name="Warehouse")
        gtins = [{"gtin": "4012345000016", "quantity": 1}]
        await made.post("/items", sku="NUT", name="Nut", gtins=gtins)
        await made.post("/items", sku="A/B é", name="Bolt")
        for sku, more in (
            ("NUT", {"reference": "PO 7890 é"}),
            ("NUT", {"lot": "L 1/2"}),
            ("A/B é", {}),
            ("A/B é", {"epcs": ["3034257BF7194E4000001A85", "E28011700000020F1A2B3C4D"]}),
        ):
            await made.post("/stock/receive", sku=sku, quantity=3, location="WH 01", **more)
        for to in ("customer", "adjustment", "scrap"):
            await made.post("/stock/move", sku="NUT", quantity=1, **{"from": "WH 01", "to": to})
        told = await _told(made)
        assert len(_events(told)) == 7
        _is_valid(told)


async def test_packing_reserving_and_what_is_taken_back_are_told_as_the_schema_says(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as made:
        await acts.play(made)
        (first, *_) = _events(await _told(made))
        was: Any = await made.get(f"/movements/{first['tallyport:movement']}")
        back = {name: was[name] for name in ("sku", "quantity", "event_time")}
        await made.post("/stock/receive", sku="NUT", quantity=20, location="BIN")
        ends = {"from": was["destination"], "to": was["source"], "corrects": was["id"]}
        await made.post("/stock/move", **back | ends)
        told = await _told(made)
        kinds = [(one["type"], one["action"]) for one in _events(told)]
        assert {kind for kind in kinds if kind[0] != "ObjectEvent"} == {
            ("AggregationEvent", "ADD"), ("AggregationEvent", "OBSERVE"),
            ("AggregationEvent", "DELETE"), ("TransactionEvent", "ADD"),
            ("TransactionEvent", "DELETE"),
        }  # fmt: skip
        assert sum("errorDeclaration" in one for one in _events(told)) == 1
        _is_valid(told)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_their_schema_takes_their_examples(example: Path) -> None:
    """So that it is the judge we think it is."""
    _is_valid(json.loads(example.read_text()))
