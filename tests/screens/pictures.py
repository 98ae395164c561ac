"""The pictures of the documentation, taken anew: ``make pictures``, or one of them by its name,
``python -m tests.screens.pictures now reviews_phone``.

A central with made-up books, an edge with emulated devices that hear something, a broker between
the two, and Chromium before their pages. A page that does not open fails the command.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import httpx
import msgspec
from PIL import Image
from playwright.async_api import Browser, Page, async_playwright
from rich.console import Console
from sqlalchemy import select

from central import schema
from drivers.readings import TagRead
from edge.now import EdgeNow
from edge.status import draw
from gateway.gs1 import sgtin96_hex
from tests.central import scene
from tests.central.console.site import Both, both
from tests.central.harness import bench, served
from tests.central.passes import dock
from tests.central.web import stocked
from tests.chromium import CHROMIUM, FLAGS
from tests.edge.console.bench import site
from tests.edge.page.test_measuring import EPCS, standing, still
from tests.edge.waiting import until
from tests.fakes.brokers import Embedded

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
MOST_BYTES = 150 * 1_024
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
_PATIENCE_MS = 60_000
_TERMINAL = """<!doctype html><meta charset=utf-8><style>
body {{ margin: 0; background: #0d1413; color: #e9f0ee; }}
pre {{ margin: 0; padding: 24px; font: 15px/1.5 "DejaVu Sans Mono", monospace;
  width: max-content; }}
</style>{body}"""


class Picture(NamedTuple):
    """``side`` is whose page it is: central's, or the edge's own. ``ready`` stands on the page
    when it is worth a picture; ``before`` is clicked then (``SELECTOR := VALUE`` chooses), until
    ``shown`` stands there.
    """

    name: str
    path: str
    ready: str = "h1"
    side: str = "central"
    phone: bool = False
    dark: bool = False
    before: tuple[str, ...] = ()
    shown: str = ""


def _feeds(*keys: Sequence[object]) -> str:
    asked = [("feed", json.dumps(key)) for key in keys]
    return "/feeds?" + urlencode([*asked, ("span", "3600")])


_PLATES = [["plate", {"plate": str(plate), "read_point": "shelf-7"}, "gross_g"] for plate in (1, 2)]
_MUST = tuple(f"[data-epc='{EPCS[number]}'] [data-mark='must']" for number in range(2))
PICTURES = (
    Picture("now", "/", "#movements table, #movements li, main section"),
    Picture("now_dark", "/", "main section", dark=True),
    Picture("now_phone", "/", "main section", phone=True),
    Picture("items", "/screen/items"),
    Picture("item", "/screen/items/OAT-500"),
    Picture("item_phone", "/screen/items/OAT-500", phone=True),
    Picture("places", "/screen/places"),
    Picture("shelf", "/screen/shelves/shelf-7"),
    Picture(
        "arrange",
        "/screen/shelves/shelf-7/arrange",
        "g[data-plate='3']",
        before=("g[data-plate='3']",),
        shown="[data-field=x_mm]",
    ),
    Picture("shelf_phone", "/screen/shelves/shelf-7", phone=True),
    Picture("order", "/screen/orders/SO-2026-1001"),
    Picture("orders", "/screen/orders"),
    Picture("alerts_phone", "/screen/alerts", phone=True),
    Picture("report", "/screen/reports/stock-levels"),
    Picture("count", "/screen/counts/count-aisle-a"),
    Picture("count_phone", "/screen/counts/count-aisle-a", phone=True),
    Picture("portal", "/screen/portals/dock-1"),
    Picture("pass", "", side="pass"),
    Picture("pass_phone", "", side="pass", phone=True),
    Picture("reviews", "/screen/reviews"),
    Picture("reviews_phone", "/screen/reviews", phone=True),
    Picture("scan_phone", "/scan", phone=True),
    Picture("feeds", _feeds(*_PLATES), "canvas"),
    Picture("devices", "/devices", "#fleet-first >> text=yard", side="fleet"),
    Picture("device", "/device/dock", side="edge"),
    Picture("device_phone", "/device/plate", side="edge", phone=True),
    Picture("find", "/find", side="edge"),
    Picture("settings", "/settings", side="edge"),
    Picture(
        "sweep",
        "/device/dock/sweep",
        "#marks[data-ready]",
        side="room",
        before=(
            "#listen",
            "#listen:has-text('Listen again')",
            *_MUST,
            "#rest-not",
            "text=Antennas, steps, legal limit",
            "[name=step_db] := 4",
            "[name=measure_s] := 0.5",
            "[name=together] := yes",
            "text=Antennas, steps, legal limit",
            "#go",
        ),
        shown=".sweep-use strong",
    ),
    Picture("calibrate_phone", "/device/plate/calibrate", side="edge", phone=True),
    Picture("walk_phone", "/device/dock/walk", side="edge", phone=True),
)
TERMINAL = "edge_top"


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[tuple[Both, dict[str, str]]]:
    """Central and an edge that hears something; where their pages are."""
    broker = Embedded()
    await broker.start_again()
    books = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=folder))
    fleet = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=folder))
    room = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=folder))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(broker.stop)
        settings = {"name": "pi", "site": "shop", "data_dir": "data"}
        made = await stack.enter_async_context(both(folder, broker, edge=settings))
        await stocked.stock(made.central)
        await scene.play(made.central)
        await stocked.counts(made.central)
        await stocked.orders(made.central)
        central = await stack.enter_async_context(served(made.central))
        playing = asyncio.create_task(_play(made))
        stack.push_async_callback(_ended, playing)
        sides = {"central": central, "edge": made.edge.url.rstrip("/")}
        sides["pass"] = await stack.enter_async_context(_judged_pass(books))
        sides["fleet"] = await stack.enter_async_context(_fleet(fleet))
        sides["room"] = await stack.enter_async_context(_room(room))
        yield made, sides


@asynccontextmanager
async def _judged_pass(folder: Path) -> AsyncIterator[str]:
    """A central of its own, whose dock really heard and judged a pallet; the pass's address."""
    newest = select(schema.portal_pass.c.id).order_by(schema.portal_pass.c.closed_us.desc())
    async with bench(folder) as made:
        await made.database.write(dock.set_up)
        await dock.heard(made.database, dock.road(datetime.now(UTC)))
        found = await made.database.read(lambda conn: conn.execute(newest).scalars().first())
        async with served(made) as url:
            yield f"{url}/screen/passes/{found}"


@asynccontextmanager
async def _fleet(folder: Path) -> AsyncIterator[str]:
    """A central of its own that hears a real edge: emulated devices that run, and a reader in the
    yard that does not answer.
    """
    broker = Embedded()
    await broker.start_again()
    edge = {"name": "dock-pi", "site": "shop", "data_dir": str(folder / "edge" / "data")}
    yard = {
        "name": "yard", "driver": "llrp", "read_point": "yard", "host": "127.0.0.1", "port": 9,
    }  # fmt: skip
    try:
        async with both(folder, broker, edge=edge, devices=[yard]) as made:
            await until(
                lambda: made.edge.agent.fleet.supervisors["yard"].health.state == "retrying"
            )
            async with served(made.central) as url:
                yield url
    finally:
        await broker.stop()


@asynccontextmanager
async def _room(folder: Path) -> AsyncIterator[str]:
    """An edge of its own, with two tags at its dock and one that only passes by outside."""
    tags = (standing(0, 34.0), standing(1, 36.1), standing(2, 44.2))
    async with site(folder) as here, still(here, *tags):
        yield here.url.rstrip("/")


async def _play(made: Both) -> None:
    """Tags before the antennas, something put on the plate and taken off, a scan now and then."""
    chance = random.Random(7)
    epcs = [sgtin96_hex("04012345678901", 7, number) for number in range(12)]
    for turn in range(10**9):
        near = epcs[: 4 + turn // 40 % 8]
        await made.edge.reader.report([
            TagRead(epc=chance.choice(near), epc_bits=96, antenna=chance.choice([1, 1, 2]),
                    peak_rssi_dbm=-52.0 - chance.randrange(14))
            for _ in range(6)
        ])  # fmt: skip
        if turn % 30 == 0:
            made.edge.scale.set_load_mg(chance.randrange(800_000, 2_000_000))
        if turn % 50 == 0:
            await made.edge.scanner.scan(f"0104012345678901 10LOT{turn}".replace(" ", ""))
        await asyncio.sleep(0.1)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def take(wanted: Sequence[str]) -> None:
    """Take these pictures, or all."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tallyport-pictures-") as folder:
        async with world(Path(folder)) as (_, sides), async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            for one in PICTURES:
                if not wanted or one.name in wanted:
                    await _page(browser, one, sides)
            if not wanted or TERMINAL in wanted:
                await _terminal(browser, sides["edge"])
            await browser.close()


async def _page(browser: Browser, one: Picture, sides: dict[str, str]) -> None:
    page = await browser.new_page(
        viewport=PHONE if one.phone else DESK,  # type: ignore[arg-type]
        color_scheme="dark" if one.dark else "light",
        device_scale_factor=2 if one.phone else 1,
        reduced_motion="reduce",
    )
    page.set_default_timeout(_PATIENCE_MS)
    answer = await page.goto(sides[one.side] + one.path)
    if answer is None or answer.status != 200:
        raise SystemExit(f"{one.name}: {one.path} answers {answer and answer.status}")
    await page.locator(one.ready).first.wait_for()
    for step in one.before:
        where, _, value = step.partition(" := ")
        if value:
            await page.locator(where).select_option(value)
        elif "Listen again" in where:
            await page.locator(where).wait_for()
        else:
            await page.locator(where).first.click()
    if one.shown:
        await page.locator(one.shown).first.wait_for()
        await page.locator(one.shown).first.scroll_into_view_if_needed()
    await _rests(page)
    _keep(one.name, await page.screenshot(animations="disabled", caret="hide"))
    await page.close()


async def _rests(page: Page) -> None:
    """Skeletons are gone, and live pages have had a moment to show something."""
    await page.evaluate("() => document.fonts.ready")
    await page.wait_for_timeout(2_500)


async def _terminal(browser: Browser, edge: str) -> None:
    """What `tallyport edge top` shows, as a terminal would."""
    async with httpx.AsyncClient() as client:
        told = msgspec.json.decode((await client.get(f"{edge}/now.json")).content, type=EdgeNow)
    console = Console(record=True, width=110, file=io.StringIO(), force_terminal=True)
    console.print(draw(told, 110, 40, foot="q ends; order by urgency: u n r l f"))
    body = console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")
    page = await browser.new_page(viewport={"width": 1_100, "height": 240})
    await page.set_content(_TERMINAL.format(body=body))
    _keep(TERMINAL, await page.locator("pre").screenshot())
    await page.close()


def _keep(name: str, content: bytes) -> None:
    """Write it with as many colours as the limit allows."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    for colours in (256, 128, 64, 32):
        packed = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
        if packed.tell() <= MOST_BYTES:
            break
    else:
        raise SystemExit(f"{name}: {packed.tell() // 1_024} KiB, whatever is done")
    (FOLDER / f"{name}.png").write_bytes(packed.getvalue())
    sys.stdout.write(f"{name}.png: {packed.tell() // 1_024} KiB, {colours} colours\n")


if __name__ == "__main__":
    asyncio.run(take(sys.argv[1:]))
