"""A pass that was judged wrongly is put right by a person: the books follow, and it is a label."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from central.judging import replay
from central.passes.standing import standing
from central.reviews import learnt
from central.stock import chain, projection
from tests.central.harness import Bench, bench
from tests.central.passes import dock


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        await opened.database.write(dock.set_up)
        await dock.heard(opened.database, dock.road(datetime.now(UTC)))
        yield opened


async def the_pass(made: Bench, decision: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = (await made.get("/passes"))["rows"]  # type: ignore[assignment]
    return next(one for one in rows if one["decision"] == decision and one["tags"])


async def on_hand(made: Bench) -> dict[str, int]:
    return {
        sku: (await made.get(f"/stock/{sku}"))["by_location"].get("hall", 0)  # type: ignore[attr-defined]
        for sku in ("SKU-1", "SKU-2", "SKU-3")
    }


async def labels(made: Bench) -> list[dict[str, Any]]:
    return await made.database.read(lambda c: list(learnt.lines(c)))


async def sound(made: Bench) -> None:
    read = made.database.read
    assert await read(lambda c: [*chain.verify(c), *projection.check_balances(c)]) == []
    assert await read(replay.differences) == []


async def test_a_tag_did_not_cross_and_is_put_back(made: Bench) -> None:
    found, before = await the_pass(made, "moved"), await on_hand(made)
    tag = found["tags"][0]
    url = f"/passes/{found['id']}/corrections"
    shown = await made.post(f"{url}/preview", 200, tags={tag["epc"]: "none"})
    assert shown["refused"] == ""
    effects: Any = shown["effect"]
    (effect,) = effects
    assert (effect["location"], effect["change"]) == ("hall", -tag["quantity"])
    assert (effect["now"], effect["after"]) == (
        before[tag["sku"]], before[tag["sku"]] - tag["quantity"],
    )  # fmt: skip
    assert await on_hand(made) == before, "a preview posts nothing"
    done = await made.post(url, id="right-0001", tags={tag["epc"]: "none"})
    again = await made.post(url, 200, id="right-0001", tags={tag["epc"]: "none"})
    assert again == done | {"repeated": True}
    assert (await on_hand(made))[tag["sku"]] == before[tag["sku"]] - tag["quantity"]
    names: Any = done["movements"]
    (name,) = names
    posted = await made.get(f"/movements/{name}")
    original = await made.get(f"/movements/{posted['corrects']}")
    assert tag["epc"] in original["epcs"]  # type: ignore[operator]
    assert posted["epcs"] == [tag["epc"]]
    (label,) = await labels(made)
    assert (label["truth"], label["said"], label["pass"]) == ("none", "in", found["id"])
    assert label["features"]["crossed"] > 0.5
    assert len(label["features"]["features"]) > 20
    now = await made.database.read(lambda c: standing(c, found["id"]))
    assert (now.tag(tag["epc"]).judged, now.tag(tag["epc"]).now) == ("in", "none")
    refused = await made.post(url, 409, tags={tag["epc"]: "none"})
    assert "holds already" in str(refused["detail"])
    undone = await made.post(f"{url}/{done['id']}/undo")
    assert len(undone["movements"]) == 1  # type: ignore[arg-type]
    assert await on_hand(made) == before
    assert await labels(made) == []
    await made.post(f"{url}/{done['id']}/undo", 409)
    await sound(made)


async def test_the_whole_pass_went_the_other_way_and_back(made: Bench) -> None:
    found, before = await the_pass(made, "moved"), await on_hand(made)
    moved = {tag["epc"]: tag for tag in found["tags"] if tag["direction"] == "in"}
    units: dict[str, int] = {}
    for tag in moved.values():
        units[tag["sku"]] = units.get(tag["sku"], 0) + tag["quantity"]
    url = f"/passes/{found['id']}/corrections"
    done = await made.post(url, whole="out")
    after = await on_hand(made)
    assert after == {sku: before[sku] - units.get(sku, 0) for sku in before}
    now = await made.database.read(lambda c: standing(c, found["id"]))
    assert {one.now for one in now.tags if one.epc in moved} == {"out"}
    assert {one.place for one in now.tags if one.epc in moved} == {"customer"}
    await made.post(url, whole="in")
    assert await on_hand(made) == before
    await made.post(url, whole="none")
    assert await on_hand(made) == after
    kept = await labels(made)
    assert {one["subject"]: one["truth"] for one in kept} == dict.fromkeys(moved, "none")
    assert len(kept) == len(moved), "of each tag the last word counts"
    await made.post(f"{url}/{done['id']}/undo", 409)
    await sound(made)


async def test_what_moved_on_or_is_asked_about_is_not_corrected_here(made: Bench) -> None:
    found = await the_pass(made, "moved")
    tag = found["tags"][0]
    url = f"/passes/{found['id']}/corrections"
    await made.post("/stock/ship", sku=tag["sku"], quantity=tag["quantity"], location="hall",
                    epcs=[tag["epc"]])  # fmt: skip
    shown = await made.post(f"{url}/preview", 200, tags={tag["epc"]: "none"})
    assert "is at customer by now" in str(shown["refused"])
    await made.post(url, 409, tags={tag["epc"]: "none"})
    await made.post(url, 409, tags={"ABCD": "none"})
    await made.post(url, 422)
    await made.post("/passes/none-such/corrections", 404, tags={tag["epc"]: "none"})
    asked = await the_pass(made, "review")
    refused = await made.post(
        f"/passes/{asked['id']}/corrections", 409, tags={asked["tags"][0]["epc"]: "in"}
    )
    assert "asked about in review" in str(refused["detail"])


async def test_a_stray_that_crossed_is_received_after_its_review(made: Bench) -> None:
    """An answered question is corrected like any pass; the answer and its undoing as well."""
    asked = await the_pass(made, "review")
    rows: list[dict[str, Any]] = (await made.get("/reviews"))["rows"]  # type: ignore[assignment]
    (review,) = (one for one in rows if one["evidence"].get("pass") == asked["id"])
    place = next(
        n for n, one in enumerate(review["hypotheses"]) if one["says"] == "nothing crossed"
    )
    before = await on_hand(made)
    await made.post(f"/reviews/{review['id']}/resolve", hypothesis=place, by="anna")
    tag = asked["tags"][0]
    done = await made.post(f"/passes/{asked['id']}/corrections", tags={tag["epc"]: "in"})
    after = await on_hand(made)
    assert after[tag["sku"]] == before[tag["sku"]] + tag["quantity"]
    now = await made.database.read(lambda c: standing(c, asked["id"]))
    assert now.tag(tag["epc"]).now == "in"
    await made.post(f"/passes/{asked['id']}/corrections/{done['id']}/undo")
    assert await on_hand(made) == before
    await sound(made)
