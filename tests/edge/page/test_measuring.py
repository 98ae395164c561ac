"""Sweep, calibration, test read and walk as a technician does them: on a phone, in a browser."""

from __future__ import annotations

import asyncio
import time
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from drivers.emulators.known_loss import StillTag, StillTags
from drivers.emulators.load_cell_node import EmulatedSerialNode
from drivers.emulators.portal_live import LivePortal
from drivers.emulators.portal_physics import Path as Way
from drivers.emulators.portal_physics import PortalPhysics, Scene, dock_antennas, pallet
from gateway.gs1 import sgtin96_hex
from tests.edge.console.bench import Site, site
from tests.edge.page.screen import PATIENCE_MS, Phone, marks, phone, playwright

pytestmark = marks

EPCS = [sgtin96_hex("04012345678901", 7, number) for number in range(12)]
expect = playwright.expect
expect.set_options(timeout=PATIENCE_MS)


@asynccontextmanager
async def still(here: Site, *tags: StillTag) -> AsyncIterator[StillTags]:
    """Tags that stand before the dock."""
    air = StillTags(here.reader, tags)
    radio = asyncio.create_task(air.run())
    try:
        yield air
    finally:
        radio.cancel()
        await asyncio.gather(radio, return_exceptions=True)


def standing(number: int, loss_db: float) -> StillTag:
    return StillTag(epc=EPCS[number], loss_db={1: loss_db})


async def listened(screen: Phone) -> None:
    """Listen for what is there, and wait until the list is complete."""
    await screen.page.locator("#marks[data-ready]").wait_for()
    await screen.page.locator("#listen").click()
    await expect(screen.page.locator("#listen")).to_have_text("Listen again")


async def test_a_sweep_from_marking_to_the_power_in_the_settings(tmp_path: Path) -> None:
    tags = (standing(0, 34.0), standing(1, 36.1), standing(2, 44.2))
    async with (
        site(tmp_path) as here,
        still(here, *tags),
        phone(here.url) as screen,
    ):
        page = screen.page
        await screen.go("/device/dock/sweep")
        await listened(screen)
        for number in (0, 1):
            await page.locator(f"[data-epc='{EPCS[number]}'] [data-mark='must']").click()
        await page.locator("#rest-not").click()
        await expect(page.locator("#marks-count")).to_have_text("2 must, 1 must not")
        await screen.fits()
        await page.get_by_text("Antennas, steps, legal limit").click()
        await page.select_option("[name=step_db]", "4")
        await page.select_option("[name=measure_s]", "1")
        await page.select_option("[name=together]", "yes")
        await page.locator("#go").click()
        await expect(page.locator("#held")).to_contain_text("held for the sweep")
        await expect(page.locator(".sweep-curve canvas")).to_be_visible()
        # 36.1 - 19.5 = 16.6 dBm and 44.2 - 19.5 = 24.7 dBm: the middle is 20.65
        use = page.locator(".sweep-use strong").first
        await expect(use).to_have_text("Use 20.5 dBm")
        await expect(page.locator(".sweep-curve")).to_contain_text("window 16.75 to 24.5 dBm")
        text = await page.locator(".sweep-chart").get_attribute("aria-label")
        assert text is not None
        assert "Use 20.5 dBm" in text
        await page.get_by_text("The figures as a table").click()
        assert await page.locator(".sweep-curve tbody tr").count() >= 8
        await page.locator("#by").fill("Anna Berg")
        await page.locator("#apply").click()
        await expect(page.locator("#applied")).to_have_text("Applied")
        await expect(page.locator("#use-what")).to_contain_text("All 2 must-read tags answer")
        await screen.fits()
        screen.clean()
        written = tomllib.loads(here.path.read_text())["devices"][0]["antennas"]
        assert [row["tx_power_dbm"] for row in written] == [20.5, 20.5]
        spec = here.reader.model.active
        assert spec is not None
        assert here.reader.model.facts.power_table()[spec.power_index[1] - 1] == 20.5


async def test_a_sweep_that_is_cancelled_leaves_the_portal_as_it_was(tmp_path: Path) -> None:
    async with site(tmp_path) as here, still(here, standing(0, 34.0)), phone(here.url) as screen:
        await screen.go("/device/dock/sweep")
        await listened(screen)
        await screen.page.locator("#all-must").click()
        await screen.page.locator("#go").click()
        await here.reader.wait_until(
            lambda: bool((spec := here.reader.model.active) and spec.session.get(1) == 0)
        )
        await screen.page.locator("#stop").click()
        await expect(screen.page.locator("#phase")).to_contain_text("as it was before")
        await here.reader.wait_until(
            lambda: bool((spec := here.reader.model.active) and spec.session.get(1) == 1)
        )
        screen.clean()


async def test_a_test_read_lists_the_tags_and_says_what_it_cost(tmp_path: Path) -> None:
    async with site(tmp_path) as here, still(here, standing(3, 34.0)), phone(here.url) as screen:
        page = screen.page
        await screen.go("/device/dock")
        await page.get_by_role("link", name="Test read").click()
        await page.select_option("#seconds", "2")
        await page.locator("#go").click()
        await expect(page.locator("#said")).to_contain_text("The portal was blind for")
        await expect(page.locator(".read-tags tbody tr")).to_have_count(1)
        await expect(page.locator(".read-tags")).to_contain_text(EPCS[3])
        await screen.fits()
        screen.clean()


