"""``tallyport bench nemesis``: a site of real processes plays while a seed draws its faults."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from benchmarks.machine import NotHere, describe
from benchmarks.nemesis import checker, faults
from benchmarks.nemesis.calm import calm, series_agree, settle
from benchmarks.nemesis.checker import Verdict
from benchmarks.nemesis.faults import Fault
from benchmarks.nemesis.field import Field
from benchmarks.servers.mosquitto import MISSING, find_mosquitto
from benchmarks.servers.postgres import why_not
from tallyport.demo.client import ApiError
from tallyport.demo.processes import ProcessDied


class Pace(NamedTuple):
    """How long the world plays (``None``: until each fault was suffered once), how long a fault
    lasts, how long nothing happens between two, and how long the calm is afterwards.
    """

    seconds: float | None = None
    lasts_s: tuple[float, float] = (2.0, 14.0)
    between_s: tuple[float, float] = (1.0, 6.0)
    afterwards_s: float = 25.0


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
        verdict = await battle(field, possible, chance, suffered, Pace(minutes * 60.0))
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
                "rows_compared_with_journals": (verdict.witnessed, ""),
                "reads_that_never_came": (verdict.unheard, ""),
                "units_off_the_truth": (verdict.off, ""),
                "violations": (len(verdict.violations), ""),
            }.items()
        },
    }


async def battle(
    field: Field,
    possible: dict[str, Fault],
    chance: random.Random,
    suffered: Counter[str],
    pace: Pace,
) -> Verdict:
    """Let the world go on under faults drawn from ``possible``, then in a calm, then judge.

    A process that ends by itself ends the battle: that is a violation.
    """
    weather = asyncio.create_task(_weather(field, possible, chance, suffered, pace))
    dying = asyncio.create_task(field.death())
    try:
        await asyncio.wait({weather, dying}, return_when=asyncio.FIRST_COMPLETED)
        if not weather.done():
            return Verdict([f"after {dict(suffered)} a process ended by itself: {dying.result()}"])
        found = weather.result()
        dying.cancel()
        report = await field.finish()
    except (ProcessDied, ApiError, OSError) as failed:
        return Verdict([f"after {dict(suffered)}: {failed}"])
    finally:
        for task in (weather, dying):
            task.cancel()
        await asyncio.gather(weather, dying, return_exceptions=True)
    verdict = await asyncio.to_thread(checker.judge, field, report, set(suffered))
    return verdict._replace(violations=found + verdict.violations)


async def _weather(
    field: Field,
    possible: dict[str, Fault],
    chance: random.Random,
    suffered: Counter[str],
    pace: Pace,
) -> list[str]:
    """The storm, and the calm after it; gives what was wrong in the calm."""
    playing = asyncio.create_task(field.play(pace.seconds))
    try:
        await _storm(field, possible, chance, suffered, pace, playing)
        field.demo.stop_playing()
        await playing
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    off = await settle(field)
    return await calm(field, pace.afterwards_s, off) + await series_agree(field)


async def _storm(  # noqa: PLR0917 (one step of _weather)
    field: Field,
    possible: dict[str, Fault],
    chance: random.Random,
    suffered: Counter[str],
    pace: Pace,
    playing: asyncio.Task[None],
) -> None:
    """Every kind once before any comes again, until the playing ends or, without an end, until
    each kind was there.
    """
    console = Console(stderr=True)
    names = sorted(possible)
    bag = chance.sample(names, len(names))
    while not playing.done():
        await asyncio.sleep(chance.uniform(*pace.between_s))
        if not bag:
            if pace.seconds is None:
                return
            bag = chance.sample(names, len(names))
        name = bag.pop()
        console.print(f"{name} ...")
        await possible[name](field, chance.uniform(*pace.lasts_s))
        suffered[name] += 1
