"""Our judging on docks with one oddity each, beside plain ones (``datasets.odd_docks``)."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.datasets.odd_docks import KINDS
from benchmarks.machine import NotHere, describe
from drivers.recording import read_recording
from tallyport.evaluate.report import grade, portal_figures

_COLUMNS = {
    "f1": "F1",
    "direction_accuracy": "direction",
    "passes_exact": "passes exact",
    "posted_wrong": "posted wrong",
    "reviewed": "reviewed",
}


def run(*, recordings: str = "odd", workers: int = 0) -> dict[str, Any]:
    """Grade the recordings of each kind below a folder.

    Several ``workers`` share the kinds; 0 takes a core each. Raises NotHere when there are none,
    RecordingError for a file that is none.
    """
    kinds = [kind for kind in KINDS if any((Path(recordings) / kind).glob("*.jsonl*"))]
    if not kinds:
        raise NotHere(
            f"no docks below {recordings}: make some with "
            "`python -m benchmarks.datasets.odd_docks all test 0 12 odd`"
        )
    folders = [Path(recordings) / kind for kind in kinds]
    if workers == 1:
        told = dict(zip(kinds, map(_graded, folders), strict=True))
    else:
        with ProcessPoolExecutor(workers or os.cpu_count(), get_context("spawn")) as pool:
            told = dict(zip(kinds, pool.map(_graded, folders), strict=True))
    return {
        "bench": "odd",
        "machine": describe(),
        "tables": [
            {
                "title": f"{sum(one['recordings'] for one in told.values())} recordings",
                "columns": ["oddity", *_COLUMNS.values(), "latency p50 / p95"],
                "rows": [_row(kind.replace("-", " "), one) for kind, one in told.items()],
            }
        ],
        "figures": {
            f"{kind}_{name}": _figure(kind, name, told)
            for kind in kinds
            for name in _COLUMNS
            if told[kind][name] is not None
        },
        "violations": [],
    }


def _graded(folder: Path) -> dict[str, Any]:
    paths = sorted(folder.glob("*.jsonl*"))
    figures = portal_figures(grade((path, read_recording(path)) for path in paths))
    return {"recordings": len(paths), **figures}


def _row(kind: str, told: dict[str, Any]) -> list[Any]:
    late = told["latency_s"]
    between = "-" if late["p50"] is None else f"{late['p50']:.1f} s / {late['p95']:.1f} s"
    shares = ["-" if told[name] is None else told[name] for name in _COLUMNS]
    return [kind, *shares, between]


def _figure(kind: str, name: str, told: dict[str, dict[str, Any]]) -> dict[str, Any]:
    plain = told.get("plain", {}).get(name)
    value = told[kind][name]
    return {
        "value": value,
        "unit": "share",
        "baseline": "plain",
        "ratio": round(value / plain, 4) if plain else None,
    }
