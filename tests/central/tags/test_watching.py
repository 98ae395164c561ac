"""Goods that come in through a portal, are put away and picked by hand, and go out through one."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from sqlalchemy import Connection

from central.judging.challenge import challenge
from central.stock import ledger, queries, rows
from central.stock.model import Posted, StockError
from tests.central.tags.dock import CASES, PIECES, Dock
from tests.fakes import portal_log


async def test_goods_that_hands_put_away_and_picked_leave_from_where_they_lie(dock: Dock) -> None:
    """They were refused: the dock, where their tags were heard last, held none of them."""
    await dock.passes(CASES, "in")
    await dock.moves("0001", 60, "dock>bin-1")
    assert await dock.lie() == {"bin-1": 10}
    await dock.moves("0002", 60, "bin-1>pack")
    assert await dock.lie() == {"pack": 10}
    await dock.passes(CASES, "out")
    assert (await dock.held(), await dock.asked()) == ({}, [])
    assert await dock.lie() == {"customer": 10}
    assert await dock.is_sound()


async def test_tags_are_where_so_many_units_are_once_their_place_is_empty(dock: Dock) -> None:
    await dock.passes(CASES, "in")
    await dock.moves("0001", 24, "dock>bin-1")
    assert await dock.lie() == {"dock": 10}  # nobody knows which four went
    await dock.moves("0002", 36, "dock>bin-2")
    assert await dock.lie() == {"bin-1": 4, "bin-2": 6}
    await dock.passes(CASES, "out")
    assert (await dock.held(), await dock.asked()) == ({}, [])
    assert await dock.is_sound()


async def test_what_was_moved_on_before_anybody_looked_is_followed_all_the_way(dock: Dock) -> None:
    await dock.passes(CASES, "in")
    for number, way in enumerate(("dock>bin-1", "bin-1>bin-2", "bin-2>pack")):
        body: dict[str, Any] = {"id": f"move-000{number}", "sku": "OAT", "quantity": 60}
        source, destination = way.split(">")
        await dock.made.post("/stock/move", **body, **{"from": source, "to": destination})
    assert await dock.lie() == {"dock": 10}
    await dock.watched()
    assert await dock.lie() == {"pack": 10}
    assert await dock.is_sound()


async def test_tags_of_pieces_go_with_those_that_are_named(dock: Dock) -> None:
    await dock.passes(PIECES, "in")
    await dock.moves("0001", 1, "dock>bin-1", sku="DRILL", serials=["72"])
    assert await dock.lie() == {"dock": 2, "bin-1": 1}
    await dock.passes(PIECES, "out")
    assert (await dock.held("DRILL"), await dock.asked()) == ({}, [])
    assert await dock.is_sound()


async def test_pieces_that_were_named_twice_before_anybody_looked_are_where_they_came_last(
    dock: Dock,
) -> None:
    await dock.passes(PIECES, "in")
    for number, (way, serials) in enumerate(
        [("dock>bin-1", ["71", "72"]), ("bin-1>bin-2", ["72"]), ("bin-2>pack", ["72"])]
    ):
        source, destination = way.split(">")
        ends = {"from": source, "to": destination}
        body: dict[str, Any] = {"id": f"move-000{number}", "sku": "DRILL", "serials": serials}
        await dock.made.post("/stock/move", **body, **ends, quantity=len(serials))
    await dock.watched()
    assert await dock.lie() == {"dock": 1, "bin-1": 1, "pack": 1}
    assert await dock.is_sound()


async def test_what_hands_shipped_and_the_portal_sees_leave_counts_once(dock: Dock) -> None:
    """The portal bears witness to what was booked just before, and asks nobody."""
    await dock.passes(CASES, "in")
    left = portal_log.moment(130.0).isoformat()
    ship: dict[str, Any] = {
        "id": "ship-0001",
        "sku": "OAT",
        "quantity": 60,
        "location": "dock",
        "event_time": left,
    }
    await dock.made.post("/stock/ship", **ship)
    await dock.watched()
    assert await dock.lie() == {"customer": 10}
    await dock.passes(CASES, "out")
    assert (await dock.held(), await dock.asked()) == ({}, [])
    told: Any = await dock.made.get("/movements/ship-0001")
    seen = {one["origin"]: one["quantity"] for one in told["witnesses"]}
    assert seen == {"rule": 60, "portal": 60}
    assert await dock.is_sound()


async def test_some_of_a_pallet_that_were_picked_leave_from_where_they_were_brought(
    dock: Dock,
) -> None:
    """Whose tags they bear nobody knows, until the portal hears them leave."""
    await dock.passes(CASES, "in")
    await dock.moves("0001", 60, "dock>bin-1")
    await dock.picks("order-001", 24)
    assert (await dock.held(), await dock.lie()) == ({"bin-1": 36, "pack": 24}, {"bin-1": 10})
    await dock.passes(CASES[3:7], "out")
    assert (await dock.held(), await dock.asked()) == ({"bin-1": 36}, [])
    assert await dock.lie() == {"bin-1": 6, "customer": 4}
    order: Any = await dock.made.get("/api/orders/outbound/order-001")
    assert order["state"] == "shipped"
    await dock.passes([*CASES[:3], *CASES[7:]], "out")  # nothing that was picked is left
    assert (await dock.held(), await dock.asked()) == ({}, [])
    assert await dock.is_sound()
    assert not await dock.made.database.read(lambda c: challenge(c, nullcontext).differs)
    last: Any = (await dock.made.get("/movements?location=customer"))["rows"]
    told = [" ".join(await dock.why(one["id"])) for one in last]
    assert "had been heard at bin-1; as many were brought to pack by hand since" in " ".join(told)


async def test_some_that_were_put_away_leave_from_there_when_their_place_lacks_them(
    dock: Dock,
) -> None:
    await dock.passes(CASES, "in")
    await dock.moves("0001", 48, "dock>bin-1")
    await dock.passes(CASES[:2], "out")  # the dock still has as many
    assert await dock.held() == {"bin-1": 48}
    await dock.passes(CASES[2:], "out")
    assert (await dock.held(), await dock.asked()) == ({}, [])
    assert await dock.is_sound()


async def test_judging_it_again_posts_nothing_twice(dock: Dock) -> None:
    await dock.passes(CASES, "in")
    await dock.moves("0001", 60, "dock>bin-1")
    await dock.picks("order-001", 24)
    await dock.passes(CASES[3:7], "out")

    def again(conn: Connection) -> list[Posted | StockError]:
        (left,) = [one for one in queries.movements(conn) if one.movement.destination == "customer"]
        return ledger.post_each(conn, [rows.as_judged(left.movement)], record_us=1)

    (told,) = await dock.made.database.write(again)
    assert isinstance(told, Posted)
    assert told.repeated


async def test_a_count_that_finds_none_carries_nothing_away(dock: Dock) -> None:
    await dock.passes(CASES, "in")
    body: dict[str, Any] = {"id": "count-0001", "sku": "OAT", "change": -60, "location": "dock"}
    await dock.made.post("/stock/adjust", **body, code="lost")
    await dock.watched()
    assert await dock.lie() == {"dock": 10}


async def test_a_challenger_knows_which_tags_went_along(dock: Dock) -> None:
    await dock.passes(CASES, "in")
    await dock.moves("0001", 60, "dock>bin-1")
    await dock.passes(CASES, "out")

    def compared(conn: Connection) -> bool:
        return challenge(conn, nullcontext).differs

    assert not await dock.made.database.read(compared)


async def sells(dock: Dock, name: str, units: int) -> None:
    """A till tells that so many were sold, naming no tags."""
    body: dict[str, Any] = {"id": f"sale-{name}", "sku": "OAT", "quantity": units}
    await dock.made.post("/stock/ship", **body, location="dock", event_time=dock.now)
    await dock.watched()


async def test_what_a_till_sold_and_the_door_saw_leave_counts_once(dock: Dock) -> None:
    """Each piece that was sold was a question while more of them lay there."""
    await dock.passes(CASES, "in")
    await sells(dock, "0001", 6)
    await sells(dock, "0002", 12)
    await dock.passes(CASES[:3], "out")
    assert (await dock.held(), await dock.asked()) == ({"dock": 42}, [])
    assert await dock.lie() == {"dock": 7, "customer": 3}
    assert await dock.is_sound()
    assert not await dock.made.database.read(lambda c: challenge(c, nullcontext).differs)


async def test_what_leaves_beyond_what_was_sold_moves(dock: Dock) -> None:
    await dock.passes(CASES, "in")
    await sells(dock, "0001", 12)
    await dock.passes(CASES[:5], "out")
    assert (await dock.held(), await dock.asked()) == ({"dock": 30}, [])
    assert await dock.lie() == {"dock": 5, "customer": 5}
    await sells(dock, "0002", 6)  # carried out later
    assert await dock.held() == {"dock": 24}
    await dock.passes(CASES[5:6], "out")
    assert (await dock.held(), await dock.asked()) == ({"dock": 24}, [])
    assert await dock.is_sound()


async def test_a_case_that_leaves_is_not_the_few_pieces_of_it_that_were_sold(dock: Dock) -> None:
    await dock.passes(CASES, "in")
    await sells(dock, "0001", 4)
    await dock.passes(CASES[:1], "out")
    assert (await dock.held(), await dock.asked()) == ({"dock": 50}, [])
    assert await dock.is_sound()
