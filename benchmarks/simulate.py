"""The deterministic simulation: thousands of seeds of the whole road in virtual time.

Each seed is one run of hours or days with its own faults; the figures tell how much virtual
time was lived through and which promises were broken: none is the only good number. The
baseline of the ratio is real time, one hour an hour.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks.machine import describe
from tallyport.simulation.run import PLANTS, Outcome, simulate


def run(*, seeds: int = 500, first: int = 0, plant: str = "", workers: int = 0) -> dict[str, Any]:
    """Run ``seeds`` seeds from ``first`` on, over ``workers`` processes (0: one a core).

    ``plant`` plants a bug that the checker must find; raises ValueError for an unknown one.
    """
    if plant and plant not in PLANTS:
        raise ValueError(f"no bug is called {plant!r}; known: {', '.join(PLANTS)}")
    console = Console(stderr=True)
    began = time.monotonic()
    total: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    hours = 0.0
    broken: list[dict[str, object]] = []
    outcomes = _all(range(first, first + seeds), plant, workers or os.cpu_count() or 1)
    for outcome in track(outcomes, "Simulating", seeds, console=console):
        total.update(
            kept=outcome.kept,
            committed=outcome.committed,
            movements=outcome.movements,
            lost_and_told=outcome.lost,
            balances=outcome.balances,
            balances_compared=outcome.compared,
        )
        faults.update(outcome.faults)
        hours += outcome.hours
        if outcome.violations:
            again = outcome.reproduce(plant)
            console.print(
                f"seed {outcome.seed}: {outcome.violations[0]}\n  {again}", soft_wrap=True
            )
            broken.append({"seed": outcome.seed, "found": outcome.violations, "reproduce": again})
    took_s = time.monotonic() - began
    return {
        "bench": "simulate",
        "machine": describe(),
        "seeds": seeds,
        "first": first,
        "virtual_hours": round(hours, 1),
        "violations": broken,
        "faults": dict(sorted(faults.items())),
        "figures": _figures(seeds, hours, took_s, total, len(broken), sum(faults.values())),
    }


def _all(seeds: range, plant: str, workers: int) -> Iterator[Outcome]:
    one = partial(simulate, plant=plant)
    if workers == 1 or len(seeds) < 4:
        yield from map(one, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(one, seeds, chunksize=4)


def _figures(  # noqa: PLR0917
    seeds: int, hours: float, took_s: float, total: Counter[str], broken: int, faults: int
) -> dict[str, dict[str, Any]]:
    plain = {"baseline": None, "ratio": None}
    counts = {"seeds": seeds, "violations": broken, "faults": faults, **total}
    return {
        **{name: {"value": value, "unit": "", **plain} for name, value in counts.items()},
        "virtual_hours": {
            "value": hours,
            "unit": "h",
            "baseline": "real time",
            "ratio": hours * 3_600 / took_s,
        },
        "seconds_per_seed": {"value": took_s / seeds, "unit": "s", **plain},
    }
