"""The forecast's interval holds the day on which stock really runs out, as often as it says."""

from __future__ import annotations

import math
import random

import pytest

from benchmarks.demand import DEMANDS
from central.reports.forecast import HORIZON_DAYS, run_out

_TRIALS = 600
_HISTORY = 90


@pytest.mark.parametrize("kind", sorted(DEMANDS))
def test_the_interval_covers_what_it_promises(kind: str) -> None:
    """Nominal 90 %. A test of 600 trials tells 90 % from 84 % with five standard errors."""
    rng = random.Random(7)
    demand = DEMANDS[kind]
    told = held = 0
    for _ in range(_TRIALS):
        history = [demand.day(rng) for _ in range(_HISTORY)]
        stock = max(1, round(demand.mean * rng.choice((5, 14, 30, 60))))
        found = run_out(
            stock,
            days=_HISTORY,
            demands=sum(day > 0 for day in history),
            total=sum(history),
            squares=sum(day * day for day in history),
        )
        if found is None:
            continue
        told += 1
        low = HORIZON_DAYS if found.low is None else math.floor(found.low)
        high = math.inf if found.high is None else math.ceil(found.high)
        held += low <= demand.gone(stock, rng) <= high
    assert told > _TRIALS * 0.7
    assert held / told > 0.84, f"{held} of {told}"


def test_the_interval_narrows_with_history_and_says_when_it_knows_nothing() -> None:
    narrow = run_out(100, days=360, demands=100, total=720, squares=7200)
    wide = run_out(100, days=30, demands=9, total=60, squares=600)
    assert narrow is not None
    assert wide is not None
    assert wide.low < narrow.low < narrow.median < narrow.high < wide.high  # type: ignore[operator]
    assert run_out(100, days=90, demands=2, total=5, squares=13) is None
    assert run_out(100, days=5, demands=5, total=5, squares=5) is None
    gone = run_out(0, days=90, demands=9, total=60, squares=600)
    assert gone is not None
    assert (gone.low, gone.high) == (0, 0)
    far = run_out(10**9, days=90, demands=90, total=90, squares=90)
    assert far is not None
    assert far.median is None
    steady = run_out(100, days=90, demands=90, total=180, squares=360)
    assert steady is not None
    assert steady.low == steady.high == pytest.approx(50, abs=0.02)
