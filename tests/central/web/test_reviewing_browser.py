"""The review queue in a real browser: by keyboard alone, by thumb, and two people at once."""

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
from tests.central.reviews.asking import ask, pallet
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
    """A pallet that is asked about, and behind it a tag of one that was judged at the dock."""
    async with bench(tmp_path) as ready:
        await ready.database.write(ask)
        await ready.database.write(dock.add_dock)
        await dock.heard(ready.database, dock.road(datetime.now(UTC)))
        yield ready


@asynccontextmanager
async def browsing(
    made: Bench, width: int, height: int, tabs: int = 1
) -> AsyncIterator[list[Screen]]:
    async with served(made) as url, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            screens = []
            for _ in range(tabs):
                page = await browser.new_page(viewport={"width": width, "height": height})
                screen = Screen(page, url)
                await page.goto(f"{url}/screen/reviews")
                await page.wait_for_selector("#link[data-state=live]")
                screens.append(screen)
            yield screens
        finally:
            await browser.close()


async def nuts(made: Bench) -> Any:
    return (await made.get("/stock/NUT"))["by_location"]


async def test_reviews_are_answered_and_undone_by_keyboard_alone(made: Bench) -> None:
    before = await nuts(made)
    async with browsing(made, 1440, 900) as (screen,):
        page, keys = screen.page, screen.page.keyboard
        await expect(page.locator("#queue-count")).to_have_text("2 wait")
        await expect(page.locator("#review")).to_have_attribute("data-review", pallet().id)
        await keys.press("?")
        await expect(page.locator("#keys")).to_be_visible()
        await keys.press("Escape")
        await keys.press("j")
        await expect(page.locator("#review")).not_to_have_attribute("data-review", pallet().id)
        await keys.press("k")
        await expect(page.locator("#review")).to_have_attribute("data-review", pallet().id)
        await keys.press("Enter")  # nothing is chosen: nothing happens
        await keys.press("2")
        await expect(page.locator("#confirm")).to_have_text(re.compile("Confirm: 2 tags came in"))
        assert await nuts(made) == before
        await keys.press("Enter")
        await expect(page.locator("#toast")).to_contain_text("Posted: 2 tags came in")
        await expect(page.locator("#review")).not_to_have_attribute("data-review", pallet().id)
        assert await nuts(made) == before | {"hall": before["hall"] + 2}
        await keys.press("u")
        await expect(page.locator("#toast")).to_contain_text("Taken back")
        await expect(page.locator("#review")).to_have_attribute("data-review", re.compile("again-"))
        assert await nuts(made) == before
        screen.clean()


async def test_no_shortcut_works_while_somebody_types(made: Bench) -> None:
    async with browsing(made, 1440, 900) as (screen,):
        page = screen.page
        await page.keyboard.press("e")
        await page.locator("#other-form [name=sku]").fill("")
        await page.keyboard.type("sju1NUT?")
        await expect(page.locator("#other-form [name=sku]")).to_have_value("sju1NUT?")
        await expect(page.locator("#review")).to_have_attribute("data-review", pallet().id)
        assert await page.locator("#choices input:checked").count() == 0
        await page.locator("#other-form [name=sku]").fill("NUT")
        await page.locator("#other-form [name=quantity]").fill("7")
        before = await nuts(made)
        await page.locator("#other-form button[type=submit]").click()
        await expect(page.locator("#toast")).to_contain_text("Posted: 7 of NUT to hall")
        assert (await nuts(made))["hall"] == before["hall"] + 7
        screen.clean()


async def test_a_review_is_answered_by_thumb(made: Bench) -> None:
    before = await nuts(made)
    async with browsing(made, 390, 844) as (screen,):
        page = screen.page
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide == 390
        first = page.locator(".choice").first
        box = await first.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        await first.click()
        at = await page.locator("#confirm").bounding_box()
        assert at is not None
        assert at["height"] >= 44
        assert at["y"] + at["height"] <= 844, "the button is under the thumb, whatever is above it"
        await page.locator("#confirm").click()
        await expect(page.locator("#toast")).to_contain_text("Posted: all 3 tags came in")
        assert (await nuts(made))["hall"] == before["hall"] + 3
        await page.locator("#toast button").click()
        await expect(page.locator("#toast")).to_contain_text("Taken back")
        assert await nuts(made) == before
        screen.clean()


async def test_two_people_at_one_review(made: Bench) -> None:
    before = await nuts(made)
    async with browsing(made, 1440, 900, tabs=2) as (one, other):
        for screen in (one, other):
            await expect(screen.page.locator("#others")).to_contain_text("looking at this too")
        await other.page.locator(".choice").nth(1).click()
        where = await other.page.locator(".choice").nth(1).bounding_box()
        answer = await made.http.post(
            f"/reviews/{pallet().id}/resolve", json={"hypothesis": 0, "by": "anna"}
        )
        assert answer.status_code == 201
        await expect(other.page.locator(".banner")).to_contain_text("just answered this")
        assert where is not None
        row = other.page.locator(f"#row-{pallet().id}")
        await expect(row).to_have_class("gone")
        await other.page.locator(".banner button").click()
        await expect(other.page.locator("#review")).not_to_have_attribute(
            "data-review", pallet().id
        )
        assert (await nuts(made))["hall"] == before["hall"] + 3, "it was posted once"
        one.clean()
        other.clean()


async def test_who_is_second_is_told_who_was_first(made: Bench) -> None:
    async with browsing(made, 1440, 900) as (screen,):
        page = screen.page
        await page.route("**/screen/reviews/list*", lambda route: route.abort())
        await page.locator(".choice").nth(1).click()
        await made.post(f"/reviews/{pallet().id}/resolve", hypothesis=0, by="anna")
        await page.locator("#confirm").click()
        banner = page.locator(".banner")
        await expect(banner).to_contain_text("Somebody was faster")
        await expect(banner).to_contain_text("anna decided review")
        assert await page.locator("#confirm").is_disabled()


async def test_a_new_question_appears_and_nothing_moves(made: Bench) -> None:
    from central.judging import findings
    from tests.central.reviews.asking import OPENED_US

    async with browsing(made, 1440, 900) as (screen,):
        page = screen.page
        choice = page.locator(".choice").first
        await choice.click()
        before = await choice.bounding_box()
        late = pallet(id="review-pallet-2")
        await made.services.write(lambda c: findings.keep_reviews(c, [late], OPENED_US, 9))
        await expect(page.locator("#queue-count")).to_have_text("3 wait")
        assert await choice.bounding_box() == before
        assert await page.locator("#choices input:checked").count() == 1
        screen.clean()
