"""An edge's settings and a new device of it, from central's pages, over a real broker."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from drivers.emulators.mtsics_scale import EmulatedScale
from tests.central.console.site import Both, both
from tests.central.harness import served
from tests.chromium import CHROMIUM, FLAGS, PATIENCE_MS, Screen
from tests.edge.waiting import until
from tests.fakes.brokers import Embedded

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed"),
]


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Both]:
    broker = Embedded()
    await broker.start_again()
    async with both(tmp_path, broker, page={"port": 0, "pin": "sesame-77"}) as ready:
        fleet = ready.edge.agent.fleet
        await until(lambda: fleet.supervisors["plate"].health.state == "running")
        yield ready
    await broker.stop()


async def _say_what_lies_on_it(made: Both, page: playwright.Page) -> None:
    """The shelf is new to the books: its place, the item by its name, where the plate lies."""
    part = page.locator("#done-plate")
    await part.get_by_label("Place, by name or code").fill("hall")
    await part.get_by_role("button", name="North hall").click()
    await playwright.expect(part.locator(".setup-said")).to_have_text("shelf-2 is a shelf at HALL.")
    await part.get_by_label("Item, by SKU, name or barcode").fill("4006381333931")
    await part.get_by_role("button", name="Hex nut").click()
    await part.get_by_label("One piece weighs, in g").fill("2.5")
    await part.get_by_role("button", name="It lies here").click()
    await playwright.expect(part.locator(".setup-now")).to_contain_text("Hex nut NUT-8 · 2.5")
    await part.get_by_role("button", name="It lies there").click()
    await playwright.expect(part.locator(".setup-where")).to_have_text(
        "On board 1, at its left end, 300 x 400 mm."
    )
    (point,) = (await made.central.get("/read-points"))["rows"]  # type: ignore[misc]
    assert (point["code"], point["kind"], point["location"]) == ("shelf-2", "shelf", "HALL")
    assert [(one["sku"], one["unit_mg"]) for one in point["plates"]] == [("NUT-8", 2_500)]
    assert len((await made.central.get("/read-points/shelf-2/layout"))["plates"]) == 1  # type: ignore[arg-type]


async def test_settings_and_a_device_from_central(made: Both) -> None:
    scale = EmulatedScale(serial="TP9")
    port = await scale.start()
    edge = made.edge
    await made.central.post("/locations", code="HALL", name="North hall")
    nut = {"gtin": "04006381333931", "quantity": 1}
    await made.central.post("/items", sku="NUT-8", name="Hex nut", gtins=[nut])
    async with served(made.central) as url, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        playwright.expect.set_options(timeout=PATIENCE_MS)
        screen = Screen(page, url)
        await page.goto(f"{url}/devices/pi/settings")
        await page.wait_for_selector("#text:not([disabled])")
        shown = await page.input_value("#text")
        assert "sesame-77" not in shown
        await page.fill("#text", shown.replace("plate = 3", "plate = 8"))
        await page.click("#apply:not([disabled])")
        await playwright.expect(page.locator("#apply-state")).to_contain_text("Version 2 is in use")
        await page.goto(f"{url}/devices/pi/find")
        await page.select_option("#driver", "mt-sics")
        await page.fill("#f-port", port)
        await page.click("#by-hand button[type=submit]")
        await page.click("#prove-next:not([disabled])")
        await page.fill("#read-point", "shelf-2")
        await page.click("#place-form button[type=submit]")
        await page.click("#save")
        await playwright.expect(page.locator("#h-done")).to_have_text("shelf-2-plate-1 runs")
        await _say_what_lies_on_it(made, page)
        assert not screen.complaints
        assert not screen.elsewhere
        await browser.close()
    whole = tomllib.loads(edge.path.read_text())
    assert whole["devices"][1]["plate"] == 8
    assert whole["devices"][-1]["identity"] == "TP9"
    assert whole["page"]["pin"] == "sesame-77"
    rows = edge.agent.console.desk._bench.settings.versions.all()
    assert {row.author for row in rows} - {"the file"} != set()
    told = repr(
        await made.central.database.read(
            lambda c: c.execute(text("SELECT actor, action, subject, after FROM audit")).all()
        )
    )
    assert "config.apply" in told
    assert "device.add" in told
    assert "sesame-77" not in told
    await edge.agent.fleet.change(())
    await scale.stop()
