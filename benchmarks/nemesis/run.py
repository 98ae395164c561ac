"""``tallyport bench nemesis``: a site of real processes plays while a seed draws its faults."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.machine import NotHere, describe
from benchmarks.nemesis import checker, faults
from benchmarks.nemesis.checker import Verdict
from benchmarks.nemesis.faults import Fault
from benchmarks.nemesis.field import Field
from benchmarks.servers.mosquitto import MISSING, find_mosquitto
from benchmarks.servers.postgres import why_not
from tallyport.demo.processes import ProcessDied
from tallyport.demo.run import until

_LASTS_S = (2.0, 14.0)
_CALM_S = (1.0, 6.0)
_DRAIN_S = 180.0
"""The most that an edge may take to deliver what it kept through the last faults."""


def run(*, minutes: float = 2.0, seed: int = 1, postgres: str = "auto") -> dict[str, Any]:
    """Play for ``minutes``; ``postgres`` is yes, no or auto (where it is installed)."""
    if find_mosquitto() is None:
        raise NotHere(MISSING)
    with_postgres = postgres == "yes" or (postgres == "auto" and why_not() is None)
    with tempfile.TemporaryDirectory(prefix="tallyport-nemesis-") as folder:
        Path(folder).chmod(0o755)
        return asyncio.run(_play(Path(folder), minutes, seed, with_postgres=with_postgres))


async def _play(folder: Path, minutes: float, seed: int, *, with_postgres: bool) -> dict[str, Any]:
    chance = random.Random(seed)
    suffered: Counter[str] = Counter()
    began = time.monotonic()
    field = await asyncio.to_thread(Field, folder, seed, postgres=with_postgres)
    try:
        await field.start()
        possible = faults.possible(field)
        verdict = await battle(field, possible, chance, minutes * 60.0, suffered)
    finally:
        await field.abandon()
    return {
        "bench": "nemesis",
        "machine": describe(),
        "seed": seed,
        "faults": dict(sorted(suffered.items())),
        "violations": verdict.violations,
        "figures": {
            name: {"value": value, "unit": unit, "baseline": None, "ratio": None}
            for name, (value, unit) in {
                "minutes": ((time.monotonic() - began) / 60, "min"),
                "faults": (sum(suffered.values()), ""),
                "kinds_of_fault": (len(suffered), ""),
                "observations": (verdict.observations, ""),
                "movements": (verdict.movements, ""),
                "lost": (verdict.lost, ""),
                "violations": (len(verdict.violations), ""),
            }.items()
        },
    }


async def battle(
    field: Field,
    possible: dict[str, Fault],
    chance: random.Random,
    seconds: float,
    suffered: Counter[str],
) -> Verdict:
    """Let the world go on for ``seconds`` under faults drawn from ``possible``, then judge."""
    console = Console(stderr=True)
    playing = asyncio.create_task(field.play(seconds))
    names = sorted(possible)
    bag: list[str] = []
    try:
        while not playing.done():
            await asyncio.sleep(chance.uniform(*_CALM_S))
            if not bag:  # every kind once before any comes again
                bag = chance.sample(names, len(names))
            name = bag.pop()
            console.print(f"{name} ...")
            suffered[name] += 1
            await possible[name](field, chance.uniform(*_LASTS_S))
        await playing
        await until(field.drained, _DRAIN_S, "the edge has not delivered all", field.demo.site)
        report = await field.finish()
        return await asyncio.to_thread(checker.judge, field, report, set(suffered))
    except ProcessDied as died:
        return Verdict([f"after {dict(suffered)}: {died}"], 0, 0, 0)
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
