"""Goods that were booked without tags, and are first heard when they leave through a portal."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from central.judging.challenge import challenge
from tests.central.tags.dock import CASES, PIECES, Dock


async def questions(dock: Dock) -> list[dict[str, Any]]:
    found: Any = await dock.made.get("/reviews")
    return list(found["rows"])


async def answered(dock: Dock, hypothesis: int = 0) -> None:
    """A person takes this hypothesis of every question."""
    for row in await questions(dock):
        answer = {"id": f"answer-{row['id'][:8]}", "hypothesis": hypothesis, "by": "bert"}
        await dock.made.post(f"/reviews/{row['id']}/resolve", **answer)


async def ships(dock: Dock, units: int) -> None:
    """Somebody ships by hand, naming no tags, from where goods are packed."""
    body: dict[str, Any] = {"id": "ship-0001", "sku": "OAT", "quantity": units, "location": "pack"}
    await dock.made.post("/stock/ship", **body, event_time=dock.now)
    await dock.watched()


async def test_it_leaves_from_the_place_that_can_have_held_it(dock: Dock) -> None:
    """Every pallet was a question: where goods lie whose tags nobody read, and did they leave?"""
    await dock.books(60, "bin-1")
    await dock.books(6, "bin-2")  # too few
    await dock.passes(CASES, "out")
    assert (await dock.held(), await dock.asked()) == ({"bin-2": 6}, [])
    assert await dock.lie() == {"customer": 10}
    assert await dock.is_sound()
    assert not await dock.made.database.read(lambda c: challenge(c, nullcontext).differs)
    last: Any = (await dock.made.get("/movements?location=customer"))["rows"]
    told = " ".join([sentence for one in last for sentence in await dock.why(one["id"])])
    assert "bin-1 held as many units of which no tag was known" in told


async def test_what_was_picked_leaves_first(dock: Dock) -> None:
    await dock.books(60, "bin-1")
    await dock.picks("order-001", 24)
    await dock.passes(CASES[:4], "out")
    assert (await dock.held(), await dock.asked()) == ({"bin-1": 36}, [])
    order: Any = await dock.made.get("/api/orders/outbound/order-001")
    assert order["state"] == "shipped"
    assert await dock.is_sound()


async def test_of_two_places_a_person_says_which(dock: Dock) -> None:
    await dock.books(60, "bin-1")
    await dock.books(66, "bin-2")
    await dock.passes(CASES, "out")
    says = [one["says"] for row in await questions(dock) for one in row["hypotheses"]]
    assert {row["reason"] for row in await questions(dock)} == {"not on stock"}
    for place in ("bin-1", "bin-2"):
        assert any(f"from {place}, where as many lay of which no tag was known" in s for s in says)
    assert any("though stock never had them" in one for one in says)
    await answered(dock)
    assert await dock.held() == {"bin-2": 66}
    assert await dock.lie() == {"customer": 10}
    assert await dock.is_sound()


async def test_no_more_leaves_than_was_booked(dock: Dock) -> None:
    """The rest of the pallet, whose tags are judged a moment later, is asked about."""
    await dock.books(54, "bin-1")
    await dock.passes(CASES, "out")
    assert (await dock.held())["bin-1"] < 54
    assert await dock.asked() == ["not on stock"]
    assert await dock.is_sound()


async def test_units_whose_tags_are_known_are_not_taken_for_others(dock: Dock) -> None:
    await dock.passes(CASES[:5], "in")
    await dock.books(12, "dock")
    await dock.passes(CASES[5:], "out")
    assert await dock.held() == {"dock": 42}
    assert set(await dock.asked()) == {"not on stock"}
    await dock.passes(CASES[:5], "out")
    assert await dock.held() == {"dock": 12}
    assert await dock.is_sound()


async def test_what_cannot_be_sold_does_not_leave_by_itself(dock: Dock) -> None:
    await dock.books(60, "bin-1")
    body: dict[str, Any] = {"id": "hold-0001", "sku": "OAT", "quantity": 54, "location": "bin-1"}
    await dock.made.post("/stock/status", **body, from_status="available", to_status="damaged")
    await dock.passes(CASES, "out")
    assert await dock.held() == {"bin-1": 60}
    assert set(await dock.asked()) == {"not on stock"}


@pytest.mark.parametrize("units", [60, 48])
async def test_what_hands_have_shipped_meanwhile_is_asked_about(dock: Dock, units: int) -> None:
    """However many, and from wherever: it may be the same goods."""
    await dock.books(120, "bin-1")
    await dock.moves("0001", units, "bin-1>pack")
    await ships(dock, units)
    await dock.passes(CASES, "out")
    said = f"{units} of OAT were booked by hand, and the portal tells of "
    assert all(reason.startswith(said) for reason in await dock.asked())
    for row in await questions(dock):
        assert row["hypotheses"][0]["says"] == "they are those that were booked"
    await answered(dock)
    assert await dock.held() == {"bin-1": 120 - units}
    assert await dock.is_sound()


async def test_a_few_that_hands_have_sold_explain_no_pallet(dock: Dock) -> None:
    await dock.books(120, "bin-1")
    await dock.moves("0001", 3, "bin-1>pack")
    await ships(dock, 3)
    await dock.passes(CASES, "out")
    assert (await dock.held(), await dock.asked()) == ({"bin-1": 57}, [])


async def test_pieces_that_are_known_by_name_leave_by_an_answer_only(dock: Dock) -> None:
    """The number of units does not tell which of them these are."""
    body: dict[str, Any] = {"id": "open-0001", "sku": "DRILL", "quantity": 3, "location": "bin-1"}
    await dock.made.post("/stock/receive", **body, serials=["1", "2", "3"], event_time=dock.now)
    await dock.passes(PIECES, "out")
    (row,) = await questions(dock)
    assert "3 of DRILL from bin-1" in row["hypotheses"][0]["says"]
    assert await dock.is_sound()


async def test_what_comes_new_beside_it_is_received(dock: Dock) -> None:
    await dock.books(60, "bin-1")
    await dock.passes(CASES, "in")
    assert (await dock.held(), await dock.asked()) == ({"bin-1": 60, "dock": 60}, [])
    assert await dock.is_sound()


async def shop_with_a_store(dock: Dock) -> None:
    """The portal is the door from a shop's store, which has two bins, to its floor."""
    for code, parent in (
        ("floor", "wh"),
        ("store", "wh"),
        ("rack-1", "store"),
        ("rack-2", "store"),
    ):
        await dock.made.post("/locations", code=code, name=code, parent=parent)
    door: dict[str, Any] = {"location": "floor", "inbound_from": "store", "outbound_to": "store"}
    await dock.made.put("/read-points/dock-1", kind="portal", **door)


@pytest.mark.parametrize("place", ["store", "rack-1"])
async def test_it_comes_in_from_the_place_on_the_other_side_that_can_have_held_it(
    dock: Dock, place: str
) -> None:
    """From a rack it was refused, and the best answer made as many anew."""
    await shop_with_a_store(dock)
    await dock.books(66, place)
    await dock.passes(CASES, "in")
    assert (await dock.held(), await dock.asked()) == ({place: 6, "floor": 60}, [])
    await dock.passes(CASES, "out")
    assert await dock.held() == ({"store": 66} if place == "store" else {place: 6, "store": 60})
    assert await dock.is_sound()


async def test_of_two_racks_a_person_says_which(dock: Dock) -> None:
    await shop_with_a_store(dock)
    await dock.books(66, "rack-1")
    await dock.books(60, "rack-2")
    await dock.passes(CASES, "in")
    for row in await questions(dock):
        says = [one["says"] for one in row["hypotheses"]]
        assert any("of OAT from rack-1 to floor" in one for one in says[:2])
        assert any("of OAT from rack-2 to floor" in one for one in says[:2])
    await answered(dock)
    held = await dock.held()
    assert (held["floor"], sum(held.values())) == (60, 126)
    assert await dock.is_sound()