async def test_a_scale_is_calibrated_to_its_certificate(tmp_path: Path) -> None:
    node = EmulatedSerialNode("cell-1", window_s=0.05)
    cell = {
        "name": "cell", "driver": "load-cell-serial", "read_point": "shelf-2", "node": "cell-1",
        "port": await node.start(),
    }  # fmt: skip
    try:
        async with site(tmp_path, devices=[cell]) as here, phone(here.url) as screen:
            page = screen.page
            step = "[data-step={}] button[type=submit]"
            await screen.go("/device/cell/calibrate")
            await page.locator("[name=by]").fill("Anna Berg")
            await page.locator("#plan [name=capacity_g]").fill("20000")
            await page.locator("#go").click()
            await expect(page.locator("#held")).to_contain_text("nothing on it is booked")
            await page.select_option("[data-step=noise] [name=seconds]", "5")
            await page.locator(step.format("noise")).click()
            await page.locator("[data-step=zero][open]").wait_for()
            await expect(page.locator("#rest")).to_have_attribute("data-stable", "true")
            await expect(page.locator("#trace canvas")).to_be_visible()
            await page.locator(step.format("zero")).click()
            await page.locator("[data-step=span][open]").wait_for()
            await page.locator("[data-step=span] [name=mass_g]").fill("5000")
            await page.locator(step.format("span")).click()
            wrong = page.locator("[data-step=span] .trouble")
            await expect(wrong).to_contain_text("Not enough load")
            await screen.fits()
            node.set_load_g(5_000)
            await page.locator(step.format("span")).click()
            await page.locator("[data-step=second][open]").wait_for()
            await expect(page.locator("#figure")).to_have_text("5,000.0", use_inner_text=True)
            await page.locator("#done").click()
            await expect(page.locator("#trouble")).to_contain_text("than at the beginning")
            node.set_load_g(0)
            await expect(page.locator("#left")).to_contain_text("the node is not flashed")
            await page.locator("#done").click()
            await expect(page.locator("#kept")).to_contain_text("Certificate: passed")
            await expect(page.locator("#kept")).to_contain_text("is in the settings")
            async with page.expect_download() as coming:
                await page.locator("[data-form=pdf]").click()
            paper = await (await coming.value).path()
            assert paper.read_bytes().startswith(b"%PDF")
            await screen.fits()
            written = tomllib.loads(here.path.read_text())["devices"][-1]["calibration"]
            assert abs(float(written["counts_per_g"]) - 420) < 1
            assert written["by"] == "Anna Berg"
            await screen.go("/records")
            await expect(page.locator("#records")).to_contain_text("Calibration certificate: cell")
            screen.clean()
    finally:
        await node.stop()


async def test_a_walk_counts_its_passes_and_is_signed(tmp_path: Path) -> None:
    async with site(tmp_path) as here, phone(here.url) as screen:
        epoch_us = time.time_ns() // 1_000
        places = dock_antennas()[:2]
        physics = PortalPhysics(Scene(antennas=places, tags=(), epoch_us=epoch_us))
        live = LivePortal(here.reader, physics, epoch_us)
        radio = asyncio.create_task(live.run())

        def push(*, inwards: bool) -> None:
            path = Way.through(live.now_s(), speed=3.0, inwards=inwards, reach=4.0)
            physics.add(pallet(EPCS[:4], path, Random(2)))

        page = screen.page
        try:
            await screen.go("/device/dock/walk")
            await page.locator("#marks[data-ready]").wait_for()
            await page.get_by_text("Type tags instead").click()
            await page.locator("#typed").fill("\n".join(EPCS[:4]))
            await page.get_by_role("button", name="Add these").click()
            await expect(page.locator("#marks-count")).to_have_text("4 tags")
            await page.locator("[name=by]").fill("Anna Berg")
            await page.locator("[name=passes]").fill("2")
            await page.locator("#go").click()
            await expect(page.locator("#next")).to_have_text("Pass 1 of 2: in")
            push(inwards=True)
            await expect(page.locator("#next")).to_have_text("Pass 2 of 2: out")
            push(inwards=False)
            await expect(page.locator("#next")).to_have_text("All 2 passes walked")
            await screen.fits()
            await page.locator("[name=signer]").fill("S. Manager")
            await page.locator("#finish").click()
            await expect(page.locator("#kept")).to_contain_text("of 8 tags heard")
            await expect(page.locator("#kept")).to_contain_text("order of the antennas alone")
            await screen.fits()
            await screen.go("/records")
            walk = page.locator("#records li", has_text="Walk test: dock")
            await walk.get_by_text("What was judged of each pass").click()
            rows = walk.locator(".walk-passes tbody tr")
            await expect(rows).to_have_count(2)
            await expect(rows.first).to_contain_text("1 in")
            await expect(walk).to_contain_text("order of the antennas alone")
            await screen.fits()
            screen.clean()
        finally:
            radio.cancel()
            await asyncio.gather(radio, return_exceptions=True)
