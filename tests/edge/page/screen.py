"""A phone before an edge's page, in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 40_000
PHONE = {"width": 390, "height": 844}

playwright = pytest.importorskip(
    "playwright.async_api", reason="playwright is not installed (pip install playwright)"
)
marks = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="Chromium is not installed (apt-get install chromium)"
    ),
]


class Phone:
    """One page; ``complaints`` are errors of it, ``elsewhere`` what it asked other hosts for."""

    def __init__(self, page: playwright.Page, url: str) -> None:
        self.page, self.url = page, url.rstrip("/")
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)
        host = urlsplit(url).netloc
        page.on(
            "request",
            lambda asked: (
                None
                if urlsplit(asked.url).netloc == host or asked.url.startswith("blob:")
                else self.elsewhere.append(asked.url)
            ),
        )

    def _said(self, message: playwright.ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    async def go(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def fits(self) -> None:
        """Nothing of the page lies beside the screen."""
        wide = await self.page.locator("html").evaluate("node => node.scrollWidth")
        assert wide <= PHONE["width"], f"{wide} px on a screen of {PHONE['width']}"

    def clean(self) -> None:
        assert self.complaints == []
        assert self.elsewhere == []


@asynccontextmanager
async def phone(url: str) -> AsyncIterator[Phone]:
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            context = await browser.new_context(viewport=PHONE, accept_downloads=True)
            yield Phone(await context.new_page(), url)
        finally:
            await browser.close()
