"""One stream of the ledger and the log: whole, in order, each event as its schema says."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

import central
from central.database.store import Database
from central.events import kinds, log, stream
from central.events.model import Happening, Position, Subscription, Target, letter, wants
from central.stock import ledger
from tests.central.shop import moving, open_shop
from tests.fakes import told

ENDS = (
    ("supplier", "dock", "StockReceived"),
    ("dock", "hall", "StockMoved"),
    ("dock", "transit", "StockMoved"),
    ("transit", "dock", "StockMoved"),
    ("dock", "adjustment", "StockAdjusted"),
    ("adjustment", "dock", "StockAdjusted"),
    ("dock", "scrap", "StockScrapped"),
    ("dock", "customer", "StockShipped"),
    ("customer", "dock", "StockReturned"),
    ("dock", "unknown", "StockUnexplained"),
    ("unknown", "dock", "StockUnexplained"),
    ("dock", "dock", "StatusChanged"),
)


def write(conn: Connection) -> None:
    """All kinds of movements, and an event of the log after every second one."""
    open_shop(conn)
    ledger.post(conn, [moving(0, "supplier", "dock", 500)], record_us=1)
    for number, (source, destination, _) in enumerate(ENDS, 1):
        status = "damaged" if source == destination else "available"
        reference = "PO-7890" if number == 1 else ""
        movement = moving(
            number, source, destination, reference=reference, destination_status=status
        )
        ledger.post(conn, [movement], record_us=number * 10)
        if number % 2:
            log.record(conn, "ProductCreated", "X", {"sku": "X"}, at_us=number * 10)


async def test_each_movement_is_called_by_its_ends_and_fits_its_schema(books: Database) -> None:
    await books.write(write)
    found = await books.read(lambda c: stream.read(c, stream.BEGINNING, 500))
    moved = [one for one in found if one.id.startswith("movement-")]
    assert [one.kind for one in moved[1:]] == [kind for _, _, kind in ENDS]
    for one in moved:
        said = json.loads(letter(one, topic="stock_updated", version=1, source="urn:x").body)
        told.check(one.kind, said["data"])
        assert said["dataschema"] == f"urn:tallyport:schema:{one.kind}:1"
        assert (said["specversion"], said["subject"]) == ("1.0", "NUT")
    assert [one.data["reference"] for one in moved[:3]] == ["", "PO-7890", ""]


@pytest.mark.parametrize("limit", [1, 3, 500])
async def test_any_pages_give_the_same_stream(books: Database, limit: int) -> None:
    await books.write(write)
    whole = await books.read(lambda c: stream.read(c, stream.BEGINNING, 500))
    assert len({one.id for one in whole}) == len(whole) == 1 + len(ENDS) + 6
    for before, after in pairwise(whole):
        assert before.at_us <= after.at_us
    at, paged = stream.BEGINNING, list[Happening]()
    while page := await books.read(lambda c, at=at: stream.read(c, at, limit)):  # type: ignore[misc]
        paged += page
        at = page[-1].position
    assert paged == whole
    assert at == await books.read(stream.head) == Position(1 + len(ENDS), 6)


def test_every_kind_that_is_recorded_anywhere_has_a_schema() -> None:
    said = re.compile(r"""\brecord\(\s*\w+,\s*"([A-Z]\w+)",""")
    found = {
        kind
        for file in Path(central.__file__).parent.rglob("*.py")
        for kind in said.findall(file.read_text())
    }
    assert "ProductCreated" in found
    assert found <= kinds.known().keys()


def test_schemas_are_found_by_their_ids() -> None:
    for kind in kinds.known().values():
        schema = kinds.schema(kind.name, kind.version)
        assert schema is not None
        assert schema["$id"] == f"urn:tallyport:schema:{kind.name}:{kind.version}"
        assert schema["title"] == kind.name
    assert {"stock_updated", "StockMoved", "ProductCreated"} <= kinds.names()
    assert "Movement" not in kinds.names()
    with pytest.raises(AssertionError, match="not what its schema says"):
        told.check("StockMoved", {"sku": "NUT"})


def _event(data: dict[str, object]) -> Happening:
    return Happening(
        id="event-1", kind="K", subject="", at_us=1, data=data, position=Position(0, 1)
    )


@given(
    st.sets(st.sampled_from("abc")),
    st.sets(st.sampled_from("xyz")),
    st.lists(st.sampled_from("abc")),
)
def test_filters_tell_what_names_a_wanted_item_and_a_wanted_place(
    skus: set[str], places: set[str], lines: list[str]
) -> None:
    mine = Subscription(
        id="", name="", target=Target(kind="mqtt"), skus=tuple(skus), locations=tuple(places)
    )
    event = _event({"location": "x", "lines": [{"sku": sku, "destination": "z"} for sku in lines]})
    expected = (not skus or bool(skus & {*lines})) and (
        not places or bool(places & ({"x", "z"} if lines else {"x"}))
    )
    assert wants(mine, event, "t", frozenset(places)) is expected


def test_kinds_are_asked_for_by_their_name_or_their_topic() -> None:
    mine = Subscription(id="", name="", target=Target(kind="mqtt"), kinds=("stock_updated", "A"))
    for kind, topic, expected in (
        ("A", "t", True),
        ("B", "stock_updated", True),
        ("B", "t", False),
    ):
        event = Happening(
            id="1", kind=kind, subject="", at_us=1, data={"lines": 7}, position=Position(0, 1)
        )
        assert wants(mine, event, topic, frozenset()) is expected
