"""Queries for what users added, asked of GS1's example events, where they lie beside the checkout;
and that each name of GS1's query schema is one that can be asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.central.harness import Bench, bench

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "epcis"
EXAMPLES = sorted((FOLDER / "examples").rglob("*.jsonld"))
SCHEMA = FOLDER / "rest" / "query-schema.json"
pytestmark = pytest.mark.skipif(
    not (EXAMPLES and SCHEMA.exists()), reason="GS1's EPCIS examples are not beside the checkout"
)
EXT1, EXT2, EXT3 = (f"http://example.com/ext{number}/" for number in (1, 2, 3))
HEADER = {"GS1-Extensions": f"one={EXT1},two={EXT2},three={EXT3}"}


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as opened:
        for example in EXAMPLES:
            document = json.loads(example.read_text())
            for number, event in enumerate(_events(document)):  # two of them share an id
                event["eventID"] = f"urn:x:{example.stem.replace(' ', '')}:{number}"
            await opened.post("/epcis/capture", status=202, **document)
        yield opened


def _events(document: dict[str, Any]) -> list[dict[str, Any]]:
    body = document["epcisBody"]
    return list(body.get("eventList") or body["queryResults"]["resultsBody"]["eventList"])


async def _found(made: Bench, **asked: object) -> list[dict[str, Any]]:
    answer = await made.http.get("/epcis/events", params={"perPage": 500, **asked}, headers=HEADER)
    assert answer.status_code == 200, answer.text
    return _events(answer.json())


def _has(value: object, key: str) -> bool:
    """Whether a key stands somewhere in it, by a judge of its own."""
    if isinstance(value, dict):
        return key in value or any(_has(one, key) for one in value.values())
    return isinstance(value, list) and any(_has(one, key) for one in value)


@pytest.mark.parametrize(
    ("name", "value", "part", "key"),
    [
        ("EXISTS_one:float", "true", "", "ext1:float"),
        ("EQ_one:float", "20", "", "ext1:float"),
        ("GT_one:int", "9", "", "ext1:int"),
        ("EQ_one:time", "2013-06-08T16:58:56.591+02:00", "", "ext1:time"),
        ("EQ_one:array", "stringInArray", "", "ext1:array"),
        ("EQ_ILMD_one:string", "string", "ilmd", "ext1:string"),
        ("EXISTS_ILMD_cbvmda:lotNumber", "true", "ilmd", "cbvmda:lotNumber"),
        ("EXISTS_INNER_ILMD_three:string", "true", "ilmd", "ext3:string"),
        ("EXISTS_SENSORELEMENT_one:object", "true", "sensorElementList", "ext1:object"),
        ("EQ_SENSORREPORT_one:someFurtherReportData", "someText", "sensorElementList",
         "ext1:someFurtherReportData"),
        ("EQ_SENSORMETADATA_one:someFurtherMetadata", "someText", "sensorElementList",
         "ext1:someFurtherMetadata"),
    ],
)  # fmt: skip
async def test_examples_are_found_by_what_was_added_to_them(
    made: Bench, name: str, value: str, part: str, key: str
) -> None:
    found, whole = await _found(made, **{name: value}), await _found(made)
    expected = [one for one in whole if (_has(one.get(part), key) if part else key in one)]
    assert found == expected
    assert 0 < len(found) < len(whole)


async def test_what_lies_within_fields_of_an_example_is_found(made: Bench) -> None:
    within = await _found(made, **{"EQ_INNER_three:string": "stringInObjectInObject"})
    assert within == await _found(made, **{"EXISTS_one:object": "true"})
    assert len(within) > 0
    assert await _found(made, **{"EXISTS_three:string": "true"}) == []
    assert await _found(made, **{"GE_INNER_two:array": 21, "LT_INNER_two:array": 14}) == within
    assert await _found(made, **{"GE_INNER_two:array": 24}) == []
    assert await _found(made, **{f"EQ_INNER_{EXT2}#int": 13}) == within


def _names() -> list[str]:
    """Each name that their schema lists, and one for each of its patterns."""
    query = json.loads(SCHEMA.read_text())["definitions"]["EPCIS-Query"]
    named = [name for name in query["properties"] if name != "@context"]
    for pattern in query["patternProperties"]:
        plain = pattern.strip("^$").replace("\\\\", "\\")
        for token, one in (
            (r"[a-z][a-zA-Z0-9]*\:\w+", "example:field"), (r"[a-z][a-zA-Z0-9_]+", "po"),
            (r"[a-z][a-zA-Z0-9]*\\:\\w+", "example:field"), (r"[A-Z0-9]{2,4}", "CEL"),
            (r"\w+_\w+", "bizLocation_cbvmda:name"),
        ):  # fmt: skip
            plain = plain.replace(token, one)
        named.append(plain.replace("HASATTR_example:field", "HASATTR_bizLocation"))
    return named


@pytest.mark.parametrize("name", _names() if SCHEMA.exists() else [])
async def test_each_name_of_their_query_schema_can_be_asked_for(tmp_path: Path, name: str) -> None:
    assert re.fullmatch(r"[\w:]+", name), "the pattern became a name"
    values = ("2026-01-31T08:00:00Z", "5", "true", "cbvmda:name", "ASC", "ADD", "eventTime")
    more = {"orderBy": "eventTime"} if name == "eventCountLimit" else {}
    async with bench(tmp_path) as opened:
        answers = [
            await opened.http.get("/epcis/events", params={name: value, **more}) for value in values
        ]
    assert 200 in {answer.status_code for answer in answers}, answers[0].text
    assert {answer.status_code for answer in answers} <= {200, 400, 422}
