"""The floor's pages are for everybody: axe-core finds nothing serious, nothing scrolls sideways,
and every target is large enough for a glove.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.central.harness import bench, served
from tests.central.scan.floor import furnish
from tests.central.scan.phone import NEEDS_BROWSER, phone

pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")

from tests.screens.inspecting import accessible

pytestmark = NEEDS_BROWSER
VIEWS = ("", "receive", "order/po-12345", "putaway", "pick", "walk/walk-12345", "count",
         "counting/count-12345", "move", "waiting")  # fmt: skip
_SMALL = """() => [...document.querySelectorAll("button, a, label")]
  .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 56)
  .map((one) => one.id || one.textContent)"""


async def test_the_floor_is_for_everybody(tmp_path: Path) -> None:
    async with bench(tmp_path) as made, served(made) as url:
        await furnish(made)
        async with phone(url, color_scheme="light", bypass_csp=True) as one:
            await one.ready()
            for view in VIEWS:
                await one.go(view)
                await one.page.wait_for_selector("#screen > *")
                await one.page.emulate_media(color_scheme="light")
                assert await accessible(one.page) == [], view
                await one.page.emulate_media(color_scheme="dark")
                assert await accessible(one.page, only_colours=True) == [], view
                wide = await one.page.evaluate("document.documentElement.scrollWidth")
                assert wide == 390, view
                assert await one.page.evaluate(_SMALL) == [], view
