"""Hundreds of simulated days in minutes: nothing lost untold, nothing twice, stock is right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from random import Random

import pytest

from tallyport.simulation.plan import KINDS, draw_plan
from tallyport.simulation.run import PLANTS, simulate

CHUNK = 20
CHUNKS = 5
"""These seeds whenever anybody looks; thousands by ``tallyport bench simulate``."""
TRULY_COMPARED = 0.6
"""Of a chunk's balances at least: a checker that excuses too much proves nothing. The others are
of edges whose clock was set, or of items of a pass that a dead edge heard in part.
"""


def test_these_seeds_draw_every_kind_of_fault() -> None:
    plans = [draw_plan(Random(seed)) for seed in range(CHUNK * CHUNKS)]
    drawn = Counter(fault.kind for plan in plans for fault in plan.faults)
    assert {kind: drawn[kind] for kind in KINDS if drawn[kind] < 5} == {}
    assert any(any(plan.lying) for plan in plans)
    assert any(plan.small for plan in plans)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_promise_is_broken_whatever_happens(chunk: int) -> None:
    outcomes = [simulate(seed) for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK)]
    broken = [f"{one.reproduce()}: {one.violations}" for one in outcomes if one.violations]
    assert not broken, "\n".join(broken)
    balances = sum(one.balances for one in outcomes)
    assert balances >= 4 * CHUNK
    assert sum(one.compared for one in outcomes) >= TRULY_COMPARED * balances


def test_a_seed_is_the_same_run_in_another_process() -> None:
    """Other hashes, another process, another order of everything that Python does not promise."""
    program = (
        "from tallyport.simulation.run import simulate\n"
        "for outcome in map(simulate, (17, 23)):\n"
        "    print(outcome.digest, outcome.kept, outcome.hours)"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hashes},
        ).stdout
        for hashes in ("1", "random")
    }
    assert len(told) == 1


FOUND_BY = {"trim-on-puback": 5, "watermark-before-commit": 21, "unsynced-commits": 9}
"""A seed that catches each planted bug."""


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_bug_is_caught(plant: str) -> None:
    outcome = simulate(FOUND_BY[plant], plant=plant)
    assert any("lost" in one for one in outcome.violations), outcome
    assert plant in outcome.reproduce(plant)


def test_the_bench_tells_a_broken_promise_and_how_to_see_it_again() -> None:
    seed = FOUND_BY["trim-on-puback"]
    done = subprocess.run(
        [
            sys.executable, "-m", "tallyport", "bench", "simulate", "--json",
            "--first", str(seed), "--seeds", "1", "--plant", "trim-on-puback",
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    told = json.loads(done.stdout)
    (broken,) = told["violations"]
    assert broken["reproduce"] in done.stderr
    assert told["seeds"] == 1
    assert told["virtual_hours"] > 0
