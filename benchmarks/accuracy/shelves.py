"""Counting by weight on emulated shelves: how exact, how false, how late; beside rounding.

Layouts come from the test split, which nothing was chosen on. Shares come with their Wilson
interval, by the pieces' mass, and how soon answers came with the share that came within 1.5 s. The
baseline is what is written first: every second's mean, the difference to the last count's level
divided by the unit weight and rounded, two seconds in a row.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from statistics import fmean
from typing import Any, NamedTuple

from benchmarks.datasets.shelves import record
from benchmarks.machine import describe
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged, PlatePlan, ReadPoint
from drivers.emulators.shelf_suites import Lane, Suite, episode, idle
from drivers.readings import WeightReading
from drivers.recording import PlateWeighed, Recording, ShelfHeader
from edge.fold import Folder, FoldSettings
from tallyport.evaluate.events import Event
from tallyport.evaluate.measures import Share, quantile
from tallyport.evaluate.shelf import PlateHappening, grade, held_against_truth

FROM = datetime(2026, 1, 5, 8, tzinfo=UTC)
CLASSES = {"5 g": (0.0, 7.0), "10 g": (7.0, 20.0), "20 g and more": (20.0, 1e9)}
"""Pieces' masses in g, from and below."""
SOON_S = 1.5
_US = 1_000_000
_STREAM_PLATES = ((5.0, 40), (10.0, 40), (20.0, 60), (60.0, 30), (250.0, 20), (1_200.0, 8))


class Seen(NamedTuple):
    """One happening, and its plate's unit mass."""

    unit_g: float
    one: PlateHappening


def run(
    *, episodes: int = 60, first: int = 0, idle_hours: float = 24.0, workers: int = 0
) -> dict[str, Any]:
    """Judge so many episodes of each suite, and so many idle hours of a shelf of six plates."""
    figures: dict[str, Any] = {}
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        still = pool.submit(idle_movements, idle_hours) if idle_hours else None
        suites: tuple[Suite, ...] = ("standard", "hard")
        for suite in suites:
            found = list(pool.map(partial(_played, suite), range(first, first + episodes)))
            for judge, number in (("tallyport", 0), ("rounding", 1)):
                seen = [one for both in found for one in both[number]]
                figures |= {f"{suite}.{judge}.{k}": v for k, v in _figures(seen).items()}
        if still is not None:
            figures |= _idle_figures(*still.result(), idle_hours)
    return {
        "bench": "shelves",
        "machine": describe(),
        "episodes": episodes,
        "figures": figures,
        "tables": _tables(figures),
        "violations": _violations(figures),
    }


