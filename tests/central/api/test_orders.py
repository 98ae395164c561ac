"""Outbound orders over REST, from the order to the truck, and what stock does meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from central.api.orders.bodies import CartonBody, OutboundOrderBody, PickedBody, ShipBody, TaskBody
from central.documents import books
from central.events import log as events
from central.orders.watching import OrderWatcher
from central.reconcile.expected import LineTold, Note
from central.reservations.following import Settler
from central.reservations.projection import check_reserved, oversold
from central.stock import ledger
from central.stock.model import Movement
from gateway.gs1.keys import is_sscc
from tests.central.harness import Bench, bench

ORDERS = "/api/orders/outbound"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        opened.services.orders = opened.services.orders.model_copy(
            update={"company_prefix": "4012345"}
        )
        await opened.post("/warehouses", code="WH-01", name="Leeds")
        for code in ("WH-01-B2", "WH-01-B12", "WH-01-DOCK"):
            await opened.post("/locations", code=code, name=code, parent="WH-01")
        await opened.post("/items", sku="ABC-12345", name="Wireless mouse")
        yield opened
        assert opened.database.read_now(check_reserved) == []
        assert opened.database.read_now(oversold) == []


def example(body: type[Any]) -> dict[str, Any]:
    return dict(body.model_config["json_schema_extra"]["examples"][0])


async def receive(made: Bench, quantity: int, location: str = "WH-01-B12") -> None:
    await made.post("/stock/receive", sku="ABC-12345", quantity=quantity, location=location)


async def order(made: Bench, name: str, *quantities: int, **more: Any) -> dict[str, Any]:
    body = example(OutboundOrderBody) | {"id": name, "ship_from": "WH-01-DOCK"} | more
    body["lines"] = [{"sku": "ABC-12345", "quantity": units} for units in quantities]
    return await made.post(ORDERS, **body)


async def settle(made: Bench) -> None:
    settler = Settler(made.database, made.tide, watchers=[OrderWatcher()])
    while await settler.step():
        pass


async def state(made: Bench, name: str) -> tuple[Any, ...]:
    whole: Any = await made.get(f"{ORDERS}/{name}")
    return (whole["state"], *(
        tuple(line[part] for part in ("reserved", "missing", "picked", "shipped"))
        for line in whole["lines"]
    ))  # fmt: skip


def told(made: Bench) -> list[str]:
    found = made.database.read_now(lambda c: events.following(c, 0, 500))
    return [one.kind for one in found if one.kind.startswith("Order")]


async def on_hand(made: Bench, location: str) -> int:
    rows: Any = (await made.get(f"/locations/{location}/inventory"))["rows"]
    return sum(row["on_hand"] for row in rows if row["status"] == "available")


async def picked(made: Bench, pick: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {name: pick[name] for name in ("location", "sku", "lot", "quantity")} | more
    return await made.post(f"/api/picking/picks/{pick['id']}/confirm", status=200, **body)


async def test_from_the_order_to_the_truck(made: Bench) -> None:
    await receive(made, 200)
    wish = example(OutboundOrderBody) | {"ship_from": "WH-01-DOCK"}
    first = await made.post(ORDERS, **wish)
    assert (first["state"], first["repeated"]) == ("allocated", False)
    assert (await made.post(ORDERS, status=200, **wish))["repeated"]
    await made.post(ORDERS, status=409, **wish | {"customer": "John Doe"})
    name = wish["id"]
    await made.post(f"{ORDERS}/{name}/ship", status=409, **example(ShipBody))
    task: Any = await made.post("/api/picking/tasks", **example(TaskBody))
    assert task["route"] == ["WH-01-B12"]
    (pick,) = task["picks"]
    said = example(PickedBody)
    path = f"/api/picking/picks/{pick['id']}/confirm"
    for wrong in ({"location": "WH-01-B2"}, {"sku": "X"}, {"lot": "L"}, {"quantity": 151}):
        await made.post(path, status=409, **said | wrong)
    refused = await made.post(path, status=409, **said | {"quantity": 9})
    assert "say why less is brought" in str(refused["detail"])
    assert (await made.post(path, status=200, **said))["state"] == "done"
    assert (await made.post(path, status=200, **said))["repeated"]
    assert await state(made, name) == ("picking", (150, 0, 150, 0))
    assert (await on_hand(made, "WH-01-DOCK"), await on_hand(made, "WH-01-B12")) == (150, 50)
    carton = await made.post(f"{ORDERS}/{name}/cartons", **example(CartonBody))
    assert is_sscc(str(carton["sscc"]))
    again = await made.post(f"{ORDERS}/{name}/cartons", status=200, **example(CartonBody))
    assert again["sscc"] == carton["sscc"]
    more = {"contents": [{"line": "1", "quantity": 1}]}
    await made.post(f"{ORDERS}/{name}/cartons", status=409, **more)
    shipped = await made.post(f"{ORDERS}/{name}/ship", **example(ShipBody))
    assert shipped["lines"] == {"1": 150}
    assert (await made.post(f"{ORDERS}/{name}/ship", status=200, **example(ShipBody)))["repeated"]
    assert await state(made, name) == ("shipped", (0, 0, 150, 150))
    assert await on_hand(made, "WH-01-DOCK") == 0
    whole: Any = await made.get(f"{ORDERS}/{name}")
    assert whole["cartons"][0]["shipment"] == shipped["id"]
    assert told(made) == [
        "OrderCreated", "OrderReserved", "OrderReleased", "OrderPacked", "OrderShipped",
    ]  # fmt: skip
    assert (await made.get("/documents?status=open"))["rows"] == []


async def test_an_order_of_many_lines_is_the_same_order_when_it_is_sent_again(made: Bench) -> None:
    await receive(made, 200)
    lines = [{"sku": "ABC-12345", "quantity": number} for number in range(1, 13)]
    wish = example(OutboundOrderBody) | {"lines": lines}
    first = await made.post(ORDERS, **wish)
    again = await made.post(ORDERS, status=200, **wish)
    assert again["repeated"]
    assert again["lines"] == first["lines"]


async def test_two_lines_of_one_item_and_a_backorder_that_is_filled_when_goods_come(
    made: Bench,
) -> None:
    await receive(made, 5)
    assert (await order(made, "order-001", 3, 4))["state"] == "new"
    assert await state(made, "order-001") == ("new", (3, 0, 0, 0), (2, 2, 0, 0))
    refused = await made.post("/api/picking/tasks", status=409, orders=["order-001"])
    assert "waits for 2 units" in str(refused["detail"])
    await receive(made, 10)
    await settle(made)
    assert await state(made, "order-001") == ("allocated", (3, 0, 0, 0), (4, 0, 0, 0))
    assert told(made) == ["OrderCreated", "OrderReserved"]
    await made.post(f"{ORDERS}/order-001/cancel", status=200)
    await made.post(f"{ORDERS}/order-001/cancel", status=200)
    assert (await made.get("/stock/ABC-12345/available"))["available"] == 15
    listed: Any = await made.get(f"{ORDERS}?state=all&limit=1")
    assert [row["state"] for row in listed["rows"]] == ["cancelled"]
    assert (await made.get(ORDERS))["rows"] == []
    await made.get(f"{ORDERS}/order-002", status=404)


async def test_what_is_given_back_fills_the_order_that_waits(made: Bench) -> None:
    await receive(made, 5)
    await made.post("/reservations", id="basket-1", sku="ABC-12345", quantity=2)
    for name in ("order-001", "order-002"):
        await order(made, name, 3)
    assert await state(made, "order-002") == ("new", (0, 3, 0, 0))
    await made.post("/reservations/basket-1/release", status=200)
    assert await state(made, "order-002") == ("new", (2, 1, 0, 0))
    await made.post(f"{ORDERS}/order-001/cancel", status=200)
    assert await state(made, "order-002") == ("allocated", (3, 0, 0, 0))
    assert told(made)[-2:] == ["OrderReserved", "OrderCancelled"]


async def test_each_of_many_orders_has_its_own_verdict(made: Bench) -> None:
    await receive(made, 4)
    wish = example(OutboundOrderBody)
    orders = [
        wish | {"id": "bulk-0001", "lines": [{"sku": "ABC-12345", "quantity": 3}]},
        wish | {"id": "bulk-0002", "lines": [{"sku": "NOTHING", "quantity": 1}]},
        wish | {"id": "bulk-0003", "lines": [{"sku": "ABC-12345", "quantity": 3}]},
        wish | {"id": "bulk-0004", "warehouse": "WH-99"},
        wish | {"id": "bulk-0005", "lines": [{"line": "a", "sku": "ABC-12345", "quantity": 1}] * 2},
        wish | {"id": "bulk-0001", "lines": [{"sku": "ABC-12345", "quantity": 3}]},
    ]
    answer = await made.post(f"{ORDERS}/bulk", status=200, orders=orders)
    rows: Any = answer["rows"]
    assert [row["state"] for row in rows] == [
        "allocated", "refused", "new", "refused", "refused", "allocated",
    ]  # fmt: skip
    assert [row.get("status") for row in rows] == [None, 404, None, 404, 409, None]
    assert rows[5]["repeated"]
    assert (await made.get("/stock/ABC-12345/available"))["backordered"] == 2


async def test_a_short_pick_gets_goods_from_elsewhere_or_waits(made: Bench) -> None:
    await receive(made, 6, "WH-01-B2")
    await receive(made, 3, "WH-01-B12")
    await order(made, "order-001", 6)
    task: Any = await made.post("/api/picking/tasks", id="task-0001", orders=["order-001"])
    (pick,) = task["picks"]
    assert pick["location"] == "WH-01-B2"
    done = await picked(made, pick, quantity=1, reason="later")
    assert done["state"] == "open"
    await picked(made, pick, quantity=1, reason="damaged")
    task = await made.get("/api/picking/tasks/task-0001")
    (second,) = [one for one in task["picks"] if one["state"] == "open"]
    assert (second["location"], second["quantity"]) == ("WH-01-B12", 3)
    await picked(made, second, quantity=2, reason="not-there")
    assert await state(made, "order-001") == ("picking", (4, 2, 4, 0))
    assert [await on_hand(made, code) for code in ("WH-01-B2", "WH-01-B12")] == [0, 0]
    await receive(made, 2, "WH-01-B2")
    await settle(made)
    task = await made.get("/api/picking/tasks/task-0001")
    assert [one["quantity"] for one in task["picks"] if one["state"] == "open"] == [2]


async def test_a_phone_that_sends_a_part_again_moves_nothing_twice(made: Bench) -> None:
    await receive(made, 6)
    await order(made, "order-001", 6)
    task: Any = await made.post("/api/picking/tasks", id="task-0001", orders=["order-001"])
    (pick,) = task["picks"]
    first: dict[str, Any] = {"id": "phone-7-part-1", "quantity": 2, "reason": "later"}
    assert not (await picked(made, pick, **first))["repeated"]
    assert (await picked(made, pick, **first))["repeated"]
    refused = await made.post(
        f"/api/picking/picks/{pick['id']}/confirm", status=409,
        location=pick["location"], sku=pick["sku"], **first | {"quantity": 3},
    )  # fmt: skip
    assert refused["type"] == "urn:tallyport:problem:conflicting-repeat"
    rest: dict[str, Any] = {"id": "phone-7-part-2", "quantity": 4}
    assert (await picked(made, pick, **rest))["state"] == "done"
    for said in (rest, first):
        assert (await picked(made, pick, **said))["repeated"]
    assert (await on_hand(made, "WH-01-DOCK"), await on_hand(made, "WH-01-B12")) == (6, 0)


async def test_nobody_is_sent_to_pick_for_an_order_that_was_cancelled(made: Bench) -> None:
    await receive(made, 3, "WH-01-B2")
    await receive(made, 3, "WH-01-B12")
    await order(made, "order-001", 6)
    task: Any = await made.post("/api/picking/tasks", id="task-0001", orders=["order-001"])
    assert task["route"] == ["WH-01-B2", "WH-01-B12"]
    await picked(made, task["picks"][0], quantity=1, reason="later")
    await made.post(f"{ORDERS}/order-001/cancel", status=200)
    after: Any = await made.get("/api/picking/tasks/task-0001")
    assert after["route"] == []
    assert [(one["picked"], one["state"]) for one in after["picks"]] == [(1, "done")]
    assert (await made.get("/stock/ABC-12345/available"))["available"] == 6


async def test_goods_that_lie_where_they_leave_from_are_packed_without_a_pick(
    made: Bench,
) -> None:
    """The founding documents' goods: received and sent at one place."""
    await made.post(
        "/stock/receive", sku="ABC-12345", location="WH-01", quantity=150, reference="PO-7890"
    )
    await order(made, "order-001", 150, ship_from="WH-01", reference="PO-7890")
    task: Any = await made.post("/api/picking/tasks", orders=["order-001"])
    assert (task["picks"], task["route"]) == ([], [])
    await made.post(f"{ORDERS}/order-001/cartons", contents=[{"line": "1", "quantity": 150}])
    assert (await state(made, "order-001"))[0] == "packed"
    shipped = await made.post(f"{ORDERS}/order-001/ship", **example(ShipBody))
    assert shipped["lines"] == {"1": 150}


