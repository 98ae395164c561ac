"""Central's page of devices in a real browser, down to what a scale of an edge weighs now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.central.console.site import Both, both
from tests.central.harness import served
from tests.chromium import CHROMIUM, FLAGS, Screen, playwright
from tests.edge.waiting import until
from tests.fakes.brokers import Embedded

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed"),
]
AWAY = {"name": "yard", "driver": "llrp", "read_point": "y", "host": "127.0.0.1", "port": 9}


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Both]:
    broker = Embedded()
    await broker.start_again()
    async with both(tmp_path, broker, devices=[AWAY]) as ready:
        yield ready
    await broker.stop()


@pytest.mark.parametrize("width", [1440, 390])
async def test_from_all_devices_to_the_weight_on_one_scale(made: Both, width: int) -> None:
    yard = made.edge.agent.fleet.supervisors["yard"]
    await until(lambda: yard.health.state == "retrying")
    async with served(made.central) as url, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            page = await browser.new_page(viewport={"width": width, "height": 844})
            screen = Screen(page, url)
            await page.goto(f"{url}/devices")
            await page.wait_for_selector("#fleet-first >> text=yard")
            await page.wait_for_selector("#fleet-first >> text=Check the reader's power")
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            await page.locator("#fleet-edges").get_by_role("link", name="pi", exact=True).click()
            await page.locator("#devices").get_by_role("link", name="plate").click()
            weight = page.locator("#weight")
            await playwright.expect(weight).to_have_text("1250.0")
            made.edge.scale.set_load_mg(600_000)
            await playwright.expect(weight).to_have_text("600.0")
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            starts = yard.counters()["starts"]
            await page.goto(f"{url}/devices/pi")
            await page.get_by_role("button", name="Try again now").click()
            await until(lambda: yard.counters()["starts"] > starts)
            screen.clean()
        finally:
            await browser.close()


async def test_the_records_show_who_asked_for_what_and_how_it_ended(made: Both) -> None:
    http, desk = made.central.http, made.edge.desk
    gone = (await http.post("/devices/pi/do/retry", json={"device": "ghost"})).json()["id"]
    held = await http.post("/devices/pi/do/test_read", json={"device": "gun", "seconds": 60})
    ends = made.central.services.ends.counters
    await until(lambda: ends["failed"] == 1, f"the end of {gone}")
    async with served(made.central) as url, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            page = await browser.new_page(viewport={"width": 390, "height": 844})
            screen = Screen(page, url)
            expect = playwright.expect
            await page.goto(f"{url}/devices/pi/records")
            rows = page.locator("#asked > li")
            await expect(rows).to_have_count(2)
            await expect(rows.nth(0)).to_contain_text("Test read: gun")
            await expect(rows.nth(0)).to_contain_text("under way")
            await expect(rows.nth(1)).to_contain_text("no-such-device")
            await expect(rows.nth(1)).to_contain_text("failed")
            await http.delete(f"/devices/pi/ask/{held.json()['id']}")
            await until(lambda: ends["cancelled"] == 1)
            await page.reload()
            await expect(rows.nth(0)).to_contain_text("cancelled")
            assert await page.evaluate("document.documentElement.scrollWidth") == 390
            screen.clean()
        finally:
            await browser.close()
    assert desk.counters["asks_failed"] == 1


async def test_a_held_device_is_told_at_central_with_what_holds_it(made: Both) -> None:
    health = made.edge.agent.fleet.supervisors["gun"].health
    await until(lambda: health.state == "running")
    async with served(made.central) as url, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            page = await browser.new_page(viewport={"width": 390, "height": 844})
            screen, expect = Screen(page, url), playwright.expect
            await page.goto(f"{url}/devices")
            asked = {"device": "gun", "seconds": 60}
            held = await made.central.http.post("/devices/pi/do/test_read", json=asked)
            first = page.locator("#first-pi-gun")
            await expect(first).to_contain_text("In use for a test read.", timeout=30_000)
            await expect(first).to_contain_text("held")
            await expect(page.locator("#fleet-figures")).to_contain_text("and 1 held")
            await expect(page.locator("#fleet-edges")).to_contain_text("1 held")
            await page.goto(f"{url}/devices/pi/device/gun")
            await expect(page.locator("#state")).to_contain_text("held since")
            await made.central.http.delete(f"/devices/pi/ask/{held.json()['id']}")
            await expect(page.locator("#state")).to_have_text("running")
            screen.clean()
        finally:
            await browser.close()
