"""Reviews over REST, as a screen or an integration answers them."""
# ruff: noqa: E501 (a table of requests)

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.central.access.people import log_in, staffed, visitor
from tests.central.harness import Bench, bench
from tests.central.reviews.asking import ask, pallet

RESOLVE = "/reviews/review-pallet-1/resolve"


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


async def test_a_review_is_shown_with_its_effects_and_resolved(made: Bench) -> None:
    await made.services.write(ask)
    shown = await made.get("/reviews/review-pallet-1")
    best = shown["hypotheses"][0]  # type: ignore[index]
    assert (best["says"], best["probability"], best["refused"]) == ("all 3 tags came in", 0.6, "")
    (effect,) = best["effect"]
    assert (effect["location"], effect["now"], effect["after"]) == ("hall", 10, 13)
    done = await made.post(RESOLVE, id="anna-0001", by="anna", hypothesis=0)
    assert (done["says"], done["repeated"]) == ("all 3 tags came in", False)
    again = await made.post(RESOLVE, 200, id="anna-0001", by="anna", hypothesis=0)
    assert (again["movements"], again["repeated"]) == (done["movements"], True)
    (movement,) = done["movements"]  # type: ignore[misc]
    assert (await made.get(f"/movements/{movement}"))["origin"] == "review"
    assert (await made.get("/stock/NUT"))["by_location"] == {"hall": 13}
    shown = await made.get("/reviews/review-pallet-1")
    assert (shown["status"], shown["resolution"]["by"]) == ("resolved", "anna")  # type: ignore[index]
    story = await made.get(f"/why/{movement}")
    assert [stage["name"] for stage in story["stages"]] == ["asked", "resolved", "posted"]  # type: ignore[union-attr]
    assert (story["review"], story["log_id"]) == ("review-pallet-1", 7)
    assert "nowhere" in str((await made.get("/why/nowhere", 404))["detail"])


async def test_of_two_people_at_once_one_decides_and_the_other_is_told(made: Bench) -> None:
    await made.services.write(ask)
    answers = await asyncio.gather(
        *(
            made.http.post(RESOLVE, json={"id": f"{who}-00001", "by": who, "hypothesis": k})
            for k, who in enumerate(("anna", "bert"))
        )
    )
    first, second = sorted(answers, key=lambda one: one.status_code)
    assert (first.status_code, second.status_code) == (201, 409)
    problem = second.json()
    assert problem["type"] == "urn:tallyport:problem:already-decided"
    assert f"{first.json()['by']} decided" in problem["detail"]
    assert first.json()["says"] in problem["detail"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"by": "anna"}, 422, "say one of"),
        ({"by": "anna", "hypothesis": 0, "dismiss": True}, 422, "say one of"),
        ({"by": " ", "dismiss": True}, 422, "by"),
        ({"by": "anna", "hypothesis": 9}, 422, "0 to 3"),
        ({"by": "anna", "movements": [{"sku": "NO", "quantity": 1, "from": "supplier", "to": "hall"}]}, 404, "item NO"),
        ({"by": "anna", "movements": [{"sku": "NUT", "quantity": 99, "from": "hall", "to": "shelf"}]}, 409, "holds 10"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_a_problem_and_posts_nothing(
    made: Bench, body: dict[str, object], status: int, said: str
) -> None:
    await made.services.write(ask)
    answer = await made.http.post(RESOLVE, json=body)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]
    assert len((await made.get("/movements"))["rows"]) == 1  # type: ignore[arg-type]
    assert (await made.get("/reviews/nowhere", 404))["detail"] == "there is no review nowhere"


async def test_reviews_are_filtered_and_paged(made: Bench) -> None:
    every = [pallet(id=f"review-{n}", read_point=f"dock-{n % 2}") for n in range(5)]
    await made.services.write(lambda c: ask(c, *every))
    await made.post("/reviews/review-3/resolve", id="anna-0003", by="anna", dismiss=True)
    assert [row["id"] for row in await rows(made, "read_point=dock-1")] == ["review-1"]
    assert [row["id"] for row in await rows(made, "status=dismissed")] == ["review-3"]
    assert len(await rows(made, "status=all&limit=2")) == 5
    assert await rows(made, "escalated=true") == []
    assert (await rows(made, "reason=low%20confidence"))[0]["proposals"][0]["sku"] == "NUT"


async def rows(made: Bench, query: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    after = ""
    while True:
        page = await made.get(f"/reviews?{query}{after}")
        found += page["rows"]  # type: ignore[operator]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


async def test_who_is_logged_in_is_who_decided_whatever_they_say(tmp_path: Path) -> None:
    async with staffed(tmp_path) as (made, _), visitor(made) as browser:
        await made.services.write(ask)
        await log_in(browser, "root")
        said = {"id": "root-0001", "by": "somebody else", "hypothesis": 0}
        assert (await browser.post(RESOLVE, json=said)).json()["by"] == "root"
