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

import argparse
import math
import re
import sys
from pathlib import Path

import msgspec

from benchmarks.accuracy.presence_scenes import PLACES, Sidecar
from benchmarks.datasets.r420 import CORNERS_FT, read_r420
from benchmarks.datasets.rows import DatasetError, csv_files, stem
from drivers.recording import Recording, TagHeard, write_recording

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
    destination.mkdir(parents=True, exist_ok=True)
    told: dict[str, Sidecar] = {}
    written = []
    for path in csv_files(source):
        point = _POINT.fullmatch(stem(path))
        if point is None:
            continue
        recording = read_r420(path, None)
        target = destination / f"r420-grid-{point[1]}-{point[2]}.jsonl.gz"
        write_recording(target, recording)
        told[target.name] = _places(recording, nearest(float(point[1]), float(point[2])))
        written.append(target)
    if not written:
        raise DatasetError(f"{source}: no files named by a place, like (1,1).csv")
    (destination / PLACES).write_bytes(msgspec.json.format(msgspec.json.encode(told)))
    return written


def _places(recording: Recording, antenna: int | None) -> Sidecar:
    epcs = {line.epc for line in recording.heard if isinstance(line, TagHeard)}
    return Sidecar(
        places={corner: f"corner-{corner}" for corner in CORNERS_FT},
        stood={} if antenna is None else dict.fromkeys(sorted(epcs), f"corner-{antenna}"),
    )


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.datasets.r420_grid", description=__doc__
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("source", metavar="SRC", type=Path, help="the folder Test8")
    parser.add_argument("destination", metavar="DST", type=Path, help="folder for the recordings")
    options = parser.parse_args(arguments)
    try:
        written = convert(options.source, options.destination)
    except (DatasetError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(written)} recordings in {options.destination}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
