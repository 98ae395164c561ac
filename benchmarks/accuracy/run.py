"""The ladder: every rule on the same recordings, the lowest rung being the baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.accuracy import edgex, rules
from benchmarks.machine import NotHere, describe
from drivers.recording import PortalHeader, Recording, read_recording
from tallyport.evaluate import portal
from tallyport.evaluate.report import grade, told

LADDER: dict[str, portal.Judge | None] = {
    "any_read": rules.any_read,
    "strong_read": rules.strong_read,
    "edgex_mobility": edgex.mobility,
    "tallyport": None,
}
_FIGURES = ("precision", "recall", "direction_accuracy", "posted_wrong")


def run(*, recordings: str = "") -> dict[str, Any]:
    """Grade every rung on the portal recordings below a folder.

    Raises NotHere when there are none there, RecordingError for a file that is none.
    """
    found = _portals(Path(recordings)) if recordings else []
    if not found:
        raise NotHere(
            "no portal recordings: name their folder with --recordings. Make some with "
            "`tallyport edge capture`, or `python -m benchmarks.datasets.r420 SRC DST`"
        )
    figures: dict[str, Any] = {}
    lowest: dict[str, float | None] = {}
    for name, judge in LADDER.items():
        part = told(grade(found, judge))["portal"]
        assert isinstance(part, dict)
        values = {key: part[key] for key in ("f1", *_FIGURES)}
        lowest = lowest or values
        for key, value in values.items():
            if value is not None:
                figures[f"{name}_{key}"] = _figure(value, lowest[key])
    return {
        "bench": "accuracy",
        "machine": describe(),
        "recordings": len(found),
        "figures": figures,
        "violations": [],
    }


def _figure(value: float, baseline: float | None) -> dict[str, Any]:
    ratio = round(value / baseline, 4) if baseline else None
    return {"value": value, "unit": "share", "baseline": next(iter(LADDER)), "ratio": ratio}


def _portals(folder: Path) -> list[tuple[Path, Recording]]:
    paths = sorted([*folder.rglob("*.jsonl"), *folder.rglob("*.jsonl.gz")])
    read = sorted(
        ((path, read_recording(path)) for path in paths),
        key=lambda one: (one[1].header.started_at, one[0]),
    )
    return [(path, one) for path, one in read if isinstance(one.header, PortalHeader)]
