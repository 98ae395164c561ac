"""The warehouse of these tests, on either database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.central.harness import bench
from tests.central.tags.dock import DRILL, OAT, Dock


@pytest.fixture
async def dock(tmp_path: Path, books_url: str) -> AsyncIterator[Dock]:
    async with bench(tmp_path, books_url) as made:
        await made.post("/warehouses", code="wh", name="Warehouse")
        for code in ("dock", "bin-1", "bin-2", "pack"):
            await made.post("/locations", code=code, name=code, parent="wh")
        await made.post("/items", sku="OAT", name="Oats", gtins=[{"gtin": OAT, "quantity": 6}])
        gtins = [{"gtin": DRILL}]
        await made.post("/items", sku="DRILL", name="Drill", tracking="serial", gtins=gtins)
        await made.put("/read-points/dock-1", kind="portal", location="dock")
        yield Dock(made)
