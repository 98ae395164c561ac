"""What is heard later answers what was asked before."""

from __future__ import annotations

from typing import Any

import pytest

from central.judging.hindsight import what_is_left
from central.reconcile.verdict import Hypothesis
from central.stock.model import Movement
from tests.central.tags.dock import CASES, Dock
from tests.fakes.portal_log import moment


def guess(probability: float, epcs: str = "", way: str = "in", corrects: str = "") -> Hypothesis:
    """That the tags named by these letters went this way."""
    movement = Movement(
        id="moved", sku="OAT", quantity=1, source="a", destination="b", biz_step="storing",
        event_time=moment(0.0), epcs=tuple(epcs), evidence={"direction": way},
        corrects=corrects or None,
    )  # fmt: skip
    movements = (movement,) if epcs else ()
    return Hypothesis(says="", probability=probability, movements=movements)


ALL, SOME, NOTHING, OUT = guess(0.9, "ab"), guess(0.06, "a"), guess(0.03), guess(0.01, "ab", "out")


@pytest.mark.parametrize(
    ("hypotheses", "left", "place"),
    [
        ([ALL, NOTHING, OUT], "ab", 0),
        ([NOTHING, OUT, ALL], "a", 2),  # they came together
        ([ALL, SOME, NOTHING], "ab", 0),
        ([ALL, SOME, NOTHING], "a", None),  # with or without the other
        ([NOTHING, OUT], "ab", None),
        ([guess(0.9, "ab", corrects="an earlier one"), NOTHING], "ab", None),
        ([], "ab", None),
    ],
)
def test_what_is_left_of_a_question_when_its_tags_had_come_in(
    hypotheses: list[Hypothesis], left: str, place: int | None
) -> None:
    assert what_is_left(hypotheses, set(left)) == place


async def answers(dock: Dock) -> dict[str, set[str]]:
    """How questions ended, by their reason."""
    told: dict[str, set[str]] = {}
    for status in ("open", "resolved", "answered", "dismissed"):
        found: Any = await dock.made.get(f"/reviews?status={status}")
        for row in found["rows"]:
            told.setdefault(row["reason"], set()).add(status)
    return told


async def test_what_leaves_had_come_in_as_was_asked(dock: Dock) -> None:
    """It was two questions; and whoever answered the first found the second waiting."""
    await dock.passes(CASES, "in", side="inside")
    assert set(await dock.asked()) == {"low confidence"}
    assert await dock.held() == {}
    await dock.passes(CASES, "out")
    assert (await dock.held(), await dock.asked()) == ({}, [])
    assert await dock.lie() == {"customer": 10}
    assert await answers(dock) == {"low confidence": {"resolved"}, "not on stock": {"answered"}}
    assert await dock.is_sound()
    told: Any = await dock.made.get("/kpis")
    assert told["overall"]["asked"] == 1  # of one, nobody was


async def test_of_goods_that_nobody_was_asked_about_a_person_is(dock: Dock) -> None:
    await dock.passes(CASES[:5], "in", side="inside")
    await dock.passes(CASES, "out")
    assert "not on stock" in await dock.asked()
    assert await dock.is_sound()


async def test_what_a_person_has_answered_stands(dock: Dock) -> None:
    await dock.passes(CASES, "in", side="inside")
    found: Any = await dock.made.get("/reviews")
    for row in found["rows"]:
        path = f"/reviews/{row['id']}/resolve"
        await dock.made.post(path, id=f"answer-{row['id'][:8]}", by="bert", dismiss=True)
    await dock.passes(CASES, "out")
    assert set(await dock.asked()) == {"not on stock"}
    assert await dock.is_sound()
