"""The floor's pages are for everybody: axe-core finds nothing serious, nothing scrolls sideways,
and every target is large enough for a glove.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.central.harness import bench, served
from tests.central.scan.floor import furnish
from tests.central.scan.phone import NEEDS_BROWSER, phone

axe = pytest.importorskip(
    "axe_playwright_python.async_playwright", reason="axe-playwright-python is not installed"
)
pytestmark = NEEDS_BROWSER
VIEWS = ("", "receive", "order/po-12345", "putaway", "pick", "walk/walk-12345", "count",
         "counting/count-12345", "move", "waiting")  # fmt: skip
_SMALL = """() => [...document.querySelectorAll("button, a, label")]
  .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 56)
  .map((one) => one.id || one.textContent)"""


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_the_floor_is_for_everybody(tmp_path: Path, colours: str) -> None:
    async with bench(tmp_path) as made, served(made) as url:
        await furnish(made)
        async with phone(url, color_scheme=colours, bypass_csp=True) as one:
            await one.ready()
            for view in VIEWS:
                await one.go(view)
                await one.page.wait_for_selector("#screen > *")
                found = await axe.Axe().run(one.page)
                wrong = [
                    (fault["id"], fault["nodes"][0]["html"])
                    for fault in found.response["violations"]
                    if fault["impact"] in {"serious", "critical"}
                ]
                assert wrong == [], view
                wide = await one.page.evaluate("document.documentElement.scrollWidth")
                assert wide == 390, view
                assert await one.page.evaluate(_SMALL) == [], view
