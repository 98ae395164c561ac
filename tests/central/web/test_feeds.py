"""Sensor feeds in a real browser: chosen, zoomed, compared, taken away, and told by a link."""

from __future__ import annotations

import csv
import json
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from central.insight.series import Point, SeriesUnavailable, Tags
from central.insight.windows import Window
from tests.central import scene
from tests.central.harness import Bench, bench, served
from tests.chromium import CHROMIUM, FLAGS, Screen, playwright, pytestmark

__all__ = ["pytestmark"]

DAY_S = 86_400
READS = json.dumps(["antenna", {"antenna": "1", "device": "dock-1-reader"}, "reads"])
WEIGHT = json.dumps(["plate", {"plate": "1", "read_point": "shelf-7"}, "gross_g"])
NOON_S = int(time()) // DAY_S * DAY_S - DAY_S // 2
"""Noon of yesterday, and before: over, so that nothing on the chart moves."""


@pytest.fixture
async def young(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as ready:
        await scene.set_up(ready)
        await scene.play(ready)
        for follower in ready.followers:
            while await follower.step():
                pass
        yield ready


@pytest.fixture
async def made(young: Bench) -> Bench:
    antenna = {"device": "dock-1-reader", "antenna": "1"}
    plate = {"read_point": "shelf-7", "plate": "1"}
    for days in (1, 0):
        start_s = NOON_S - DAY_S * days
        await young.series.write(
            [
                _point("antenna", antenna, start_s + n, reads=float(n % 60 + days))
                for n in range(3_600)
            ]
            + [
                _point("plate", plate, start_s + n, gross_g=400.0 - n / 10)
                for n in range(0, 3_600, 60)
            ]
        )
    return young


def _point(measurement: str, tags: dict[str, str], at_s: int, **fields: float) -> Point:
    return Point(measurement=measurement, tags=tags, fields=fields, time_us=at_s * 1_000_000)


@asynccontextmanager
async def opened(made: Bench, path: str, *, width: int = 1440) -> AsyncIterator[Screen]:
    async with served(made) as url, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            page = await browser.new_page(viewport={"width": width, "height": 900})
            screen = Screen(page, url)
            await page.goto(url + path)
            await page.wait_for_selector("#feeds[aria-busy=false]")
            yield screen
        finally:
            await browser.close()


def address(**more: object) -> str:
    return "/feeds?" + urlencode({"span": 3_600, "to": NOON_S + 3_600, **more}, doseq=True)


def asked(screen: Screen) -> dict[str, list[str]]:
    return parse_qs(urlsplit(screen.page.url).query)


async def changed(screen: Screen, **names: str) -> dict[str, list[str]]:
    """Wait until the address says so, and all is drawn."""
    for name, pattern in names.items():
        await screen.page.wait_for_url(re.compile(rf"[?&]{name}={pattern}(&|$)"))
    await screen.page.wait_for_selector("#feeds[aria-busy=false]")
    return asked(screen)


async def test_two_feeds_are_chosen_zoomed_and_told_by_a_link(made: Bench) -> None:
    async with opened(made, address(feed=READS)) as screen:
        page = screen.page
        expect = playwright.expect
        await page.locator("[data-choose]").first.click()
        await page.get_by_label("Search").fill("plate 1 weight")
        await page.locator(".feed-row", has_text="shelf-7, plate 1").locator("input").check()
        await page.get_by_role("button", name="Done").click()
        names = page.locator("#feeds-legend .what")
        await expect(names).to_have_text([re.compile("dock-1-reader"), re.compile("shelf-7")])
        assert asked(screen)["feed"] == [READS, WEIGHT]
        await page.wait_for_selector("#feeds[aria-busy=false]")

        plot = page.locator(".feeds-panel .u-over")
        box = await plot.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        await page.mouse.move(box["x"] + box["width"] / 4, middle)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
        await page.mouse.up()
        said = await changed(screen, span=r"\d{3}")
        assert abs(int(said["span"][0]) - 900) <= 10
        assert abs(int(said["to"][0]) - (NOON_S + 1_800)) <= 10

        await page.mouse.move(box["x"] + box["width"] / 2, middle)
        when = page.locator("#feeds-when")
        await expect(when).not_to_contain_text(" to ")
        weight = page.locator("#feeds-legend li").nth(1).locator(".now")
        assert 220 < float((await weight.inner_text()).removesuffix(" g")) < 320

        link = page.url
        await page.mouse.move(0, 0)
        heading = await when.inner_text()
        await page.goto("about:blank")
        await page.goto(link)
        await page.wait_for_selector("#feeds[aria-busy=false]")
        await expect(names).to_have_text([re.compile("dock-1-reader"), re.compile("shelf-7")])
        assert await when.inner_text() == heading
        await page.get_by_role("button", name="Zoom out").click()
        assert int((await changed(screen, span=r"2\d{3}"))["span"][0]) > 2_600
        await page.get_by_role("button", name=re.compile("Take dock-1-reader")).click()
        await expect(names).to_have_count(1)
        screen.clean()


async def test_the_day_before_lies_dashed_under_it(made: Bench) -> None:
    async with opened(made, address(feed=READS)) as screen:
        page = screen.page
        await page.get_by_label("Compare").select_option("with the day before")
        names = page.locator("#feeds-legend .what")
        await playwright.expect(names).to_have_count(2)
        await playwright.expect(names.nth(1)).to_contain_text("the day before")
        await page.wait_for_selector("#feeds[aria-busy=false]")
        await page.locator("#feeds-table summary").click()
        least = page.locator("#feeds-table tfoot tr").nth(0).locator("td")
        await playwright.expect(least).to_have_text(["0", "1"])
        assert asked(screen)["with"] == ["day"]
        screen.clean()


async def test_a_young_site_is_shown_in_minutes(young: Bench) -> None:
    async with opened(young, "/feeds") as screen:
        page = screen.page
        await page.wait_for_selector("[data-span='300'][aria-pressed=true]")
        await playwright.expect(page.locator("#feeds-legend li")).to_have_count(2)
        await page.get_by_role("button", name="1 h", exact=True).click()
        await changed(screen, span="3600")
        await page.locator("#feeds-table summary").click()
        rows = page.locator("#feeds-table tbody tr")
        await playwright.expect(rows.first).to_be_visible()
        assert await rows.count() < 8, "before it was measured there is nothing, not zero"
        screen.clean()


async def test_what_is_charted_leaves_as_csv_and_as_a_picture(made: Bench) -> None:
    async with opened(made, address(feed=[READS, WEIGHT], span=600, to=NOON_S + 600)) as screen:
        page = screen.page
        async with page.expect_download() as waiting:
            await page.get_by_role("link", name="CSV").click()
        text = (await (await waiting.value).path()).read_text(encoding="utf-8")
        rows = list(csv.DictReader(text.splitlines()))
        reads = [float(row["value"]) for row in rows if row["quantity"] == "Reads"]
        weights = [float(row["value"]) for row in rows if row["quantity"] == "Weight"]
        assert reads == [float(n % 60) for n in range(600)]
        assert weights == [pytest.approx(400 - n / 10) for n in range(0, 600, 60)]
        assert rows[0]["time"].endswith("12:00:00.000000+00:00")
        async with page.expect_download() as waiting:
            await page.get_by_role("button", name="PNG").click()
        picture = (await (await waiting.value).path()).read_bytes()
        assert picture.startswith(b"\x89PNG\r\n")
        width, height = struct.unpack(">II", picture[16:24])
        assert width > 1_000
        assert height > 500
        assert len(picture) > 20_000
        screen.clean()


async def test_keys_move_zoom_and_read(made: Bench) -> None:
    async with opened(made, address(feed=READS)) as screen:
        page = screen.page
        chart = page.locator("#feeds-chart")
        await chart.focus()
        await page.keyboard.press("Shift+ArrowLeft")
        told = page.locator("#feeds-said")
        await playwright.expect(told).to_contain_text(re.compile(r"dock-1-reader.* reads/s"))
        await page.keyboard.press("ArrowLeft")
        await changed(screen, to=str(NOON_S + 2_700))
        await page.keyboard.press("+")
        await changed(screen, span="1800")
        await page.keyboard.press("Escape")
        await changed(screen, span="3600")
        await page.keyboard.press("End")
        await page.wait_for_selector("#feeds-live[aria-pressed=true]")
        assert "to" not in asked(screen)
        screen.clean()


async def test_shift_moves_and_two_fingers_pinch(made: Bench) -> None:
    async with opened(made, address(feed=READS)) as screen:
        page = screen.page
        box = await page.locator(".feeds-panel .u-over").bounding_box()
        assert box is not None
        left, width, middle = box["x"], box["width"], box["y"] + box["height"] / 2
        await page.keyboard.down("Shift")
        await page.mouse.move(left + width / 4, middle)
        await page.mouse.down()
        await page.mouse.move(left + width / 2, middle, steps=4)
        await page.mouse.up()
        await page.keyboard.up("Shift")
        said = await changed(screen, span="3600", to=rf"(?!{NOON_S + 3_600})\d+")
        assert abs(int(said["to"][0]) - (NOON_S + 2_700)) <= 10

        async def fingers(kind: str, *places: float) -> None:
            points = [{"x": left + width * one, "y": middle} for one in places]
            await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch = await page.context.new_cdp_session(page)
        await fingers("touchStart", 0.4, 0.6)
        await fingers("touchMove", 0.35, 0.65)
        await fingers("touchMove", 0.3, 0.7)
        await fingers("touchEnd")
        said = await changed(screen, span=r"1\d{3}")
        assert abs(int(said["span"][0]) - 1_800) <= 20
        screen.clean()


async def test_times_are_the_sites(made: Bench) -> None:
    made.pages._templates.globals["time_zone"] = "Asia/Tokyo"
    async with opened(made, address(feed=READS)) as screen:
        await playwright.expect(screen.page.locator("#feeds-when")).to_contain_text("21:00")
        screen.clean()


async def test_flags_open_what_happened(made: Bench) -> None:
    async with opened(made, "/feeds?" + urlencode({"feed": READS, "span": 3_600})) as screen:
        page = screen.page
        flag = page.locator(".flag").first
        await flag.click()
        if await page.locator("#feeds-menu").is_visible():
            await page.locator("#feeds-menu a", has_text="Goods").first.click()
        await page.wait_for_url(re.compile("/screen/passes/p"))
        await page.go_back()
        await page.get_by_role("button", name="Events").click()
        await playwright.expect(page.locator(".flag")).to_have_count(0)
        screen.clean()


async def test_a_phone_shows_it_without_sideways_scrolling(made: Bench) -> None:
    path = address(feed=[READS, WEIGHT], view="stacked")
    async with opened(made, path, width=390) as screen:
        page = screen.page
        await playwright.expect(page.locator(".feeds-panel canvas")).to_have_count(2)
        await page.locator("#feeds-table summary").click()
        await page.wait_for_selector("#feeds-table tbody tr")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        await page.locator("[data-choose]").first.click()
        await page.wait_for_selector(".feed-row")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        screen.clean()


async def test_a_store_that_is_away_is_told_and_comes_back(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(measurement: str, tags: Tags, field: str, window: Window) -> Any:
        raise SeriesUnavailable("the disk is full")

    async with opened(made, address(feed=READS)) as screen:
        page = screen.page
        there = made.series.buckets
        monkeypatch.setattr(made.series, "buckets", away)
        await page.get_by_role("button", name="5 min").click()
        trouble = page.locator("#feeds-trouble")
        await playwright.expect(trouble).to_contain_text("the disk is full")
        monkeypatch.setattr(made.series, "buckets", there)
        await playwright.expect(trouble).to_be_hidden()
        assert await page.locator("#feeds-legend li").count() == 1
        assert screen.elsewhere == []


_LAID = """async ([address, answer, on, feeds, now]) => {
  const { laid, newest } = await import(address);
  return feeds.map((feed) => {
    const line = laid(answer, on, feed, 0, now);
    return [line.sure, line.value[newest(line)]];
  });
}"""


async def test_what_is_still_arriving_is_not_called_the_newest_value(young: Bench) -> None:
    """Reads of tags that lie unchanged come ten seconds later: the end of the line is low until
    then. A weight is whole as it comes, and so is an hour beside its last seconds.
    """
    second: dict[str, Any] = {"from": 0, "step": 1, "times": list(range(60))}
    hour = second | {"step": 3_600}
    reads = [100.0] * 40 + [5.0] * 12 + [None] * 8
    answer = {
        "times_s": list(range(52)), "values": reads[:52], "low": reads[:52],
        "high": reads[:52], "began_s": 0.0, "before": None,
    }  # fmt: skip
    late = {"zero": True, "step": False, "settles_s": 12}
    whole = late | {"settles_s": 0}
    async with opened(young, "/feeds") as screen:
        module = f"{screen.page.url.split('/feeds')[0]}/static/feeds/data.js"
        told = await screen.page.evaluate(_LAID, [module, answer, second, [late, whole], 52.0])
        assert told == [[40, 100.0], [53, 5.0]]
        hours = {**answer, "times_s": [n * 3_600 for n in range(52)]}
        told = await screen.page.evaluate(_LAID, [module, hours, hour, [late], 51 * 3_600.0 + 60])
        assert told == [[52, 5.0]]
        antenna = (await young.get("/series/feeds?" + urlencode({"feed": READS})))["feeds"][0]
        assert antenna["settles_s"] == 12
