"""Who follows the books goes on when the database comes back, and ends of what never passes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from central.database import enduring
from central.database.tide import Tide


async def test_a_database_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enduring, "_BACK_OFF_S", (0.001, 0.002))
    counters: Counter[str] = Counter()
    tide, steps, went_on = Tide(), iter(range(9)), asyncio.Event()

    async def step() -> float | None:
        number = next(steps)
        if number < 3:
            raise OperationalError("SELECT", {}, sqlite3.OperationalError("unable to open"))
        if number == 3:
            return enduring.AT_ONCE
        if number == 4:
            return 0.001
        went_on.set()
        return None

    task = asyncio.create_task(enduring.follow("a test", step, tide=tide, counters=counters))
    await went_on.wait()
    assert counters["retries"] == 3
    went_on.clear()
    tide.rise()
    await went_on.wait()
    task.cancel()


async def test_what_never_passes_is_raised() -> None:
    async def step() -> None:
        raise IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE constraint failed"))

    with pytest.raises(IntegrityError):
        await enduring.follow("a test", step, tide=Tide(), counters=Counter())


@pytest.mark.parametrize("later", range(6))
async def test_who_is_told_to_end_as_something_is_committed_ends(later: int) -> None:
    """Central, asked to stop, waits for every part: one that lives on would hold it for ever."""
    rested = asyncio.Event()

    async def step() -> float | None:
        rested.set()
        return 60.0

    tide = Tide()
    task = asyncio.create_task(
        enduring.follow("a test", step, tide=tide, counters=Counter(), pace_s=0)
    )
    await rested.wait()
    for _ in range(9):  # as far as it goes, until it waits for the tide
        await asyncio.sleep(0)
    tide.rise()
    for _ in range(later):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    assert done
    assert task.cancelled()
