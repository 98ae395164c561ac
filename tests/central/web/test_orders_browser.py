"""Orders in a real browser: taken from a spreadsheet, picked, packed, shipped, taken back, ordered,
closed; what holds each up; and who may do what.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from central.access.model import Grant, Role
from central.config import OrdersSection
from tests.central.access.people import hire, log_in, staffed, visitor
from tests.central.harness import Bench, bench
from tests.central.web.test_ops_browser import opened
from tests.chromium import playwright, pytestmark

__all__ = ["pytestmark"]

expect = playwright.expect
GTIN = "04006381333931"


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as ready:
        ready.services.orders = OrdersSection(company_prefix="4012345")
        await house(ready)
        yield ready


async def house(made: Bench) -> None:
    await made.post("/warehouses", code="WH-1", name="North warehouse")
    await made.post("/locations", code="A-01", name="Bin A-01", parent="WH-1", type="bin")
    await made.post("/locations", code="DOCK", name="Dock", parent="WH-1", type="dock")
    await made.post("/items", sku="OAT-500", name="Rolled oats",
                    gtins=[{"gtin": GTIN, "quantity": 6}])  # fmt: skip
    await made.post("/items", sku="NUT-M6", name="Nut M6")
    await made.post("/stock/receive", sku="OAT-500", quantity=50, location="A-01")


async def taken(made: Bench, name: str, sku: str = "OAT-500", quantity: int = 10) -> None:
    await made.post("/api/orders/outbound", id=name, customer="Cafe Blau", ship_to={},
                    warehouse="WH-1", ship_from="DOCK",
                    lines=[{"sku": sku, "quantity": quantity}])  # fmt: skip


async def picked(made: Bench, name: str) -> None:
    task = await made.post("/api/picking/tasks", id=f"wave-{name}", orders=[name])
    picks = task["picks"]
    assert isinstance(picks, list)
    for one in picks:
        await made.post(f"/api/picking/picks/{one['id']}/confirm", 200, location=one["location"],
                        sku=one["sku"], quantity=one["quantity"])  # fmt: skip


async def test_an_order_is_pasted_scanned_weighed_up_and_taken(made: Bench) -> None:
    async with opened(made, "/screen/orders") as screen:
        page = screen.page
        await page.get_by_role("link", name="New order").click()
        await page.get_by_label("Customer").fill("Hotel Krone")
        await page.get_by_label("Goods come from").fill("WH-1")
        await page.get_by_label("Lines").fill("Item\tUnits\nOAT-500\t40\nNUT-M6\tmany")
        await page.get_by_role("button", name="What it would do").click()
        await expect(page.locator("#lines-preview")).to_contain_text('Line 3, "NUT-M6\tmany"')
        await page.get_by_label("Lines").fill("Item\tUnits\nOAT-500\t40\nNUT-M6\t3")
        await page.get_by_label("Scan or type an item").fill(GTIN)
        await page.get_by_label("Scan or type an item").press("Enter")
        rows = page.locator("#lines-preview tbody tr")
        await expect(rows.first).to_contain_text("46")
        await expect(rows.nth(1).locator("td").last).to_have_text("3")
        await page.get_by_role("button", name="Take the order").click()
        await expect(page.locator("h1")).to_have_text("Hotel Krone")
        await expect(page.locator(".sentence")).to_have_text(
            "It waits for 3 units of NUT-M6, and nothing of NUT-M6 is on order."
        )
        await page.get_by_role("button", name="Cancel").click()
        sheet = page.locator("#form-cancel")
        await expect(sheet).to_contain_text("units that are set aside are free for others")
        await sheet.get_by_role("button", name="Cancel the order").click()
        await expect(page.locator(".sentence")).to_contain_text("It was cancelled")
        assert (await made.get("/stock/OAT-500/available"))["available"] == 50
        assert screen.elsewhere == []


async def test_a_wave_is_made_of_what_is_ticked(made: Bench) -> None:
    await taken(made, "order-0001")
    await taken(made, "order-0002", quantity=5)
    async with opened(made, "/screen/orders?choice=ready") as screen:
        page = screen.page
        await page.get_by_role("button", name="Make a wave").click()
        await expect(page.locator("#wave .wrong")).to_contain_text("Tick the orders")
        await page.get_by_label("pick order-0001").check()
        await page.get_by_label("pick order-0002").check()
        await page.get_by_label("Who picks").fill("anna")
        await page.get_by_role("button", name="Make a wave").click()
        await expect(page.locator("h1")).to_have_text("Pick list")
        await expect(page.locator("tbody tr")).to_have_count(2)
        await page.get_by_role("link", name="order-0001").click()
        await expect(page.locator(".sentence")).to_contain_text("1 pick is to be brought")
        screen.clean()


async def test_what_is_picked_is_packed_shipped_and_comes_back(made: Bench) -> None:
    await taken(made, "order-0001")
    await picked(made, "order-0001")
    async with opened(made, "/screen/orders/order-0001", 390, 844) as screen:
        page = screen.page
        await page.get_by_role("button", name="Pack").click()
        await page.locator("#form-pack").get_by_role("button", name="Close the carton").click()
        await expect(page.locator(".toast")).to_contain_text("Packed into carton 0")
        await expect(page.get_by_role("link", name="Label")).to_be_visible()
        await page.get_by_role("button", name="Ship").click()
        sheet = page.locator("#form-ship")
        await sheet.get_by_label("Carrier").fill("parcels")
        await sheet.get_by_role("button", name="Ship").click()
        await expect(page.locator(".sentence")).to_have_text("All of it has left.")
        assert (await made.get("/stock/OAT-500"))["on_hand"] == 40
        await page.get_by_role("button", name="Return").click()
        sheet = page.locator("#form-return")
        await sheet.get_by_label("How many").fill("2")
        await sheet.get_by_label("It comes to").fill("DOCK")
        await sheet.get_by_role("button", name="Announce it").click()
        await expect(page.locator("h1")).to_have_text("Return of Cafe Blau")
        await page.get_by_role("button", name="Authorise").click()
        await expect(page.locator(".toast")).to_contain_text("Authorised")
        name = page.url.rsplit("/", 1)[1]
        await made.post("/api/receiving", id="session-0001", order=name)
        await made.post("/api/receiving/session-0001/receipts", id="back-0001", sku="OAT-500",
                        quantity=2)  # fmt: skip
        await made.post("/api/receiving/session-0001/close", 200)
        await page.reload()
        await page.get_by_role("button", name="Inspect 2").click()
        await page.locator("#form-inspect-1").get_by_role("button", name="Keep it").click()
        await expect(page.locator("#form-inspect-1")).to_have_count(0)
        await expect(page.locator("main")).to_contain_text("Sell it again")
        await page.get_by_role("button", name="Close", exact=True).click()
        await page.locator("#form-close").get_by_role("button", name="Close it").click()
        await expect(page.locator(".toast")).to_contain_text("Closed")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        assert screen.elsewhere == []


async def test_a_purchase_order_is_made_announced_and_closed_short(made: Bench) -> None:
    async with opened(made, "/screen/orders/new?way=in") as screen:
        page = screen.page
        await page.get_by_label("Supplier").fill("Mill and Sons")
        await page.get_by_label("Reference").fill("77-A")
        await page.get_by_label("Goods come to").fill("DOCK")
        await page.get_by_label("Lines").fill("OAT-500; 60; 1.29")
        await page.get_by_role("button", name="Order it").click()
        await expect(page.locator("h1")).to_have_text("Mill and Sons")
        name = page.url.rsplit("/", 1)[1]
        await page.get_by_role("button", name="Announce a part").click()
        sheet = page.locator("#form-asn")
        await sheet.get_by_label("Rolled oats").fill("40")
        await sheet.get_by_role("button", name="Announce it").click()
        await expect(page.locator("main")).to_contain_text("Announced in asn-")
        await made.post("/api/receiving", id="session-0001", order=name)
        await made.post("/api/receiving/session-0001/receipts", id="came-0001", sku="OAT-500",
                        quantity=40)  # fmt: skip
        await page.reload()
        await expect(page.locator(".sentence").first).to_contain_text("20 units are still to come")
        await page.get_by_role("button", name="Close", exact=True).click()
        sheet = page.locator("#form-close")
        await sheet.get_by_label("20 OAT-500 missing").select_option("lost")
        await sheet.get_by_role("button", name="Close it").click()
        await expect(page.locator("main")).to_contain_text("missing (Lost)")
        await page.goto(page.url.rsplit("/", 1)[0] + "?way=in&choice=done&q=mill")
        await expect(page.locator("tbody tr")).to_have_count(1)
        screen.clean()


async def test_late_and_waiting_orders_are_found(made: Bench) -> None:
    await taken(made, "order-0001")
    await taken(made, "order-0002", sku="NUT-M6", quantity=4)
    await made.post("/api/orders/inbound", id="purchase-1", reference="77", supplier="Mill",
                    location="DOCK", lines=[{"sku": "NUT-M6", "quantity": 9}])  # fmt: skip

    async def found(query: str) -> list[str]:
        page = (await made.http.get(f"/screen/orders?{query}")).text
        return [one.split('"')[0] for one in page.split('<tr id="order-')[1:]]

    assert await found("choice=waiting") == ["order-0002"]
    assert await found("choice=ready") == ["order-0001"]
    assert await found("choice=late") == []
    assert await found("q=NUT-M6") == ["order-0002"]
    assert await found("q=blau") == ["order-0001", "order-0002"]
    page = (await made.http.get("/screen/orders/order-0002")).text
    assert "It waits for 4 units of NUT-M6. purchase-1 is to bring NUT-M6." in page


async def test_pages_of_the_list_hold_every_order_once(
    tmp_path: Path, books_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.web.views.order_list.ROWS", 2)
    names = [f"order-000{number}" for number in range(5)]
    async with bench(tmp_path, books_url) as made:
        await house(made)
        for name in names:
            await taken(made, name, quantity=1)
            line = {"sku": "OAT-500", "quantity": 1}
            await made.post("/api/returns", id=f"back-{name}", customer="Jo", location="DOCK",
                            reason="of no order", lines=[line | {"reason": "other"}])  # fmt: skip
            await made.post("/api/orders/inbound", id=f"in-{name}", supplier="Mill",
                            reference=name, location="DOCK", lines=[line])  # fmt: skip
        for query, before in (
            ("choice=open", ""), ("choice=all", ""), ("way=in", "in-"), ("way=back", "back-"),
            ("way=in&choice=all&q=mill", "in-"),
        ):  # fmt: skip
            address, found = f"/screen/orders?{query}", list[str]()
            while address:
                page = (await made.http.get(address)).text
                found += [one.split('"')[0] for one in page.split('<tr id="order-')[1:]]
                after = page.partition('rel="next" href="')[2].partition('"')[0]
                address = after.replace("&amp;", "&")
            assert sorted(found) == [before + name for name in names], query


async def test_an_order_is_changed_where_it_stands(made: Bench) -> None:
    await taken(made, "order-0001")
    async with opened(made, "/screen/orders/order-0001") as screen:
        page = screen.page
        await page.get_by_role("button", name="Change").click()
        sheet = page.locator("#form-change")
        await sheet.get_by_label("Customer").fill("Hotel Krone")
        await sheet.get_by_label("City").fill("Leeds")
        await sheet.get_by_label("Promised for").fill("2030-02-02T16:00")
        await sheet.get_by_label("Line 1: OAT-500").fill("48")
        await sheet.get_by_label("More lines").fill("NUT-M6, 3")
        await sheet.get_by_role("button", name="Change it").click()
        await expect(page.locator("h1")).to_have_text("Hotel Krone")
        await expect(page.locator(".toast")).to_contain_text("Changed")
        order = await made.get("/api/orders/outbound/order-0001")
        lines = order["lines"]
        assert isinstance(lines, list)
        assert [(one["line"], one["sku"], one["quantity"], one["missing"]) for one in lines] == [
            ("1", "OAT-500", 48, 0), ("2", "NUT-M6", 3, 3),
        ]  # fmt: skip
        assert (order["ship_to"], order["due_at"]) == ({"city": "Leeds"}, "2030-02-02T16:00:00Z")
        # Somebody else was faster: nothing is overwritten.
        await page.get_by_role("button", name="Change").click()
        await sheet.get_by_label("Line 2: NUT-M6").fill("0")
        path = "/api/orders/outbound/order-0001"
        await made.http.patch(path, json={"reference": "PO-1"}, headers={"If-Match": "*"})
        await sheet.get_by_role("button", name="Change it").click()
        await expect(sheet.locator(".wrong")).to_contain_text("somebody changed it")
        await page.reload()
        await page.get_by_role("button", name="Change").click()
        await sheet.get_by_label("Line 2: NUT-M6").fill("0")
        await sheet.get_by_role("button", name="Change it").click()
        await expect(page.locator(".sentence")).to_contain_text("Everything is set aside")
        assert (await made.get(path))["due_at"] == "2030-02-02T16:00:00Z"


async def test_an_order_that_comes_is_changed_where_it_stands(made: Bench) -> None:
    oats = {"sku": "OAT-500", "quantity": 5, "unit_price": 1.5}
    await made.post("/api/orders/inbound", id="in-00001", supplier="Mill", reference="PO-1",
                    location="DOCK", lines=[oats])  # fmt: skip
    async with opened(made, "/screen/orders/in-00001") as screen:
        page = screen.page
        await page.get_by_role("button", name="Change").click()
        sheet = page.locator("#form-change")
        await sheet.get_by_label("Line 1: OAT-500").fill("9")
        await sheet.get_by_label("More lines").fill("NUT-M6, 3, 0.25")
        await sheet.get_by_role("button", name="Change it").click()
        await expect(page.locator("tbody tr")).to_have_count(2)
        lines = (await made.get("/api/orders/inbound/in-00001"))["lines"]
        assert isinstance(lines, list)
        assert [(one["quantity"], one["unit_price"]) for one in lines] == [(9, 1.5), (3, 0.25)]
        screen.clean()


async def test_who_may_not_act_reads_why(tmp_path: Path) -> None:
    async with staffed(tmp_path) as (made, _):
        async with visitor(made) as root:
            await log_in(root, "root")
            made.http = root
            await house(made)
            await taken(made, "order-0001")
        await hire(made, "aud", Grant(role=Role.AUDITOR))
        await hire(made, "tec", Grant(role=Role.TECHNICIAN))
        async with visitor(made) as aud:
            await log_in(aud, "aud")
            page = (await aud.get("/screen/orders/order-0001")).text
            assert "needs the right to write orders here" in page
            assert 'data-open="release"' not in page
            refused = await aud.post("/api/orders/outbound/order-0001/cancel")
            assert refused.status_code == 403
        async with visitor(made) as tec:
            await log_in(tec, "tec")
            assert (await tec.get("/screen/orders")).status_code == 403


async def test_what_others_do_appears_without_a_reload(made: Bench) -> None:
    await taken(made, "order-0001")
    async with opened(made, "/screen/orders") as screen:
        page = screen.page
        await page.evaluate("window.sameDocument = true")
        await taken(made, "order-0002", quantity=5)
        await expect(page.locator("tbody tr")).to_have_count(2)
        assert await page.evaluate("window.sameDocument")
        await page.goto(page.url + "/order-0001")
        await page.wait_for_selector("#link[data-state=live]")
        await picked(made, "order-0001")
        await expect(page.locator(".sentence")).to_contain_text("Everything was brought")
        await expect(page.get_by_role("button", name="Ship")).to_be_visible()
        screen.clean()
