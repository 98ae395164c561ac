"""The edge's page in a real browser: what devices say appears; what is wrong says what to do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.readings import TagRead
from edge.console import records
from gateway.gs1 import sgtin96_hex
from tests.chromium import CHROMIUM, FLAGS, Screen, playwright
from tests.edge.console.bench import Site, site
from tests.edge.waiting import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed"),
]
GTIN = "04012345678901"
AWAY = {"name": "yard", "driver": "llrp", "read_point": "y", "host": "127.0.0.1", "port": 9}


@asynccontextmanager
async def looked_at(
    made: Site, path: str, width: int = 1440, height: int = 900
) -> AsyncIterator[Screen]:
    """A page of the edge, live."""
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            page = await browser.new_page(viewport={"width": width, "height": height})
            screen = Screen(page, made.url)
            await page.goto(made.url.rstrip("/") + path)
            await page.wait_for_selector("#link[data-state=live]")
            yield screen
        finally:
            await browser.close()


async def tags(made: Site, level: float = -50.0) -> None:
    """Two tags in the field of antenna 1, read for ever."""
    while True:
        for serial in (1, 2):
            epc = sgtin96_hex(GTIN, 7, serial)
            read = TagRead(epc=epc, epc_bits=96, antenna=1, peak_rssi_dbm=level)
            await made.reader.report([read])
        await asyncio.sleep(0.05)


@asynccontextmanager
async def going_on(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_readers_tags_appear_with_their_names(tmp_path: Path) -> None:
    async with site(tmp_path) as made, looked_at(made, "/device/dock") as screen:
        async with going_on(tags(made)):
            page = screen.page
            await page.wait_for_selector(f"text=GTIN {GTIN} · 2")
            await page.wait_for_selector(".console-antennas >> text=outside")
            level = page.locator(".antenna-rssi b").first
            await playwright.expect(level).to_have_text("-50.0")
            reads = page.locator(".console-figures .value").first
            await playwright.expect(reads).not_to_have_text("0")
        await playwright.expect(reads).to_have_text("0", timeout=10_000)  # they left the field
        screen.clean()


async def test_a_scales_weight_follows_what_lies_on_it(tmp_path: Path) -> None:
    async with site(tmp_path) as made, looked_at(made, "/device/plate") as screen:
        weight = screen.page.locator("#weight")
        await playwright.expect(weight).to_have_text("1250.0")
        made.scale.set_load_mg(2_000_000)
        await playwright.expect(weight).to_have_text("2000.0")
        await screen.page.wait_for_selector(".weight-state >> text=stable")
        await screen.page.wait_for_selector(".weight-chart canvas")
        screen.clean()


async def test_scans_appear_as_they_come(tmp_path: Path) -> None:
    async with site(tmp_path) as made:
        running = made.agent.fleet.supervisors["gun"].health
        await until(lambda: running.state == "running")
        async with looked_at(made, "/device/gun") as screen:
            await screen.page.wait_for_selector("text=Nothing heard since you look")
            for lot in ("A", "B"):
                await made.scanner.scan(f"01{GTIN}10LOT{lot}")
                await screen.page.wait_for_selector(f".console-scans >> text=LOT LOT{lot}")
            first = screen.page.locator(".console-scans > li").first
            await playwright.expect(first).to_contain_text("LOT LOTB")
            screen.clean()


async def test_what_needs_somebody_stands_first_with_a_button_that_helps(tmp_path: Path) -> None:
    async with site(tmp_path, devices=[AWAY]) as made, looked_at(made, "/") as screen:
        yard = made.agent.fleet.supervisors["yard"]
        first = screen.page.locator("#devices > li").first
        await playwright.expect(first).to_contain_text("yard")
        await playwright.expect(first).to_contain_text("Check the reader's power")
        starts = yard.counters()["starts"]
        await first.get_by_role("button", name="Try again now").click()
        await until(lambda: yard.counters()["starts"] > starts)
        screen.clean()


async def test_health_and_log_are_live(tmp_path: Path) -> None:
    async with site(tmp_path, devices=[AWAY]) as made:
        async with looked_at(made, "/health") as screen:
            await screen.page.wait_for_selector("#first >> text=yard")
            await screen.page.wait_for_selector("#well >> text=Journal")
            async with screen.page.expect_download() as download:
                await screen.page.get_by_role("link", name="Diagnostics bundle").click()
            saved = await (await download.value).path()
            assert saved.stat().st_size > 1_000
            screen.clean()
        async with looked_at(made, "/logs") as screen:
            made.logs.take({"event": "something_fell", "level": "error", "device": "plate"})
            await screen.page.wait_for_selector("#lines >> text=something fell")
            await screen.page.select_option("select[name=level]", "error")
            lines = screen.page.locator("#lines > li")
            await playwright.expect(lines).to_have_count(1)
            screen.clean()


async def test_the_page_comes_back_with_its_edge(tmp_path: Path) -> None:
    """The stream breaks as when the agent is started anew."""
    async with site(tmp_path) as made, looked_at(made, "/device/plate") as screen:
        weight = screen.page.locator("#weight")
        await playwright.expect(weight).to_have_text("1250.0")
        for ask_id in list(made.desk._tasks):
            made.desk.cancel(ask_id)
        made.scale.set_load_mg(700_000)
        await playwright.expect(weight).to_have_text("700.0")
        await screen.page.wait_for_selector("#link[data-state=live]")


@pytest.mark.parametrize("path", ["/", "/device/dock", "/device/plate", "/health", "/logs"])
async def test_the_phone_needs_no_sideways_scrolling(tmp_path: Path, path: str) -> None:
    async with site(tmp_path) as made, looked_at(made, path, 390, 844) as screen:
        async with going_on(tags(made)):
            if path == "/device/dock":
                await screen.page.wait_for_selector(f"text=GTIN {GTIN} · 2")
            wide = await screen.page.evaluate("document.documentElement.scrollWidth")
        assert wide == 390
        screen.clean()


async def test_when_a_scale_is_due_shows_on_its_page_and_in_what_to_do_first(
    tmp_path: Path,
) -> None:
    day = datetime.now(UTC).date()
    record = {
        "kind": "calibration", "device": "plate", "at": f"{day}T06:00:00+00:00", "by": "Ann",
        "due": (day + timedelta(days=5)).isoformat(), "verdict": "pass", "division_g": 1.0,
    }  # fmt: skip
    records.keep(tmp_path / "data", "calibration-plate-20260101T060000Z", record)
    async with site(tmp_path) as made, looked_at(made, "/device/plate", 390, 844) as screen:
        due = screen.page.locator("#due")
        expect = playwright.expect
        await expect(due).to_contain_text("Calibration due in 5 days")
        overdue = record | {"due": (day - timedelta(days=3)).isoformat()}
        records.keep(tmp_path / "data", "calibration-plate-20260102T060000Z", overdue)
        await made.agent.fleet.supervisors["plate"].describe()
        await expect(due).to_contain_text("Calibration overdue since")
        await expect(due).to_contain_text("3 days")
        await screen.page.get_by_role("link", name="Health").click()
        first = screen.page.locator("#first > li").first
        await expect(first).to_contain_text("plate: calibration")
        await first.get_by_role("link", name="Calibrate").click()
        await screen.page.wait_for_url("**/device/plate/calibrate")
        screen.clean()
