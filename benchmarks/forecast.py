"""``tallyport bench forecast``: how often stock runs out within the days that were told.

Demand of six kinds whose truth is known is watched for 90 days; then the day is forecast on which
5 to 60 days' worth of stock is gone, and demand goes on until it is. The interval promises 90 %.
Beside it one that takes the mean of the history for the truth and demand for normal: what a
safety-stock formula does.
"""

from __future__ import annotations

import math
import random
from statistics import NormalDist
from typing import Any

from benchmarks.demand import DEMANDS
from benchmarks.machine import describe
from central.reports.forecast import HORIZON_DAYS, run_out

_HISTORY = 90
_COVERS = (5, 14, 30, 60)
_Z = NormalDist().inv_cdf(0.95)


def run(*, trials: int = 2_000, seed: int = 7) -> dict[str, Any]:
    """Coverage by kind of demand, the simple interval's as baseline, and the days simulated."""
    figures: dict[str, dict[str, Any]] = {}
    days = 0
    for kind in sorted(DEMANDS):
        told, held, simply, passed = _grade(kind, trials, random.Random(seed))
        days += passed
        figures[f"{kind}: in the interval"] = {
            "value": held / told,
            "unit": "share",
            "baseline": f"mean taken for the truth, normal: {simply / told:.3f}",
            "ratio": held / max(simply, 1),
        }
        figures[f"{kind}: forecasts told"] = {"value": told, "unit": f"of {trials}"}
    figures["days backtested"] = {"value": days, "unit": "days"}
    return {"bench": "forecast", "machine": describe(), "figures": figures}


def _grade(kind: str, trials: int, rng: random.Random) -> tuple[int, int, int, int]:
    """Forecasts told, right ones, those that the simple interval has right, days that passed."""
    demand = DEMANDS[kind]
    told = held = simply = passed = 0
    for _ in range(trials):
        history = [demand.day(rng) for _ in range(_HISTORY)]
        stock = max(1, round(demand.mean * rng.choice(_COVERS)))
        total, squares = sum(history), sum(day * day for day in history)
        demands = sum(day > 0 for day in history)
        found = run_out(stock, days=_HISTORY, demands=demands, total=total, squares=squares)
        if found is None:
            continue
        gone = demand.gone(stock, rng)
        told += 1
        passed += _HISTORY + gone
        low = HORIZON_DAYS if found.low is None else math.floor(found.low)
        held += low <= gone <= (math.inf if found.high is None else math.ceil(found.high))
        first, last = _simple(stock, total / _HISTORY, squares / _HISTORY)
        simply += math.floor(first) <= gone <= math.ceil(last)
    return told, held, simply, passed


def _simple(stock: int, mean: float, mean_square: float) -> tuple[float, float]:
    """Where stock is 1.645 standard deviations of known demand above and below its mean."""
    spread = _Z * math.sqrt(max(0.0, mean_square - mean * mean))
    ends = [
        ((sign * spread + math.sqrt(spread * spread + 4 * mean * stock)) / (2 * mean)) ** 2
        for sign in (-1, 1)
    ]
    return ends[0], ends[1]
