"""The page of ERP messages in a real browser: found, read, tried again, given up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.central.erp.desks import opened
from tests.central.erp.test_routes import SETTINGS, applied, dead_ones
from tests.central.harness import Bench, served
from tests.chromium import CHROMIUM, FLAGS, Screen, playwright, pytestmark
from tests.fakes.books import sqlite_books

__all__ = ["pytestmark"]


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with opened(tmp_path, sqlite_books(tmp_path / "books.sqlite"), SETTINGS) as ready:
        await dead_ones(ready)
        yield ready


async def test_somebody_mends_the_catalogue_and_presses_the_buttons(made: Bench) -> None:
    async with served(made) as url, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            page = await browser.new_page(viewport={"width": 1280, "height": 800})
            screen = Screen(page, url)
            await page.goto(f"{url}/screen/erp")
            await page.locator(".messages >> text=there is no item NEW").first.click()
            await page.wait_for_selector(".faults >> text=orders[0].lines[0].sku")
            await page.go_back()
            await made.post("/items", sku="NEW", name="New")
            await page.get_by_role("button", name="Try all of them again").first.click()
            await page.wait_for_selector(".filters >> text=waits its turn 2")
            await applied(made)
            await page.reload()
            await page.wait_for_selector(".filters >> text=done 2")
            await page.get_by_role("link", name="needs somebody 1", exact=True).click()
            await page.locator(".messages a").click()
            await page.get_by_role("button", name="Give it up").click()
            await page.wait_for_selector(".card-head >> text=given up")
            screen.clean()
            await page.set_viewport_size({"width": 390, "height": 844})
            for path in ("/screen/erp", "/screen/erp/1"):
                await page.goto(url + path)
                assert await page.evaluate("document.documentElement.scrollWidth") == 390, path
            screen.clean()
        finally:
            await browser.close()
