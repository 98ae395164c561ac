"""Other items in place of what lacks: off unless allowed, always shown, never promised twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from central.config import OrdersSection
from central.database.tide import Tide
from central.orders.watching import OrderWatcher
from central.reservations.following import Settler
from central.reservations.projection import check_reserved, oversold
from tests.central.harness import Bench, bench
from tests.fakes import told

ORDERS = "/api/orders/outbound"


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        opened.services.orders = OrdersSection(company_prefix="4012345")
        for code in ("hall", "dock"):
            await opened.post("/locations", code=code, name=code)
        for sku in ("TEA", "MINT", "ROSE", "COLA"):
            await opened.post("/items", sku=sku, name=sku.title())
        await opened.put("/items/TEA/substitutes", substitutes=[{"sku": "MINT"}, {"sku": "ROSE"}])
        for sku, units in (("TEA", 6), ("MINT", 3), ("ROSE", 9)):
            await opened.post("/stock/receive", sku=sku, quantity=units, location="hall")
        yield opened
        assert await opened.database.read(check_reserved) == []
        assert await opened.database.read(oversold) == []


async def order(made: Bench, number: int, quantity: int, status: int = 201, **more: object) -> Any:
    lines = [{"line": "1", "sku": "TEA", "quantity": quantity} | more.pop("line", {})]  # type: ignore[operator]
    body = {"customer": "Jane", "ship_to": {}, "warehouse": "hall", "lines": lines}
    return await made.post(ORDERS, status, id=f"order-00{number}", **body | more)


async def lines(made: Bench, name: str) -> list[tuple[object, ...]]:
    shown: Any = await made.get(f"{ORDERS}/{name}")
    return [
        (one["line"], one["sku"], one["quantity"], one["substituted_for"], one["missing"])
        for one in shown["lines"]
    ]


async def events(made: Bench, kind: str) -> list[Any]:
    rows: Any = (await made.get("/events?limit=500"))["rows"]
    found = [one["data"] for one in rows if f".{kind}." in one["type"]]
    for one in found:
        told.check(kind, one)
    return found


async def test_nothing_stands_in_unless_the_order_or_its_line_says_so(made: Bench) -> None:
    assert (await order(made, 1, 10))["state"] == "new"
    assert await lines(made, "order-001") == [("1", "TEA", 10, "", 4)]
    await made.post(f"{ORDERS}/order-001/substitute", 200)
    assert await lines(made, "order-001") == [("1", "TEA", 10, "", 4)]
    await made.post(f"{ORDERS}/order-001/cancel", 200)
    never = {"substitution": "none"}
    assert (await order(made, 2, 10, substitution="allowed", line=never))["state"] == "new"
    await made.post(f"{ORDERS}/order-002/cancel", 200)
    assert (await order(made, 3, 10, line={"substitution": "allowed"}))["state"] == "allocated"
    # Who asks for a lot asks for nothing else.
    assert (await order(made, 4, 1, substitution="allowed", line={"lot": "L1"}))["state"] == "new"
    assert await events(made, "BackorderCreated")


async def test_only_what_lacks_is_given_by_others_each_in_its_turn(made: Bench) -> None:
    taken = await order(made, 1, 10, substitution="allowed")
    assert taken["state"] == "allocated"
    assert await lines(made, "order-001") == [
        ("1", "TEA", 6, "", 0), ("1-1", "MINT", 3, "1", 0), ("1-2", "ROSE", 1, "1", 0),
    ]  # fmt: skip
    assert taken["lines"][0]["substituted"] == 4
    again = await order(made, 1, 10, 200, substitution="allowed")
    assert again["repeated"]
    await order(made, 1, 10, 409)
    shared = await events(made, "OrderSubstituted")
    assert [(one["asked_sku"], one["sku"], one["quantity"]) for one in shared] == [
        ("TEA", "MINT", 3), ("TEA", "ROSE", 1),
    ]  # fmt: skip
    (created,) = await events(made, "OrderCreated")
    assert [one["substituted_for"] for one in created["lines"]] == ["", "1", "1"]
    assert await events(made, "BackorderCreated") == []
    # What is left of the last one is given, and then nothing: the rest is waited for.
    await order(made, 2, 10, substitution="allowed", partial=True)
    assert await lines(made, "order-002") == [("1", "TEA", 2, "", 2), ("1-1", "ROSE", 8, "1", 0)]
    await made.post(f"{ORDERS}/order-001/cancel", 200)
    assert (await made.get("/stock/MINT/available"))["available"] == 3


async def test_it_is_told_on_picks_and_cartons_and_leaves_as_itself(made: Bench) -> None:
    await order(made, 1, 8, substitution="allowed", ship_from="dock")
    task: Any = await made.post("/api/picking/tasks", id="wave-0001", orders=["order-001"])
    assert [(one["sku"], one["substituted_for"]) for one in task["picks"]] == [
        ("MINT", "TEA"), ("TEA", ""),
    ]  # fmt: skip
    for pick in task["picks"]:
        said = {name: pick[name] for name in ("location", "sku", "quantity")}
        await made.post(f"/api/picking/picks/{pick['id']}/confirm", 200, **said)
    contents = [{"line": "1", "quantity": 6}, {"line": "1-1", "quantity": 2}]
    carton: Any = await made.post(f"{ORDERS}/order-001/cartons", contents=contents)
    assert [(one["sku"], one["substituted_for"]) for one in carton["contents"]] == [
        ("TEA", ""), ("MINT", "TEA"),
    ]  # fmt: skip
    await made.post(f"{ORDERS}/order-001/ship", id="truck-0001")
    shown: Any = await made.get(f"{ORDERS}/order-001")
    assert (shown["state"], shown["shipments"][0]["lines"]) == ("shipped", {"1": 6, "1-1": 2})
    assert (await made.get("/stock/MINT"))["by_location"] == {"hall": 1}


async def test_what_is_lost_while_picking_is_given_by_others(made: Bench) -> None:
    await order(made, 1, 6, substitution="allowed", ship_from="dock")
    task: Any = await made.post("/api/picking/tasks", id="wave-0001", orders=["order-001"])
    (pick,) = task["picks"]
    said = {"location": "hall", "sku": "TEA", "quantity": 4, "reason": "damaged"}
    await made.post(f"/api/picking/picks/{pick['id']}/confirm", 200, **said)
    task = await made.get("/api/picking/tasks/wave-0001")
    assert [(one["sku"], one["quantity"], one["state"]) for one in task["picks"]] == [
        ("MINT", 2, "open"), ("TEA", 6, "done"),
    ]  # fmt: skip
    assert await lines(made, "order-001") == [("1", "TEA", 4, "", 0), ("1-1", "MINT", 2, "1", 0)]
    document: Any = await made.get("/documents/order-001")
    assert [(one["sku"], one["quantity"]) for one in document["lines"]] == [("TEA", 4), ("MINT", 2)]


async def test_what_comes_later_stands_in_when_it_is_asked_again(made: Bench) -> None:
    await order(made, 1, 20, substitution="allowed")
    assert await lines(made, "order-001") == [
        ("1", "TEA", 8, "", 2), ("1-1", "MINT", 3, "1", 0), ("1-2", "ROSE", 9, "1", 0),
    ]  # fmt: skip
    await made.post("/stock/receive", sku="MINT", quantity=1, location="hall")
    again: Any = await made.post(f"{ORDERS}/order-001/substitute", 200)
    assert again["state"] == "new"
    await made.post("/stock/receive", sku="TEA", quantity=1, location="hall")
    settler = Settler(made.database, Tide(), watchers=[OrderWatcher()])
    while await settler.step():
        pass
    await settler.step()
    assert await lines(made, "order-001") == [
        ("1", "TEA", 7, "", 0), ("1-1", "MINT", 3, "1", 0), ("1-2", "ROSE", 9, "1", 0),
        ("1-3", "MINT", 1, "1", 0),
    ]  # fmt: skip
    assert (await made.get(f"{ORDERS}/order-001"))["state"] == "allocated"
    await made.post("/api/picking/tasks", id="wave-0001", orders=["order-001"])
    await made.post(f"{ORDERS}/order-001/ship", id="truck-0001")
    assert (await made.get(f"{ORDERS}/order-001"))["state"] == "shipped"


async def test_a_substitute_holds_one_way_and_in_its_time(made: Bench) -> None:
    path = "/items/COLA/substitutes"
    wanted = [{"sku": "MINT", "until_on": "2020-01-01"}, {"sku": "ROSE", "from_on": "2020-01-01"}]
    await made.put(path, substitutes=wanted)
    rows: Any = (await made.get(path))["rows"]
    assert [(one["sku"], one["until_on"]) for one in rows] == [
        ("MINT", "2020-01-01"),
        ("ROSE", None),
    ]
    cola = {"sku": "COLA", "substitution": "allowed"}
    await order(made, 1, 1, line=cola)
    assert (await lines(made, "order-001"))[1][:3] == ("1-1", "ROSE", 1)
    assert (await order(made, 2, 9, line={"sku": "MINT", "substitution": "allowed"}))[
        "state"
    ] == "new"
    assert (await lines(made, "order-002"))[0][4] == 6
    refusals: tuple[tuple[Any, int], ...] = (
        ([{"sku": "COLA"}], 422), ([{"sku": "NONE"}], 404), ([{"sku": "TEA"}, {"sku": "TEA"}], 422),
        ([{"sku": "TEA", "from_on": "2020-01-02", "until_on": "2020-01-01"}], 422),
    )  # fmt: skip
    for wrong, status in refusals:
        answer = await made.http.put(path, json={"substitutes": wrong})
        assert answer.status_code == status, answer.text
    changes: Any = (await made.get("/audit?subject=item%20COLA&action=set%20substitutes"))["rows"]
    assert len(changes) == 1


async def test_a_reservation_takes_others_only_when_it_is_told(made: Bench) -> None:
    wish = {"sku": "TEA", "quantity": 8, "location": "hall"}
    refused = await made.post("/reservations", 409, id="basket-001", **wish)
    assert "6 of TEA are available" in str(refused["detail"])
    wish |= {"substitution": "allowed"}
    first: Any = await made.post("/reservations", id="basket-001", **wish)
    assert (first["held"], first["missing"]) == (6, 0)
    (other,) = first["substitutes"]
    assert (other["sku"], other["held"], other["substituted_for"]) == ("MINT", 2, "basket-001")
    again: Any = await made.post("/reservations", 200, id="basket-001", **wish)
    assert again["substitutes"] == first["substitutes"]
    short = await made.post("/reservations", 409, id="basket-002", **wish | {"quantity": 11})
    assert "0 of TEA are available and 10 of others" in str(short["detail"])
    until = {"expires_at": "2040-01-01T00:00:00Z"}
    await made.post("/reservations/basket-001/extend", 200, **until)
    shown: Any = await made.get(f"/reservations/{other['id']}")
    assert shown["expires_at"] == "2040-01-01T00:00:00Z"
    await made.post("/reservations/basket-001/release", 200)
    assert (await made.get("/stock/MINT/available"))["available"] == 3
    waits: Any = await made.post(
        "/reservations", id="basket-003", **wish | {"quantity": 20, "backorder": True}
    )
    assert (waits["held"], waits["missing"], len(waits["substitutes"])) == (6, 2, 2)


async def test_nothing_is_promised_twice_however_many_ask(made: Bench) -> None:
    body = {"customer": "J", "ship_to": {}, "warehouse": "hall", "substitution": "allowed"}
    asked = [
        made.http.post(ORDERS, json=body | {"id": f"many-{number:04}", "lines": [
            {"line": "1", "sku": "TEA" if number % 3 else "MINT", "quantity": 2}
        ]})
        for number in range(12)
    ]  # fmt: skip
    baskets = [
        made.http.post("/reservations", json={
            "id": f"basket-{number:03}", "sku": "TEA", "quantity": 2, "substitution": "allowed",
        })
        for number in range(6)
    ]  # fmt: skip
    answers = await asyncio.gather(*asked, *baskets)
    assert {one.status_code for one in answers} <= {201, 409}
    held = 0
    for sku, units in (("TEA", 6), ("MINT", 3), ("ROSE", 9)):
        shown: Any = await made.get(f"/stock/{sku}/available")
        assert shown["reserved"] + shown["available"] == units
        assert shown["available"] >= 0
        held += shown["reserved"]
    assert held == 18
