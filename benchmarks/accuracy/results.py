"""Figures that are kept: a JSON file each, from which ``docs/accuracy.md`` is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


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
    """One result; the release stands with it."""
    text = json.dumps({"tallyport": version("tallyport"), **told}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def kept(folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Every result by its file's name without ``.json``."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
    }
