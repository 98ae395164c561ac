"""Every page of the technician's console, as the edge itself serves it, without central.

Whoever adds a page to ``screens.console.routes.PAGES`` has it inspected here.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from screens.console.routes import PAGES
from tests.chromium import CHROMIUM, FLAGS, playwright
from tests.chromium import pytestmark as in_browser
from tests.edge.console.bench import Site, site

pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")

from tests.screens.inspecting import inspect

pytestmark = [
    *in_browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("console-screens"),
]
_NAMES = {"device": ("dock", "plate", "gun")}
"""What stands for a parameter of a path: each kind of device has another page."""


def addresses() -> list[str]:
    """Each page's address, once for each device where it is about one."""
    found = []
    for page in PAGES:
        if "{device}" in page.path:
            found += [page.path.replace("{device}", one) for one in _NAMES["device"]]
        else:
            found.append(page.path or "/")
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pi(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with site(tmp_path_factory.mktemp("pi")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[playwright.Browser]:
    async with playwright.async_playwright() as driver:
        made = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield made
        await made.close()


@pytest.mark.parametrize("path", addresses())
async def test_page(pi: Site, browser: playwright.Browser, path: str) -> None:
    assert "{" not in path, "say in _NAMES what stands for this parameter"
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        found = await inspect(context, path, pi.url.rstrip("/") + path)
    finally:
        await asyncio.shield(context.close())
    sys.stdout.write(f"{found.measured}\n")
    assert not found.faults, "\n".join([path, *found.faults])