def _tables(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """A table for each suite, rounding beside, and one of the idle hours."""
    tables = []
    for suite in ("standard", "hard"):
        ours, naive = f"{suite}.tallyport.", f"{suite}.rounding."
        rows = [
            [
                name.removeprefix(ours),
                _digits(one),
                "" if one.get("low") is None else f"{one['low']:.4f} - {one['high']:.4f}",
                f"{one['hits']} of {one['cases']}" if "cases" in one else "",
                _digits(figures.get(naive + name.removeprefix(ours))),
            ]
            for name, one in figures.items()
            if name.startswith(ours)
        ]
        columns = ["figure", "Tallyport", "95 % interval", "of", "rounding"]
        tables.append({"title": f"Suite {suite}", "columns": columns, "rows": rows})
    idle = [
        [name, f"{one['value']} {one['unit']}"]
        for name, one in figures.items()
        if name.startswith("idle")
    ]
    if idle:
        tables.append({"title": "Idle", "columns": ["figure", "value"], "rows": idle})
    return tables


def _digits(figure: dict[str, Any] | None) -> str:
    if figure is None:
        return ""
    return f"{figure['value']:.2f} s" if figure["unit"] == "s" else f"{figure['value']:.4f}"


def _violations(figures: dict[str, Any]) -> list[str]:
    """The gates: 99.5 % exact from 20 g on, 95 % at 5 g, 1.5 s, nothing at rest; with hands,
    cross-talk, drift and creep on as without.
    """
    gates: dict[str, Callable[[float], bool]] = {
        "standard.tallyport.exact at 20 g and more": lambda value: value >= 0.995,
        "standard.tallyport.exact at 5 g": lambda value: value >= 0.95,
        "standard.tallyport.latency p95": lambda value: value <= SOON_S,
        "hard.tallyport.exact at 20 g and more": lambda value: value >= 0.995,
        "hard.tallyport.exact at 5 g": lambda value: value >= 0.95,
        "hard.tallyport.latency p95": lambda value: value <= SOON_S,
        "idle movements": lambda value: value == 0,
    }
    return [
        f"{name}: {figures[name]['value']:.4g}"
        for name, holds in gates.items()
        if name in figures and not holds(figures[name]["value"])
    ]


def _played(suite: Suite, number: int) -> tuple[list[Seen], list[Seen]]:
    """One episode by our judging, and by rounding."""
    recording = record(episode(suite, "test", number), f"{suite}-{number}", FROM)
    header = recording.header
    assert isinstance(header, ShelfHeader)
    units = {plate.plate: plate.unit_mg / 1_000 for plate in header.plates}
    ours = [Seen(units[one.plate], one) for one in grade(recording)]
    naive = held_against_truth(recording, rounding(recording))
    return ours, [Seen(units[one.plate], one) for one in naive]


def rounding(recording: Recording) -> Iterator[tuple[int, Event]]:
    """Differences of seconds' means, divided by the unit weight and rounded."""
    assert isinstance(recording.header, ShelfHeader)
    for plate in recording.header.plates:
        seconds: dict[int, list[int]] = {}
        for line in recording.heard:
            if isinstance(line, PlateWeighed) and line.plate == plate.plate:
                seconds.setdefault(int(line.t), []).append(line.gross_mg)
        means = [(second + 1.0, fmean(masses)) for second, masses in sorted(seconds.items())]
        level_mg, last = means[0][1], 0
        for t, mean_mg in means[1:]:
            pieces = round((mean_mg - level_mg) / plate.unit_mg)
            if pieces and pieces == last:
                level_mg += pieces * plate.unit_mg
                yield plate.plate, Event(t, pieces, judged=True, known_t=t)
                pieces = 0
            last = pieces


def _figures(seen: list[Seen]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (low, high) in CLASSES.items():
        true = [s.one.seen for s in seen if low <= s.unit_g < high and s.one.seen.want]
        exact = Share(sum(one.want == one.got for one in true), len(true))
        posted = Share(sum(one.want == one.posted for one in true), len(true))
        found |= {f"exact at {name}": _share(exact), f"posted exact at {name}": _share(posted)}
    every = [one.one.seen for one in seen]
    late = [one.latency_s for one in every if one.want and one.latency_s is not None]
    decided = [one for one in every if one.got or one.asked]
    soon = Share(sum(one <= SOON_S for one in late), len(late))
    reviewed = Share(sum(1 for one in decided if one.asked), len(decided))
    wrong = Share(sum(one.posted not in {0, one.want} for one in every), len(every))
    return {
        **{name: one for name, one in found.items() if one["cases"]},
        "reviewed": _share(reviewed),
        "posted wrong": _share(wrong),
        "latency p50": _seconds(quantile(late, 0.5)),
        "latency p95": _seconds(quantile(late, 0.95)),
        f"answered within {SOON_S:g} s": _share(soon),
    }


def _share(share: Share) -> dict[str, Any]:
    low, high = share.interval or (None, None)
    return {
        "value": share.value or 0.0, "unit": "share", "hits": share.hits, "cases": share.cases,
        "low": low, "high": high,
    }  # fmt: skip


def _seconds(value: float | None) -> dict[str, Any]:
    return {"value": value or 0.0, "unit": "s"}


def _idle_figures(movements: int, reviews: int, hours: float) -> dict[str, Any]:
    return {
        "idle movements": {"value": movements, "unit": f"in {hours:g} h of 6 plates"},
        "idle reviews": {"value": reviews, "unit": f"in {hours:g} h of 6 plates"},
    }


def idle_movements(hours: float, seed: str = "1") -> tuple[int, int]:
    """Movements and reviews of a shelf that nobody touches, through edge and central."""
    lanes = [Lane(f"SKU-{n}", unit, 0.01, many) for n, (unit, many) in enumerate(_STREAM_PLATES)]
    folders = [Folder(f"plate-{n}", "shelf", FoldSettings(), plate=n) for n in range(len(lanes))]
    context = Context(
        read_points={"shelf": ReadPoint(code="shelf", kind="shelf", location="shop")},
        plates={
            ("shelf", n): PlatePlan(
                read_point="shelf", plate=n, sku=lane.item, unit_mg=round(lane.unit_g * 1_000),
                unit_cv=lane.unit_cv,
            )
            for n, lane in enumerate(lanes)
        },
    )  # fmt: skip
    reconciler = Reconciler()
    origin_us = round(FROM.timestamp()) * _US
    movements = reviews = number = 0
    for sample in idle(hours, lanes, seed):
        at_us = origin_us + round(sample.t * _US)
        assert sample.std_g is not None
        reading = WeightReading(
            value=Decimal(round(sample.gross_g * 1_000)),
            unit="mg",
            spread=Decimal(round(sample.std_g * 1_000)),
        )
        folder = folders[sample.plate]
        for observation in [*folder.feed([reading], at_us), *folder.tick(at_us)]:
            number += 1
            logged = Logged(number, "edge", "idle", number, observation)
            verdict = reconciler.judge([logged], context)
            movements += len(verdict.movements)
            reviews += len(verdict.reviews)
    return movements, reviews
