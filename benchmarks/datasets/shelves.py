"""Emulated shelves to recordings: the suites on which counting by weight is tried.

``python -m benchmarks.datasets.shelves SUITE SPLIT FIRST COUNT DST``: suite ``standard`` or
``hard``, split ``train`` or ``test`` (``drivers.emulators.shelf_suites``). The same words always
make the same files.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from drivers.emulators.shelf_suites import Split, Staged, Suite, episode
from drivers.recording import (
    ChangeTruth,
    PlateSetup,
    PlateWeighed,
    Recording,
    ShelfHeader,
    write_recording,
)

FROM = datetime(2026, 1, 5, 8, tzinfo=UTC)


def record(staged: Staged, read_point: str, started_at: datetime) -> Recording:
    """What the plates' instruments say of it, with its truth; plates are numbered from 1."""
    heard = tuple(
        PlateWeighed(
            t=round(one.t, 4),
            plate=one.plate + 1,
            gross_mg=round(one.gross_g * 1_000),
            std_mg=None if one.std_g is None else round(one.std_g * 1_000),
        )
        for one in staged.play()
    )
    plates = [
        PlateSetup(
            plate=number,
            item=lane.item,
            unit_mg=round(lane.unit_g * 1_000),
            unit_cv=lane.unit_cv,
        )
        for number, lane in enumerate(staged.lanes, start=1)
    ]
    return Recording(
        header=ShelfHeader(read_point=read_point, started_at=started_at, plates=plates),
        heard=heard,
        truths=tuple(
            ChangeTruth(t=round(one.t, 3), plate=one.plate + 1, quantity=one.quantity)
            for one in sorted(staged.truths)
        ),
    )


def write(suite: Suite, split: Split, destination: Path, number: int) -> Path:
    """One episode as ``SUITE-SPLIT-NNNN.jsonl.gz``, unless it is there already."""
    name = f"{suite}-{split}-{number:04d}"
    target = destination / f"{name}.jsonl.gz"
    if not target.exists():
        staged = episode(suite, split, number)
        being_made = destination / f".{name}.jsonl.gz"
        write_recording(being_made, record(staged, name, FROM + timedelta(hours=number)))
        being_made.replace(target)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.datasets.shelves", description=__doc__
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("suite", choices=("standard", "hard"))
    parser.add_argument("split", choices=("train", "test"))
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("destination", metavar="DST", type=Path, help="folder for the recordings")
    parser.add_argument("--workers", type=int, default=None)
    options = parser.parse_args(arguments)
    options.destination.mkdir(parents=True, exist_ok=True)
    numbers = range(options.first, options.first + options.count)
    with ProcessPoolExecutor(options.workers) as pool:
        make = partial(write, options.suite, options.split, options.destination)
        written = list(pool.map(make, numbers))
    print(f"{len(written)} recordings in {options.destination}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
