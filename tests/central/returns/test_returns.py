"""Returns over REST: held against what was shipped, taken in piece by piece, inspected, closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from central.database.tide import Tide
from central.epcis.from_ledger import event_of
from central.epcis.names import Names
from central.receiving.watching import ReceivingWatcher
from central.reservations.following import Settler
from central.stock import projection, queries, serials
from tests.central.api.test_documents import scanned
from tests.central.harness import Bench, bench
from tests.fakes import told

GTIN = "09521234000013"
DRILL = "09521234000020"


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        for code in ("hall", "back", "cage"):
            await opened.post("/locations", code=code, name=code)
        await opened.post("/items", sku="OAT", name="Oats", gtins=[{"gtin": GTIN}])
        gtins = [{"gtin": DRILL}]
        await opened.post("/items", sku="DRILL", name="Drill", tracking="serial", gtins=gtins)
        await opened.put(
            "/read-points/desk", kind="scan", location="back", inbound_from="customer",
            inferred="auto",
        )  # fmt: skip
        await opened.post("/stock/receive", sku="OAT", quantity=20, location="hall")
        names = ["S1", "S2", "S3", "S4"]
        await opened.post("/stock/receive", sku="DRILL", quantity=4, location="hall", serials=names)
        await sold(opened, "sold-0001", "S1", "S2")
        yield opened


async def sold(made: Bench, name: str, *pieces: str, oats: int = 6) -> None:
    """An order of oats and drills that has left."""
    lines: list[dict[str, object]] = [{"line": "oats", "sku": "OAT", "quantity": oats}]
    if pieces:
        lines.append({"line": "drills", "sku": "DRILL", "quantity": len(pieces)})
    await made.post(
        "/api/orders/outbound", id=name, customer="Jane", warehouse="hall", ship_to={}, lines=lines
    )
    await made.post("/api/picking/tasks", id=f"wave-{name}", orders=[name])
    named = {"drills": pieces} if pieces else {}
    await made.post(f"/api/orders/outbound/{name}/ship", id=f"truck-{name}", serials=named)


async def announce(made: Bench, number: int, status: int = 201, **more: object) -> Any:
    lines = [
        {"line": "o", "sku": "OAT", "quantity": 4, "reason": "not_wanted"},
        {"line": "d", "sku": "DRILL", "quantity": 1, "reason": "defective"},
    ]
    body = {"order": "sold-0001", "location": "back", "lines": lines} | more
    return await made.post("/api/returns", status, id=f"rma-0000{number}", **body)


async def begin(made: Bench, **more: object) -> None:
    await announce(made, 1, **more)
    await made.post("/api/returns/rma-00001/authorise", 200)
    await made.post("/api/receiving", id="session-1", order="rma-00001", aside="cage")


async def take(made: Bench, number: int, status: int = 201, **body: object) -> Any:
    return await made.post(
        "/api/receiving/session-1/receipts", status, id=f"receipt-{number}", **body
    )


async def inspect(made: Bench, number: int, answer: int = 201, /, **body: object) -> Any:
    said = {"id": f"inspected-{number}"} | body
    done = await made.http.post("/api/returns/rma-00001/inspections", json=said)
    assert done.status_code == answer, done.text
    return done.json()


async def shown(made: Bench) -> Any:
    return await made.get("/api/returns/rma-00001")


def held(conn: Connection) -> list[tuple[str, str, str, int]]:
    found = queries.on_hand(conn)
    return [(i.sku, i.location, i.status, i.on_hand) for i in found if i.location != "hall"]


async def sound(made: Bench) -> bool:
    wrong = [await made.database.read(one) for one in (projection.check_balances, serials.check)]
    return not any(wrong)


async def test_never_more_comes_back_than_was_shipped(made: Bench) -> None:
    first = await announce(made, 1)
    assert (first["state"], first["customer"]) == ("announced", "Jane")
    assert [one["order_line"] for one in first["lines"]] == ["oats", "drills"]
    assert first["lines"][1]["serials"] == ["S1", "S2"]
    assert await announce(made, 1, 200) == first
    await announce(made, 1, 409, location="cage")
    many = [{"sku": "OAT", "quantity": 3, "reason": "other"}]
    refused = await announce(made, 2, 409, lines=many)
    assert "6 were shipped, of which 2 may still come back, not 3" in refused["detail"]
    two = [{"sku": "OAT", "quantity": 1, "reason": "other"}]
    await announce(made, 2, lines=two * 2)
    assert "of which 0 may" in (await announce(made, 3, 409, lines=two))["detail"]
    # One that is cancelled or refused leaves its units to others.
    await made.post("/api/returns/rma-00002/cancel", 200)
    await announce(made, 3, lines=two * 2)
    await made.post("/api/returns/rma-00001/refuse", 200, reason="too late")
    await announce(made, 4, lines=[two[0] | {"quantity": 4}])
    rows: Any = await made.get("/api/returns?order=sold-0001&status=announced")
    assert [one["id"] for one in rows["rows"]] == ["rma-00003", "rma-00004"]


async def test_what_came_of_a_closed_one_counts_and_what_did_not_is_free_again(
    made: Bench,
) -> None:
    await begin(made)
    await take(made, 1, sku="OAT", quantity=3)
    await inspect(made, 1, line="o", quantity=3, disposition="restock")
    reasons = {"o": "short_shipped", "d": "lost"}
    await made.post("/api/returns/rma-00001/close", 200, reasons=reasons)
    lines = [{"sku": "OAT", "quantity": 3, "reason": "other"}]
    await announce(made, 2, 409, lines=[lines[0] | {"quantity": 4}])
    await announce(made, 3, lines=lines)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"order": "sold-9999"}, 404, "no outbound order"),
        ({"location": "moon"}, 404, "no location moon"),
        ({"location": "customer"}, 422, "no place"),
        ({"order": ""}, 422, "customer and a reason"),
        ({"lines": [{"sku": "NUT", "quantity": 1, "reason": "other"}]}, 422, "has no NUT"),
        ({"lines": [{"sku": "OAT", "quantity": 1, "reason": "bored"}]}, 422, "reason"),
        (
            {"lines": [{"sku": "DRILL", "quantity": 1, "reason": "other", "serials": ["S3"]}]},
            409, "DRILL S3 was not shipped",
        ),
        (
            {"lines": [{"sku": "OAT", "quantity": 1, "reason": "other", "serials": ["S3"]}]},
            422, "not tracked",
        ),
    ],
)  # fmt: skip
async def test_what_cannot_come_back_is_refused(
    made: Bench, body: dict[str, object], status: int, said: str
) -> None:
    assert said in str((await announce(made, 1, status, **body))["detail"])
    assert (await made.get("/api/returns"))["rows"] == []


async def test_returned_goods_wait_for_their_inspection_and_then_go_where_it_says(
    made: Bench,
) -> None:
    await begin(made)
    await take(made, 1, code=GTIN, quantity=3)
    over = await take(made, 2, code=GTIN, quantity=2)
    assert (over["verdict"], over["goods"][0]["aside"]) == ("over", 1)
    await take(made, 3, code=f"01{DRILL}21S2", condition="damaged")
    assert (await shown(made))["state"] == "receiving"
    assert await made.database.read(held) == [
        ("DRILL", "back", "damaged", 1), ("OAT", "back", "quarantined", 4),
        ("OAT", "cage", "quarantined", 1),
    ]  # fmt: skip
    assert (await made.get("/stock/OAT/available"))["available"] == 14
    await made.post("/api/receiving/session-1/close", 200)
    assert (await shown(made))["state"] == "received"
    wait = await made.post("/api/returns/rma-00001/close", 409, reason="other")
    assert "4 units of line o wait for their inspection" in str(wait["detail"])
    await inspect(made, 1, line="o", quantity=2, disposition="restock", to="hall")
    again = await inspect(made, 1, 200, line="o", quantity=2, disposition="restock", to="hall")
    assert again["movement"]
    await inspect(made, 1, 409, line="o", quantity=1, disposition="restock", to="hall")
    kept = await inspect(made, 2, line="o", quantity=1, disposition="quarantine")
    assert kept["movement"] == ""
    much = await inspect(made, 3, 409, line="o", quantity=2, disposition="scrap")
    assert "4 of line o came back, of which 1 wait" in much["detail"]
    await inspect(made, 3, line="o", quantity=1, disposition="scrap")
    strange = {"line": "d", "quantity": 1, "disposition": "restock", "status": "damaged"}
    await inspect(made, 4, 409, serials=["S3"], **strange)
    await inspect(made, 4, serials=["S2"], **strange)
    await inspect(made, 5, 409, line="x", quantity=1, disposition="scrap")
    assert (await shown(made))["state"] == "inspected"
    assert (await made.get("/stock/OAT/available"))["available"] == 16
    closed: Any = await made.post("/api/returns/rma-00001/close", 200, reason="other")
    differs = [(one["kind"], one["quantity"]) for one in closed["differences"]]
    assert differs == [("damaged", 1), ("over", 1)]
    assert await sound(made)
    kinds = [one["type"].split(".")[-2] for one in await told_of(made)]
    assert kinds == [
        "ReturnAnnounced", "ReturnAuthorised", "ReturnReceived", "ReturnReceived",
        "ReturnReceived", *["ReturnInspected"] * 4, "ReturnClosed",
    ]  # fmt: skip


async def told_of(made: Bench) -> Any:
    """The events of returns, each as its schema says."""
    rows: Any = (await made.get("/events?limit=500"))["rows"]
    found = [one for one in rows if ".Return" in one["type"]]
    for one in found:
        told.check(one["type"].split(".")[-2], one["data"])
    return found


async def test_a_foreign_piece_is_a_question_and_may_be_taken_nevertheless(made: Bench) -> None:
    await sold(made, "sold-0002", "S3", oats=1)
    await begin(made)
    foreign = await take(made, 1, code=f"01{DRILL}21S3")
    assert foreign["verdict"] == "foreign"
    assert "DRILL S3 is none of the pieces" in foreign["says"]
    assert (await take(made, 2, sku="DRILL", serials=["S4"]))["verdict"] == "in_stock"
    unknown = await take(made, 3, sku="DRILL", serials=["X9"])
    assert unknown["verdict"] == "foreign"
    rows: Any = (await made.get("/reviews"))["rows"]
    assert {one["id"] for one in rows} == {
        foreign["goods"][0]["review"], unknown["goods"][0]["review"],
    }  # fmt: skip
    (review,) = (one for one in rows if "S3" in one["reason"])
    assert review["hypotheses"][0]["says"] == "1 of DRILL (S3) taken for line d of rma-00001"
    path = f"/reviews/{review['id']}/resolve"
    await made.post(path, id="answer-0001", hypothesis=0, by="bert")
    assert await made.get("/stock/DRILL/serials/S3") == (
        await made.get("/stock/DRILL/serials/S3")
    ) | {"location": "back", "status": "quarantined"}
    line = (await shown(made))["lines"][1]
    assert (line["received"], line["inspected"]) == (1, 0)
    assert await sound(made)


async def test_one_without_an_order_takes_only_what_a_customer_has(made: Bench) -> None:
    lines = [{"line": "d", "sku": "DRILL", "quantity": 2, "reason": "warranty"}]
    await begin(made, order="", customer="Jo", reason="no receipt", lines=lines)
    assert (await take(made, 1, sku="DRILL", serials=["S1"]))["verdict"] == "expected"
    assert (await take(made, 2, sku="DRILL", serials=["X9"]))["verdict"] == "foreign"


async def test_what_a_scanner_saw_come_back_is_held_back_and_confirmed(made: Bench) -> None:
    await begin(made)
    await scanned(made, 1, f"01{DRILL}21S1", f"01{GTIN}")
    settler = Settler(made.database, Tide(), watchers=[ReceivingWatcher()])
    while await made.database.read(lambda c: settler.counters["movements"] < queries.last_seq(c)):
        await settler.step()
    assert await made.database.read(held) == [
        ("DRILL", "back", "quarantined", 1), ("OAT", "back", "quarantined", 1),
    ]  # fmt: skip
    assert (await shown(made))["state"] == "receiving"
    assert "a sensor has told" in (await take(made, 1, sku="DRILL", serials=["S1"]))["says"]
    assert (await take(made, 2, sku="OAT", quantity=1))["movements"] == []
    await inspect(made, 1, line="d", quantity=1, disposition="restock", serials=["S1"])
    assert (await made.get("/stock/DRILL/serials/S1"))["status"] == "available"
    assert (await made.get("/reviews"))["rows"] == []
    assert await sound(made)


async def test_goods_on_no_line_may_be_taken_with_it_and_are_inspected_too(made: Bench) -> None:
    await made.post("/items", sku="HAT", name="Hat")
    await begin(made)
    taken = await take(made, 1, sku="HAT")
    path = f"/reviews/{taken['goods'][0]['review']}/resolve"
    await made.post(path, id="answer-0001", hypothesis=0, by="bert")
    assert (await shown(made))["lines"][2]["received"] == 1
    await inspect(made, 1, line="3", quantity=1, disposition="scrap")
    await made.post("/api/receiving/session-1/close", 200)
    assert (await shown(made))["state"] == "inspected"


async def test_it_is_decided_once_and_by_its_own_routes(made: Bench) -> None:
    await announce(made, 1)
    await made.post("/api/receiving", 404, id="session-1", order="rma-00001")
    await made.post("/api/returns/rma-00001/authorise", 200)
    again: Any = await made.post("/api/returns/rma-00001/authorise", 200)
    assert again["state"] == "authorised"
    for path in ("", "/close", "/cancel"):
        if path:
            await made.post(f"/api/orders/inbound/rma-00001{path}", 404)
        else:
            await made.get("/api/orders/inbound/rma-00001", 404)
    assert (await made.get("/api/orders/inbound?status=all"))["rows"] == []
    await made.post("/api/returns/rma-00001/refuse", 200, reason="not ours")
    await made.post("/api/returns/rma-00001/authorise", 409)
    await made.post("/api/receiving", 409, id="session-1", order="rma-00001")
    changes: Any = (await made.get("/audit?subject=return%20rma-00001"))["rows"]
    assert {one["action"] for one in changes} == {
        "announce return", "authorised return", "refused return",
    }  # fmt: skip
    await made.get("/api/returns/rma-99999", 404)


async def test_it_is_told_in_the_words_of_epcis(made: Bench) -> None:
    await begin(made, reference="RMA-7")
    taken = await take(made, 1, sku="OAT", quantity=1)
    posted = await made.database.read(lambda c: queries.movement_by_id(c, taken["movements"][0]))
    assert posted is not None
    event = event_of(posted, Names({}), None)
    assert (event["bizStep"], event["disposition"]) == ("receiving", "non_sellable_other")
    assert event["bizTransactionList"][0]["type"] == "rma"
