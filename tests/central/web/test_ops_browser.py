"""The stock manager's flows in a real browser: find, look, move, undo, count, walk the tree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.central import scene
from tests.central.harness import Bench, bench, served
from tests.central.web import stocked
from tests.chromium import CHROMIUM, FLAGS, Screen, playwright, pytestmark

__all__ = ["pytestmark"]

expect = playwright.expect


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as ready:
        await stocked.stock(ready)
        await scene.play(ready)
        yield ready


@asynccontextmanager
async def opened(
    made: Bench, path: str, width: int = 1440, height: int = 900
) -> AsyncIterator[Screen]:
    """A page; one that is live, connected."""
    async with served(made) as url, playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            page = await browser.new_page(viewport={"width": width, "height": height})
            screen = Screen(page, url)
            await page.goto(url + path)
            if await page.locator("#link").count():
                await page.wait_for_selector("#link[data-state=live]")
            yield screen
        finally:
            await browser.close()


async def shows(screen: Screen, place: str, units: int) -> None:
    """Wait until the item's page says that so many lie at a place."""
    number = screen.page.locator(f'tr[id="lying-{place}--available"] .total local-number')
    await expect(number).to_have_attribute("value", str(units))


async def test_what_moves_appears_on_the_items_page_without_a_reload(made: Bench) -> None:
    async with opened(made, "/screen/items/OAT-500") as screen:
        page = screen.page
        await page.evaluate("window.sameDocument = true")
        await shows(screen, "A-02", 280)
        await page.wait_for_selector("#course canvas")
        await expect(page.locator("#course-note")).to_contain_text("Runs out about")
        await made.post("/stock/move", sku="OAT-500", quantity=30, source="A-02",
                        destination="A-03")  # fmt: skip
        await shows(screen, "A-02", 250)
        await shows(screen, "A-03", 30)
        await made.post("/reservations", id="wish-0001", sku="OAT-500", quantity=3, location="WH-1")
        await expect(page.locator(".figure", has_text="Reserved")).to_contain_text("43")
        assert await page.evaluate("window.sameDocument")
        screen.clean()


async def test_goods_are_moved_by_a_small_form_and_back_by_undo(made: Bench) -> None:
    async with opened(made, "/screen/items/OAT-500") as screen:
        page = screen.page
        await page.get_by_role("button", name="Move").first.click()
        form = page.locator("#form-move")
        await form.get_by_label("From").select_option(label="Bin A-02 (280)")
        await form.get_by_label("How many").fill("80")
        await form.get_by_label("To", exact=True).fill("A-04")
        await form.get_by_role("button", name="Move").click()
        await expect(form.locator(".wrong")).to_contain_text("A-04 takes 60 units")
        await form.get_by_label("To", exact=True).fill("A-03")
        await form.get_by_role("button", name="Move").click()
        await expect(page.locator(".toast")).to_contain_text("Moved: 80 from A-02 to A-03")
        await shows(screen, "A-02", 200)
        await page.get_by_role("button", name="Undo").click()
        await expect(page.locator(".toast")).to_have_text("Undone")
        await shows(screen, "A-02", 280)
        first = (await made.get("/movements?sku=OAT-500&limit=2"))["rows"]
        assert isinstance(first, list)
        assert first[0]["corrects"] == first[1]["id"]
        assert screen.elsewhere == []


async def test_a_count_and_an_adjustment_set_the_books(made: Bench) -> None:
    async with opened(made, "/screen/items/OAT-500") as screen:
        page = screen.page
        await page.get_by_role("button", name="Count").click()
        form = page.locator("#form-count")
        await form.get_by_label("Where").select_option(label="Bin A-02 (280)")
        await form.get_by_label("Counted there").fill("277")
        await form.get_by_role("button", name="Set to this").click()
        await shows(screen, "A-02", 277)
        await page.get_by_role("button", name="Adjust").click()
        form = page.locator("#form-adjust")
        await form.get_by_label("Where").select_option("A-02")
        await form.get_by_label("More, or fewer").fill("-7")
        await form.get_by_label("Why").select_option("damaged")
        await form.get_by_role("button", name="Adjust").click()
        await shows(screen, "A-02", 270)
        await expect(page.locator("section[aria-labelledby=h-moves]")).to_contain_text("damaged")
        await page.get_by_role("button", name="Label").click()
        async with page.expect_download() as made_label:
            await page.locator("#form-label").get_by_role("button", name="Make").click()
        assert (await made_label.value).suggested_filename == "labels.pdf"
        screen.clean()


