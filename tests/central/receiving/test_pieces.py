"""Receiving pieces with serial numbers, lots with their days, and goods that are on no line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from central.database.tide import Tide
from central.judging.replay import differences
from central.receiving.watching import ReceivingWatcher
from central.reservations.following import Settler
from central.stock import projection, serials
from gateway.gs1 import sgtin96_hex
from tests.central.api.test_documents import scanned
from tests.central.harness import Bench, bench

GTIN = "09521234000013"
DRILL = "09521234000020"
ORDER: dict[str, Any] = {
    "id": "po-00001",
    "supplier": "Tools & Co",
    "reference": "PO-1",
    "location": "hall",
    "lines": [{"sku": "DRILL", "quantity": 3}, {"sku": "OAT", "quantity": 24}],
}


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        for code in ("hall", "cage", "far"):
            await opened.post("/locations", code=code, name=code)
        await opened.post("/items", sku="OAT", name="Oats", gtins=[{"gtin": GTIN, "quantity": 6}])
        gtins = [{"gtin": DRILL}]
        await opened.post("/items", sku="DRILL", name="Drill", tracking="serial", gtins=gtins)
        await opened.post("/items", sku="SAW", name="Saw", tracking="serial")
        await opened.put("/read-points/desk", kind="scan", location="hall", inferred="auto")
        await opened.post("/api/orders/inbound", **ORDER)
        await opened.post("/api/receiving", id="session-1", order="po-00001", aside="cage")
        yield opened


async def take(made: Bench, number: int, status: int = 201, **body: object) -> Any:
    return await made.post(
        "/api/receiving/session-1/receipts", status, id=f"receipt-{number}", **body
    )


async def lies(made: Bench, serial: str, sku: str = "DRILL") -> tuple[str, str]:
    found: Any = await made.get(f"/stock/{sku}/serials/{serial}")
    return found["location"], found["status"]


async def lines(made: Bench, order: str = "po-00001") -> dict[str, tuple[int, int, int]]:
    found: Any = (await made.get(f"/api/orders/inbound/{order}"))["lines"]
    return {one["line"]: (one["sensed"], one["confirmed"], one["posted"]) for one in found}


async def sound(made: Bench) -> bool:
    wrong = [await made.database.read(one) for one in (projection.check_balances, serials.check)]
    return not any(wrong)


async def test_a_piece_is_ticked_by_label_tag_or_name_and_counts_once(made: Bench) -> None:
    first = await take(made, 1, code=f"01{DRILL}21A1")
    assert (first["verdict"], first["goods"][0]["serials"]) == ("expected", ["A1"])
    assert (await take(made, 2, code=f"01{DRILL}21A1"))["verdict"] == "already"
    assert (await take(made, 3, sku="DRILL", serials=["A1"]))["verdict"] == "already"
    assert (await take(made, 4, code=sgtin96_hex(DRILL, 7, 77)))["goods"][0]["serials"] == ["77"]
    assert (await take(made, 5, code=f"01{DRILL}2177"))["verdict"] == "already"
    damaged = await take(made, 6, sku="DRILL", serials=["A2"], condition="damaged")
    assert damaged["verdict"] == "damaged"
    assert await lines(made) == {"1": (0, 0, 3), "2": (0, 0, 0)}
    assert await lies(made, "A1") == await lies(made, "77") == ("hall", "available")
    assert await lies(made, "A2") == ("hall", "damaged")
    assert await sound(made)


async def test_pieces_of_one_hand_go_to_the_line_and_aside_by_name(made: Bench) -> None:
    both = await take(made, 1, sku="DRILL", serials=["A1", "A2", "A3", "A4", "A5"])
    assert (both["verdict"], both["goods"][0]["aside"]) == ("over", 2)
    assert [await lies(made, f"A{n}") for n in (3, 4, 5)] == [
        ("hall", "available"), ("cage", "quarantined"), ("cage", "quarantined"),
    ]  # fmt: skip
    assert await sound(made)


async def test_what_is_in_stock_by_the_books_is_not_received_again(made: Bench) -> None:
    stock = {"sku": "DRILL", "quantity": 1, "location": "far", "serials": ["A9"]}
    await made.post("/stock/receive", **stock)
    known = await take(made, 1, code=f"01{DRILL}21A9")
    assert (known["verdict"], known["movements"]) == ("in_stock", [])
    assert "A9 at far" in known["says"]
    # It was moved here meanwhile: still nothing that this order brought.
    await made.post(
        "/stock/move", sku="DRILL", quantity=1, source="far", destination="hall", serials=["A9"]
    )
    assert (await take(made, 2, code=f"01{DRILL}21A9"))["verdict"] == "in_stock"
    assert await lines(made) == {"1": (0, 0, 0), "2": (0, 0, 0)}


async def test_a_scanner_tells_of_pieces_that_a_person_confirms_by_name(made: Bench) -> None:
    await scanned(made, 1, f"01{DRILL}21A1", f"01{DRILL}21A2")
    assert await lies(made, "A1") == ("hall", "available")
    assert "confirmed" in (await take(made, 1, sku="DRILL", serials=["A1"]))["says"]
    await take(made, 2, code=f"01{DRILL}21A2", condition="damaged")
    assert await lies(made, "A2") == ("hall", "damaged")
    assert await lines(made) == {"1": (2, 2, 0), "2": (0, 0, 0)}
    assert await sound(made)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"sku": "DRILL", "quantity": 2}, "scan the label or the tag of each piece"),
        ({"sku": "DRILL", "quantity": 2, "serials": ["A1"]}, "scan the label or the tag"),
        ({"sku": "DRILL", "serials": ["A1", "A1"]}, "scan the label or the tag"),
        ({"code": DRILL}, "scan the label or the tag"),
        ({"code": f"01{DRILL}21A1", "quantity": 3}, "is of 3 units"),
        ({"sku": "OAT", "serials": ["A1"]}, "is not tracked by serial numbers"),
        ({"code": DRILL, "serials": ["A1"]}, "serials go with a sku"),
    ],
)
async def test_what_does_not_name_its_pieces_is_refused(
    made: Bench, body: dict[str, object], said: str
) -> None:
    assert said in str((await take(made, 1, 422, **body))["detail"])


async def test_the_day_on_the_label_reaches_the_lot_and_another_one_is_a_question(
    made: Bench,
) -> None:
    await take(made, 1, code=f"01{GTIN}1727013110L1")
    known: Any = await made.get("/lots?sku=OAT")
    assert [(one["lot"], one["expires_on"]) for one in known["rows"]] == [("L1", "2027-01-31")]
    other = f"01{GTIN}1727022810L1"
    asked = await take(made, 2, 409, code=other)
    assert asked["type"] == "urn:tallyport:problem:expiry-differs"
    assert "2027-02-28" in asked["detail"]
    assert "2027-01-31" in asked["detail"]
    assert await lines(made) == {"1": (0, 0, 0), "2": (0, 0, 6)}
    await take(made, 2, code=other, expiry="known")
    assert (await made.get("/lots?sku=OAT"))["rows"] == known["rows"]
    await take(made, 3, code=other, expiry="scanned")
    after: Any = await made.get("/lots?sku=OAT")
    assert after["rows"][0]["expires_on"] == "2027-02-28"
    assert await lines(made) == {"1": (0, 0, 0), "2": (0, 0, 18)}


async def reviews(made: Bench) -> Any:
    return (await made.get("/reviews"))["rows"]


async def choose(made: Bench, review: Any, says: str, status: int = 201) -> Any:
    told = [one["says"] for one in review["hypotheses"]]
    place = next(n for n, one in enumerate(told) if says in one)
    path = f"/reviews/{review['id']}/resolve"
    name = f"answer-{review['id'][-8:]}-{status}"
    return await made.post(path, status, id=name, hypothesis=place, by="bert")


async def test_goods_on_no_line_are_taken_for_another_order_of_the_supplier(made: Bench) -> None:
    other = ORDER | {"id": "po-00002", "reference": "PO-2"}
    other["lines"] = [{"line": "saws", "sku": "SAW", "quantity": 2}]
    await made.post("/api/orders/inbound", **other)
    told = await take(made, 1, sku="SAW", serials=["Z1"])
    assert told["verdict"] == "unexpected"
    (review,) = await reviews(made)
    assert told["goods"][0]["review"] == review["id"]
    assert [one["says"] for one in review["hypotheses"]] == [
        "1 of SAW (Z1) taken for line saws of PO-2", "1 of SAW (Z1) taken as one more line of PO-1",
        "1 of SAW sent back", "1 of SAW kept in quarantine",
    ]  # fmt: skip
    guide: Any = await made.get("/api/receiving/session-1")
    assert guide["unexpected"] == [{"sku": "SAW", "kind": "unexpected", "quantity": 1}]
    assert await lies(made, "Z1", "SAW") == ("cage", "quarantined")
    await choose(made, review, "PO-2")
    assert await lies(made, "Z1", "SAW") == ("hall", "available")
    assert await lines(made, "po-00002") == {"saws": (0, 0, 1)}
    guide = await made.get("/api/receiving/session-1")
    assert guide["unexpected"] == []
    assert await sound(made)
    assert await made.database.read(differences) == []


async def test_goods_on_no_line_become_one_or_go_back_or_stay(made: Bench) -> None:
    for number in (1, 2, 3):
        await take(made, number, sku="SAW", serials=[f"Z{number}"])
    third, second, first = await reviews(made)
    await choose(made, first, "one more line")
    assert (await lines(made))["3"] == (0, 0, 1)
    await choose(made, second, "sent back")
    await choose(made, third, "kept")
    assert [await lies(made, f"Z{n}", "SAW") for n in (1, 2, 3)] == [
        ("hall", "available"), ("supplier", "available"), ("cage", "quarantined"),
    ]  # fmt: skip
    shown: Any = await made.get("/api/orders/inbound/po-00001")
    assert shown["aside"] == [{"sku": "SAW", "kind": "unexpected", "quantity": 2}]
    assert await sound(made)


async def test_an_order_that_ended_meanwhile_takes_nothing_more(made: Bench) -> None:
    await take(made, 1, sku="SAW", serials=["Z1"])
    (review,) = await reviews(made)
    await made.post("/api/orders/inbound/po-00001/close", 200, reason="other")
    refused = await choose(made, review, "one more line", 409)
    assert "is closed by now" in refused["detail"]
    assert await lies(made, "Z1", "SAW") == ("cage", "quarantined")
    await choose(made, review, "sent back")


async def test_what_a_scanner_saw_and_nobody_expects_is_asked_about_once(made: Bench) -> None:
    await made.post("/items", sku="HAT", name="Hat", gtins=[{"gtin": "09521234000037"}])
    await scanned(made, 1, "0109521234000037", f"01{DRILL}21A1")
    settler = Settler(made.database, Tide(), watchers=[ReceivingWatcher()])
    await settler.step()
    await settler.step()
    (review,) = await reviews(made)
    assert "1 of HAT came to hall while PO-1 is taken in" in review["reason"]
    guide: Any = await made.get("/api/receiving/session-1")
    assert guide["unexpected"] == [{"sku": "HAT", "kind": "unexpected", "quantity": 1}]
    await choose(made, review, "one more line")
    assert await lines(made) == {"1": (1, 0, 0), "2": (0, 0, 0), "3": (0, 0, 1)}
    assert (await made.get("/stock/HAT"))["by_location"] == {"hall": 1}
    assert await made.database.read(differences) == []


async def test_the_day_that_a_scanner_saw_reaches_the_lot_and_another_one_is_asked_about(
    made: Bench,
) -> None:
    settler = Settler(made.database, Tide(), watchers=[ReceivingWatcher()])
    await scanned(made, 1, f"01{GTIN}1727013110L1")
    await settler.step()
    known: Any = await made.get("/lots?sku=OAT")
    assert known["rows"][0]["expires_on"] == "2027-01-31"
    await scanned(made, 2, f"01{GTIN}1727022810L1", f"01{GTIN}1727022810L1")
    await settler.step()
    (review,) = await reviews(made)
    assert "2027-02-28, and 2027-01-31 is known of it" in review["reason"]
    await choose(made, review, "2027-02-28")
    known = await made.get("/lots?sku=OAT")
    assert known["rows"][0]["expires_on"] == "2027-02-28"
    assert await lines(made) == {"1": (0, 0, 0), "2": (18, 0, 0)}
    assert await made.database.read(differences) == []
