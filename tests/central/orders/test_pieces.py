"""Orders of items that are tracked by serial numbers: what was brought for one leaves with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from central.stock import projection, serials
from tests.central.harness import bench


async def test_the_pieces_that_were_picked_for_an_order_leave_with_it(
    tmp_path: Path, books_url: str
) -> None:
    async with bench(tmp_path, books_url) as made:
        for code in ("hall", "dock"):
            await made.post("/locations", code=code, name=code)
        await made.post("/items", sku="DRILL", name="Drill", tracking="serial")
        names = ["S1", "S2", "S3", "S4"]
        await made.post("/stock/receive", sku="DRILL", quantity=4, location="hall", serials=names)
        for order in ("order-001", "order-002"):
            await made.post(
                "/api/orders/outbound", id=order, customer="Jane", ship_to={}, warehouse="hall",
                ship_from="dock", lines=[{"sku": "DRILL", "quantity": 2}],
            )  # fmt: skip
        task: Any = await made.post(
            "/api/picking/tasks", id="wave-0001", orders=["order-001", "order-002"]
        )
        brought = {"order-001": ["S2", "S4"], "order-002": ["S1", "S3"]}
        for pick in task["picks"]:
            said = {"location": "hall", "sku": "DRILL", "quantity": 2}
            path = f"/api/picking/picks/{pick['id']}/confirm"
            await made.post(path, 409, **said)  # which two of the four?
            await made.post(path, 200, **said, serials=brought[pick["order_id"]])
        ship = "/api/orders/outbound/order-001/ship"
        wrong = await made.post(ship, 409, id="truck-0000", serials={"1": ["S2", "S9"]})
        assert "2 of DRILL leave for line 1, and 1 pieces are named" in str(wrong["detail"])
        await made.post(ship, id="truck-0001")
        lie = [(await made.get(f"/stock/DRILL/serials/{name}"))["location"] for name in names]
        assert lie == ["dock", "customer", "dock", "customer"]
        for check in (projection.check_balances, serials.check):
            assert await made.database.read(check) == []
