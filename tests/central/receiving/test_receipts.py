"""Goods receipts as subscribers hear of them, and orders that change while goods come."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from central.catalogue.changes import Told
from central.catalogue.errors import NotFound, NotValid
from central.events import log as events
from central.receiving import orders
from central.receiving.changing import change_order
from central.receiving.model import InboundError, Order, OrderLine
from central.receiving.receipts import ReceiptTeller
from tests.central.api.test_documents import scanned
from tests.central.harness import Bench
from tests.central.receiving.test_receiving import GTIN, begin, lines, made, order, take

__all__ = ["made"]

ERP = Told(by="erp", at_us=5)


def told(made: Bench, kind: str = "GoodsReceived") -> list[dict[str, Any]]:
    found = made.database.read_now(lambda c: events.following(c, 0, 500))
    return [one.body for one in found if one.kind == kind]


def sums(made: Bench) -> dict[tuple[str, str], tuple[int, int]]:
    """What a subscriber has who adds up what he is told."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for body in told(made):
        for one in body["lines"]:
            units, damaged = found.get((one["line"], one["lot"]), (0, 0))
            found[one["line"], one["lot"]] = (units + one["quantity"], damaged + one["damaged"])
    return found


async def test_what_hands_take_in_is_told_with_each_receipt(made: Bench) -> None:
    await begin(made)
    await take(made, 1, sku="OAT", quantity=10, lot="A")
    await take(made, 1, 200, sku="OAT", quantity=10, lot="A")
    await take(made, 2, sku="OAT", quantity=4, lot="B", condition="damaged")
    await take(made, 3, sku="ABC-12345", quantity=4)
    first, second = told(made)
    assert first["lines"] == [
        {"line": "1", "sku": "OAT", "lot": "A", "quantity": 10, "damaged": 0, "ordered": 24,
         "received": 10},
    ]  # fmt: skip
    assert (first["id"], first["reference"], first["state"]) == ("po-00001", "PO-1", "receiving")
    assert [(one["lot"], one["quantity"], one["damaged"]) for one in second["lines"]] == [
        ("B", 4, 4)
    ]


async def test_what_sensors_found_is_told_once_and_hands_name_its_lot(made: Bench) -> None:
    teller = ReceiptTeller(made.database, made.tide)
    await teller.step()
    await begin(made)
    await scanned(made, 1, f"01{GTIN}217")
    while await teller.step() is not None:
        pass
    assert sums(made) == {("1", ""): (6, 0)}
    assert teller.counters == {"told": 1}
    await take(made, 1, sku="OAT", quantity=6, lot="A")
    assert await lines(made) == {"1": (6, 6, 0), "nuts": (0, 0, 0)}
    assert sums(made) == {("1", ""): (0, 0), ("1", "A"): (6, 0)}
    await take(made, 2, sku="OAT", quantity=1)
    await made.post("/api/receiving/session-1/close", 200)
    await made.post("/api/orders/inbound/po-00001/close", 200, reason="short_shipped")
    assert sum(units for units, _ in sums(made).values()) == 7
    assert await teller.step() is None


async def test_what_an_announced_part_brought_is_told_of_its_order(made: Bench) -> None:
    teller = ReceiptTeller(made.database, made.tide)
    await teller.step()
    await begin(made)
    await made.post(
        "/api/orders/inbound/po-00001/asns", id="asn-0001", lines=[{"sku": "OAT", "quantity": 12}]
    )
    await scanned(made, 1, f"01{GTIN}217")
    while await teller.step() is not None:
        pass
    assert sums(made) == {("1", ""): (6, 0)}


def wanted(*quantities: tuple[str, str, int, str], **more: object) -> Order:
    return msgspec.structs.replace(
        Order(
            id="po-00001", supplier="Oats & Co", reference="PO-1", location="hall",
            lines=tuple(
                OrderLine(line=line, sku=sku, quantity=units, lot=lot)
                for line, sku, units, lot in quantities
            ),
        ),
        **more,
    )  # fmt: skip


