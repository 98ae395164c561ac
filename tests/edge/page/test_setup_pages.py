"""Adding a device and editing the settings as a technician does: on a phone, at the edge."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.readings import TagRead
from tests.chromium import CHROMIUM, FLAGS, PATIENCE_MS, Screen
from tests.edge.console.bench import Site, site
from tests.edge.waiting import until

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed"),
]


@asynccontextmanager
async def phone(url: str) -> AsyncIterator[Screen]:
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            page = await browser.new_page(viewport={"width": 390, "height": 844})
            screen = Screen(page, url)
            playwright.expect.set_options(timeout=PATIENCE_MS)
            yield screen
            assert not screen.complaints
            assert not screen.elsewhere
            assert await fits(page)
        finally:
            await browser.close()


async def fits(page: playwright.Page) -> bool:
    """Nothing makes the page wider than the phone."""
    box = await page.locator("#console").bounding_box()
    return box is not None and box["x"] + box["width"] <= 390


async def reading(reader: EmulatedReader) -> None:
    """A tag lies in front of antenna 2."""
    await reader.wait_inventorying()
    read = TagRead(epc="30340789000F460000000007", epc_bits=96, antenna=2, peak_rssi_dbm=-50.0)
    while True:
        await reader.report([read])
        await asyncio.sleep(0.05)


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path) as it:
        await until(lambda: it.agent.fleet.supervisors["plate"].health.state == "running")
        yield it


async def test_a_reader_is_added_in_four_steps(edge: Site) -> None:
    before = edge.path.read_text()
    reader = EmulatedReader(host="127.0.0.3")
    port = await reader.start()
    tag = asyncio.create_task(reading(reader))
    async with phone(edge.url) as screen:
        page = screen.page
        await page.goto(f"{edge.url}find")
        await playwright.expect(page.locator("#sources li")).to_have_count(4)
        await page.select_option("#driver", "llrp")
        # What cannot be reached names its cause and what to do, and goes no further.
        await page.fill("#f-host", "127.0.0.3")
        await page.fill("#f-port", "9")
        await page.click("#by-hand button[type=submit]")
        await playwright.expect(page.locator("#prove-state")).to_contain_text("Cannot connect")
        await playwright.expect(page.locator("#prove-hint")).to_contain_text("Check the reader's")
        assert await page.locator("#prove-next").is_disabled()
        await page.click("#prove [data-back]")
        await page.fill("#f-port", str(port))
        await page.click("#by-hand button[type=submit]")
        await page.click("#prove-next:not([disabled])")
        await page.fill("#read-point", "dock-2")
        assert await page.input_value("[data-antenna='2']") == "inside"
        assert await page.input_value("[data-antenna='1']") == ""
        await page.select_option("[data-antenna='1']", "outside")
        await page.click("#place-form button[type=submit]")
        assert await page.input_value("#device-name") == "dock-2-reader"
        await page.click("#save")
        await playwright.expect(page.locator("#h-done")).to_have_text("dock-2-reader runs")
        assert await page.locator("#done-open").get_attribute("href") == "/device/dock-2-reader"
    tag.cancel()
    with suppress(asyncio.CancelledError):
        await tag
    assert edge.path.read_text().startswith(before)
    assert tomllib.loads(edge.path.read_text())["devices"][-1] == {
        "name": "dock-2-reader", "driver": "llrp", "read_point": "dock-2", "host": "127.0.0.3",
        "port": port, "identity": "00:16:25:00:54:52",
        "antennas": [{"antenna": 1, "side": "outside"}, {"antenna": 2, "side": "inside"}],
    }  # fmt: skip
    assert edge.agent.fleet.supervisors["dock-2-reader"].health.state == "running"
    await edge.agent.fleet.change(())
    await reader.stop()


async def test_the_editor_marks_mistakes_applies_and_takes_back(edge: Site) -> None:
    before = edge.path.read_bytes()
    async with phone(edge.url) as screen:
        page = screen.page
        await page.goto(f"{edge.url}settings")
        await page.wait_for_selector("#text:not([disabled])")
        text = await page.input_value("#text")
        await page.fill("#text", text.replace('side = "inside"', 'side = "insid"'))
        await playwright.expect(page.locator("#verdict")).to_have_text("1 mistake")
        line = text[: text.index('side = "inside"')].count("\n") + 1
        await playwright.expect(page.locator("#gutter .fault")).to_have_text(str(line))
        await playwright.expect(page.locator("#mistakes")).to_contain_text('Did you mean "inside"?')
        assert await page.locator("#apply").is_disabled()
        await page.fill("#text", text.replace("plate = 3", "plate = 5  # moved"))
        becomes = page.locator("#changes > li")
        await playwright.expect(becomes).to_have_count(1)
        await playwright.expect(becomes).to_contain_text("plate")
        await playwright.expect(becomes.locator(".before code")).to_have_text("3")
        await playwright.expect(becomes.locator(".after code")).to_have_text("5")
        await page.fill("#reason", "the plate moved")
        await page.click("#apply:not([disabled])")
        await playwright.expect(page.locator("#apply-state")).to_contain_text("Version 2 is in use")
        assert "# moved" in edge.path.read_text()
        assert edge.agent.fleet.devices[1].plate == 5
        # What does not come back goes back by itself, and says why.
        now = await page.input_value("#text")
        await page.fill("#text", now.replace(edge.config.devices[1].options.port, "/dev/none-such"))
        edge.agent.console._settings._confirm_s = 1.0
        await page.click("#apply:not([disabled])")
        await playwright.expect(page.locator("#apply-state")).to_contain_text(
            "There is no serial port /dev/none-such"
        )
        await playwright.expect(page.locator("#versions")).to_contain_text("went back")
        # Compare, and back to the first in two taps.
        first = page.locator("#versions > li").last
        await first.get_by_role("button", name="Compare").click()
        row = page.locator("#diff-keys .change")
        await playwright.expect(row).to_have_count(1)
        await playwright.expect(row.locator(".before")).to_have_text("was3")
        await playwright.expect(row.locator(".after")).to_have_text("is5")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.click("#diff-text summary")
        await playwright.expect(page.locator("#diff .plus")).to_have_text("+plate = 5  # moved")
        await first.get_by_role("button", name="Restore").click()
        await first.get_by_role("button", name="Restore 1?").click()
        await playwright.expect(page.locator("#apply-state")).to_contain_text("Version 4 is in use")
    assert edge.path.read_bytes() == before
    assert edge.agent.fleet.devices[1].plate == 3


async def test_a_scale_is_added_by_hand(edge: Site) -> None:
    scale = EmulatedScale(serial="TP5")
    port = await scale.start()
    async with phone(edge.url) as screen:
        page = screen.page
        await page.goto(f"{edge.url}find")
        await page.select_option("#driver", "mt-sics")
        await page.fill("#f-port", port)
        await page.click("#by-hand button[type=submit]")
        await page.click("#prove-next:not([disabled])")
        await page.fill("#read-point", "shelf")
        await page.dispatch_event("#read-point", "change")
        assert await page.input_value("#plate") == "1"
        await page.click("#place-form button[type=submit]")
        await page.click("#save")
        await playwright.expect(page.locator("#h-done")).to_have_text("shelf-plate-1 runs")
        await playwright.expect(page.locator("#done-plate")).to_have_text(
            "What lies on plate 1, and where it lies, is said at central: Shelves, shelf, Arrange "
            "plates."
        )
    assert edge.agent.fleet.devices[-1].identity == "TP5"
    await edge.agent.fleet.change(())
    await scale.stop()


async def test_a_reader_that_was_found_is_followed_where_it_moved(edge: Site) -> None:
    """One that is known by its MAC address answers at another address, beside one that is new."""
    known = EmulatedReader(host="127.0.7.5", port=5084, identity="84248DFFFE0000EE", vendor_pen=161)
    new = EmulatedReader(host="127.0.7.6", port=5084)
    for one in (known, new):
        await one.start()
    text = edge.path.read_text()
    gone = f'port = {edge.reader.port}\nidentity = "84:24:8d:00:00:ee"'
    edge.path.write_text(text.replace(f"port = {edge.reader.port}", gone))
    await edge.agent.console.desk._bench.settings.change(
        "gun", lambda table: table.add("plate", 2), "to load the file", "a test"
    )
    await edge.reader.stop()
    async with phone(edge.url) as screen:
        page = screen.page
        await page.goto(f"{edge.url}find")
        await page.get_by_text("Look in another network").click()
        await page.fill("#subnet", "127.0.7.0/28")
        await page.get_by_role("button", name="Look there").click()
        await playwright.expect(page.locator("#hits .tag.new")).to_have_count(1)
        row = page.locator("#hits > li", has_text="127.0.7.5:5084")
        await playwright.expect(row).to_contain_text("It was at 127.0.0.1")
        await row.get_by_role("button", name="Let dock follow").click()
        await known.wait_inventorying()
        await playwright.expect(row).to_contain_text("this edge (dock)")
        # And the new one goes on to its proof with one tap.
        row = page.locator("#hits > li", has_text="127.0.7.6:5084")
        await row.get_by_role("button", name="Add").click()
        await new.wait_inventorying()
        await playwright.expect(page.locator("#prove-hint")).to_contain_text("Hold a tag")
    (dock, *_) = tomllib.loads(edge.path.read_text())["devices"]
    assert (dock["host"], "port" in dock) == ("127.0.7.5", False)
    await edge.agent.fleet.change(())
    for one in (known, new):
        await one.stop()


async def test_a_device_is_removed_in_two_taps(edge: Site) -> None:
    async with phone(edge.url) as screen:
        page = screen.page
        await page.goto(f"{edge.url}device/gun")
        await page.get_by_role("button", name="Remove", exact=True).click()
        await page.get_by_role("button", name="Remove gun?").click()
        await page.wait_for_url(edge.url)
    assert "gun" not in edge.agent.fleet.supervisors
    assert 'name = "gun"' not in edge.path.read_text()
