"""Orders that are changed before they leave: what is set aside, backorders and picks follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from central.config import OrdersSection
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
        for sku in ("TEA", "MINT", "COLA"):
            await opened.post("/items", sku=sku, name=sku.title())
        for sku, units in (("TEA", 20), ("MINT", 5)):
            await opened.post("/stock/receive", sku=sku, quantity=units, location="hall")
        yield opened
        assert await opened.database.read(check_reserved) == []
        assert await opened.database.read(oversold) == []


def line(name: str, sku: str, quantity: int, **more: object) -> dict[str, object]:
    return {"line": name, "sku": sku, "quantity": quantity, **more}


def body(*lines: dict[str, object], **more: object) -> dict[str, object]:
    asked = {"customer": "Jane", "ship_to": {"city": "Leeds"}, "warehouse": "hall"}
    return {**asked, "ship_from": "dock", "lines": list(lines), **more}


async def order(made: Bench, name: str, *lines: dict[str, object], **more: object) -> Any:
    return await made.post(ORDERS, id=name, **body(*lines, **more))


async def change(made: Bench, name: str, said: object, status: int = 200, **how: str) -> Any:
    seen = await made.http.get(f"{ORDERS}/{name}")
    headers = {"If-Match": how.get("match", seen.headers["ETag"])}
    method = how.get("method", "PUT")
    answer = await made.http.request(method, f"{ORDERS}/{name}", json=said, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def stands(made: Bench, name: str) -> tuple[object, ...]:
    shown: Any = await made.get(f"{ORDERS}/{name}")
    return (shown["state"], *(
        tuple(one[part] for part in ("line", "sku", "quantity", "reserved", "missing", "picked"))
        for one in shown["lines"]
    ))  # fmt: skip


async def free(made: Bench, sku: str) -> object:
    return (await made.get(f"/stock/{sku}/available"))["available"]


async def events(made: Bench, *kinds: str) -> list[Any]:
    rows: Any = (await made.get("/events?limit=500"))["rows"]
    found = []
    for one in rows:
        kind = one["type"].split(".")[-2]
        told.check(kind, one["data"])
        if kind in kinds:
            found.append((kind, one["data"]))
    return found


async def pick_all(made: Bench, wave: str, *names: str, units: int | None = None) -> Any:
    task: Any = await made.post("/api/picking/tasks", id=wave, orders=list(names))
    for one in task["picks"]:
        if one["state"] == "open":
            said = {part: one[part] for part in ("location", "sku", "lot", "quantity")}
            if units is not None:
                said |= {"quantity": units, "reason": "later"}
            await made.post(
                f"/api/picking/picks/{one['id']}/confirm",
                200,
                id=f"hand-{wave}-{one['sku']}",
                **said,
            )
    return task


async def test_lines_come_grow_shrink_and_go_with_what_is_set_aside(made: Bench) -> None:
    await order(made, "order-001", line("1", "TEA", 8), line("2", "MINT", 5))
    await order(made, "order-002", line("1", "MINT", 2))
    assert (await stands(made, "order-002"))[1:] == (("1", "MINT", 2, 0, 2, 0),)
    wanted = body(line("1", "TEA", 12), line("3", "COLA", 1), reference="PO-9", priority=3)
    answer = await change(made, "order-001", wanted)
    assert (answer["reference"], answer["priority"]) == ("PO-9", 3)
    assert await stands(made, "order-001") == (
        "new", ("1", "TEA", 12, 12, 0, 0), ("3", "COLA", 1, 0, 1, 0),
    )  # fmt: skip
    # What is given back goes to whoever waits for it.
    assert await stands(made, "order-002") == ("allocated", ("1", "MINT", 2, 2, 0, 0))
    assert (await free(made, "TEA"), await free(made, "MINT")) == (8, 3)
    await change(made, "order-001", body(line("1", "TEA", 3), line("2", "MINT", 3)))
    assert await stands(made, "order-001") == (
        "allocated", ("1", "TEA", 3, 3, 0, 0), ("2", "MINT", 3, 3, 0, 0),
    )  # fmt: skip
    found = await events(made, "OrderChanged", "StockReserved", "ReservationReduced")
    assert [(kind, one.get("sku"), one.get("quantity")) for kind, one in found] == [
        ("StockReserved", "TEA", 4), ("OrderChanged", None, None),
        ("ReservationReduced", "TEA", 9), ("StockReserved", "MINT", 3),
        ("OrderChanged", None, None),
    ]  # fmt: skip
    kept: Any = (await made.get("/audit?action=change order"))["rows"]
    assert [one["subject"] for one in kept] == ["outbound order order-001"] * 2
    assert "Leeds" not in str(kept)
    # A line that is of another item under the same name.
    await change(made, "order-001", body(line("1", "MINT", 2), line("2", "TEA", 9)))
    assert await stands(made, "order-001") == (
        "allocated", ("1", "MINT", 2, 2, 0, 0), ("2", "TEA", 9, 9, 0, 0),
    )  # fmt: skip


async def test_only_who_saw_it_last_changes_it_and_once_more_is_no_change(made: Bench) -> None:
    await order(made, "order-001", line("1", "TEA", 8))
    path, wanted = f"{ORDERS}/order-001", body(line("1", "TEA", 9))
    assert (await made.http.put(path, json=wanted)).status_code == 428
    await change(made, "order-001", wanted, 412, match='"another"')
    first = await change(made, "order-001", wanted)
    again = await change(made, "order-001", wanted, match='"another"')
    assert first == again
    assert len(await events(made, "OrderChanged")) == 1
    await change(made, "order-001", wanted | {"id": "order-002"}, 422)
    await change(made, "order-001", wanted | {"lines": [line("1", "NONE", 1)]}, 404)
    await change(made, "order-001", wanted | {"warehouse": "dock"}, 409)
    await change(made, "order-001", {"due_at": "2030-02-02T16:00:00Z"}, method="PATCH")
    later = await change(
        made, "order-001", {"ship_to": {"street": "1 High Street"}}, method="PATCH"
    )
    assert later["due_at"].startswith("2030-02-02T16:00:00")
    assert later["ship_to"] == {"city": "Leeds", "street": "1 High Street"}
    assert (await stands(made, "order-001"))[1:] == (("1", "TEA", 9, 9, 0, 0),)
    mistake = await change(made, "order-001", {"lines": [{"sku": "TEA"}]}, 422, method="PATCH")
    assert "lines.0.quantity" in mistake["detail"]
    await made.post(f"{ORDERS}/order-001/cancel", 200)
    assert "is cancelled" in (await change(made, "order-001", wanted, 409))["detail"]


async def test_picks_follow_and_what_was_brought_stays(made: Bench) -> None:
    await order(made, "order-001", line("1", "TEA", 8), line("2", "MINT", 2))
    await pick_all(made, "wave-0001", "order-001", units=1)
    wanted = body(line("1", "TEA", 5), line("2", "MINT", 1))
    await change(made, "order-001", wanted)
    task: Any = await made.get("/api/picking/tasks/wave-0001")
    open_still = [(one["sku"], one["quantity"]) for one in task["picks"] if one["state"] == "open"]
    assert open_still == [("TEA", 4)]
    document: Any = await made.get("/documents/order-001")
    assert [(one["line"], one["quantity"]) for one in document["lines"]] == [("1", 5), ("2", 1)]
    refused = await change(made, "order-001", body(line("1", "TEA", 5)), 409)
    assert "1 units of line 2 are picked" in refused["detail"]
    assert "put-back" in refused["detail"]
    other = body(line("1", "TEA", 5), line("2", "COLA", 1), ship_from="hall")
    refused = await change(made, "order-001", other, 409)
    assert "another item or lot" in refused["detail"]
    assert "on wave wave-0001" in refused["detail"]
    # It leaves as a whole, so it gets no more than is there while it is picked; as parts it may.
    more = body(line("1", "TEA", 25), line("2", "MINT", 1))
    assert (
        "5 units of line 1 are not there" in (await change(made, "order-001", more, 409))["detail"]
    )
    assert await stands(made, "order-001") == (
        "picking", ("1", "TEA", 5, 5, 0, 1), ("2", "MINT", 1, 1, 0, 1),
    )  # fmt: skip
    await change(made, "order-001", more | {"partial": True})
    assert (await stands(made, "order-001"))[1] == ("1", "TEA", 25, 20, 5, 1)
    # The pick of a line that is dropped is called off, one of a line that came is planned.
    await made.post("/stock/receive", sku="COLA", quantity=4, location="hall")
    cola = body(line("1", "TEA", 1), line("2", "MINT", 1), line("3", "COLA", 4), partial=True)
    await change(made, "order-001", cola)
    task = await made.get("/api/picking/tasks/wave-0001")
    open_still = [(one["sku"], one["quantity"]) for one in task["picks"] if one["state"] == "open"]
    assert open_still == [("COLA", 4)]
    await change(made, "order-001", body(line("1", "TEA", 1), line("2", "MINT", 1), partial=True))
    task = await made.get("/api/picking/tasks/wave-0001")
    assert [one for one in task["picks"] if one["state"] == "open"] == []
    await made.post(f"{ORDERS}/order-001/ship", id="truck-0001")
    assert (await stands(made, "order-001"))[0] == "shipped"


async def test_a_packed_order_is_opened_again_and_one_that_wants_no_more_has_left(
    made: Bench,
) -> None:
    await order(made, "order-001", line("1", "TEA", 2))
    await pick_all(made, "wave-0001", "order-001")
    contents = [{"line": "1", "quantity": 2}]
    await made.post(f"{ORDERS}/order-001/cartons", contents=contents)
    assert (await stands(made, "order-001"))[0] == "packed"
    await change(made, "order-001", body(line("1", "TEA", 2), line("2", "MINT", 1)))
    assert (await stands(made, "order-001"))[0] == "picking"
    await change(made, "order-001", body(line("1", "TEA", 2)))
    assert (await stands(made, "order-001"))[0] == "packed"
    await change(made, "order-001", body(line("1", "TEA", 30), partial=True))
    await made.post(f"{ORDERS}/order-001/ship", id="truck-0001")
    assert (await stands(made, "order-001"))[:2] == ("new", ("1", "TEA", 30, 18, 10, 2))
    await change(made, "order-001", body(line("1", "TEA", 2)))
    assert await stands(made, "order-001") == ("shipped", ("1", "TEA", 2, 0, 0, 2))
    assert (await made.get("/documents/order-001"))["status"] == "closed"
    assert [kind for kind, _ in await events(made, "OrderShipped")] == ["OrderShipped"]
    assert await free(made, "TEA") == 18


async def test_what_others_give_is_taken_off_before_what_is_of_the_item_itself(
    made: Bench,
) -> None:
    await made.put("/items/TEA/substitutes", substitutes=[{"sku": "MINT"}])
    await order(made, "order-001", line("1", "TEA", 27), substitution="allowed")
    assert (await stands(made, "order-001"))[1:] == (
        ("1", "TEA", 22, 20, 2, 0), ("1-1", "MINT", 5, 5, 0, 0),
    )  # fmt: skip
    wanted = body(line("1", "TEA", 23), substitution="allowed")
    await change(made, "order-001", wanted)
    assert await stands(made, "order-001") == (
        "allocated", ("1", "TEA", 20, 20, 0, 0), ("1-1", "MINT", 3, 3, 0, 0),
    )  # fmt: skip
    taken = body(line("1", "TEA", 23), line("1-1", "MINT", 1), substitution="allowed")
    assert "stands in for line 1" in (await change(made, "order-001", taken, 409))["detail"]
    await change(made, "order-001", wanted | {"lines": [line("1", "TEA", 18)]})
    assert await stands(made, "order-001") == ("allocated", ("1", "TEA", 18, 18, 0, 0))
    await change(made, "order-001", wanted | {"lines": [line("1", "TEA", 22)]})
    assert await stands(made, "order-001") == (
        "allocated", ("1", "TEA", 20, 20, 0, 0), ("1-1", "MINT", 2, 2, 0, 0),
    )  # fmt: skip


async def test_goods_are_given_back_that_would_go_last(made: Bench) -> None:
    for lot, day in (("L1", "2030-01-01"), ("L2", "2031-01-01")):
        await made.post("/stock/receive", sku="COLA", quantity=3, location="hall", lot=lot,
                        expires_on=day)  # fmt: skip
    await order(made, "order-001", line("1", "COLA", 6))
    await change(made, "order-001", body(line("1", "COLA", 2)))
    places: Any = (await made.get("/stock/COLA/available"))["places"]
    assert {one["lot"]: one["reserved"] for one in places} == {"L1": 2, "L2": 0}


async def test_many_who_grow_their_orders_at_once_are_promised_nothing_twice(made: Bench) -> None:
    names = [f"order-{number:03}" for number in range(20)]
    for name in names:
        await order(made, name, line("1", "TEA", 1))
    wanted = {"lines": [line("1", "TEA", 3)]}
    path = {"If-Match": "*"}
    answers = await asyncio.gather(
        *(made.http.patch(f"{ORDERS}/{name}", json=wanted, headers=path) for name in names)
    )
    assert {one.status_code for one in answers} == {200}
    shown = [one.json()["lines"][0] for one in answers]
    assert sum(one["reserved"] for one in shown) == 20
    assert sum(one["missing"] for one in shown) == 40
    assert await free(made, "TEA") == 0
