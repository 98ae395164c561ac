"""The review queue: what it renders on both engines, and who may do what there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from central.access.model import Role
from central.web.changes import REVIEWS
from central.web.reviewing.lookers import FOR_S, Lookers
from tests.central.access.test_gate import Somebody
from tests.central.harness import Bench, bench
from tests.central.passes import dock


@pytest.fixture
def door() -> Somebody:
    return Somebody()


@pytest.fixture
async def made(tmp_path: Path, books_url: str, door: Somebody) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url, door) as opened:
        await opened.database.write(dock.set_up)
        yield opened


async def asked(made: Bench) -> str:
    await dock.heard(made.database, dock.road(datetime.now(UTC)))
    rows: Any = (await made.get("/reviews"))["rows"]
    return str(rows[0]["id"])


async def page(made: Bench, path: str, status: int = 200) -> str:
    answer = await made.http.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


async def test_an_empty_queue_says_so_and_a_question_is_shown_with_its_evidence(
    made: Bench,
) -> None:
    assert "Nothing waits for you" in await page(made, "/screen/reviews")
    review = await asked(made)
    shown = await page(made, "/screen/reviews")
    assert f'data-review="{review}"' in shown
    assert "Goods went out that stock does not have" in shown
    assert shown.count('name="hypothesis"') == 3
    assert "on hand" in shown
    assert shown.count("<polyline") == 2, "what was heard outside and inside"
    assert "The whole pass" in shown
    for filtered, there in (
        ("kind=portal", True), ("kind=shelf", False), ("place=dock-1", True),
        ("place=elsewhere", False), ("age=hour", False),
    ):  # fmt: skip
        listed = await page(made, f"/screen/reviews/list?{filtered}")
        assert (f'id="row-{review}"' in listed) == there, filtered
    assert "is not here" in await page(made, "/screen/reviews?open=unknown")
    await page(made, "/screen/reviews/unknown", 404)


async def test_an_answer_is_listed_today_and_can_be_taken_back_there(made: Bench) -> None:
    review = await asked(made)
    await made.post(f"/reviews/{review}/resolve", hypothesis=0, by="anna")
    assert f'data-done="{review}"' in await page(made, "/screen/reviews/list")
    shown = await page(made, f"/screen/reviews/{review}")
    assert "chosen by anna" in shown
    assert f'data-undo="{review}"' in shown
    assert "why it moved" in shown
    again = await made.post(f"/reviews/{review}/undo")
    assert f"open={again['review']}" in await page(made, f"/screen/reviews/{review}")
    assert f'id="row-{again["review"]}"' in await page(made, "/screen/reviews/list")


async def test_who_may_only_look_has_nothing_to_press(made: Bench, door: Somebody) -> None:
    review = await asked(made)
    for role, may in ((Role.OPERATOR, True), (Role.MANAGER, True), (Role.AUDITOR, False)):
        door.is_(role)
        shown = await page(made, f"/screen/reviews/{review}")
        assert ('id="confirm"' in shown) == may, role
        assert ('id="other-form"' in shown) == may, role
        assert (shown.count("disabled>") == 3) != may, role
    door.is_(Role.TECHNICIAN)
    await page(made, "/screen/reviews", 403)


async def test_a_page_says_who_else_looks_at_a_review(made: Bench, door: Somebody) -> None:
    review = await asked(made)
    door.is_(Role.OPERATOR)
    level = made.tide.level
    looking = f"/screen/reviews/{review}/looking"
    for _ in range(2):
        answer = await made.http.post(f"{looking}?tab=t1")
        assert answer.status_code == 204
    assert made.tide.level == level + 1, "others are told once"
    assert "anna is looking at this too" in await page(made, f"/screen/reviews/{review}?tab=t2")
    assert "looking at this" not in await page(made, f"/screen/reviews/{review}?tab=t1")
    assert "anna looks at it" in await page(made, "/screen/reviews/list")
    await made.http.post("/screen/reviews/none/looking?tab=t1")
    assert "looks at it" not in await page(made, "/screen/reviews/list")


def test_who_is_silent_looks_no_more() -> None:
    lookers = Lookers()
    assert lookers.look("t1", "anna", "r1", 100.0)
    assert not lookers.look("t1", "anna", "r1", 110.0)
    assert lookers.others("r1", "t2", 110.0 + FOR_S - 1) == ["anna"]
    assert lookers.others("r1", "t1", 110.0) == []
    before = lookers.changes
    assert lookers.others("r1", "t2", 110.0 + FOR_S + 1) == []
    assert lookers.changes == before + 1


async def test_the_stream_tells_of_a_new_question_and_of_an_answer(made: Bench) -> None:
    changes = made.pages.changes
    following = asyncio.create_task(made.pages.run())
    stream = changes.stream(REVIEWS, None, changes.version)

    async def moved() -> bytes:
        async with asyncio.timeout(60):
            async for chunk in stream:
                if b"event: moved" in chunk:
                    return chunk
        raise AssertionError("the stream ended")

    first = await moved()
    review = await asked(made)
    made.tide.rise()
    second = await moved()
    await made.http.post(f"/screen/reviews/{review}/looking?tab=t1")
    third = await moved()
    await made.post(f"/reviews/{review}/resolve", hypothesis=0, by="anna")
    assert len({first, second, third, await moved()}) == 4
    made.pages.stop()
    assert [chunk async for chunk in stream] == []
    assert changes.clients == made.pages.clients == 0
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
