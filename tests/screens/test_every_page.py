"""Every page of central, held to what is promised of pages (see ``inspecting``).

A route that answers a page and stands in none of these tables fails the test: no page escapes.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from screens.console.routes import PAGES as CONSOLE
from tests.central import scene
from tests.central.access.people import PASSWORD, staffed
from tests.central.harness import Bench, bench, served
from tests.central.web import stocked
from tests.chromium import CHROMIUM, FLAGS, playwright
from tests.chromium import pytestmark as in_browser

pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")

from tests.screens.inspecting import inspect

pytestmark = [
    *in_browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("screens"),
]

PAGES = {
    "/": "/",
    "/accuracy": "/accuracy",
    "/docs": "/docs",
    "/devices": "/devices",
    "/feeds": "/feeds",
    "/scan": "/scan",
    "/screen/erp": "/screen/erp",
    "/screen/items": "/screen/items",
    "/screen/items/{sku}": "/screen/items/OAT-500",
    "/screen/movements/{movement_id}": "/screen/movements/opening-OAT-500",
    "/screen/alerts": "/screen/alerts",
    "/screen/alerts/{no}": "/screen/alerts/1",
    "/screen/alert-rules": "/screen/alert-rules",
    "/screen/alert-channels": "/screen/alert-channels",
    "/screen/reports": "/screen/reports",
    "/screen/reports/{name}": "/screen/reports/stock-levels",
    "/screen/orders": "/screen/orders",
    "/screen/orders/new": "/screen/orders/new",
    "/screen/orders/{order_id}": "/screen/orders/SO-2026-1001",
    "/screen/picking/{task_id}": "/screen/picking/wave-of-friday",
    "/screen/find": "/screen/find?q=nothing-of-the-kind",
    "/screen/passes/{pass_id}": "/screen/passes/p4",
    "/screen/places": "/screen/places",
    "/screen/places/{code}": "/screen/places/A-01",
    "/screen/portals": "/screen/portals",
    "/screen/portals/{read_point}": "/screen/portals/dock-1",
    "/screen/shelves": "/screen/shelves",
    "/screen/shelves/{code}": "/screen/shelves/shelf-7",
    "/screen/shelves/{code}/arrange": "/screen/shelves/shelf-7/arrange",
    "/screen/reviews": "/screen/reviews",
    "/screen/counts": "/screen/counts?choice=all",
    "/screen/counts/{count_id}": "/screen/counts/count-aisle-a",
    "/screen/count-schedules": "/screen/count-schedules",
    "/account": "/account",
}
"""Each route with an address in the books of ``stocked``."""
PARTS = {
    "/favicon.ico",
    "/live",
    "/openapi.json",
    "/devices/{edge}/ask/{ask_id}",
    "/devices/{edge}/asked",
    "/devices/{edge}/ask/{ask_id}/live",
    "/devices/{edge}/diagnostics.tar.gz",
    "/login/callback",
    "/login/provider",
    "/scan/decoder.js",
    "/scan/manifest.webmanifest",
    "/scan/worker.js",
    "/screen/changes",
    "/screen/counts/{count_id}/now",
    "/screen/devices/live",
    "/screen/items/{sku}/history",
    "/screen/items/{sku}/movements",
    "/screen/items/{sku}/now",
    "/screen/items/{sku}/places",
    "/screen/places/{code}/branch",
    "/screen/places/{code}/now",
    "/screen/passes/{pass_id}/signal",
    "/screen/passes/{pass_id}/tags",
    "/screen/portals/{read_point}/day",
    "/screen/reviews/list",
    "/screen/reviews/{review_id}",
    "/screen/shelves/{code}/now",
    "/screen/shelves/{code}/{plate}/setup",
    "/screen/shelves/{code}/{plate}/setup/items",
    "/screen/shelves/{code}/{plate}/setup/places",
    "/screen/shelves/{code}/{plate}/trace",
}
"""What pages load or are answered by: fragments, streams, files, ways to another page."""
ELSEWHERE = {
    **{"/devices/{edge}" + one.path: "tests/screens/test_console_pages.py" for one in CONSOLE},
    "/login": "test_who_is_not_logged_in",
    "/password": "test_who_is_not_logged_in",
    "/setup": "test_who_is_not_logged_in",
    "/screen/erp/{no}": "a message of an ERP: tests/central/erp/test_browser.py",
}
"""Pages that other books show, and who looks at them."""


@dataclass
class House:
    """A central with books, and a browser before it."""

    made: Bench
    url: str
    browser: playwright.Browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("pages")
    async with bench(folder) as made:
        await stocked.stock(made)
        await scene.play(made)
        await stocked.counts(made)
        await stocked.orders(made)
        async with served(made) as url, playwright.async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            yield House(made, url, browser)
            await browser.close()


async def test_no_page_escapes(house: House) -> None:
    routes = {
        route.path
        for route in house.made.app.routes
        if "GET" in (getattr(route, "methods", None) or ()) and not route.include_in_schema
    }
    known = PAGES.keys() | PARTS | ELSEWHERE.keys()
    assert routes - known == set(), "pages that nobody inspects"
    assert known - routes == set(), "pages that are no more"


@pytest.mark.parametrize("route", PAGES)
async def test_page(house: House, route: str) -> None:
    context = await house.browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        found = await inspect(context, route, house.url + PAGES[route])
    finally:
        await context.close()
    sys.stdout.write(f"{found.measured}\n")
    assert not found.faults, "\n".join([route, *found.faults])


async def test_who_is_not_logged_in(house: House, tmp_path: Path) -> None:
    """The pages of logging in, of a central that is closed, and of a new one."""
    async with staffed(tmp_path) as (made, _), served(made) as url:
        context = await house.browser.new_context(viewport={"width": 390, "height": 844})
        try:
            found = [await inspect(context, "/login", f"{url}/login")]
            page = await context.new_page()
            await page.goto(f"{url}/login")
            await page.fill("[name=name]", "root")
            await page.fill("[name=password]", PASSWORD)
            await page.press("[name=password]", "Enter")
            await page.wait_for_url(f"{url}/")
            found.append(await inspect(context, "/account", f"{url}/account"))
            found.append(await inspect(context, "/password", f"{url}/password"))
        finally:
            await context.close()
    assert [one.faults for one in found] == [[]] * 3