async def test_the_list_is_searched_as_one_types(made: Bench) -> None:
    async with opened(made, "/screen/items") as screen:
        page = screen.page
        await expect(page.locator("#rows tbody tr")).to_have_count(12)
        await page.locator("#list-search").press_sequentially("rolled")
        await expect(page.locator("#rows tbody tr")).to_have_count(1)
        assert page.url.endswith("?q=rolled")
        held = (await made.get("/stock/OAT-500"))["on_hand"]
        assert isinstance(held, int)
        await made.post("/stock/receive", sku="OAT-500", quantity=11, location="A-01")
        cell = page.locator('[id="item-OAT-500"] .total local-number')
        await expect(cell).to_have_attribute("value", str(held + 11))
        await page.locator("#list-search").fill("")
        await expect(page.locator("#rows tbody tr")).to_have_count(12)
        await page.locator("#list-sort").select_option("most")
        await expect(page.locator("#rows tbody tr").first).to_have_id("item-OAT-500")
        screen.clean()


async def test_the_tree_is_walked_by_keyboard(made: Bench) -> None:
    async with opened(made, "/screen/places") as screen:
        page = screen.page
        await page.locator("[role=treeitem]").first.focus()

        async def at() -> str:
            return str(await page.evaluate("document.activeElement.dataset.name"))

        assert await at() == "north warehouse"
        await page.keyboard.press("ArrowDown")
        assert await at() == "aisle a"
        await page.keyboard.press("ArrowLeft")
        await expect(page.locator("[data-name='bin a-01']")).to_be_hidden()
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowRight")
        assert await at() == "bin a-01"
        await page.keyboard.press("w")
        assert await at() == "warehouse"
        await page.keyboard.press("Home")
        await page.keyboard.press("a")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/screen/places/WH-1-A")
        await expect(page.locator('[id="bin-A-02"]')).to_contain_text("nearly full")
        await made.post("/stock/move", sku="OAT-500", quantity=100, source="A-02",
                        destination="A-01")  # fmt: skip
        await expect(page.locator('[id="bin-A-02"]')).to_contain_text("180 units")
        screen.clean()


