"""What docs/places.md shows works, in its order."""

from __future__ import annotations

from pathlib import Path

from tests.central.documented import indented
from tests.central.harness import bench

_PAGE = "places.md"


async def test_every_request_of_the_page_is_taken(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await made.post("/warehouses", code="WH-02", name="Lisbon")
        for sku in ("OAT-500", "RICE-1"):
            await made.post("/items", sku=sku, name=sku)
        await made.post("/locations", code="shelf-7", name="Shelf 7")
        await made.put("/read-points/shelf-7", kind="shelf", location="shelf-7")
        sent = [one for one in indented(_PAGE) if "/layout" not in one[1]]
        assert len(sent) > 8
        for method, path, content in sent:
            answer = await made.http.request(method, path, json=content)
            assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        rack = await made.get("/locations/R3")
        assert rack["path"] == ["WH-02", "R3"]
        rules = (await made.get("/locations/R3-B12"))["rules"]
        assert rules == {"max_units": 40, "max_volume_mm3": 96_000_000, "mixes_lots": False}
