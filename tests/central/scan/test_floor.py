"""Scanning in a real browser, with and without a network: the books are right, exactly once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.command_codes import Verb, command_code, place_code
from tests.central.harness import Bench, bench, served
from tests.central.scan.floor import BOLT, DRILL, MILK, NUT, furnish, units
from tests.central.scan.phone import NEEDS_BROWSER, Phone, phone

pytestmark = NEEDS_BROWSER


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as opened:
        await furnish(opened)
        yield opened


@pytest.fixture
async def one(made: Bench) -> AsyncIterator[Phone]:
    async with served(made) as url, phone(url) as opened:
        await opened.ready()
        yield opened
        assert opened.complaints == []


async def offline(one: Phone, *, away: bool = True) -> None:
    await one.page.context.set_offline(away)
    await one.page.wait_for_selector("#link.warn" if away else "#link.good")


async def received(made: Bench) -> dict[str, int]:
    order: Any = await made.get("/api/orders/inbound/po-12345")
    return {line["line"]: line["received"] for line in order["lines"]}


async def movements(made: Bench) -> list[dict[str, Any]]:
    found: Any = await made.get("/movements")
    return list(found["rows"])


async def test_an_order_is_received_without_a_network(made: Bench, one: Phone) -> None:
    before = len(await movements(made))
    await offline(one)
    await one.go("order/po-12345")
    for _ in range(3):
        await one.scan(NUT)
    await one.shows("[data-line='1']", "3 / 10")
    await one.scan(f"01{MILK}1726122410L7\x1d3704", aim="]C1")
    await one.shows("[data-line='2']", "4 / 6")
    await one.scan(BOLT)
    await one.told("Not on this order", "look")
    await one.shows("#queue", "6 to send")
    # Closed, and opened again where there is still no network.
    context = one.page.context
    await one.page.close()
    again = Phone(await context.new_page(), one.url)
    await again.open("order/po-12345")
    await again.shows("[data-line='1']", "3 / 10")
    await again.shows("#link", "No network")
    assert await received(made) == {"1": 0, "2": 0}
    await context.set_offline(False)
    await again.sent()
    assert await received(made) == {"1": 3, "2": 4}
    posted = (await movements(made))[: len(await movements(made)) - before]
    assert sorted((m["sku"], m["lot"], m["quantity"]) for m in posted) == [
        ("MILK", "L7", 4), ("NUT", "", 1), ("NUT", "", 1), ("NUT", "", 1),
    ]  # fmt: skip
    lots: Any = await made.get("/lots/MILK/L7")
    assert lots["expires_on"] == "2026-12-24"
    order: Any = await made.get("/api/orders/inbound/po-12345")
    assert order["aside"] == [{"sku": "BOLT", "kind": "unexpected", "quantity": 1}]


async def test_over_and_full_lines_are_said_as_they_come(made: Bench, one: Phone) -> None:
    await one.go("order/po-12345")
    await one.page.click("[data-line='1']")
    await one.units(9)
    await one.told("1 still to come")
    await one.scan(NUT)
    await one.told("This line is full", "good")
    await one.scan(NUT)
    await one.told("More than ordered", "look")
    await one.page.click("#damaged")
    await one.scan(f"01{MILK}10L1", aim="]C1")
    await one.told("Taken as damaged: 1 x Milk", "look")
    await one.sent()
    await one.told("Taken as damaged: 1 x Milk")
    order: Any = await made.get("/api/orders/inbound/po-12345")
    assert [(line["received"], line["damaged"]) for line in order["lines"]] == [(10, 0), (1, 1)]


async def test_a_lot_is_asked_for_and_strange_goods_are_set_aside(made: Bench, one: Phone) -> None:
    await one.page.click("#set-aside")
    await one.press("Set them aside at a place")
    await one.page.fill("#typed", "a-1")
    await one.press("OK")
    await one.shows("#screen", "are set aside at A-1")
    await one.go("order/po-12345")
    await one.scan(MILK)
    await one.page.fill("#typed", "L5")
    await one.press("OK")
    await one.told("Taken: 1 x Milk", "good")
    await one.scan(BOLT)
    await one.told("Put it to A-1", "look")
    await one.sent()
    assert (await units(made, "MILK", "DOCK"), await units(made, "BOLT", "A-1")) == (1, 1)
    assert (await movements(made))[1]["lot"] == "L5"


async def test_what_was_not_sent_is_taken_out_of_the_queue(made: Bench, one: Phone) -> None:
    await offline(one)
    await one.go("order/po-12345")
    await one.scan(NUT)
    await one.scan(NUT)
    await one.shows("[data-line='1']", "2 / 10")
    await one.page.click("#undo")
    await one.told("It had not been sent", "look")
    await one.shows("[data-line='1']", "1 / 10")
    await offline(one, away=False)
    await one.sent()
    assert (await received(made))["1"] == 1
    assert not [m for m in await movements(made) if m["corrects"]]


async def test_what_was_sent_is_reversed(made: Bench, one: Phone) -> None:
    await one.go("order/po-12345")
    await one.scan(NUT)
    await one.told("Taken")
    await one.sent()
    assert (await received(made))["1"] == 1
    await one.scan(command_code(Verb.UNDO))
    await one.told("Taken back", "look")
    await one.sent()
    await one.shows("[data-line='1']", "0 / 10")
    assert (await received(made))["1"] == 0
    assert (await movements(made))[0]["corrects"]


async def test_pieces_are_scanned_one_by_one(made: Bench, one: Phone) -> None:
    """Of an item that is tracked by serial numbers each label is a piece, and counts once."""
    await made.post("/stock/receive", sku="DRILL", quantity=2, location="A-1", serials=["S1", "S2"])
    await one.page.click("#get-newest")
    await one.go("move")
    await one.scan("A-1")
    for serial, says in (("S1", "1 x Drill"), ("S2", "2 x Drill"), ("S1", "2 x Drill")):
        await one.scan(f"01{DRILL}21{serial}", aim="]d2")
        await one.told(says)
    await one.scan("A-10")
    await one.told("Moved 2 x Drill", "good")
    await one.sent()
    found: Any = await made.get("/stock/DRILL/serials?location=A-10")
    assert sorted(found["serials"]) == ["S1", "S2"]


async def test_goods_are_moved_and_brought_back(made: Bench, one: Phone) -> None:
    await one.go("move")
    await one.scan(place_code("A-10"))
    await one.scan(NUT)
    await one.units(7)
    await one.scan("a-1")
    await one.told("From A-10 to A-1", "good")
    await one.sent()
    assert (await units(made, "NUT", "A-10"), await units(made, "NUT", "A-1")) == (23, 7)
    await one.page.click("#undo")
    await one.told("Taken back")
    await one.sent()
    assert (await units(made, "NUT", "A-10"), await units(made, "NUT", "A-1")) == (30, 0)


async def test_what_central_refuses_is_kept_until_it_is_solved(made: Bench, one: Phone) -> None:
    await offline(one)
    await one.go("move")
    await one.scan("A-2")
    await one.scan(BOLT)
    await one.units(80)
    await one.scan("A-1")
    await one.told("Moved 80 x Bolt M4")
    await offline(one, away=False)
    await one.told("Refused", "bad")
    await one.page.reload()
    await one.shows("#queue", "1 refused")
    await one.go("waiting")
    await one.shows(".refused", "8")
    await one.press("Change the quantity")
    await one.units(6)
    await one.sent()
    assert (await units(made, "BOLT", "A-2"), await units(made, "BOLT", "A-1")) == (2, 6)


async def test_goods_are_put_away_where_it_is_proposed(made: Bench, one: Phone) -> None:
    await made.post("/stock/receive", sku="BOLT", quantity=12, location="DOCK")
    await one.open("")
    await one.page.click("#get-newest")
    await one.page.wait_for_selector("text=1 item waits")
    await one.go("putaway")
    await one.scan(BOLT)
    await one.units(12)
    await one.shows("#proposals li", "A-2")
    await one.scan(place_code("A-2"))
    await one.told("12 x Bolt M4 to A-2", "good")
    await one.sent()
    assert (await units(made, "BOLT", "DOCK"), await units(made, "BOLT", "A-2")) == (0, 20)


async def test_a_walk_is_picked_place_by_place(made: Bench, one: Phone) -> None:
    await offline(one)
    await one.go("walk/walk-12345")
    await one.scan(BOLT)
    await one.told("First the place: A-2", "bad")
    await one.scan("A-10")
    await one.told("A-2 comes first", "look")
    await one.scan(BOLT)
    await one.told("This is Bolt M4", "bad")
    await one.scan(place_code("A-2"))
    await one.scan(NUT)
    await one.told("This is Nut M4", "bad")
    await one.scan(BOLT)
    await one.press("OK")
    await one.told("Next: A-10", "good")
    await one.scan("A-10")
    await one.scan(NUT)
    await one.units(3)
    await one.press("Damaged: not to be sold")
    await one.told("All is picked", "done")
    await offline(one, away=False)
    await one.sent()
    order: Any = await made.get("/api/orders/outbound/so-12345")
    assert {line["line"]: line["picked"] for line in order["lines"]} == {"1": 3, "2": 2}
    task: Any = await made.get("/api/picking/tasks/walk-12345")
    nuts = [(p["quantity"], p["picked"], p["state"]) for p in task["picks"] if p["sku"] == "NUT"]
    assert sorted(nuts) == [(2, 0, "open"), (5, 3, "done")]  # others are given in their place


async def test_a_pick_is_put_back(made: Bench, one: Phone) -> None:
    await one.go("walk/walk-12345")
    await one.scan("A-2")
    await one.scan(BOLT)
    await one.press("OK")
    await one.told("Taken")
    await one.sent()
    assert await units(made, "BOLT", "SHIP") == 2
    await one.page.click("#undo")
    await one.told("Taken back")
    await one.sent()
    assert await units(made, "BOLT", "SHIP") == 0
    await one.shows("#next-pick", "A-2")


async def test_a_place_is_counted_blind_without_a_network(made: Bench, one: Phone) -> None:
    await offline(one)
    await one.go("counting/count-12345")
    assert "8" not in await one.page.inner_text("#screen")
    for _ in range(5):
        await one.scan(BOLT)
    await one.page.click("#undo")
    await one.told("It had not been sent")
    await one.page.click(".floor-list >> text=Bolt M4")
    await one.units(3)
    await one.page.click("#finish-count")
    await one.press("Everything is counted")
    await one.told("Counted", "done")
    # Meanwhile somebody else takes a bolt: what was counted before it is right all the same.
    await made.post("/stock/move", sku="BOLT", quantity=1, source="A-2", destination="A-1")
    await offline(one, away=False)
    await one.sent()
    count: Any = await made.get("/api/counts/count-12345")
    assert [entry["quantity"] for entry in count["entries"]] == [1, 1, 1, 1, 3]
    assert count["state"] == "COUNTED"
    lines: Any = await made.get("/api/counts/count-12345/lines")
    assert [(line["counted"], line["expected"]) for line in lines["rows"]] == [(7, 8)]
