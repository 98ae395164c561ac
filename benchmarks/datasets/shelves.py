"""Emulated shelves to recordings: the suites on which counting by weight is tried.

``python -m benchmarks.datasets.shelves SUITE SPLIT FIRST COUNT DST``: suite ``standard`` or
``hard``, split ``train`` or ``test`` (``drivers.emulators.shelf_suites``). The same words always
make the same files.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.datasets.command import make_numbers, numbered, written_once
from drivers.emulators.shelf_suites import Split, Staged, Suite, episode
from drivers.recording import (
    ChangeTruth,
    PlateSetup,
    PlateWeighed,
    Recording,
    ShelfHeader,
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
    at = FROM + timedelta(hours=number)

    def make() -> Recording:
        staged = episode(suite, split, number)
        return record(staged, name, at)

    return written_once(destination, name, make)


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    parser = numbered("shelves", __doc__, ("standard", "hard"))
    options = parser.parse_args(arguments)
    return make_numbers(options, partial(write, options.suite, options.split, options.destination))


if __name__ == "__main__":
    raise SystemExit(main())
