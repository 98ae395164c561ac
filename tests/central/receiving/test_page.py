"""What docs/receiving.md shows works as it is written there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.central.documented import send_all
from tests.central.harness import bench


async def test_the_page_s_requests_work_in_their_order(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await made.post("/warehouses", code="WH-01", name="Hamburg")
        await made.post("/locations", code="quarantine", name="Cage", parent="WH-01")
        await made.post("/locations", code="WH-01-A-01", name="Bin", type="bin", parent="WH-01")
        await made.post("/items", sku="ABC-12345", name="Wireless mouse")
        await made.post("/items", sku="DRILL", name="Drill", tracking="serial")
        sent = await send_all(made, "receiving.md")
        verdicts: list[Any] = [one.answer for one in sent if one.path.endswith("/receipts")]
        assert [one["verdict"] for one in verdicts] == [
            "expected", "expected", "damaged", "unexpected",
        ]  # fmt: skip
        drill: Any = await made.get("/stock/DRILL/serials/S1")
        assert drill["location"] == "supplier"
        asked: Any = next(one.answer for one in sent if "/putaway/" in one.path)
        moved: Any = next(one.answer for one in sent if one.path == "/api/putaway")
        assert asked["proposals"][0]["location"] == moved["destination"] == "WH-01-A-01"
        last: Any = sent[-1].answer
        assert (last["state"], last["lines"][0]["received"]) == ("closed", 150)
        assert [one["kind"] for one in last["discrepancies"]] == ["damaged", "unexpected"]
