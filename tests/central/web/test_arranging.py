"""How a shelf stands: drawn to scale, and arranged by pointer, keys and numbers, in a browser."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from central.database.moments import to_us
from central.intake import observations
from central.intake.observations import Arrived
from gateway.contract import DeviceDescribed, WeightSettled
from tests.central import scene
from tests.central.harness import Bench, bench
from tests.central.web.test_ops_browser import opened
from tests.chromium import Screen, playwright, pytestmark

__all__ = ["pytestmark"]

expect = playwright.expect
PATH = "/read-points/shelf-7/layout"


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as ready:
        await scene.set_up(ready)
        await scene.play(ready)
        yield ready


async def box(screen: Screen, selector: str) -> dict[str, float]:
    """Where it stands; while the board is drawn anew it stands nowhere."""
    async with asyncio.timeout(20):
        while (found := await screen.page.locator(selector).bounding_box()) is None:
            pass
    return dict(found)


async def plates(made: Bench) -> dict[int, dict[str, int]]:
    rows: Any = (await made.get(PATH))["plates"]
    return {row["plate"]: row for row in rows}


async def dragged(screen: Screen, selector: str, by: tuple[float, float]) -> None:
    """Taken by its middle, and let go elsewhere."""
    at = await box(screen, selector)
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    mouse = screen.page.mouse
    await mouse.move(x, y)
    await mouse.down()
    await mouse.move(x + by[0] / 2, y + by[1] / 2)
    await mouse.move(x + by[0], y + by[1])
    await mouse.up()


async def swiped(screen: Screen, selector: str, by: tuple[float, float]) -> None:
    """The same with a finger."""
    at = await box(screen, selector)
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    link = await screen.page.context.new_cdp_session(screen.page)
    for kind, part in (("touchStart", 0.0), ("touchMove", 0.5), ("touchMove", 1.0)):
        point = {"x": x + by[0] * part, "y": y + by[1] * part}
        await link.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    await link.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.parametrize("width", [390, 1440])
async def test_plates_are_drawn_to_scale_and_follow_their_weight(made: Bench, width: int) -> None:
    async with opened(made, "/screen/shelves/shelf-7", width) as screen:
        page = screen.page
        one, two, six = [
            await box(screen, f"#drawn-shelf-7-{plate} .drawn-edge") for plate in (1, 2, 6)
        ]
        per_mm = (two["x"] - one["x"]) / 300
        assert six["width"] == pytest.approx(420 * per_mm, rel=0.05)
        assert one["height"] == pytest.approx(360 * per_mm, rel=0.05)
        assert six["y"] > one["y"] + one["height"], "board 1 is below board 2"
        level = await box(screen, "#drawn-shelf-7-1 .drawn-level")
        assert level["height"] == pytest.approx(one["height"] * 63 / 72, rel=0.05)
        plate = page.locator("#drawn-shelf-7-3")
        await expect(plate).to_have_attribute("aria-label", re.compile("hand on it, too light"))
        now = datetime.now(UTC)
        said = WeightSettled(
            device="plate-3", read_point="shelf-7", event_time=now, plate=3, gross_mg=24_000
        )
        arrived = [Arrived(edge="dock-pi", epoch="e0000002", seq=1, observation=said)]
        await made.services.write(lambda c: observations.append(c, arrived, to_us(now)))
        units = plate.locator(".cell-units local-number")
        await expect(units).to_have_attribute("value", "10")
        assert await plate.locator(".cell-state").count() == 0
        await page.locator("#drawn-shelf-7-1").focus()
        await page.keyboard.press("Enter")
        assert page.url.endswith("#plate-1")
        screen.clean()


async def test_a_shelf_without_a_layout_says_so_and_offers_to_arrange(made: Bench) -> None:
    await made.put(PATH, boards=[], plates=[])
    async with opened(made, "/screen/shelves") as screen:
        page = screen.page
        await expect(page.locator(".order-note")).to_contain_text("In the order of their numbers")
        await expect(page.locator(".plate-box")).to_have_count(6)
        await page.get_by_role("link", name="Arrange them").click()
        await page.wait_for_url("**/screen/shelves/shelf-7/arrange")
        for plate in (1, 2, 3, 4):
            await page.locator(f"[data-put='{plate}']").click()
        await expect(page.locator("[data-board-no]")).to_have_count(2)
        await expect(page.locator("#wrongs")).to_contain_text("None")
        await page.locator("#save").click()
        await expect(page.locator("#state")).to_contain_text("Saved")
        screen.clean()
    laid = await plates(made)
    assert [(one["board"], one["x_mm"]) for one in laid.values()] == [(1, 0), (1, 300), (1, 600),
                                                                    (2, 0)]  # fmt: skip


async def test_plates_are_arranged_by_pointer_keys_and_numbers(made: Bench) -> None:
    async with opened(made, "/screen/shelves/shelf-7/arrange") as screen:
        page = screen.page
        await page.locator("g[data-plate='3']").wait_for()
        per_mm = (await box(screen, "g[data-plate='3'] .drawn-edge"))["width"] / 280
        # By pointer onto another plate: told at once, and not saved.
        await dragged(screen, "g[data-plate='3'] .drawn-edge", (-103 * per_mm, 0))
        await expect(page.locator("[data-field=x_mm]")).to_have_value("510")
        await expect(page.locator("#wrongs")).to_contain_text("80 x 360 mm on board 2")
        await expect(page.locator("g[data-plate='2']")).to_contain_text("mistake")
        await page.locator("#save").click()
        await expect(page.locator("#state")).to_have_text("Not saved: 1 to mend")
        await page.locator("#undo").click()
        await expect(page.locator("[data-field=x_mm]")).to_have_value("610")
        await expect(page.locator("#wrongs")).to_contain_text("None")
        # By keys: sized, moved, to the board below and back.
        await page.locator("g[data-plate='3']").focus()
        for key in ("Shift+ArrowLeft", "ArrowRight", "ArrowUp"):
            await page.keyboard.press(key)
        await page.keyboard.press("PageDown")
        await expect(page.locator("#wrongs")).to_contain_text("board 1")
        await page.keyboard.press("PageUp")
        await expect(page.locator("#spoken")).to_contain_text("Board 2, 620 mm from the left")
        # By numbers, and by its corner.
        await page.locator("g[data-plate='4']").click()
        await page.locator("[data-field=depth_mm]").fill("200")
        await page.keyboard.press("Tab")
        await expect(page.locator("[data-field=board]")).to_be_focused()
        await dragged(screen, "g[data-plate='6'] .grip", (-100 * per_mm, 0))
        await page.get_by_role("button", name="To the back").click()
        await expect(page.locator("#wrongs")).to_contain_text("None")
        await page.locator("#save").click()
        await expect(page.locator("#state")).to_contain_text("Saved")
        assert screen.elsewhere == []
    laid = await plates(made)
    assert laid[3] | {"plate": 3} == {
        "plate": 3, "board": 2, "x_mm": 620, "y_mm": 30, "width_mm": 270, "depth_mm": 360,
    }  # fmt: skip
    assert laid[4]["depth_mm"] == 200
    assert (laid[6]["width_mm"], laid[6]["y_mm"]) == (320, 30)


async def test_a_plate_is_dragged_to_another_board_on_a_phone(made: Bench) -> None:
    stands = json.loads(json.dumps(scene.LAYOUT))
    stands["plates"] = [one for one in stands["plates"] if one["plate"] in {1, 4}]
    await made.put(PATH, **stands)
    async with opened(made, "/screen/shelves/shelf-7/arrange", 390, 844) as screen:
        page = screen.page
        await page.locator("g[data-plate='1']").wait_for()
        above, below = [
            await box(screen, f"[data-board-no='{board}'] .board-top") for board in (2, 1)
        ]
        per_mm = above["width"] / 900
        down = below["y"] - above["y"]
        await swiped(screen, "g[data-plate='1'] .drawn-edge", (400 * per_mm, down))
        await expect(page.locator("[data-field=board]")).to_have_value("1")
        await page.locator("#save").click()
        await expect(page.locator("#state")).to_contain_text("Saved")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        screen.clean()
    one = (await plates(made))[1]
    assert (one["board"], one["x_mm"]) == (1, 410)
    assert 10 <= one["y_mm"] <= 40


async def test_somebody_elses_change_is_not_overwritten_and_a_plate_gets_its_item(
    made: Bench,
) -> None:
    async with opened(made, "/screen/shelves/shelf-7/arrange") as screen:
        page = screen.page
        await page.locator("g[data-plate='1']").wait_for()
        # A plate that is not listed is set up first, and then has to be put somewhere.
        await expect(page.locator("#new-number")).to_have_value("7")
        await page.get_by_role("button", name="Set up").click()
        part = page.locator("#plate-setup")
        # As a scanner types it, which ends with Enter.
        field = part.get_by_label("Item, by SKU, name or barcode")
        await field.fill("tape")
        await field.press("Enter")
        await expect(part.locator(".setup-said")).to_have_text("TAPE-19 lies on plate 7.")
        await page.locator("[data-put='7']").click()
        await expect(page.locator("[data-board-no]")).to_have_count(3)
        await made.put(PATH, **scene.LAYOUT | {"plates": scene.LAYOUT["plates"][:1]})
        await page.locator("#save").click()
        await expect(page.locator("#state")).to_contain_text("Somebody else changed it meanwhile")
        await page.get_by_role("button", name="Load theirs").click()
        await expect(page.locator("g[data-plate]")).to_have_count(1)
        assert screen.elsewhere == []
    assert list(await plates(made)) == [1]


async def test_parts_that_set_a_plate_up(made: Bench) -> None:
    async def text(path: str, status: int = 200) -> str:
        answer = await made.http.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    assert "Nut M6" in await text("/screen/shelves/shelf-7/3/setup")
    assert "Where is shelf-99?" in await text("/screen/shelves/shelf-99/1/setup")
    assert "is a portal" in await text("/screen/shelves/dock-1/1/setup", 404)
    assert "there is no shelf" in await text("/screen/shelves/shelf-99/arrange", 404)
    rows = await text("/screen/shelves/shelf-7/3/setup/items?q=hex")
    assert 'data-sku="SCR-M4" data-unit-mg="3200"' in rows
    assert "No item is called zzz" in await text("/screen/shelves/shelf-7/3/setup/items?q=zzz")
    assert 'data-location="backroom"' in await text("/screen/shelves/shelf-7/3/setup/places?q=back")
    assert "No place" in await text("/screen/shelves/shelf-7/3/setup/places?q=zzz")


async def test_a_plate_without_an_item_and_one_without_a_place_are_told(made: Bench) -> None:
    now = datetime.now(UTC)
    said = DeviceDescribed(
        device="new", read_point="shelf-7", event_time=now, driver="mt-sics", plate=8
    )
    arrived = [Arrived(edge="dock-pi", epoch="e0000003", seq=1, observation=said)]
    await made.services.write(lambda c: observations.append(c, arrived, to_us(now)))
    stands = json.loads(json.dumps(scene.LAYOUT))
    stands["plates"][5]["plate"] = 8
    await made.put(PATH, **stands)
    page = (await made.http.get("/screen/shelves/shelf-7")).text
    assert 'aria-label="Plate 8, no item said"' in page
    line = page.partition('id="plate-shelf-7-6"')[2].partition("</li>")[0]
    assert "not in the drawing" in line
