"""``tallyport bench radio``: the emulated radio beside what was measured on real ones.

Every quantity of ``measured.NOISE`` is measured in halls of the suites ``standard`` and ``hard``
as it was in the real rooms, and the simple rules of the accuracy ladder are asked of the real
experiments done again (``scenes``) and of docks of both suites. Only layouts for training are
looked at. Nothing here runs Tallyport's own judging: whether it does well is not the question.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.accuracy import edgex, rssi, rules
from benchmarks.accuracy.radio import rooms, scenes
from benchmarks.accuracy.radio.measured import NOISE, RULES, Measured
from benchmarks.accuracy.radio.scatter import Scatter, levels, line, rate, scatter, unseen
from benchmarks.datasets.docks import FROM, record
from benchmarks.machine import describe
from drivers.emulators.portal_suites import Suite, episode, reception
from drivers.emulators.portal_traffic import Layout
from drivers.recording import Recording
from tallyport.evaluate.portal import Judge
from tallyport.evaluate.report import grade, portal_figures

SUITES: tuple[Suite, ...] = ("standard", "hard")
ASKED: dict[str, Judge] = {
    "any_read": rules.any_read,
    "strong_read": rules.strong_read,
    "edgex": edgex.mobility,
    "rssi": rssi.classifier,
}
CROWD = 150
_STILL_READS = 20


def run(*, halls: int = 6, docks: int = 12, workers: int = 0) -> dict[str, Any]:
    """Measure so many ``halls`` and play so many ``docks`` of each suite."""
    with ProcessPoolExecutor(workers or os.cpu_count(), get_context("spawn")) as pool:
        rooms_of = {suite: rooms.halls(suite, halls) for suite in SUITES}
        measured = {suite: pool.map(_noise_of, every) for suite, every in rooms_of.items()}
        played = {suite: pool.map(_dock, [suite] * docks, range(docks)) for suite in SUITES}
        noise = {suite: _together(list(every)) for suite, every in measured.items()}
        scored = {suite: _rules_of(every) for suite, every in rooms_of.items()}
        ladder = {suite: _scores(list(every)) for suite, every in played.items()}
    figures = {
        f"{suite}.{one.name}": _figure(one, found[one.name])
        for told, wanted in ((noise, NOISE), (scored, RULES))
        for suite, found in told.items()
        for one in wanted
    }
    floor = [f"{suite}: a read at {found['weakest_dbm']} dBm, below any reader's floor"
             for suite, found in noise.items() if found["weakest_dbm"] < NOISE[13].low]  # fmt: skip
    return {
        "bench": "radio",
        "machine": describe(),
        "figures": figures,
        "tables": [
            _table("Noise", NOISE, noise),
            _table("Simple rules on the real experiments done again", RULES, scored),
            _ladder(ladder),
        ],
        "violations": floor,
    }


def _figure(one: Measured, value: float) -> dict[str, Any]:
    return {
        "value": round(value, 3), "unit": one.unit, "baseline": None, "ratio": None,
        "low": one.low, "high": one.high, "within": one.low <= value <= one.high,
    }  # fmt: skip


def _table(
    title: str, wanted: Sequence[Measured], told: Mapping[Suite, Mapping[str, float]]
) -> dict[str, Any]:
    columns = ["quantity", "measured", "believable", *(w for s in SUITES for w in (s, "within"))]
    rows = []
    for one in wanted:
        row: list[Any] = [f"{one.words}{', ' if one.unit else ''}{one.unit}", one.found,
                          f"{one.low:g} to {one.high:g}"]  # fmt: skip
        for suite in SUITES:
            value = told[suite][one.name]
            row += [round(value, 3), "yes" if one.low <= value <= one.high else "**no**"]
        rows.append(row)
    return {"title": title, "columns": columns, "rows": rows}


def _ladder(told: Mapping[Suite, Mapping[str, float]]) -> dict[str, Any]:
    rows = [[name.replace("_", " "), *(round(told[s][name], 3) for s in SUITES)]
            for name in told[SUITES[0]]]  # fmt: skip
    return {"title": "Simple rules on docks of the suites", "columns": ["figure", *SUITES],
            "rows": rows}  # fmt: skip


def _noise_of(hall: Layout) -> dict[str, Any]:
    """Everything that one hall has to say, to be put together with others."""
    near = list(rooms.facing(hall, rooms.NEAR_M, 0.0))
    spots = [*near, *rooms.facing(hall, rooms.WEAK_M, rooms.WEAK_DB)]
    found: dict[str, Any] = defaultdict(list)
    found["scatter"] = [one for spot in spots if (one := scatter(spot.reads)) is not None]
    for spot in near:
        found[f"level_{spot.metres}m"] += levels(spot.reads)
    found["one_tag_rate"] = [rate(spot.reads) for spot in near]
    places: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for antenna, spot in rooms.grid(hall):
        places[antenna].append((spot.metres, fmean(levels(spot.reads))))
        found["over_hops_db"] += rooms.over_hops(spot)
    found["lines"] = [line(of) for of in places.values()]
    crowd = rooms.crowd(hall, CROWD)
    found["crowd_rate"] = [rate(crowd)]
    box = scenes.box(hall, 0)
    for stray in scenes.strays(box):
        times = [read.t for read in stray]
        found["stray_rate"].append(len(stray) / scenes.SCAN_S)
        found["unseen_5s"].append(unseen(times, scenes.SCAN_S, 5.0))
        found["unseen_10s"].append(unseen(times, scenes.SCAN_S, 10.0))
    walked = [read for walk in scenes.walks(hall) for read in scenes.reads_of(walk)]
    found["weakest_dbm"] = [min(levels([*crowd, *scenes.reads_of(box), *walked]))]
    return dict(found)


def _together(every: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Of all halls of a suite: a figure for each name of ``NOISE``."""

    def all_of(name: str) -> list[Any]:
        return [one for found in every for one in found[name]]

    scatters: list[Scatter] = all_of("scatter")
    lines = all_of("lines")
    return {
        **{f"level_{m}m": fmean(all_of(f"level_{m}m")) for m in rooms.NEAR_M},
        "one_tag_rate": median(all_of("one_tag_rate")),
        "crowd_rate": median(all_of("crowd_rate")),
        "within_db": fmean(one.within_db for one in scatters),
        "between_db": fmean(one.between_db for one in scatters),
        "over_hops_db": median(all_of("over_hops_db")),
        "residual_db": median(one.residual_db for one in lines),
        "slope_n": median(one.slope_n for one in lines),
        "phase_deg": median(one.phase_deg for one in scatters),
        "doppler_hz": median(one.doppler_hz for one in scatters),
        "weakest_dbm": min(all_of("weakest_dbm")),
        "stray_rate": median(all_of("stray_rate")),
        "unseen_5s": fmean(all_of("unseen_5s")),
        "unseen_10s": fmean(all_of("unseen_10s")),
    }


def _rules_of(halls: Sequence[Layout]) -> dict[str, float]:
    walked = _scores([walk for hall in halls[:2] for walk in scenes.walks(hall)])
    scanned = _scores([scenes.box(hall, number) for hall in halls[:2] for number in (0, 1)])
    every = {f"walks.{name}": value for name, value in walked.items()}
    return every | {f"box.{name}": value for name, value in scanned.items()}


def _dock(suite: Suite, number: int) -> Recording:
    staged = episode(suite, "train", number)
    return record(staged, reception(suite, "train", number), f"{suite}-{number}", FROM)


def _scores(recordings: Iterable[Recording]) -> dict[str, float]:
    """Every rule's scores, as ``RULE_FIGURE``."""
    named = [(Path(f"{number}.jsonl"), one) for number, one in enumerate(recordings)]
    found: dict[str, float] = {}
    for rule, judge in ASKED.items():
        told: dict[str, Any] = portal_figures(grade(named, judge))
        found |= {
            f"{rule}_f1": told["f1"] or 0.0,
            f"{rule}_recall": told["recall"] or 0.0,
            f"{rule}_direction": told["direction_accuracy"] or 0.0,
        }
    return found
