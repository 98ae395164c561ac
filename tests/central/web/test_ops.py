"""The stock manager's pages over real books: what they show, find, filter and leave out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from central.access.behalf import reaching
from central.web.changes import Topic
from central.web.views import item_history, lookup, stock_list
from tests.central import scene
from tests.central.harness import Bench, bench
from tests.central.web import stocked

DAY_US = 86_400_000_000
PART = {"HX-Request": "true"}


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        await stocked.stock(opened)
        yield opened


async def text(made: Bench, path: str, status: int = 200) -> str:
    answer = await made.http.get(path)
    assert answer.status_code == status, (path, answer.text[:300])
    return answer.text


def listed(page: str) -> list[str]:
    return re.findall(r'<tr id="item-([^"]+)">', page)


async def test_the_list_is_searched_as_people_and_scanners_do(made: Bench) -> None:
    assert "12 items" in re.sub("<[^>]+>", "", await text(made, "/screen/items"))
    for said in ("oat", "ROLLED 500", "OAT-500"):
        assert listed(await text(made, f"/screen/items?q={said}")) == ["OAT-500"], said
    for code in ("4006381333931", "04006381333931", "30340789AB00000000000001"):
        assert listed(await text(made, f"/screen/items?q={code}")) == ["MILK-1L"], code
    nothing = await text(made, "/screen/items?q=no%25such")
    assert "Nothing fits no%such" in nothing
    part = await made.http.get("/screen/items?q=oat", headers=PART)
    assert listed(part.text) == ["OAT-500"]
    assert "<html" not in part.text


async def test_the_list_is_filtered_by_what_needs_somebody(made: Bench) -> None:
    assert listed(await text(made, "/screen/items?only=low")) == ["OAT-500"]
    assert listed(await text(made, "/screen/items?only=expiring")) == ["MILK-1L"]
    assert "Nothing is above its limit" in await text(made, "/screen/items?only=over")
    assert listed(await text(made, "/screen/items?only=none")) == []
    await made.post("/stock/status", sku="NUT-M6", quantity=3, location="backroom",
                    from_status="available", to_status="damaged")  # fmt: skip
    assert listed(await text(made, "/screen/items?only=blocked")) == ["NUT-M6"]
    assert (await made.http.get("/screen/items?only=nonsense")).status_code == 422


@pytest.mark.parametrize("sort", stock_list.SORTS)
async def test_pages_of_the_list_hold_every_item_once(
    made: Bench, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_list, "ROWS", 5)
    address, found = f"/screen/items?sort={sort}", list[str]()
    while address:
        page = await text(made, address)
        found += listed(page)
        (address,) = re.findall(r'rel="next" href="([^"]+)"', page) or [""]
        address = address.replace("&amp;", "&")
    assert sorted(found) == sorted(set(found))
    assert len(found) == 12
    if sort == "most":
        totals = [(await made.get(f"/stock/{sku}"))["on_hand"] for sku in found]
        assert totals == sorted(totals, reverse=True)
    assert (await made.http.get("/screen/items?after=nonsense")).status_code == 422


async def test_an_item_tells_where_it_lies_what_comes_and_what_is_asked_for(made: Bench) -> None:
    page = await text(made, "/screen/items/OAT-500")
    for part in ("Bin A-01", "Warehouse", "SO-2026-1001", "PO-2026-77", "Mill and Sons",
                 "Reorder below", "OAT-500: fewer than 900 available"):  # fmt: skip
        assert part in page, part
    plain = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page))
    assert re.search(r"Reserved 40 promised to orders", plain), plain[:800]
    assert re.search(r"Coming 600 1 open order ", plain)
    for link in set(re.findall(r'href="(/(?:screen|items|stock)[^"#]*)"', page)):
        answer = await made.http.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200, link
    milk = await text(made, "/screen/items/MILK-1L")
    for part in ("04006381333931", "30340789AB00000000000001", "lot L7", "0.4", "until 20"):
        assert part in milk, part
    plates = await text(made, "/screen/items/SCR-M4")
    assert "/screen/shelves/shelf-7#plate-1" in plates
    assert "There is nothing here" in await text(made, "/screen/items/UNKNOWN", 404)


async def test_the_chart_goes_back_over_the_ledger_and_on_with_an_interval(made: Bench) -> None:
    told: Any = await made.get("/screen/items/OAT-500/history")
    on_hand = (await made.get("/stock/OAT-500"))["on_hand"]
    assert told["on_hand"][-1] == on_hand
    assert told["on_hand"][0] == 0
    assert told["on_hand"][1] == 900
    assert told["times_s"] == sorted(told["times_s"])
    assert told["not_before_s"] < told["runs_out_s"]
    assert all(
        low <= middle <= high
        for low, middle, high in zip(told["least"], told["median"], told["most"], strict=True)
    )
    assert told["median"][0] == on_hand
    few: Any = await made.get("/screen/items/NUT-M6/history")
    assert (few["ahead_s"], few["note"]) == ([], "Too little history for a forecast.")


def test_a_course_is_the_balance_with_its_movements_taken_back() -> None:
    now = 100 * DAY_US
    steps = [item_history.Step(now - 3 * DAY_US, 10, 0), item_history.Step(now - DAY_US, -4, 4)]
    told = item_history.of_steps(6, steps, since_us=10 * DAY_US, now_us=now)
    assert told.on_hand == [0, 10, 6, 6]
    assert told.times_s[0] == told.times_s[1], "what came first was not there before"
    assert told.note == "Too little history for a forecast."
    assert item_history.of_steps(0, [], since_us=0, now_us=now).note == ""


async def test_places_tell_how_full_they_are_and_what_lies_within(made: Bench) -> None:
    tree = await text(made, "/screen/places")
    assert 'role="tree"' in tree
    assert re.search(r"Bin A-02, 280 units, 93 percent full", tree)
    assert "nearly full" in tree
    zone = await text(made, "/screen/places/WH-1-A")
    for part in (
        "Bin A-01",
        "Rolled oats 500 g",
        "Milk 1 l",
        "nearly full",
        "North warehouse",
    ):
        assert part in zone, part
    leaf = await text(made, "/screen/places/A-02")
    for part in ("280 of 300 units", "Holds at most 300 units.", "Movements"):
        assert part in leaf, part
    shelf = await text(made, "/screen/places/shelf-7")
    assert "Planogram" in shelf
    assert "plate 6" in shelf
    assert 'role="treeitem"' in await text(made, "/screen/places/WH-1/branch")
    await text(made, "/screen/places/nowhere", 404)
    await made.post("/stock/move", sku="OAT-500", quantity=100, source="A-02", destination="A-01")
    assert "Bin A-02, 180 units, 60 percent full" in await text(made, "/screen/places")


async def test_a_place_shows_each_of_its_capacities_and_what_they_do_not_count(made: Bench) -> None:
    rules = {"max_units": 300, "max_mass_mg": 200_000_000, "max_volume_mm3": 400_000_000}
    any_version = {"If-Match": "*"}
    await made.http.patch("/locations/A-02", json={"rules": rules}, headers=any_version)
    leaf = await text(made, "/screen/places/A-02")
    assert "0.0 of 400.0 litres" in leaf
    assert "1 item here has no dimensions: not counted." in leaf
    sizes = {"unit_mg": 500_000, "dimensions_mm": {"length": 100, "width": 80, "height": 175}}
    await made.http.patch("/items/OAT-500", json=sizes, headers=any_version)
    leaf = await text(made, "/screen/places/A-02")
    for part in ("280 of 300 units", "140.0 of 200.0 kg", "392.0 of 400.0 litres", "98<small> %",
                 "Has room for at most 400.0 litres."):  # fmt: skip
        assert part in leaf, part
    assert "not counted" not in leaf
    assert "Bin A-02, 280 units, 98 percent full" in await text(made, "/screen/places")
    await made.http.patch("/locations/WH-1", json={"rules": {"max_volume_mm3": 10**10}},
                          headers=any_version)  # fmt: skip
    assert re.search(r"\d\.\d\d of 10\.00 m³", await text(made, "/screen/places/WH-1"))


async def test_a_large_tree_opens_level_by_level(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.web.views.place_tree.MOST_AT_ONCE", 3)
    tree = await text(made, "/screen/places")
    assert "Aisle A" in tree
    assert "Bin A-01" not in tree
    assert 'hx-get="/screen/places/WH-1-A/branch"' in tree
    assert "Bin A-01" in await text(made, "/screen/places/WH-1-A/branch")


async def test_shelves_show_their_plates_and_what_happened_to_them(made: Bench) -> None:
    await scene.play(made)
    shelves = re.sub("<[^>]+>", "", await text(made, "/screen/shelves"))
    for part in (
        "Hex screw M4 x 20",
        "hand on it",
        "counts up to 33 at once",
        "too light to count",
    ):
        assert part in shelves, part
    shelf = await text(made, "/screen/shelves/shelf-7")
    for part in ("plate-3", "The weight fits 4 screws", "running"):
        assert part in shelf, part
    for follower in made.followers:
        await follower.step()
    told: Any = await made.get("/screen/shelves/shelf-7/3/trace?seconds=3600")
    assert {one["kind"] for one in told["events"]} == {"change", "hand"}
    assert told["times_s"][0] >= told["from_s"]
    await text(made, "/screen/shelves/dock-1", 404)
    await text(made, "/screen/shelves/nowhere/1/trace", 404)


@pytest.mark.parametrize(
    ("said", "page"),
    [
        ("OAT-500", "/screen/items/OAT-500"),
        ("oat-500", "/screen/items/OAT-500"),
        ("4006381333931", "/screen/items/MILK-1L"),
        ("30340789AB00000000000001", "/screen/items/MILK-1L"),
        ("L7", "/screen/items/MILK-1L"),
        ("A-02", "/screen/places/A-02"),
        ("a-02", "/screen/places/A-02"),
        ("SO-2026-1001", "/screen/orders/SO-2026-1001"),
        ("77-A", "/screen/orders/PO-2026-77"),
        ("shelf-7", "/screen/places/shelf-7"),
    ],
)
async def test_what_is_scanned_anywhere_opens_its_page(made: Bench, said: str, page: str) -> None:
    answer = await made.http.get(f"/screen/find?q={said}")
    assert (answer.status_code, answer.headers.get("location")) == (303, page)
    assert (await made.http.get(page)).status_code == 200


async def test_what_is_not_called_so_is_looked_for(made: Bench) -> None:
    found = await text(made, "/screen/find?q=oat")
    assert "Rolled oats 500 g" in found
    assert "Bin A-02" in await text(made, "/screen/find?q=bin")
    assert "Nothing is called zzz" in await text(made, "/screen/find?q=zzz")
    assert "Scan or type" in await text(made, "/screen/find")


async def _events(stream: AsyncIterator[bytes], wanted: int) -> list[bytes]:
    found: list[bytes] = []
    async with asyncio.timeout(60):
        async for part in stream:
            found += [part] if part.startswith(b"event: moved") else []
            if len(found) == wanted:
                break
    return found


async def test_only_pages_of_what_moved_are_told(made: Bench) -> None:
    changes = made.pages.changes
    following = asyncio.create_task(changes.run())
    oats, milk, place = (
        changes.stream(Topic(*topic), None, changes.version)
        for topic in (("item", "OAT-500"), ("item", "MILK-1L"), ("place", "WH-1"))
    )
    begun = [asyncio.create_task(_events(one, 1)) for one in (oats, milk, place)]
    await asyncio.gather(*begun)  # the first one that looks lets all begin anew
    waiting = [asyncio.create_task(_events(one, 1)) for one in (oats, place)]
    silent = asyncio.create_task(_events(milk, 1))
    await made.post("/stock/move", sku="OAT-500", quantity=1, source="A-02", destination="A-01")
    assert [len(found) for found in await asyncio.gather(*waiting)] == [1, 1]
    assert not silent.done()
    await made.post("/stock/receive", sku="MILK-1L", quantity=1, location="A-04", lot="L7")
    assert len(await silent) == 1
    changes.stop()
    for one in (oats, milk, place):
        await one.aclose()
    assert changes.clients == 0
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_reservations_and_other_places_are_told_to_whom_they_concern(made: Bench) -> None:
    changes = made.pages.changes
    following = asyncio.create_task(changes.run())
    here = changes.stream(Topic("item", "OAT-500"), frozenset({"WH-1"}), changes.version)
    await _events(here, 1)
    told = asyncio.create_task(_events(here, 1))
    await made.post("/stock/receive", sku="OAT-500", quantity=5, location="warehouse")
    await made.post("/stock/receive", sku="OAT-500", quantity=5, location="A-01")
    assert len(await told) == 1
    wished = asyncio.create_task(_events(here, 1))
    await made.post("/reservations", id="wish-0001", sku="OAT-500", quantity=3, location="WH-1")
    assert len(await wished) == 1
    changes.stop()
    await here.aclose()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


@pytest.mark.parametrize("said", ["A-02", "SO-2026-1001", "PO-2026-77", "L7", "77-A"])
async def test_what_is_out_of_reach_is_not_found(made: Bench, said: str) -> None:
    def asked(connection: Connection) -> lookup.Found | None:
        with reaching(frozenset({"backroom"})):
            return lookup.exact(connection, said)

    assert await made.database.read(lambda c: lookup.exact(c, said)) is not None
    assert await made.database.read(asked) is None


async def test_a_shelf_leads_to_its_feeds_and_its_scales(made: Bench) -> None:
    await scene.play(made)
    page = await text(made, "/screen/shelves/shelf-7")
    (feed,) = re.findall(r'href="(/feeds[^"]+plate%22%3A\+%223[^"]+)"', page)
    assert (await made.http.get(feed.replace("&amp;", "&"))).status_code == 200
    assert 'href="/devices/dock-pi/device/plate-3"' in page
