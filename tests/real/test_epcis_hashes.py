"""Event hashes against the reference vectors of their authors (MIT), where they are at hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from central.epcis.hashing import event_hash

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "epcis" / "event_hash"
DOCUMENTS = sorted(
    path.stem for path in FOLDER.glob("*.jsonld") if path.with_suffix(".hashes").exists()
)


ADDED = ("example:captureID", "repository-x:hash")


@pytest.mark.skipif(not DOCUMENTS, reason="the event hash vectors are not beside the checkout")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_reference_document(name: str) -> None:
    document = json.loads((FOLDER / f"{name}.jsonld").read_text())
    expected = (FOLDER / f"{name}.hashes").read_text().split()
    body = document["epcisBody"]
    events = body.get("eventList") or body["queryResults"]["resultsBody"]["eventList"]
    without = ADDED if "IgnoreFields" in name else ()
    assert [event_hash(one, document["@context"], without) for one in events] == expected
