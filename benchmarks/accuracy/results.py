"""Figures that are kept: a JSON file each, from which ``docs/accuracy.md`` is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from central.reconcile.portal import crossing

RESULTS = Path(__file__).with_name("results")
EXAMPLES = 12


def keep(folder: Path, suites: Mapping[str, Any], recordings: Sequence[str]) -> list[Path]:
    """Write ``folder/SUITE.json`` for every suite, with the command that leads there."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for given, (name, suite) in zip(recordings, suites.items(), strict=True):
        made_by = f"tallyport bench accuracy --recordings {Path(given).name} --keep RESULTS"
        path = folder / f"{name}.json"
        write(path, {"kind": "ladder", "suite": name, "made_by": made_by, **suite})
        written.append(path)
    return written


def write(path: Path, told: Mapping[str, Any]) -> None:
    """One result; the release and the portal's weights stand with it."""
    made = {"tallyport": version("tallyport"), "weights": crossing.model()}
    text = json.dumps({**made, **told}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def shorten(part: dict[str, Any]) -> None:
    """Replace each single error by how many there are of a kind, and some as examples: of
    different recordings and kinds, since tags of one pallet go wrong together. What each plate
    of each recording can count is no result.
    """
    part.pop("countable", None)
    errors: list[dict[str, Any]] = part.pop("errors")
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for error in errors:
        first = seen.setdefault((error["file"], error["kind"]), {**error, "alike": 0})
        first["alike"] += 1
    kinds = sorted({str(error["kind"]) for error in errors})
    part["errors_by_kind"] = {kind: sum(e["kind"] == kind for e in errors) for kind in kinds}
    part["examples"] = sorted(seen.values(), key=lambda error: -error["alike"])[:EXAMPLES]


def kept(folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Every result by its file's name without ``.json``."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
    }