async def test_what_may_go_in_parts_goes_in_parts(made: Bench) -> None:
    await receive(made, 2)
    await order(made, "order-001", 5, partial=True)
    task: Any = await made.post("/api/picking/tasks", id="task-0001", orders=["order-001"])
    await picked(made, task["picks"][0])
    await made.post(f"{ORDERS}/order-001/ship", id="shipment-1")
    assert await state(made, "order-001") == ("new", (0, 3, 2, 2))
    await made.post(f"{ORDERS}/order-001/cancel", status=409)
    await receive(made, 3)
    await settle(made)
    task = await made.post("/api/picking/tasks", id="task-0002", orders=["order-001"])
    await picked(made, task["picks"][0])
    await made.post(f"{ORDERS}/order-001/ship", id="shipment-2")
    assert await state(made, "order-001") == ("shipped", (0, 0, 5, 5))
    assert told(made)[-3:] == ["OrderReserved", "OrderReleased", "OrderShipped"]


def _pass(conn: Connection, number: int, units: int) -> None:
    """A portal at the dock saw so many leave, and judging held them against the document."""
    moved = Movement(
        id=f"portal-pass-{number}", sku="ABC-12345", quantity=units, source="WH-01-DOCK",
        destination="customer", biz_step="shipping", event_time=NOW, origin="portal",
    )  # fmt: skip
    ledger.post(conn, [moved], record_us=1)
    line = LineTold(line="1", sku="ABC-12345", state="short", expected_qty=6, read_qty=units)
    note = Note(
        id=f"note-{number}", document="order-001", of=moved.id, read_point="dock",
        event_time=NOW, lines=(line,),
    )  # fmt: skip
    books.keep_notes(conn, [note], log_id=number, stands=True)


