"""What docs/returns.md shows works as it is written there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from central.stock import projection
from tests.central.documented import send_all
from tests.central.harness import bench


async def test_the_page_s_requests_work_in_their_order(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await made.post("/warehouses", code="WH-01", name="Leeds")
        for code in ("WH-01-RETURNS", "WH-01-CAGE"):
            await made.post("/locations", code=code, name=code, parent="WH-01")
        await made.post("/items", sku="ABC-12345", name="Wireless mouse")
        await made.post("/items", sku="DRILL", name="Drill", tracking="serial")
        sent = await send_all(made, "returns.md")
        shown: Any = next(one.answer for one in sent if one.path == "/api/returns/rma-1001-1")
        assert shown["state"] == "inspected"
        assert [(one["received"], one["inspected"]) for one in shown["lines"]] == [(2, 2), (1, 1)]
        last: Any = sent[-1].answer
        told = [(one["line"], one["kind"], one["quantity"]) for one in last["differences"]]
        assert (last["state"], told) == ("closed", [("1", "short", 1)])
        assert (await made.get("/stock/ABC-12345/available"))["available"] == 11
        assert (await made.get("/stock/DRILL/serials/S1"))["location"] == "scrap"
        assert made.database.read_now(projection.check_balances) == []
