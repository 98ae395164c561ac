"""Every page below 200 KiB with all that it loads, as it is sent, and its HTML below a MiB, also
where the house is large.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import msgspec
import pytest
import pytest_asyncio

from gateway.console import Ask, Told, new_id
from tests.central.harness import Bench, bench
from tests.edge.console.bench import Site, site
from tests.screens import heavy

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("heavy")]

MOST_SENT, MOST_HTML = 200 * 1_024, 2**20
_LOADED = re.compile(r'(?:src|href)="(/static/[^"#]+)')
_IMPORTED = re.compile(r"""^import .*?from "(\./[^"]+)";""", re.MULTILINE)
PAGES = {
    "the live screen": ("/", ()),
    "a pass of 2,000 tags": ("/screen/passes/large", ()),
    "more of its tags": ("/screen/passes/large/tags?skip=16", ()),
    "its tags on the live screen": ("/screen/passes/large#htmx", ()),
    "a portal's day of 500 passes": ("/screen/portals/dock-1", ()),
    "the part of it that is live": ("/screen/portals/dock-1/day", ()),
    "all portals": ("/screen/portals", ()),
    "an item of 3,000 movements": ("/screen/items/SKU-0000", ("/screen/items/SKU-0000/history",)),
    "more places of it": ("/screen/items/SKU-0000/places?skip=100", ()),
    "a movement of many tags": ("/screen/movements/large-SKU-0001", ()),
    "a place of 3,000 items": ("/screen/places/north", ()),
    "the tree of places": ("/screen/places", ()),
    "a branch of it": ("/screen/places/north/branch", ()),
    "the list of items": ("/screen/items", ()),
    "the review of 2,000 tags": ("/screen/reviews?open=review-large", ()),
    "orders": ("/screen/orders", ()),
    "the form of an order in a large house": ("/screen/orders/new", ()),
    "counts": ("/screen/counts", ()),
    "alerts": ("/screen/alerts", ()),
    "a report of a large house": ("/screen/reports/stock-levels", ()),
    "400 feeds": ("/feeds", ("/series/feeds?limit=100",)),
    "200 edges": ("/devices", ()),
    "the API's reference": ("/docs", ()),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    async with bench(tmp_path_factory.mktemp("heavy")) as made:
        await heavy.build(made)
        yield made


async def sent(http: httpx.AsyncClient, address: str) -> tuple[int, str]:
    """How many bytes go over the wire, and the text."""
    path, _, by = address.partition("#")
    headers = {"accept": "text/html", "accept-encoding": "gzip"}
    headers |= {"hx-request": "true"} if by else {}
    async with http.stream("GET", path, headers=headers) as answer:
        text = (await answer.aread()).decode()
        assert answer.status_code == 200, f"{path}: {answer.status_code} {text[:300]}"
        return answer.num_bytes_downloaded, text


async def loaded(http: httpx.AsyncClient, html: str) -> dict[str, int]:
    """What a page's head and body load, modules with what they import."""
    found: dict[str, int] = {}
    waiting: list[str] = _LOADED.findall(html)
    while waiting:
        address = waiting.pop()
        if address in found:
            continue
        found[address], text = await sent(http, address)
        waiting += [urljoin(address, one) for one in _IMPORTED.findall(text)]
    return found


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_of_a_large_house_is_small(house: Bench, name: str) -> None:
    address, parts = PAGES[name]
    own, html = await sent(house.http, address)
    all_of_it = {address: own} | await loaded(house.http, html)
    for part in parts:
        all_of_it[part], _ = await sent(house.http, part)
    total = sum(all_of_it.values())
    sys.stdout.write(f"{name}: {total // 1_024} KiB, of it {own // 1_024} its own; "
                     f"{len(html) // 1_024} KiB of HTML\n")  # fmt: skip
    largest = sorted(all_of_it.items(), key=lambda one: -one[1])[:4]
    assert total <= MOST_SENT, f"{total:,} bytes: {largest}"
    assert len(html.encode()) <= MOST_HTML


async def test_the_page_of_an_edge_with_32_devices_is_small(tmp_path: Path) -> None:
    away = [
        {"name": f"reader-{n}", "driver": "llrp", "read_point": f"dock-{n}", "host": "127.0.0.1",
         "port": 1 + n, "antennas": [{"antenna": ear} for ear in range(1, 5)]}
        for n in range(29)
    ]  # fmt: skip
    async with site(tmp_path, devices=away) as pi, httpx.AsyncClient(base_url=pi.url) as http:
        own, html = await sent(http, "/")
        total = own + sum((await loaded(http, html)).values())
        watched = await first_word(pi, "watch")
    assert watched.progress is not None
    assert len(watched.progress["devices"]) == 32
    assert total + len(msgspec.json.encode(watched)) <= MOST_SENT
    assert len(html.encode()) <= MOST_HTML


async def first_word(pi: Site, op: str) -> Told:
    asked = Ask(id=new_id(), op=op)
    pi.desk.start(asked)
    async for told in pi.desk.follow(asked.id):
        if told.progress is not None:
            pi.desk.cancel(asked.id)
            return told
    raise AssertionError("nothing was told")


async def test_of_a_large_pass_only_the_traces_that_are_drawn_are_asked_for(house: Bench) -> None:
    _, html = await sent(house.http, "/screen/passes/large")
    drawn = re.findall(r'data-trace="(\w+)" checked', html)
    assert len(drawn) == 6
    asked = "&".join(f"tag={epc}" for epc in drawn)
    own, text = await sent(house.http, f"/screen/passes/large/signal?{asked}")
    told = json.loads(text)
    assert {one["epc"] for one in told["traces"]} == set(drawn)
    assert told["sightings"] == 4 * heavy.TAGS
    assert own <= 4_096