async def _at_the_dock(made: Bench) -> None:
    await receive(made, 6)
    await order(made, "order-001", 6)
    task: Any = await made.post("/api/picking/tasks", id="task-0001", orders=["order-001"])
    await picked(made, task["picks"][0])


def _nobody_lacks_anything(made: Bench) -> bool:
    told = made.database.read_now(lambda c: events.following(c, 0, 500))
    return "StockShort" not in [one.kind for one in told]


@pytest.mark.parametrize("settled", [True, False])
async def test_what_a_portal_saw_leave_is_not_shipped_twice(made: Bench, settled: bool) -> None:
    await _at_the_dock(made)
    made.database.write_now(lambda c: _pass(c, 1, 4))
    if settled:
        await settle(made)
        assert await state(made, "order-001") == ("picking", (2, 0, 6, 4))
    shipped = await made.post(f"{ORDERS}/order-001/ship", id="shipment-1")
    assert shipped["lines"] == {"1": 6}
    assert await state(made, "order-001") == ("shipped", (0, 0, 6, 6))
    assert await on_hand(made, "WH-01-DOCK") == 0
    rows: Any = (await made.get("/movements?location=customer"))["rows"]
    assert [row["quantity"] for row in rows] == [2, 4]
    await settle(made)
    assert _nobody_lacks_anything(made)


async def test_an_order_that_a_portal_saw_leave_needs_nobody_to_say_so(made: Bench) -> None:
    await _at_the_dock(made)
    for number, units in enumerate((4, 2), 1):
        made.database.write_now(lambda c, n=number, u=units: _pass(c, n, u))
        await settle(made)
    assert await state(made, "order-001") == ("shipped", (0, 0, 6, 6))
    shipped = await made.post(f"{ORDERS}/order-001/ship", **example(ShipBody))
    assert shipped["lines"] == {"1": 6}
    refused = await made.post(f"{ORDERS}/order-001/ship", status=409, id="another-truck")
    assert "nothing of order" in str(refused["detail"])
    assert len((await made.get("/movements?location=customer"))["rows"]) == 2  # type: ignore[arg-type]
    assert _nobody_lacks_anything(made)
