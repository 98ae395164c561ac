"""What docs/orders.md shows works as it is written there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from central.config import OrdersSection
from central.reservations.projection import check_reserved, oversold
from gateway.gs1.keys import is_sscc
from tests.central.documented import send_all
from tests.central.harness import bench


async def test_the_page_s_requests_work_in_their_order(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        made.services.orders = OrdersSection(company_prefix="4012345")
        await made.post("/warehouses", code="WH-01", name="Leeds")
        for code in ("WH-01-B12", "WH-01-DOCK"):
            await made.post("/locations", code=code, name=code, parent="WH-01")
        for sku in ("ABC-12345", "ABC-12346"):
            await made.post("/items", sku=sku, name="Wireless mouse")
        answers: dict[str, Any] = {}
        for one in await send_all(made, "orders.md"):
            answers.setdefault(f"{one.method} {one.path}", []).append(one.answer)
        (bulk,) = answers["POST /api/orders/outbound/bulk"]
        assert [row["state"] for row in bulk["rows"]] == ["allocated", "refused"]
        (task,) = answers["GET /api/picking/tasks/wave-17-a"]
        assert [(one["location"], one["quantity"]) for one in task["picks"]] == [
            ("WH-01", 150), ("WH-01-B12", 2),
        ]  # fmt: skip
        (other,) = answers["GET /api/orders/outbound/order-1002"]
        shown = [(one["sku"], one["quantity"], one["substituted_for"]) for one in other["lines"]]
        assert shown == [("ABC-12345", 9, ""), ("ABC-12346", 3, "1")]
        (whole,) = answers["GET /api/orders/outbound/order-1001"]
        assert (whole["state"], whole["shipments"][0]["lines"]) == ("shipped", {"1": 150})
        assert is_sscc(whole["cartons"][0]["sscc"])
        assert made.database.read_now(check_reserved) == []
        assert made.database.read_now(oversold) == []
