"""A phone before an edge's page, in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chromium import CHROMIUM, FLAGS, PATIENCE_MS, Screen, playwright, pytestmark

__all__ = ["PATIENCE_MS", "PHONE", "Phone", "marks", "phone", "playwright"]

PHONE = {"width": 390, "height": 844}
marks = pytestmark


class Phone(Screen):
    """One page on a phone's screen."""

    def __init__(self, page: playwright.Page, url: str) -> None:
        super().__init__(page, url)
        self.url = url.rstrip("/")

    async def go(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def fits(self) -> None:
        """Nothing of the page lies beside the screen."""
        wide = await self.page.locator("html").evaluate("node => node.scrollWidth")
        assert wide <= PHONE["width"], f"{wide} px on a screen of {PHONE['width']}"


@asynccontextmanager
async def phone(url: str) -> AsyncIterator[Phone]:
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            context = await browser.new_context(viewport=PHONE, accept_downloads=True)
            yield Phone(await context.new_page(), url)
        finally:
            await browser.close()