async def test_a_large_tree_opens_a_branch_when_it_is_asked_for(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.web.views.place_tree.MOST_AT_ONCE", 3)
    async with opened(made, "/screen/places") as screen:
        page = screen.page
        await page.locator("[data-name='aisle a']").focus()
        await expect(page.locator("[data-name='bin a-01']")).to_have_count(0)
        await page.keyboard.press("ArrowRight")
        await expect(page.locator("[data-name='bin a-01']")).to_be_visible()
        screen.clean()


async def test_slash_finds_whatever_is_scanned(made: Bench) -> None:
    async with opened(made, "/screen/places") as screen:
        page = screen.page
        await page.keyboard.press("/")
        await page.keyboard.type("4006381333931\n")
        await page.wait_for_url("**/screen/items/MILK-1L")
        await page.keyboard.press("/")
        await page.keyboard.type("SO-2026-1001\n")
        await page.wait_for_url("**/screen/orders/SO-2026-1001")
        await page.keyboard.press("/")
        await page.keyboard.type("hex\n")
        await page.wait_for_url("**/screen/find?q=hex")
        await page.get_by_role("link", name="Hex screw M6 x 30").click()
        await page.wait_for_url("**/screen/items/SCR-M6")
        screen.clean()


async def test_a_shelfs_plate_shows_what_it_weighed_and_what_happened(made: Bench) -> None:
    async with opened(made, "/screen/shelves/shelf-7") as screen:
        page = screen.page
        await page.wait_for_selector("[data-plate='1'] canvas")
        await page.locator("#drawn-shelf-7-3").click()
        await expect(page.locator("[data-plate='3'] .chart-note")).to_contain_text("g now")
        await expect(page.locator("[data-plate='1']")).to_be_hidden()
        await expect(page.locator("#drawn-shelf-7-3")).to_have_attribute("aria-current", "true")
        screen.clean()


async def test_one_tap_sees_to_an_alert_and_the_count_beside_now_falls(made: Bench) -> None:
    async with opened(made, "/") as screen:
        page = screen.page
        count = page.locator(".places > ul .nav-count[data-count=now]")
        await expect(count).to_have_text("5")
        await page.locator("#need-alert-1").get_by_role("button").click()
        await expect(page.locator("#need-alert-1")).to_have_count(0)
        await expect(count).to_have_text("4")
        screen.clean()


@pytest.mark.parametrize("width", [360, 390])
async def test_a_phone_needs_no_sideways_scrolling(made: Bench, width: int) -> None:
    paths = ("/screen/items", "/screen/items/OAT-500", "/screen/places", "/screen/places/WH-1-A",
             "/screen/shelves", "/screen/shelves/shelf-7", "/screen/find?q=o",
             "/screen/orders/SO-2026-1001", "/")  # fmt: skip
    async with opened(made, "/", width, 800) as screen:
        root = screen.page.url.rstrip("/")
        for path in paths:
            await screen.page.goto(root + path)
            wide = await screen.page.evaluate("document.documentElement.scrollWidth")
            assert wide == width, path


async def test_a_count_is_asked_for_and_approved_only_when_asked_twice(made: Bench) -> None:
    async with opened(made, "/screen/places/A-04") as screen:
        page = screen.page
        await page.get_by_role("button", name="Ask for a count").click()
        await expect(page.locator(".toast")).to_have_text("A count is asked for")
        rows = (await made.get("/api/counts"))["rows"]
        assert isinstance(rows, list)
        count = rows[0]["id"]
        await made.post(f"/api/counts/{count}/start", 200)
        await made.post(f"/api/counts/{count}/entries", id="entry-0001", by="anna",
                        sku="MILK-1L", lot="L7", location="A-04", quantity=47)  # fmt: skip
        await made.post(f"/api/counts/{count}/finish", 200)
        await made.post(f"/api/counts/{count}/decisions", 200,
                        lines=[{"sku": "MILK-1L", "reason": "lost"}])  # fmt: skip
        await page.goto(page.url.split("/screen")[0])
        await page.wait_for_selector("#link[data-state=live]")
        tap = page.locator(f"#need-count-{count} button")
        await tap.click()
        await expect(tap).to_have_text("Approve: sure?")
        assert (await made.get("/stock/MILK-1L"))["on_hand"] == 48
        await tap.click()
        await expect(page.locator(f"#need-count-{count}")).to_have_count(0)
        assert (await made.get("/stock/MILK-1L"))["on_hand"] == 47
        assert screen.elsewhere == []


async def test_the_second_of_a_double_click_asks_nothing(made: Bench) -> None:
    """Also where the first one is answered before it comes, and the button is there again."""
    async with opened(made, "/screen/places/A-02") as screen:
        button = screen.page.get_by_role("button", name="Ask for a count")
        async with screen.page.expect_response("**/api/counts"):
            await button.click()
        await expect(button).to_be_enabled()
        click = "(one, detail) => { one.dispatchEvent(new MouseEvent('click', "
        click += "{ bubbles: true, detail })); return one.disabled; }"
        assert not await button.evaluate(click, 2), "it is not asked again"
        async with screen.page.expect_response("**/api/counts"):
            assert await button.evaluate(click, 1)
        screen.clean()
