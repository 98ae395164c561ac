"""A real shelf's lift of one bottle to a recording (AiFi nanostore, CPS-IoT Week 2020).

The source is a drawing's digits: a mean and a standard deviation of 0.2 s of twelve load plates,
every 0.09 s for half a minute, in which somebody takes one bottle of 592 g off plate 10. What
lies on the other plates is not told: each is given the store's lightest item, of 30 g, which is
the hardest to keep apart from a neighbour's leak.

``python -m benchmarks.datasets.aifi gondola1_shelf5_digitised.csv DST``
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.datasets.command import converted, import_files
from benchmarks.datasets.rows import read_rows
from drivers.recording import (
    ChangeTruth,
    PlateSetup,
    PlateWeighed,
    Recording,
    ShelfHeader,
)

FROM = datetime(2020, 4, 21, 12, tzinfo=UTC)
PLATES = range(1, 13)
BOTTLE_PLATE, BOTTLE_G, LIFTED_S = 10, 592.0, 16.4
LIGHTEST_G = 30.0

Series = list[tuple[float, float]]


def read(source: Path, light_g: float = LIGHTEST_G) -> Recording:
    """The recording; every plate but the bottle's holds pieces of ``light_g``. Raises
    ``DatasetError``.
    """
    series: dict[tuple[str, str], Series] = {}
    for _, row in read_rows(source):
        point = (float(row["t_s"]), float(row["grams"]))
        series.setdefault((row["series"], row["stat"]), []).append(point)
    heard = [
        PlateWeighed(
            t=t,
            plate=plate,
            gross_mg=round(grams * 1_000),
            std_mg=round(_near(series[f"plate{plate}", "std"], t) * 1_000),
        )
        for plate in PLATES
        for t, grams in series[f"plate{plate}", "mean"]
    ]
    plates = [
        PlateSetup(
            plate=plate,
            item=f"item-{plate}",
            unit_mg=round((BOTTLE_G if plate == BOTTLE_PLATE else light_g) * 1_000),
            unit_cv=0.01,
        )
        for plate in PLATES
    ]
    return Recording(
        header=ShelfHeader(read_point="gondola1-shelf5", started_at=FROM, plates=plates),
        heard=tuple(sorted(heard, key=lambda one: one.t)),
        truths=(ChangeTruth(t=LIFTED_S, plate=BOTTLE_PLATE, quantity=-1),),
    )


def _near(series: Series, t: float) -> float:
    """The value of the point nearest in time: means and deviations have their own beats."""
    at = bisect_left(series, (t, 0.0))
    around = series[max(0, at - 1) : at + 1]
    return min(around, key=lambda one: abs(one[0] - t))[1]


def convert(source: Path, destination: Path) -> list[Path]:
    """The shelf as ``destination/aifi-bottle.jsonl.gz``; gives what was written."""
    return converted(destination, [("aifi-bottle", read(source))])


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    return import_files("aifi", __doc__, "the CSV file of the shelf", convert, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
