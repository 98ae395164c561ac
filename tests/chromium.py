"""Debian's Chromium, as tests start it, and a page of it that is watched."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

__all__ = ["CHROMIUM", "FLAGS", "PATIENCE_MS", "Screen", "playwright", "pytestmark"]

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000

playwright = pytest.importorskip(
    "playwright.async_api", reason="playwright is not installed (pip install playwright)"
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="Chromium is not installed (apt-get install chromium)"
    ),
]


class Screen:
    """One page; ``complaints`` are errors of it, ``elsewhere`` what it asked other hosts for."""

    def __init__(self, page: playwright.Page, url: str) -> None:
        self.page = page
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

    def clean(self) -> None:
        assert self.complaints == []
        assert self.elsewhere == []
