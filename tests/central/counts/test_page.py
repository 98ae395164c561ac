"""What docs/counting.md shows works as it is written there."""

from __future__ import annotations

from pathlib import Path

from tests.central.documented import send_all
from tests.central.harness import bench


async def test_the_page_s_requests_work_in_their_order(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await made.post("/locations", code="shelf-7", name="Shelf 7")
        for code in ("shelf-8", "hall"):
            await made.post("/locations", code=code, name=code)
        await made.post("/items", sku="OAT-500", name="Oats")
        await made.post("/stock/receive", sku="OAT-500", quantity=20, location="shelf-7")
        drills = {"sku": "DRILL", "quantity": 2, "location": "shelf-8", "serials": ["S1", "S2"]}
        await made.post("/items", sku="DRILL", name="Drill", tracking="serial")
        await made.post("/stock/receive", **drills)
        sent = await send_all(made, "counting.md")
        assert len(sent) == 16
        assert (await made.get("/api/counts/count-2026-02-02-1"))["state"] == "REVIEWED"
        assert (await made.get("/stock/OAT-500"))["on_hand"] == 18
        places = [
            (await made.get(f"/stock/DRILL/serials/{name}"))["location"]
            for name in ("S1", "S2", "S9")
        ]
        assert places == ["shelf-8", "adjustment", "shelf-8"]
