"""The ladder: every rule on the same recordings, the lowest rung being the baseline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks.accuracy import edgex, ladder_report, results, rssi, rules
from benchmarks.machine import NotHere, describe
from drivers.recording import PortalHeader, read_header, read_recording
from tallyport.evaluate import portal
from tallyport.evaluate.measures import coverage
from tallyport.evaluate.report import OfFile, answers_of, grade, portal_figures

LADDER: dict[str, portal.Judge | None] = {
    "any_read": rules.any_read,
    "strong_read": rules.strong_read,
    "edgex_mobility": edgex.mobility,
    "rssi_classifier": rssi.classifier,
    "tallyport": None,
}
FIGURES = (
    "f1", "precision", "recall", "recall_heard", "direction_accuracy", "passes_exact",
    "posted_wrong", "reviewed", "calibration_error",
)  # fmt: skip
_CURVE_POINTS = 60


def run(
    *, recordings: tuple[str, ...] = (), workers: int = 0, report: str = "", keep: str = ""
) -> dict[str, Any]:
    """Grade every rung on the portal recordings below each folder: a suite of its own.

    Several ``workers`` share the recordings, those of one read point going to one of them, since
    judging remembers; 0 takes a core each. ``report`` is written as HTML or Markdown, ``keep``
    is a folder for a JSON file of each suite. Raises NotHere when there are no recordings,
    RecordingError for a file that is none.
    """
    suites = {Path(folder).name: graded(Path(folder), workers) for folder in recordings if folder}
    if not suites or not all(suites.values()):
        raise NotHere(
            "no portal recordings: name their folder with --recordings. Make some with "
            "`tallyport edge capture`, or `python -m benchmarks.datasets.r420 SRC DST`"
        )
    told = {name: told_of(rungs) for name, rungs in suites.items()}
    figures: dict[str, Any] = {}
    for name, suite in told.items():
        prefix = f"{name}." if len(told) > 1 else ""
        figures |= {f"{prefix}{key}": one for key, one in _figures(suite).items()}
    result = {
        "bench": "accuracy",
        "machine": describe(),
        "recordings": sum(suite["recordings"] for suite in told.values()),
        "suites": told,
        "figures": figures,
        "violations": [],
    }
    if report:
        ladder_report.write(Path(report), told)
    if keep:
        results.keep(Path(keep), told, recordings)
    return result


def graded(folder: Path, workers: int = 0) -> dict[str, list[OfFile]]:
    """Every rung's outcome, recording by recording; empty when there are none."""
    places = places_of(folder)
    found: dict[str, list[OfFile]] = {}
    most = min(workers or os.cpu_count() or 1, len(places) or 1)
    if most == 1:
        parts = [_graded(paths) for paths in _seen(places, folder.name)]
    else:
        with ProcessPoolExecutor(most, get_context("spawn")) as pool:
            waiting = [pool.submit(_graded, paths) for paths in places]
            parts = [done.result() for done in _seen(as_completed(waiting), folder.name, places)]
    for part in parts:
        for rung, files in part.items():
            found.setdefault(rung, []).extend(files)
    for files in found.values():
        files.sort(key=lambda one: one.file)
    return found


def _graded(paths: Sequence[Path]) -> dict[str, list[OfFile]]:
    recordings = [(path, read_recording(path)) for path in paths]
    return {rung: grade(recordings, judge) for rung, judge in LADDER.items()}


def places_of(folder: Path) -> list[list[Path]]:
    """The portal recordings below a folder: those of one read point together, in order of time."""
    places: dict[str, list[tuple[object, Path]]] = {}
    for path in sorted([*folder.rglob("*.jsonl"), *folder.rglob("*.jsonl.gz")]):
        header = read_header(path)
        if isinstance(header, PortalHeader):
            places.setdefault(header.read_point, []).append((header.started_at, path))
    return [[path for _, path in sorted(of, key=str)] for of in places.values()]


def _seen(parts: Any, name: str, of: Sequence[object] | None = None) -> Any:  # noqa: ANN401
    """The same, with a bar for people who wait."""
    console = Console(stderr=True)
    total = len(parts if of is None else of)
    return track(
        parts, f"{name} ...", total, console=console, transient=True,
        disable=not console.is_terminal,
    )  # fmt: skip


def told_of(rungs: dict[str, list[OfFile]]) -> dict[str, Any]:
    """A suite's figures, rung by rung, as they are kept: without each error, with the curve of
    error over coverage and some errors of our own as examples.
    """
    found: dict[str, Any] = {}
    for rung, files in rungs.items():
        told = portal_figures(files)
        results.shorten(told)
        curve = coverage(answers_of(one for file in files for one in file.happenings))
        thin = max(1, len(curve) // _CURVE_POINTS)
        told["curve"] = [
            [round(share, 4), round(error, 5)]
            for number, (share, error) in enumerate(curve)
            if number % thin == 0 or number == len(curve) - 1
        ]
        if LADDER.get(rung, 0) is not None:
            del told["examples"]
        found[rung] = told
    return {"recordings": len(next(iter(rungs.values()), [])), "rungs": found}


def _figures(suite: dict[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    lowest = next(iter(LADDER))
    for rung, told in suite["rungs"].items():
        for key in FIGURES:
            if told[key] is None:
                continue
            baseline = suite["rungs"][lowest][key]
            figures[f"{rung}_{key}"] = {
                "value": told[key],
                "unit": "share",
                "baseline": lowest,
                "ratio": round(told[key] / baseline, 4) if baseline else None,
                **{end: told["intervals"].get(key, {}).get(end) for end in ("low", "high")},
            }
        for share, value in told["latency_s"].items():
            if value is not None:
                late = {"value": round(value, 3), "unit": "s", "baseline": None, "ratio": None}
                figures[f"{rung}_latency_{share}"] = late
    return figures
