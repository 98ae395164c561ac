"""What docs/stock.md shows works, in its order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.central.documented import send_all
from tests.central.harness import bench


async def test_every_request_of_the_page_is_taken(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        sent = await send_all(made, "stock.md")
        mouse: Any = next(one.answer for one in sent if one.path == "/stock/ABC-12345")
        assert mouse["by_status"] == {"available": 136}
        assert mouse["by_location"] == {"WH-01": 103, "WH-01-PACK": 33}
