"""Goods that come in through a portal, are put away and picked by hand, and go out through one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from pathlib import Path as Folder
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, text

from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging.challenge import challenge
from central.judging.replay import differences
from central.orders.watching import OrderWatcher
from central.reservations.following import Settler
from central.stock import chain, ledger, projection, queries, rows
from central.stock.model import Posted, StockError
from central.tags.watching import TagWatcher
from central.why import sentences, story
from drivers.emulators.portal_physics import Path, Scene, dock_antennas, pallet, simulate
from gateway.contract import DeviceHealth
from gateway.gs1 import sgtin96_hex
from tests.central.harness import Bench, bench
from tests.central.test_ingest_and_judge import judge_all, wire
from tests.fakes import portal_log

OAT, DRILL = "09521234000013", "09521234000020"
CASES = [sgtin96_hex(OAT, 7, n) for n in range(1, 11)]
PIECES = [sgtin96_hex(DRILL, 7, n) for n in (71, 72, 73)]


class Dock:
    """A warehouse with a portal at its dock, and who watches its ledger."""

    def __init__(self, made: Bench) -> None:
        self.made = made
        self._settler = Settler(made.database, Tide(), watchers=[TagWatcher(), OrderWatcher()])
        self._next_seq, self._at_s = 1, 0.0

    async def passes(self, epcs: Sequence[str], way: str) -> None:
        """A pallet crosses the dock, two minutes after the one before."""
        path = Path.through(self._at_s + 4.0, speed=1.0, inwards=way == "in")
        tags, antennas = pallet(list(epcs), path, Random(1)), dock_antennas()
        scene = Scene(antennas=antennas, tags=tuple(tags), seed=1)
        reads = simulate(scene, self._at_s, self._at_s + 18.0)
        at = portal_log.moment(self._at_s + 40.0)
        beat = DeviceHealth(event_time=at, state="running", **portal_log.WHO)
        seen = [portal_log.described(antennas), *portal_log.fold(reads), beat]
        first, self._next_seq = self._next_seq, self._next_seq + len(seen)
        batches = [wire(first + n, seen[n : n + 700]) for n in range(0, len(seen), 700)]
        await Ingest(self.made.database, Tide()).receive(batches)
        await judge_all(self.made.database)
        self._at_s += 120.0
        await self.watched()

    async def moves(self, name: str, units: int, way: str, **more: object) -> None:
        """Somebody moves goods by hand, ``from>to``, naming no tags."""
        source, destination = way.split(">")
        body: dict[str, Any] = {
            "id": f"move-{name}",
            "sku": "OAT",
            "quantity": units,
            "event_time": self.now,
        }
        body |= more
        await self.made.post("/stock/move", **body, **{"from": source, "to": destination})
        await self.watched()

    @property
    def now(self) -> str:
        return portal_log.moment(self._at_s).isoformat()

    async def watched(self) -> None:
        while await self._settler.step():
            pass

    async def lie(self) -> dict[str, int]:
        """Tags by where they are said to lie."""
        query = text("SELECT location, count(*) FROM tag_place GROUP BY location")
        found = await self.made.database.read(lambda c: c.execute(query).all())
        return {row[0]: row[1] for row in found}

    async def held(self, sku: str = "OAT") -> dict[str, int]:
        found: Any = await self.made.get(f"/stock/{sku}")
        return dict(found["by_location"])

    async def asked(self) -> list[str]:
        found: Any = await self.made.get("/reviews")
        return [one["reason"] for one in found["rows"]]

    async def is_sound(self) -> bool:
        """Replay agrees, the chain holds, and tags lie where ledger and witnesses put them."""
        checks = (differences, chain.verify, projection.check_balances, projection.check_tags)
        return not any([await self.made.database.read(one) for one in checks])


@pytest.fixture
async def dock(tmp_path: Folder, books_url: str) -> AsyncIterator[Dock]:
    async with bench(tmp_path, books_url) as made:
        await made.post("/warehouses", code="wh", name="Warehouse")
        for code in ("dock", "bin-1", "bin-2", "pack"):
            await made.post("/locations", code=code, name=code, parent="wh")
        await made.post("/items", sku="OAT", name="Oats", gtins=[{"gtin": OAT, "quantity": 6}])
        gtins = [{"gtin": DRILL}]
        await made.post("/items", sku="DRILL", name="Drill", tracking="serial", gtins=gtins)
        await made.put("/read-points/dock-1", kind="portal", location="dock")
        yield Dock(made)


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


async def picked(dock: Dock, name: str, units: int) -> None:
    """Somebody picks goods for an order and brings them to the dock, naming no tags."""
    made, at = dock.made, {"ship_to": {}, "warehouse": "wh", "ship_from": "pack"}
    order: dict[str, Any] = {"id": name, "customer": "Jane", **at}
    await made.post("/api/orders/outbound", **order, lines=[{"sku": "OAT", "quantity": units}])
    task: Any = await made.post("/api/picking/tasks", id=f"wave-{name}", orders=[name])
    for pick in task["picks"]:
        said: dict[str, Any] = {name: pick[name] for name in ("location", "sku", "quantity")}
        said["event_time"] = dock.now
        await made.post(f"/api/picking/picks/{pick['id']}/confirm", 200, **said)
    await dock.watched()


async def why(dock: Dock, name: str) -> list[str]:
    return sentences.told(await dock.made.database.read(lambda c: story.why(c, name)))


async def test_some_of_a_pallet_that_were_picked_leave_from_where_they_were_brought(
    dock: Dock,
) -> None:
    """Whose tags they bear nobody knows, until the portal hears them leave."""
    await dock.passes(CASES, "in")
    await dock.moves("0001", 60, "dock>bin-1")
    await picked(dock, "order-001", 24)
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
    told = [" ".join(await why(dock, one["id"])) for one in last]
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
    await picked(dock, "order-001", 24)
    await dock.passes(CASES[3:7], "out")

    def again(conn: Connection) -> list[Posted | StockError]:
        (left,) = [one for one in queries.movements(conn) if one.movement.destination == "customer"]
        return ledger.post_each(conn, [rows.as_judged(left.movement)], record_us=1)

    (told,) = await dock.made.database.write(again)
    assert isinstance(told, Posted)
    assert told.repeated


async def booked(dock: Dock, units: int, place: str) -> None:
    """Stock that was there before there were tags."""
    body: dict[str, Any] = {"id": f"open-{place}", "sku": "OAT", "quantity": units}
    await dock.made.post("/stock/receive", **body, location=place, event_time=dock.now)


async def test_what_was_booked_without_tags_leaves_from_there_by_one_answer(dock: Dock) -> None:
    """The best answer took it from nowhere: as many stayed on the books."""
    await booked(dock, 60, "bin-1")
    await booked(dock, 6, "bin-2")  # too few
    await dock.passes(CASES, "out")
    found: Any = await dock.made.get("/reviews")
    for row in found["rows"]:
        assert row["reason"] == "not on stock"
        best = row["hypotheses"][0]
        assert "from bin-1, where as many lay of which no tag was known" in best["says"]
        path = f"/reviews/{row['id']}/resolve"
        await dock.made.post(path, id=f"answer-{row['id'][:8]}", hypothesis=0, by="bert")
    assert await dock.held() == {"bin-2": 6}
    assert await dock.lie() == {"customer": 10}
    assert await dock.is_sound()


async def test_what_was_picked_is_likeliest_to_leave(dock: Dock) -> None:
    await booked(dock, 60, "bin-1")
    await picked(dock, "order-001", 24)
    await dock.passes(CASES[:4], "out")
    found: Any = await dock.made.get("/reviews")
    says = [one["says"] for review in found["rows"] for one in review["hypotheses"]]
    assert "from pack" in says[0]
    assert any("from bin-1" in one for one in says)
    assert any("though stock never had them" in one for one in says)


async def test_what_comes_new_beside_stock_without_tags_is_received(dock: Dock) -> None:
    await booked(dock, 60, "bin-1")
    await dock.passes(CASES, "in")
    assert (await dock.held(), await dock.asked()) == ({"bin-1": 60, "dock": 60}, [])
    assert await dock.is_sound()


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
