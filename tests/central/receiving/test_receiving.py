"""Receiving over REST: orders, notices, sessions, and what a portal has told of already."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from central.access.behalf import reaching
from central.receiving import orders, sessions
from central.stock import projection, queries
from central.stock.ledger import post
from central.stock.model import OutOfReach
from gateway.gs1 import sgtin96_hex
from tests.central.api.test_documents import scanned
from tests.central.harness import Bench, bench
from tests.central.shop import moving

GTIN = "09521234000013"
SSCC = "340123450000000017"
FOUNDING: dict[str, Any] = {
    "supplier": "Acme Ltd",
    "reference": "PO-7890",
    "location": "WH-01",
    "currency": "EUR",
    "expected_date": "2026-02-02T08:00:00+01:00",
    "lines": [{"line": "1", "sku": "ABC-12345", "quantity": 150, "unit_price": 29.99}],
}
ORDER: dict[str, Any] = {
    "id": "po-00001",
    "supplier": "Oats & Co",
    "reference": "PO-1",
    "location": "hall",
    "lines": [
        {"sku": "OAT", "quantity": 24, "unit_price": 1.5},
        {"line": "nuts", "sku": "NUT", "quantity": 5, "lot": "L1"},
    ],
}


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        for code in ("hall", "WH-01", "cage"):
            await opened.post("/locations", code=code, name=code)
        await opened.post("/items", sku="OAT", name="Oats", gtins=[{"gtin": GTIN, "quantity": 6}])
        await opened.post("/items", sku="NUT", name="Nuts")
        await opened.post("/items", sku="ABC-12345", name="Wireless mouse")
        await opened.put("/read-points/desk", kind="scan", location="hall", inferred="auto")
        yield opened


async def begin(made: Bench, **more: object) -> None:
    await made.post("/api/orders/inbound", **ORDER)
    await made.post("/api/receiving", id="session-1", order="po-00001", aside="cage", **more)


async def take(made: Bench, number: int, status: int = 201, **body: object) -> Any:
    return await made.post(
        "/api/receiving/session-1/receipts", status, id=f"receipt-{number}", **body
    )


async def order(made: Bench) -> Any:
    return await made.get("/api/orders/inbound/po-00001")


async def lines(made: Bench) -> dict[str, tuple[int, int, int]]:
    found = (await order(made))["lines"]
    return {one["line"]: (one["sensed"], one["confirmed"], one["posted"]) for one in found}


async def on_hand(made: Bench, sku: str) -> Any:
    return (await made.get(f"/stock/{sku}"))["by_location"]


async def test_the_founding_order_is_made_once_and_keeps_its_cost(made: Bench) -> None:
    first = await made.post("/api/orders/inbound", **FOUNDING)
    assert await made.post("/api/orders/inbound", 200, **FOUNDING) == first
    other = await made.post("/api/orders/inbound", 409, **FOUNDING | {"location": "hall"})
    assert other["type"] == "urn:tallyport:problem:already-exists"
    (line,) = first["lines"]  # type: ignore[misc]
    assert (line["quantity"], line["unit_price"]) == (150, 29.99)
    assert (first["state"], first["supplier"]) == ("expected", "Acme Ltd")
    assert first["expected_date"] == "2026-02-02T07:00:00Z"
    listed: Any = await made.get("/api/orders/inbound?reference=PO-7890&supplier=Acme%20Ltd")
    assert [one["id"] for one in listed["rows"]] == [first["id"]]
    name = first["id"]
    assert (await made.post(f"/api/orders/inbound/{name}/cancel", 200))["state"] == "cancelled"
    assert (await made.post(f"/api/orders/inbound/{name}/cancel", 200))["state"] == "cancelled"
    assert (await made.get(f"/documents/{name}"))["status"] == "closed"
    assert (await made.get("/api/orders/inbound"))["rows"] == []
    await made.post("/api/receiving", 409, id="session-9", order=name)


async def test_a_session_says_what_each_scan_is_and_what_comes_next(made: Bench) -> None:
    await begin(made)
    first = await take(made, 1, code=f"01{GTIN}")
    assert (first["verdict"], first["says"]) == (
        "expected", "6 of OAT received. Line 1 lacks 18 more",
    )  # fmt: skip
    again = await take(made, 1, 200, code=f"01{GTIN}")
    assert again == first | {"repeated": True}
    other = await take(made, 1, 409, code=f"01{GTIN}", quantity=12)
    assert other["type"] == "urn:tallyport:problem:conflicting-repeat"
    second = await take(made, 2, sku="OAT", quantity=20)
    assert (second["verdict"], second["goods"][0]["aside"]) == ("over", 2)
    assert "put them into cage" in second["says"]
    wrong = await take(made, 3, sku="NUT", quantity=2, lot="L9")
    assert wrong["verdict"] == "wrong_lot"
    assert "expected is L1" in wrong["says"]
    assert (await take(made, 4, sku="ABC-12345"))["verdict"] == "unexpected"
    damaged = await take(made, 5, sku="NUT", quantity=1, lot="L1", condition="damaged")
    assert damaged["verdict"] == "damaged"
    last = await take(made, 6, sku="NUT", quantity=4, lot="L1")
    assert last["says"] == "4 of NUT received. Everything is there: close the session"
    assert await on_hand(made, "OAT") == {"hall": 24, "cage": 2}
    assert await on_hand(made, "ABC-12345") == {"cage": 1}
    assert (await order(made))["state"] == "receiving"
    guide: Any = await made.post("/api/receiving/session-1/close", 200)
    assert (guide["status"], guide["order"]["state"]) == ("closed", "received")
    assert (await made.get("/api/receiving/session-1"))["status"] == "closed"
    await take(made, 7, 409, sku="OAT")
    movement: Any = await made.get(f"/movements/{first['movements'][0]}")
    assert movement["evidence"]["unit_cost_micros"] == 1_500_000
    assert movement["evidence"]["line"] == "1"
    assert movement["reference"] == "PO-1"


async def test_damaged_and_set_aside_goods_are_received_and_cannot_be_sold(made: Bench) -> None:
    await begin(made)
    await scanned(made, 1, f"01{GTIN}217")
    # Two of the six that a scanner told of are damaged, and four of those that it did not.
    await take(made, 1, sku="OAT", quantity=2, condition="damaged")
    assert (await take(made, 2, sku="OAT", quantity=8, condition="damaged"))["verdict"] == "damaged"
    await take(made, 3, sku="ABC-12345", quantity=3)
    held = await made.database.read(on_hand_rows)
    assert held == [
        ("ABC-12345", "cage", "quarantined", 3), ("OAT", "hall", "damaged", 10),
    ]  # fmt: skip
    assert await lines(made) == {"1": (6, 6, 4), "nuts": (0, 0, 0)}
    assert (await order(made))["lines"][0]["damaged"] == 10


def on_hand_rows(conn: Connection) -> list[tuple[str, str, str, int]]:
    return [(one.sku, one.location, one.status, one.on_hand) for one in queries.on_hand(conn)]


async def test_closing_an_order_wants_a_reason_for_all_that_differs(made: Bench) -> None:
    await begin(made)
    await take(made, 1, sku="OAT", quantity=20)
    await take(made, 2, sku="ABC-12345", quantity=3)
    await take(made, 3, sku="NUT", quantity=5, lot="L1", condition="damaged")
    close = "/api/orders/inbound/po-00001/close"
    assert "line 1 is short by 4: say why" in str((await made.post(close, 422))["detail"])
    reasons = {"nuts": "damaged_in_transit", "ABC-12345": "wrong_item"}
    closed: Any = await made.post(close, 200, reason="short_shipped", reasons=reasons)
    told = [
        (one["line"], one["kind"], one["quantity"], one["reason"])
        for one in closed["discrepancies"]
    ]
    assert told == [
        ("1", "short", 4, "short_shipped"), ("nuts", "damaged", 5, "damaged_in_transit"),
        ("", "unexpected", 3, "wrong_item"),
    ]  # fmt: skip
    assert closed["state"] == "closed"
    again: Any = await made.post(close, 200)
    assert again["discrepancies"] == closed["discrepancies"]
    assert (await made.get("/api/receiving/session-1"))["status"] == "closed"
    assert (await made.post("/api/orders/inbound/po-00001/cancel", 409))["status"] == 409


async def test_what_a_portal_or_scanner_told_of_is_confirmed_and_moves_nothing(
    made: Bench,
) -> None:
    await begin(made)
    await scanned(made, 1, f"01{GTIN}217", f"01{GTIN}218")
    assert await lines(made) == {"1": (12, 0, 0), "nuts": (0, 0, 0)}
    assert (await order(made))["state"] == "receiving"
    seven = await take(made, 1, code=f"01{GTIN}217")
    assert "a sensor has told of them already" in seven["says"]
    assert (await take(made, 2, code=sgtin96_hex(GTIN, 7, 7)))["verdict"] == "already"
    assert await lines(made) == {"1": (12, 6, 0), "nuts": (0, 0, 0)}
    # Six of the remaining eighteen were sensed; a third case is new.
    assert (await take(made, 3, sku="OAT", quantity=6))["movements"] == []
    assert len((await take(made, 4, code=f"01{GTIN}219"))["movements"]) == 1
    assert await lines(made) == {"1": (12, 12, 6), "nuts": (0, 0, 0)}
    assert await on_hand(made, "OAT") == {"hall": 18}
    # The scanner hears the third one later: it bears witness, and counts no second time.
    await scanned(made, 3, f"01{GTIN}219")
    assert await lines(made) == {"1": (12, 12, 6), "nuts": (0, 0, 0)}
    assert await on_hand(made, "OAT") == {"hall": 18}
    assert await made.database.read(projection.check_balances) == []


async def test_a_piece_is_taken_once_whoever_scans_it(made: Bench) -> None:
    await begin(made)
    assert (await take(made, 1, code=f"01{GTIN}217"))["verdict"] == "expected"
    assert (await take(made, 2, code=f"01{GTIN}217"))["verdict"] == "already"
    assert await on_hand(made, "OAT") == {"hall": 6}
    # One that was here before the order, by another way, is not received by it.
    name = f"https://id.gs1.org/01/{GTIN}/21/99"
    before = moving(1, "supplier", "hall", 6, sku="OAT", epcs=(name,))
    await made.database.write(lambda c: post(c, [before], record_us=1))
    assert (await take(made, 3, code=f"01{GTIN}2199"))["verdict"] == "already"
    assert await lines(made) == {"1": (0, 0, 6), "nuts": (0, 0, 0)}


async def test_a_notice_takes_its_part_of_the_order_s_lines(made: Bench) -> None:
    await begin(made)
    asn: dict[str, Any] = {
        "id": "asn-00001",
        "lines": [{"sku": "OAT", "quantity": 12}, {"line": "1", "sku": "OAT", "quantity": 6}],
        "units": [{"sscc": SSCC, "contents": [{"sku": "OAT", "quantity": 12}]}],
    }
    path = "/api/orders/inbound/po-00001/asns"
    told: Any = await made.post(path, **asn)
    assert [one["line"] for one in told["lines"]] == ["1", "1#2"]
    await made.post(path, 200, **asn)
    await made.post(path, 409, **asn | {"units": []})
    rest: Any = await made.get("/documents/po-00001")
    assert [(one["line"], one["quantity"]) for one in rest["lines"]] == [("1", 6), ("nuts", 5)]
    wrong = await made.post(path, 422, id="asn-00002", lines=[{"sku": "ABC-12345", "quantity": 1}])
    assert "has no line for" in str(wrong["detail"])
    pallet = await take(made, 1, code=f"00{SSCC}")
    assert (pallet["verdict"], len(pallet["movements"])) == ("expected", 1)
    assert (await take(made, 2, code=f"00{SSCC}"))["verdict"] == "already"
    # The scanner at the desk hears the pallet and two more cases.
    await scanned(made, 1, f"00{SSCC}", f"01{GTIN}217", f"01{GTIN}218")
    assert await lines(made) == {"1": (12, 0, 12), "nuts": (0, 0, 0)}
    assert await on_hand(made, "OAT") == {"hall": 24}
    closed: Any = await made.post("/api/orders/inbound/po-00001/close", 200, reason="short_shipped")
    assert [(one["line"], one["kind"]) for one in closed["discrepancies"]] == [("nuts", "short")]
    assert (await made.get("/documents/asn-00001"))["status"] == "closed"
    assert (await made.post(path, 409, **asn | {"id": "asn-00003"}))["status"] == 409


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"code": "]C1nonsense"}, 422, "names no goods"),
        ({"code": "01095212340000139"}, 422, "names no goods"),
        ({"code": "4012345000016"}, 404, "no item has the GTIN"),
        ({"code": f"00{SSCC}"}, 404, "tells what is in"),
        ({"code": "E2003412DC03011AF5000001"}, 404, "stands for nothing"),
        ({"sku": "NONE"}, 404, "no item NONE"),
        ({"sku": "OAT", "code": GTIN}, 422, "either"),
        ({"sku": "OAT", "quantity": 0}, 422, "quantity"),
    ],
)
async def test_what_cannot_be_taken_in_is_said(
    made: Bench, body: dict[str, object], status: int, said: str
) -> None:
    await begin(made)
    assert said in str((await take(made, 1, status, **body))["detail"])
    assert await lines(made) == {"1": (0, 0, 0), "nuts": (0, 0, 0)}


async def test_orders_of_places_that_were_not_granted_are_neither_shown_nor_received(
    made: Bench,
) -> None:
    await begin(made)
    read = made.services.read
    with reaching(frozenset({"cage"})):
        assert await read(orders.list_orders) == []
        with pytest.raises(OutOfReach):
            await read(lambda c: orders.get_order(c, "po-00001"))
        with pytest.raises(OutOfReach):
            await read(lambda c: sessions.get_session(c, "session-1"))
    with reaching(frozenset({"hall"})):
        assert [one.id for one in await read(orders.list_orders)] == ["po-00001"]


async def test_orders_and_sessions_of_nowhere_are_refused(made: Bench) -> None:
    for path in ("/api/orders/inbound/none", "/api/receiving/none"):
        await made.get(path, 404)
    await made.post("/api/orders/inbound", 404, **ORDER | {"location": "moon"})
    await made.post("/api/orders/inbound", 404, **ORDER | {"lines": [{"sku": "NO", "quantity": 1}]})
    twice = [{"line": "1", "sku": "OAT", "quantity": 1}] * 2
    await made.post("/api/orders/inbound", 422, **ORDER | {"lines": twice})
    await made.post("/api/receiving", 404, id="session-1", order="none")
    await begin(made)
    repeat = {"id": "session-1", "order": "po-00001"}
    await made.post("/api/receiving", 409, **repeat)
    await made.post("/api/receiving", 200, **repeat, aside="cage")
    await made.post("/api/receiving", 404, id="session-2", order="po-00001", location="moon")
