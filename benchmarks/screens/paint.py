"""How soon a page shows something, in a real browser: First Contentful Paint, and its bytes."""

from __future__ import annotations

import shutil
from statistics import median
from typing import Any

__all__ = ["painted"]

PAGES = {"now": "/", "items": "/screen/items", "feeds": "/feeds", "scan": "/scan"}
_TIMES = 5
_PAINT = """() => new Promise(done => {
  const told = () => performance.getEntriesByName('first-contentful-paint')[0];
  if (told()) { done(told().startTime); return; }
  new PerformanceObserver(() => { if (told()) done(told().startTime); })
    .observe({type: 'paint', buffered: true});
})"""


async def painted(url: str) -> dict[str, Any]:
    """Figures of each page, each opened anew some times; none where there is no browser."""
    chromium = shutil.which("chromium")
    try:
        from playwright.async_api import async_playwright  # noqa: PLC0415 (a test's dependency)
    except ModuleNotFoundError:
        return {}
    if chromium is None:
        return {}
    figures: dict[str, Any] = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        for name, path in PAGES.items():
            times = []
            for _ in range(_TIMES):
                context = await browser.new_context(viewport={"width": 1440, "height": 900})
                page = await context.new_page()
                answer = await page.goto(url + path)
                if answer is None or answer.status != 200:
                    break
                times.append(await page.evaluate(_PAINT))
                await context.close()
            if times:
                figures[f"first_paint_{name}"] = {
                    "value": round(median(times)), "unit": "ms", "baseline": None, "ratio": None,
                }  # fmt: skip
        await browser.close()
    return figures
