"""The live screen in a real browser: stock that moves appears without a reload."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.central import scene
from tests.central.harness import Bench, bench, served
from tests.chromium import CHROMIUM, FLAGS, PATIENCE_MS, Screen, playwright, pytestmark

__all__ = ["pytestmark"]


@asynccontextmanager
async def opened(made: Bench, width: int, height: int) -> AsyncIterator[Screen]:
    """The live screen, connected."""
    async with served(made) as url, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            page = await browser.new_page(viewport={"width": width, "height": height})
            screen = Screen(page, url)
            answer = await page.goto(url)
            assert answer is not None
            assert "script-src 'self'" in (await answer.all_headers())["content-security-policy"]
            await page.wait_for_selector("#link[data-state=live]")
            yield screen
        finally:
            await browser.close()


async def shows_total(screen: Screen, units: str) -> None:
    """Wait until the stock table says so (no script may be evaluated to look: the policy)."""
    total = screen.page.locator("#item-SCR-M4 .total local-number")
    await playwright.expect(total).to_have_attribute("value", units, timeout=PATIENCE_MS)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as ready:
        await scene.set_up(ready)
        await scene.play(ready)
        yield ready


async def test_a_movement_appears_without_a_reload(made: Bench) -> None:
    async with opened(made, 1440, 900) as screen:
        page = screen.page
        await page.evaluate("window.sameDocument = true")
        await shows_total(screen, "488")
        await page.locator("#pass-p4 summary").click()
        await page.wait_for_selector("#tags-p4 table")
        await made.post("/stock/receive", sku="SCR-M4", quantity=12, location="backroom")
        await shows_total(screen, "500")
        await page.wait_for_selector("#movements >> text=Hex screw M4")
        assert await page.evaluate("window.sameDocument")
        assert await page.locator("#pass-p4 details").get_attribute("open") is not None
        assert await page.locator("#tags-p4 tbody tr").count() > 8
        await page.wait_for_selector("#chart canvas")
        await page.wait_for_selector("#chart-feed option:nth-child(10)", state="attached")
        screen.clean()


async def test_a_pallet_appears_with_its_tags(made: Bench) -> None:
    import random
    from datetime import UTC, datetime

    async with opened(made, 1440, 900) as screen:
        await made.services.write(
            lambda c: scene.add_pass(c, 9, random.Random(1), datetime.now(UTC))
        )
        await screen.page.wait_for_selector("#pass-p9 >> text=came in")
        screen.clean()


async def test_the_phone_needs_no_sideways_scrolling(made: Bench) -> None:
    async with opened(made, 390, 844) as screen:
        root = screen.page.url.rstrip("/")
        for path in ("", "/docs", "/accuracy"):
            if path:
                await screen.page.goto(root + path)
            wide = await screen.page.evaluate("document.documentElement.scrollWidth")
            assert wide == 390, path
        screen.clean()


async def test_the_screen_reconnects_by_itself(made: Bench) -> None:
    async with opened(made, 1440, 900) as screen:
        made.pages.live.stop()
        await screen.page.wait_for_selector("#link[data-state=lost]")
        made.pages.live.resume()
        await screen.page.wait_for_selector("#link[data-state=live]")
        await made.post("/stock/receive", sku="SCR-M4", quantity=12, location="backroom")
        await shows_total(screen, "500")
        assert screen.elsewhere == []
