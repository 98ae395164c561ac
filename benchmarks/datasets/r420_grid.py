"""Tags that stood still in a room with an antenna in each corner, to recordings of a zone.

The data set is that of ``r420``: the folder ``Test8`` has one file for each of 64 points of a grid
in a room of 15 x 15 ft, named by the tag's place in feet, ``(x,y).csv``, 19 s each.

What it becomes (our mapping): a recording of a portal as ``r420`` makes it, without truths, and
beside it ``places.json``, which ``tallyport bench presence`` reads: each corner's antenna watches
a place of its own. A tag stands at the place of the nearest corner, where that is nearer by at
least 2 ft than the next; of a tag in between it is only known that it did not move.

``python -m benchmarks.datasets.r420_grid SRC DST``: SRC is the folder ``Test8``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.accuracy.presence_scenes import Sidecar
from benchmarks.datasets.command import import_files
from benchmarks.datasets.places import converted_zones
from benchmarks.datasets.r420 import CORNERS_FT, read_r420
from benchmarks.datasets.rows import csv_files, stem
from drivers.recording import Recording, TagHeard

CLEARLY_FT = 2.0
_POINT = re.compile(r"\((\d+),(\d+)\)")


def nearest(x_ft: float, y_ft: float) -> int | None:
    """The antenna whose corner is clearly the nearest."""
    (near_ft, antenna), (next_ft, _), *_ = sorted(
        (math.hypot(x_ft - x, y_ft - y), antenna) for antenna, (x, y) in CORNERS_FT.items()
    )
    return antenna if next_ft - near_ft >= CLEARLY_FT else None


def convert(source: Path, destination: Path) -> list[Path]:
    """Every point of the grid; gives what was written. Raises ``DatasetError``."""
    return converted_zones(destination, _points(source))


def _points(source: Path) -> Iterator[tuple[str, Recording, Sidecar]]:
    for path in csv_files(source):
        point = _POINT.fullmatch(stem(path))
        if point is None:
            continue
        recording = read_r420(path, None)
        places = _places(recording, nearest(float(point[1]), float(point[2])))
        yield f"r420-grid-{point[1]}-{point[2]}", recording, places


def _places(recording: Recording, antenna: int | None) -> Sidecar:
    epcs = {line.epc for line in recording.heard if isinstance(line, TagHeard)}
    return Sidecar(
        places={corner: f"corner-{corner}" for corner in CORNERS_FT},
        stood={} if antenna is None else dict.fromkeys(sorted(epcs), f"corner-{antenna}"),
    )


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    return import_files("r420_grid", __doc__, "the folder Test8", convert, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