async def test_what_is_open_of_an_order_may_change(made: Bench) -> None:
    await begin(made)
    await take(made, 1, sku="OAT", quantity=10)
    changed = wanted(("1", "OAT", 30, ""), ("mice", "ABC-12345", 2, ""), over_percent=10)
    for fresh in (True, False):
        found = await made.database.write(lambda c: change_order(c, changed, ERP))
        assert found[1] is fresh
    told_of = (await order(made))["lines"]
    assert [(one["line"], one["quantity"], one["received"]) for one in told_of] == [
        ("1", 30, 10), ("mice", 2, 0),
    ]  # fmt: skip
    document: Any = await made.get("/documents/po-00001")
    assert [(one["line"], one["quantity"]) for one in document["lines"]] == [
        ("1", 30), ("mice", 2),
    ]  # fmt: skip
    assert (await take(made, 2, sku="ABC-12345", quantity=2))["verdict"] == "expected"
    (body,) = told(made, "InboundOrderChanged")
    assert body["lines"][0] == {"line": "1", "sku": "OAT", "quantity": 30}


async def test_what_came_or_was_announced_of_an_order_may_not(made: Bench) -> None:
    await begin(made)
    await take(made, 1, sku="OAT", quantity=10)
    await made.post(
        "/api/orders/inbound/po-00001/asns",
        id="asn-0001",
        lines=[{"line": "nuts", "sku": "NUT", "quantity": 3}],
    )
    wrong = wanted(("1", "OAT", 9, ""), supplier="Other", location="WH-01")
    with pytest.raises(InboundError) as refused:
        await made.database.write(lambda c: change_order(c, wrong, ERP))
    for word in ("hall", "came from Oats & Co", "10 units of line 1", "3 units of line nuts"):
        assert word in str(refused.value)
    other = wanted(("1", "NUT", 24, ""), ("nuts", "NUT", 5, "L1"))
    with pytest.raises(InboundError, match="another item or lot"):
        await made.database.write(lambda c: change_order(c, other, ERP))
    nobody = wanted(("1", "OAT", 24, ""), ("nuts", "NUT", 5, "L1"), ("x", "NOBODY", 1, ""))
    with pytest.raises(NotFound, match="NOBODY"):
        await made.database.write(lambda c: change_order(c, nobody, ERP))
    twice = wanted(("1", "OAT", 24, ""), ("nuts", "NUT", 5, "L1"), ("1", "OAT", 1, ""))
    with pytest.raises(NotValid, match="name of its own"):
        await made.database.write(lambda c: change_order(c, twice, ERP))
    await made.database.write(lambda c: orders.end(c, orders.get_order(c, "po-00001"), "x", ERP))
    with pytest.raises(InboundError, match="it is x"):
        await made.database.write(lambda c: change_order(c, nobody, ERP))


async def test_an_order_is_changed_over_rest_by_who_saw_it_last(made: Bench) -> None:
    await begin(made)
    await take(made, 1, sku="OAT", quantity=10)
    path = "/api/orders/inbound/po-00001"
    seen = await made.http.get(path)
    lines = [
        {name: one[name] for name in ("line", "sku", "quantity", "lot", "unit_price")}
        for one in seen.json()["lines"]
    ]
    first, *rest = lines
    more = {"lines": [first | {"quantity": 30, "unit_price": 2.5}, *rest]}
    assert (await made.http.patch(path, json=more)).status_code == 428
    match = {"If-Match": seen.headers["ETag"]}
    changed = await made.http.patch(path, json=more, headers=match)
    assert changed.status_code == 200, changed.text
    line = changed.json()["lines"][0]
    assert (line["quantity"], line["received"], line["unit_price"]) == (30, 10, 2.5)
    later = {"expected_date": "2030-02-02T08:00:00Z"}
    assert (await made.http.patch(path, json=later, headers=match)).status_code == 412
    # What is so already is no change, whoever saw what.
    assert (await made.http.patch(path, json=more, headers=match)).status_code == 200
    whole = {"supplier": "Oats & Co", "reference": "PO-1", "location": "hall"}
    less = whole | {"lines": [{"line": "1", "sku": "OAT", "quantity": 9}]}
    newest = {"If-Match": changed.headers["ETag"]}
    refused = await made.http.put(path, json=less, headers=newest)
    assert refused.status_code == 409
    assert "10 units of line 1 came already, which is more than 9" in refused.json()["detail"]
    only = whole | {"lines": [{"line": "1", "sku": "OAT", "quantity": 12}]}
    kept = await made.http.put(path, json=only, headers=newest)
    assert [(one["line"], one["quantity"]) for one in kept.json()["lines"]] == [("1", 12)]
    (entry, *_) = (await made.get("/audit?action=change inbound order"))["rows"]  # type: ignore[misc]
    assert entry["subject"] == "inbound order po-00001"
    assert len(told(made, "InboundOrderChanged")) == 2
