"""An answer is taken back: stock is as it was, and the question waits again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from central.reviews import learnt
from central.stock import chain, projection
from tests.central.harness import Bench, bench
from tests.central.reviews.asking import EPCS, ask, pallet


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        await opened.database.write(ask)
        yield opened


async def hall(made: Bench) -> object:
    return (await made.get("/stock/NUT"))["by_location"]


async def test_an_answer_is_taken_back_and_asked_again(made: Bench) -> None:
    before, url = await hall(made), f"/reviews/{pallet().id}"
    await made.post(f"{url}/undo", 409)
    await made.post(f"{url}/resolve", hypothesis=0, by="anna")
    assert await hall(made) != before
    done = await made.post(f"{url}/undo")
    assert await hall(made) == before
    assert len(done["movements"]) == 1  # type: ignore[arg-type]
    again = await made.get(f"/reviews/{done['review']}")
    assert (again["status"], again["reason"]) == ("open", pallet().reason)
    assert (await made.get(url))["status"] == "resolved"
    assert await made.database.read(lambda c: list(learnt.lines(c))) == []
    refused = await made.post(f"{url}/undo", 409)
    assert "taken back already" in str(refused["detail"])
    await made.post(f"/reviews/{done['review']}/resolve", hypothesis=1, by="anna")
    assert len(await made.database.read(lambda c: list(learnt.lines(c)))) == len(EPCS) + 1
    read = made.database.read
    assert await read(lambda c: [*chain.verify(c), *projection.check_balances(c)]) == []


async def test_what_moved_on_since_is_not_taken_back(made: Bench) -> None:
    url = f"/reviews/{pallet().id}"
    await made.post(f"{url}/resolve", hypothesis=0, by="anna")
    await made.post("/stock/ship", sku="NUT", quantity=1, location="hall", epcs=[EPCS[0]])
    refused = await made.post(f"{url}/undo", 409)
    assert "any more" in str(refused["detail"])
