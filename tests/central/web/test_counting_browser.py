"""Counts in a real browser: ask, sweep, decide, approve, schedule; and who may do what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from central.access.model import Grant, Role
from central.catalogue.places import put_read_point
from central.reconcile.verdict import ReadPoint
from tests.central.access.people import hire, log_in, staffed, visitor
from tests.central.harness import Bench, bench
from tests.central.web.test_ops_browser import opened
from tests.chromium import playwright, pytestmark

__all__ = ["pytestmark"]

expect = playwright.expect


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as ready:
        await shelf(ready)
        yield ready


async def shelf(made: Bench) -> None:
    """Two bins of an aisle, with a dear and a cheap item."""
    await made.post("/warehouses", code="WH-1", name="North warehouse")
    await made.post("/locations", code="A-01", name="Bin A-01", parent="WH-1", type="bin")
    await made.post("/locations", code="A-02", name="Bin A-02", parent="WH-1", type="bin")
    await made.post("/items", sku="DRILL", name="Drill", unit_price=89, currency="EUR")
    await made.post("/items", sku="SCREW", name="Screw", unit_price=0.02, currency="EUR",
                    unit_mg=3_000)  # fmt: skip
    await made.post("/stock/receive", sku="DRILL", quantity=10, location="A-01")
    await made.post("/stock/receive", sku="SCREW", quantity=500, location="A-01")


async def counted(made: Bench) -> None:
    """One drill and forty screws are missed by anna."""
    await made.post("/api/counts", id="count-0001", location="A-01")
    await made.post("/api/counts/count-0001/start", 200)
    for no, (sku, quantity) in enumerate((("SCREW", 460), ("DRILL", 9))):
        await made.post("/api/counts/count-0001/entries", id=f"entry-{no:04}", sku=sku,
                        quantity=quantity, by="anna")  # fmt: skip
    await made.post("/api/counts/count-0001/finish", 200, by="anna")


async def units(made: Bench, sku: str) -> object:
    return (await made.get(f"/stock/{sku}"))["on_hand"]


async def test_a_count_is_asked_for_counted_and_finished(made: Bench) -> None:
    async with opened(made, "/screen/counts?choice=count") as screen:
        page = screen.page
        await page.get_by_role("button", name="New count").click()
        form = page.locator("#form-count")
        await form.get_by_label("Where").fill("NO-SUCH")
        await form.get_by_role("button", name="Ask for it").click()
        await expect(form.locator(".wrong")).to_contain_text("there is no location NO-SUCH")
        await form.get_by_label("Where").fill("A-01")
        await form.get_by_text("Blind").click()
        await form.get_by_text("By weight").click()
        await form.get_by_role("button", name="Ask for it").click()
        await expect(page.locator("h1")).to_have_text("Count of Bin A-01")
        await expect(page.locator(".toast")).to_contain_text("Asked for")
        await page.get_by_role("button", name="Enter").click()
        entry = page.locator("#form-entry")
        await entry.get_by_text("Weighed").click()
        await entry.get_by_label("SKU").fill("SCREW")
        await entry.get_by_label("Gross, g").fill("1600")
        await entry.get_by_label("Tare, g").fill("100")
        await entry.get_by_label("Your name").fill("anna")
        await entry.get_by_role("button", name="Enter").click()
        await expect(page.locator("#now")).to_contain_text("weighed, 1,500.0 g net")
        await expect(page.get_by_role("img", name="1 of 2 counted")).to_be_visible()
        name = page.url.rsplit("/", 1)[1]
        await made.post(f"/api/counts/{name}/entries", id="by-phone-1", sku="DRILL", quantity=9,
                        by="bert")  # fmt: skip
        await expect(page.locator("#now .told")).to_have_count(2)
        await page.get_by_role("button", name="Take back 9 Drill").click()
        await expect(page.locator(".toast")).to_contain_text("Taken back")
        await expect(page.locator("#now .told")).to_have_count(1)
        await page.get_by_role("button", name="Finish").click()
        await page.locator("#form-finish").get_by_role("button", name="Finish").click()
        await expect(page.locator("tr[data-line]")).to_have_count(1)
        await expect(page.locator("tr[data-line]")).to_contain_text("\u221210")
        assert screen.elsewhere == []


async def test_differences_are_decided_dearest_first_and_approved(made: Bench) -> None:
    await counted(made)
    async with opened(made, "/screen/counts") as screen:
        page = screen.page
        await page.get_by_role("link", name="Bin A-01").click()
        rows = page.locator("tr[data-line]")
        await expect(rows.first).to_contain_text("Drill")
        await expect(rows.first).to_contain_text("-89.00 EUR")
        await expect(page.locator("main")).to_contain_text("2 differences have no reason yet")
        await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
        await page.get_by_label("Why DRILL").select_option("stolen")
        await page.get_by_label("Why SCREW").select_option("wrong_unit")
        await page.get_by_label("The books of SCREW").select_option("no")
        await page.get_by_label("Your name").first.fill("bert")
        await page.get_by_role("button", name="Keep the reasons").click()
        await page.get_by_role("button", name="Approve").click()
        sheet = page.locator("#form-approve")
        await expect(sheet.locator(".preview li")).to_have_count(1)
        await expect(sheet).to_contain_text("For 1 other line the books stay")
        await sheet.get_by_label("Your name").fill("anna")
        await sheet.get_by_role("button", name="Approve").click()
        await expect(sheet.locator(".wrong")).to_contain_text("somebody who did not count")
        assert await units(made, "DRILL") == 10
        await sheet.get_by_label("Your name").fill("bert")
        await sheet.get_by_role("button", name="Approve").click()
        await expect(page.locator(".toast")).to_contain_text("on the ledger")
        assert await units(made, "DRILL") == 9
        assert await units(made, "SCREW") == 500
        await page.get_by_role("link", name="posted").click()
        await expect(page.locator("main")).to_contain_text("Drill")
        assert screen.elsewhere == []


async def test_what_was_found_is_rejected_or_counted_again(made: Bench) -> None:
    await counted(made)
    async with opened(made, "/screen/counts/count-0001", 390, 844) as screen:
        page = screen.page
        await page.get_by_role("button", name="Reject").click()
        sheet = page.locator("#form-reject")
        await sheet.get_by_label("Why").select_option("miscounted")
        await sheet.get_by_role("button", name="Reject all").click()
        await expect(page.locator(".toast")).to_contain_text("the books stay")
        await expect(page.get_by_role("button", name="Approve")).to_be_visible()
        await page.get_by_role("button", name="Count again").click()
        await page.locator("#form-recount").get_by_role("button", name="Count again").click()
        await expect(page.locator("main")).to_contain_text("being counted")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        lines = (await made.get("/api/counts/count-0001"))["round"]
        assert lines == 1
        screen.clean()


async def test_a_place_is_counted_by_the_clock(made: Bench) -> None:
    async with opened(made, "/screen/count-schedules") as screen:
        page = screen.page
        await page.get_by_role("button", name="Count regularly").click()
        form = page.locator("#form-schedule")
        await form.get_by_role("combobox", name="Where").fill("WH-1")
        await form.get_by_text("Items by their value").click()
        await form.get_by_label("A, days").fill("14")
        await form.get_by_role("button", name="Schedule it").click()
        await expect(page.locator("main")).to_contain_text("items of class A every 14 days, B 90")
        await page.get_by_role("button", name="End schedule").click()
        await page.locator("#form-end-1").get_by_role("button", name="End it").click()
        await expect(page.locator("main")).to_contain_text("ended")
        screen.clean()


async def test_a_sweep_is_one_wish(made: Bench) -> None:
    zone = ReadPoint(code="zone-a", kind="zone", location="A-01")
    await made.services.write(lambda c: put_read_point(c, zone))
    async with opened(made, "/screen/counts") as screen:
        page = screen.page
        await page.get_by_role("button", name="New count").click()
        form = page.locator("#form-count")
        await form.get_by_label("Where").fill("A-01")
        await form.get_by_text("RFID sweep, now").click()
        await expect(form.locator("select[name=zone]")).to_have_value("zone-a")
        await form.get_by_role("button", name="Ask for it").click()
        await expect(page.locator("#now")).to_contain_text("heard by zone-a")
        screen.clean()


async def test_who_may_not_act_reads_why(tmp_path: Path) -> None:
    async with staffed(tmp_path) as (made, _):
        async with visitor(made) as root:
            await log_in(root, "root")
            made.http = root
            await shelf(made)
            await counted(made)
            await made.post("/api/counts", id="count-0002", location="A-02")
        await hire(made, "mia", Grant(role=Role.MANAGER, location="A-01"))
        await hire(made, "otto", Grant(role=Role.OPERATOR))
        async with visitor(made) as mia:
            await log_in(mia, "mia")
            page = (await mia.get("/screen/counts/count-0001")).text
            assert "Keep the reasons" in page
            assert (await mia.get("/screen/counts/count-0002")).status_code == 403
            assert "count-0002" not in (await mia.get("/screen/counts?choice=all")).text
        async with visitor(made) as otto:
            await log_in(otto, "otto")
            page = (await otto.get("/screen/counts/count-0001")).text
            assert "is shown to those who review counts here" in page
            assert "Keep the reasons" not in page
            assert "needs the right to review counts" in (await otto.get("/screen/counts")).text
            refused = await otto.post("/api/counts/count-0001/review", json={})
            assert refused.status_code == 403
