"""A pass in a real browser: its traces, put right with one tap and a look at the books, and why."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.central.harness import Bench, bench, served
from tests.central.passes import dock
from tests.chromium import CHROMIUM, FLAGS, Screen, playwright

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="Chromium is not installed (apt-get install chromium)"
    ),
]
expect = playwright.expect


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as ready:
        await ready.database.write(dock.set_up)
        await dock.heard(ready.database, dock.road(datetime.now(UTC)))
        yield ready


@asynccontextmanager
async def opened(made: Bench, width: int, height: int) -> AsyncIterator[tuple[Screen, str]]:
    async with served(made) as url, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            page = await browser.new_page(viewport={"width": width, "height": height})
            yield Screen(page, url), url
        finally:
            await browser.close()


async def the_pass(made: Bench) -> Any:
    rows: Any = (await made.get("/passes"))["rows"]
    return next(one for one in rows if one["decision"] == "moved" and one["tags"])


async def hall(made: Bench, sku: str) -> int:
    places: Any = (await made.get(f"/stock/{sku}"))["by_location"]
    return int(places.get("hall", 0))


async def test_a_tag_is_put_right_on_a_phone_and_the_books_follow(made: Bench) -> None:
    found = await the_pass(made)
    tag = found["tags"][0]
    before = await hall(made, tag["sku"])
    async with opened(made, 390, 844) as (screen, url):
        page = screen.page
        await page.goto(f"{url}/screen/passes/{found['id']}")
        await expect(page.locator("#traces canvas")).to_be_visible()
        await expect(page.locator("#traces-note")).to_contain_text("sightings")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        row = page.locator(f"[data-epc='{tag['epc']}']")
        await row.locator("[data-way=none]").click()
        dialog = page.locator("#preview")
        await expect(dialog.locator("h2")).to_have_text("1 tag did not cross")
        after = before - tag["quantity"]
        await expect(dialog).to_contain_text(f"{before} → {after}")
        assert await hall(made, tag["sku"]) == before, "shown before it is done"
        await page.locator("#preview-confirm").click()
        await expect(row.locator(".way")).to_contain_text("did not cross")
        assert await hall(made, tag["sku"]) == after
        await page.locator("[data-undo]").click()
        await expect(row.locator(".way")).to_contain_text("came in")
        assert await hall(made, tag["sku"]) == before
        screen.clean()


async def test_the_whole_pass_and_tags_that_are_drawn(made: Bench) -> None:
    found = await the_pass(made)
    async with opened(made, 1440, 900) as (screen, url):
        page = screen.page
        await page.goto(f"{url}/screen/passes/{found['id']}")
        await expect(page.locator("#traces canvas")).to_be_visible()
        await page.locator("#trace-what").select_option("phase")
        await expect(page.locator("#traces canvas")).to_be_visible()
        for pick in await page.locator("[data-trace]").all():
            await pick.uncheck()
        await expect(page.locator("#traces-note")).to_contain_text("Choose a tag")
        await page.locator("[data-whole=out]").click()
        await expect(page.locator("#preview h2")).to_have_text("6 tags went out")
        await page.locator("#preview-cancel").click()
        await expect(page.locator("#preview")).to_be_hidden()
        await page.locator("[data-whole=out]").click()
        await page.locator("#preview-confirm").click()
        await expect(page.locator("h1")).to_have_text("6 tags went out.")
        left = await _moved_else(made, found["id"])
        assert [await hall(made, f"SKU-{n}") for n in (1, 2, 3)] == [
            sum(tag["quantity"] for tag in left if tag["sku"] == f"SKU-{n}") for n in (1, 2, 3)
        ]
        screen.clean()


async def _moved_else(made: Bench, but: str) -> list[Any]:
    """The tags of every other pass that moved."""
    rows: Any = (await made.get("/passes"))["rows"]
    others = [one for one in rows if one["decision"] == "moved" and one["id"] != but]
    return [tag for one in others for tag in one["tags"]]


async def test_from_a_movement_to_why_and_to_its_pass(made: Bench) -> None:
    rows: Any = (await made.get("/movements"))["rows"]
    first = next(one for one in rows if one["origin"] == "portal")
    async with opened(made, 1440, 900) as (screen, url):
        page = screen.page
        await page.goto(f"{url}/screen/movements/{first['id']}")
        await expect(page.locator(".why-sentences")).to_contain_text("Decided:")
        await page.locator(".numbers > summary").click()
        await expect(page.locator(".numbers")).to_contain_text("SURE_TAG")
        await page.locator(".why-links a").first.click()
        await expect(page.locator("h1")).to_have_text(re.compile("tags came in"))
        screen.clean()


async def test_a_portals_day_is_live_and_zooms(made: Bench) -> None:
    found = await the_pass(made)
    async with opened(made, 390, 844) as (screen, url):
        page = screen.page
        on = found["closed_at"][:10]
        await page.goto(f"{url}/screen/portals")
        await page.locator(".portal-card h2 a").click()
        await page.goto(f"{url}/screen/portals/dock-1?on={on}")
        await page.wait_for_selector("#link[data-state=live]")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        await page.get_by_role("link", name="Zoom in", exact=True).click()
        await expect(page.get_by_role("link", name="The whole day")).to_be_visible()
        await page.get_by_role("link", name="The whole day").click()
        await page.wait_for_selector("#link[data-state=live]")
        row = page.locator(f"#pass-{found['id']}")
        await expect(row).to_be_visible()
        await made.post(f"/passes/{found['id']}/corrections", whole="none")
        if on == f"{datetime.now(UTC):%Y-%m-%d}":
            await expect(page.locator(".filters")).to_contain_text("Corrected 1")
        await page.goto(f"{url}/screen/portals/dock-1?on={on}&kind=corrected")
        await expect(row).to_be_visible()
        await row.locator("a").click()
        await expect(page.locator("h1")).to_have_text("Nothing crossed.")
        screen.clean()
