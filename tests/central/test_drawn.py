"""Goods that a shelf's scale sees come, and that lie in a bin of the place it is filled from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging.replay import differences
from central.stock import chain, projection
from central.why import sentences, story
from gateway.contract import CodeScanned, Observation
from tests.central.harness import Bench, bench
from tests.central.test_ingest_and_judge import judge_all, wire
from tests.central.test_one_event import level
from tests.fakes.portal_log import moment


class Shop:
    """A shelf that is filled from a back room with two bins."""

    def __init__(self, made: Bench) -> None:
        self.made = made
        self._next = 1

    async def holds(self, units: int, place: str) -> None:
        body: dict[str, Any] = {"id": f"open-{place}", "sku": "OAT", "quantity": units}
        await self.made.post("/stock/receive", **body, location=place)

    async def sees(self, *seen: Observation) -> None:
        """The road takes it, up to the ledger."""
        await Ingest(self.made.database, Tide()).receive([wire(self._next, list(seen))])
        self._next += len(seen)
        await judge_all(self.made.database)

    async def filled(self, pieces: int) -> None:
        """The empty shelf is filled."""
        await self.sees(level(0.0, 0), level(60.0, pieces))

    async def held(self) -> dict[str, int]:
        found: Any = await self.made.get("/stock/OAT")
        return dict(found["by_location"])

    async def questions(self) -> list[dict[str, Any]]:
        found: Any = await self.made.get("/reviews")
        return list(found["rows"])

    async def is_sound(self) -> bool:
        checks = (differences, chain.verify, projection.check_balances)
        return not any([await self.made.database.read(one) for one in checks])


@pytest.fixture
async def shop(tmp_path: Path, books_url: str) -> AsyncIterator[Shop]:
    async with bench(tmp_path, books_url) as made:
        await made.post("/warehouses", code="wh", name="Shop")
        for code, parent in (("back", "wh"), ("bin-1", "back"), ("bin-2", "back"), ("floor", "wh")):
            await made.post("/locations", code=code, name=code, parent=parent)
        await made.post("/items", sku="OAT", name="Oats", gtins=[{"gtin": "09521234000013"}])
        shelf: dict[str, Any] = {"location": "floor", "inbound_from": "back"}
        await made.put("/read-points/shelf-1", kind="shelf", **shelf)
        await made.put("/read-points/till", kind="scan", **shelf)
        await made.put("/read-points/shelf-1/plates/1", sku="OAT", unit_mg=20_000)
        yield Shop(made)


async def test_it_is_taken_from_the_bin_that_holds_it(shop: Shop) -> None:
    """It was refused, and the best answer made as many anew: the bin kept them on the books."""
    await shop.holds(12, "bin-1")
    await shop.holds(3, "bin-2")
    await shop.filled(5)
    assert (await shop.held(), await shop.questions()) == ({"bin-1": 7, "bin-2": 3, "floor": 5}, [])
    assert await shop.is_sound()
    (last,) = (await shop.made.get("/movements?location=floor"))["rows"]
    told = sentences.told(await shop.made.database.read(lambda c: story.why(c, last["id"])))
    assert "back did not hold 5 of OAT, and bin-1 within it did" in " ".join(told)


async def test_what_the_place_holds_itself_is_taken_from_there(shop: Shop) -> None:
    await shop.holds(12, "bin-1")
    await shop.holds(5, "back")
    await shop.filled(5)
    assert await shop.held() == {"bin-1": 12, "floor": 5}
    assert await shop.is_sound()


async def test_of_two_bins_a_person_says_which(shop: Shop) -> None:
    await shop.holds(12, "bin-1")
    await shop.holds(12, "bin-2")
    await shop.filled(5)
    (row,) = await shop.questions()
    best, second, *others = [one["says"] for one in row["hypotheses"]]
    assert {best, second} == {f"5 of OAT from bin-{n} to floor" for n in (1, 2)}
    assert any("lay there uncounted" in one for one in others)
    answer = {"id": "answer-0001", "hypothesis": 0, "by": "bert"}
    await shop.made.post(f"/reviews/{row['id']}/resolve", **answer)
    held = await shop.held()
    assert (held.pop("floor"), sorted(held.values())) == (5, [7, 12])
    assert await shop.is_sound()


async def test_what_no_bin_holds_is_a_question_as_ever(shop: Shop) -> None:
    await shop.holds(3, "bin-1")
    await shop.filled(5)
    (row,) = await shop.questions()
    assert "lay there uncounted" in row["hypotheses"][0]["says"]


async def test_the_till_bears_witness_to_what_the_shelf_took_from_a_bin(shop: Shop) -> None:
    """It tells of the same place that the shelf is filled from."""
    await shop.holds(12, "bin-1")
    await shop.filled(1)
    scanned = CodeScanned(
        device="scanner-1", read_point="till", event_time=moment(70.0), data="0109521234000013",
        symbology="]C1",
    )  # fmt: skip
    await shop.sees(scanned)
    assert (await shop.held(), await shop.questions()) == ({"bin-1": 11, "floor": 1}, [])
    (last,) = (await shop.made.get("/movements?location=floor"))["rows"]
    told: Any = await shop.made.get(f"/movements/{last['id']}")
    assert [one["origin"] for one in told["witnesses"]] == ["scan"]
    assert await shop.is_sound()


async def test_what_is_taken_from_the_shelf_is_the_shelfs(shop: Shop) -> None:
    """A bin that hangs below it on the tree gives nothing for it: the scale saw it there."""
    await shop.made.post("/locations", code="end-cap", name="End cap", parent="floor")
    await shop.holds(12, "end-cap")
    await shop.sees(level(0.0, 5), level(60.0, 0))
    assert await shop.held() == {"end-cap": 12}
    assert len(await shop.questions()) == 1
