"""Putting away: how places are ranked, which are looked at, and what is moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.access.behalf import reaching
from central.receiving.candidates import proposals
from central.receiving.putaway import Candidate, Goods, propose, steps_between
from central.stock.model import OutOfReach
from tests.central.harness import Bench, bench

MILK = Goods("MILK", "L2", 40, "dairy", "2026-03-10")
PLAIN = Candidate("plain", 40, walk=9)
OLDER, NEWER = ("L1", "2026-03-01"), ("L3", "2026-04-01")


def names(*candidates: Candidate, most: int = 9) -> list[str]:
    return [one.location for one in propose(MILK, candidates, most)]


@pytest.mark.parametrize(
    "better",
    [
        [PLAIN._replace(fixed=True, room=1), PLAIN._replace(lots=(("L2", ""),))],
        [PLAIN._replace(lots=(("L2", ""),), room=1), PLAIN._replace(lots=(NEWER,))],
        [PLAIN._replace(lots=(OLDER,), room=1), PLAIN._replace(meant=True)],
        [PLAIN._replace(meant=True), PLAIN._replace(type="bin")],
        [PLAIN._replace(type="shelf", room=1), PLAIN._replace(type="area")],
        [PLAIN._replace(others=True), PLAIN._replace(room=39)],
        [PLAIN._replace(lots=(NEWER,), steps=9), PLAIN._replace(lots=(OLDER,))],
        [PLAIN._replace(steps=9), PLAIN._replace(others=True)],
        [PLAIN._replace(steps=1), PLAIN._replace(steps=2, walk=1)],
        [PLAIN._replace(walk=1), PLAIN],
    ],
)
def test_rules_rank_one_after_the_other(better: list[Candidate]) -> None:
    first, second = better[0]._replace(place="first"), better[1]._replace(place="second")
    assert names(second, first) == names(first, second) == ["first", "second"]


def test_every_reason_is_said() -> None:
    full = Candidate("bin", 12, "bin", fixed=True, meant=True, lots=(("L2", ""), OLDER), steps=3)
    (one,) = propose(MILK, [full, PLAIN._replace(room=0)])
    assert (one.location, one.quantity) == ("bin", 12)
    assert one.reasons == (
        "its rules name MILK", "lot L2 lies there already", "it is meant for dairy",
        "it is a bin", "it has room for 12 of 40", "what lies there expires before it",
        "no other items lie there", "it is 3 steps away",
    )  # fmt: skip
    (two,) = propose(MILK, [PLAIN._replace(lots=(NEWER,), others=True)])
    assert two.reasons == (
        "MILK lies there already", "it has room for all 40", "nothing there expires before it",
        "other items lie there", "it is 0 steps away",
    )  # fmt: skip


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(1, 20))
def test_no_place_is_given_more_than_it_takes(rooms: list[int], most: int) -> None:
    found = propose(MILK, [Candidate(str(n), room) for n, room in enumerate(rooms)], most)
    assert len(found) == min(most, sum(room > 0 for room in rooms))
    assert all(one.quantity == min(40, rooms[int(one.location)]) for one in found)


def test_steps_go_by_the_place_that_encloses_both() -> None:
    assert steps_between(["dock", "W"], ["bin", "rack", "W"]) == 3
    assert steps_between(["hall"], ["shelf"]) == 2
    assert steps_between(["W"], ["bin", "W"]) == 1


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    """Two racks of bins, a cold room of one shelf, a dock; another warehouse; a room in neither."""
    async with bench(tmp_path, books_url) as opened:
        for code in ("W", "X"):
            await opened.post("/warehouses", code=code, name=code)
        await place(opened, "dock", "W", type="dock")
        await place(opened, "gate", "W", type="dock")
        await place(opened, "cold", "W", type="zone", rules={"categories": ["dairy"]})
        await place(opened, "cold-1", "cold", type="shelf", rules={"max_units": 30})
        for rack in ("A", "B"):
            await place(opened, rack, "W", type="rack")
            for bin_ in (2, 10):
                rules = {"max_units": 50, "mixes_lots": False}
                await place(opened, f"{rack}-{bin_}", rack, type="bin", rules=rules)
        await place(opened, "X-1", "X", type="bin", rules={"items": ["NUT", "100%"]})
        await opened.post("/items", sku="NUT", name="Nuts")
        await opened.post("/items", sku="MILK", name="Milk", category="dairy")
        yield opened


async def place(made: Bench, code: str, parent: str | None = None, **more: Any) -> None:
    await made.post("/locations", code=code, name=code, parent=parent, **more)


async def receive(made: Bench, sku: str, quantity: int, where: str, **more: Any) -> None:
    await made.post("/stock/receive", sku=sku, quantity=quantity, location=where, **more)


async def asked(
    made: Bench, sku: str, quantity: int = 40, *, here: str = "dock", **more: str
) -> Any:
    query: dict[str, Any] = {"sku": sku, "quantity": quantity, "from": here, **more}
    answer = await made.http.get("/api/putaway/proposals", params=query)
    assert answer.status_code == 200, answer.text
    return [(one["location"], one["quantity"]) for one in answer.json()["proposals"]]


async def test_empty_bins_along_the_walk_but_no_dock_no_other_warehouse(made: Bench) -> None:
    assert await asked(made, "NUT") == [("A-2", 40), ("A-10", 40), ("B-2", 40), ("B-10", 40)]
    assert await asked(made, "NUT", limit="1") == [("A-2", 40)]
    # From a bin, its own rack is nearest.
    assert await asked(made, "NUT", here="B-2", limit="2") == [("B-10", 40), ("A-2", 40)]
    await made.http.patch("/locations/A-2", json={"status": "retired"})
    assert (await asked(made, "NUT"))[0] == ("A-10", 40)


async def test_room_left_lots_and_what_expires_decide(made: Bench) -> None:
    await receive(made, "NUT", 45, "B-10", lot="L1", expires_on="2026-05-01")
    await receive(made, "NUT", 10, "B-2", lot="L2", expires_on="2026-04-01")
    # Of its own lot five fit, the bin of the other one mixes no lots; then empty ones.
    assert await asked(made, "NUT", lot="L1") == [("B-10", 5), ("A-2", 40), ("A-10", 40)]
    await made.http.patch("/locations/B-2", json={"rules": {}})
    await made.http.patch("/locations/B-10", json={"rules": {}})
    await receive(made, "NUT", 40, "dock", lot="L3", expires_on="2026-04-10")
    # Nothing at B-10 must leave before lot L3; at B-2 something must.
    assert (await asked(made, "NUT", lot="L3"))[:2] == [("B-10", 40), ("B-2", 40)]


async def test_a_zone_for_its_kind_and_a_place_for_its_item_come_first(made: Bench) -> None:
    assert await asked(made, "MILK") == [
        ("cold-1", 30), ("A-2", 40), ("A-10", 40), ("B-2", 40), ("B-10", 40),
    ]  # fmt: skip
    await made.http.patch("/locations/B", json={"rules": {"items": ["MILK"]}})
    assert (await asked(made, "MILK"))[:3] == [("B-2", 40), ("B-10", 40), ("cold-1", 30)]
    # And nothing but milk goes there, nor anything but dairy into the cold.
    assert await asked(made, "NUT") == [("A-2", 40), ("A-10", 40)]


async def test_places_that_lie_in_no_warehouse_are_together(made: Bench) -> None:
    for code in ("backroom", "shelf-7"):
        await place(made, code)
    assert await asked(made, "NUT", here="backroom") == [("shelf-7", 40)]
    await receive(made, "NUT", 1, "shelf-7")
    await receive(made, "NUT", 1, "A-2")
    assert await asked(made, "NUT", here="backroom") == [("shelf-7", 40)]


async def test_putting_away_is_one_movement_however_often_it_is_said(made: Bench) -> None:
    await receive(made, "NUT", 60, "dock")
    said: dict[str, Any] = {
        "id": "putaway-1",
        "sku": "NUT",
        "quantity": 40,
        "from": "dock",
        "to": "A-2",
    }
    first = await made.post("/api/putaway", **said)
    assert (first["biz_step"], first["destination"], first["repeated"]) == ("storing", "A-2", False)
    again = await made.post("/api/putaway", 200, **said)
    assert (again["seq"], again["repeated"]) == (first["seq"], True)
    await made.post("/api/putaway", 409, **said | {"quantity": 1})
    full = await made.post("/api/putaway", 409, **said | {"id": "putaway-2", "quantity": 11})
    assert "A-2 takes 50 units and holds 40" in str(full["detail"])
    stock: Any = await made.get("/stock/NUT")
    assert stock["by_location"] == {"dock": 20, "A-2": 40}


async def test_what_is_not_there_is_neither_proposed_nor_put_away(made: Bench) -> None:
    path = "/api/putaway/proposals?quantity=1"
    await made.get(f"{path}&sku=NONE&from=dock", 404)
    await made.get(f"{path}&sku=NUT&from=moon", 404)
    await made.get(f"{path}&sku=NUT&from=supplier", 422)
    await made.get("/api/putaway/proposals?sku=NUT&from=dock&quantity=0", 422)
    said: dict[str, Any] = {"sku": "NUT", "quantity": 1, "from": "dock", "to": "A-2"}
    assert (await made.post("/api/putaway", 409, **said))["type"]
    await made.post("/api/putaway", 404, **said | {"to": "moon"})
    await made.post("/api/putaway", 422, **said | {"to": "customer"})


async def test_only_places_that_were_granted_are_proposed(made: Bench) -> None:
    read = made.services.read
    with reaching(frozenset({"dock", "B"})):
        found = await read(lambda c: proposals(c, "NUT", "", 1, "dock", most=5))
        assert [one.location for one in found] == ["B-2", "B-10"]
        with pytest.raises(OutOfReach):
            await read(lambda c: proposals(c, "NUT", "", 1, "A-2", most=5))
