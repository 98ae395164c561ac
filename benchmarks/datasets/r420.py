"""Walks past an Impinj R420, written by sllurp as CSV, to portal recordings.

The data set: one tag is carried along straight lines through a room of 15 x 15 ft with an
antenna in each corner, 1 (0, 0), 2 (0, 15), 3 (15, 15), 4 (15, 0). ``LineMetadata.csv`` names
each walk's path, start and end. Columns ``timestamp`` (epoch s), ``antenna``, ``rssi`` (dBm),
``epc`` (``b'...'``), ``phase_angle`` (1/4096 turn, with Impinj's ambiguity of half a turn),
``channel_index``, ``doppler_frequency`` (1/16 Hz).

How a room becomes a portal (our mapping, not the data set's):

* The threshold is the line through the room's middle, square to the walk. Walks of one path
  share one frame: the first that the metadata lists walks **in**, so antennas on its start's
  half are ``outside``, those on its end's half ``inside``, and those on the threshold (the
  two far corners of a diagonal walk) ``unknown``. A walk the other way round is **out**.
* Nobody wrote down when the threshold was crossed; walking was even, so the truth stands
  halfway between first and last read.
* Antennas are taken to look at the room's middle; their height was not recorded.
* A file that the metadata does not name (the static tests, circles) has no truth: its tag
  did not cross. Its sides are those of a walk along falling y.

``python -m benchmarks.datasets.r420 SRC DST``: SRC is a CSV file or a folder of them.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal, NamedTuple

from benchmarks.datasets.command import converted, import_files
from benchmarks.datasets.rows import at_line, csv_files, moment, read_rows, reads, stem
from drivers.recording import AntennaPlace, PassTruth, PortalHeader, Recording, Side, TagHeard

M_PER_FT = 0.3048
ROOM_FT = 15.0
CORNERS_FT = {1: (0.0, 0.0), 2: (0.0, ROOM_FT), 3: (ROOM_FT, ROOM_FT), 4: (ROOM_FT, 0.0)}
METADATA = "LineMetadata.csv"


class Walk(NamedTuple):
    """One straight walk; ``inward`` is the unit vector of its path's way in."""

    inward: tuple[float, float]
    direction: Literal["in", "out"]


def read_walks(metadata: Path) -> dict[str, Walk]:
    """Walks by their file's name in lower case; raises ``DatasetError``."""
    walks: dict[str, Walk] = {}
    ways_in: dict[str, tuple[float, float]] = {}
    for number, row in read_rows(metadata):
        with at_line(metadata, number):
            dx = float(row["end_x_true"]) - float(row["start_x_true"])
            dy = float(row["end_y_true"]) - float(row["start_y_true"])
            path, name = row["path_#"], row["raw_CSV_filename"].lower()
        length = math.hypot(dx, dy)
        way = (dx / length, dy / length)
        inward = ways_in.setdefault(path, way)
        same = way[0] * inward[0] + way[1] * inward[1] > 0
        walks[name] = Walk(inward, "in" if same else "out")
    return walks


def side_of(antenna: int, inward: tuple[float, float]) -> Side:
    """Which side of the threshold a corner is on."""
    x, y = CORNERS_FT[antenna]
    ahead = (x - ROOM_FT / 2) * inward[0] + (y - ROOM_FT / 2) * inward[1]
    if abs(ahead) < 1.0:
        return "unknown"
    return "inside" if ahead > 0 else "outside"


def place_of(antenna: int, inward: tuple[float, float]) -> AntennaPlace:
    """A corner's antenna in metres, looking at the room's middle."""
    x, y = CORNERS_FT[antenna]
    yaw = math.atan2(ROOM_FT / 2 - y, ROOM_FT / 2 - x)
    return AntennaPlace(
        antenna=antenna,
        side=side_of(antenna, inward),
        x_m=round(x * M_PER_FT, 3),
        y_m=round(y * M_PER_FT, 3),
        yaw_deg=round(math.degrees(yaw), 1),
    )


def read_r420(path: Path, walk: Walk | None) -> Recording:
    """One CSV file as a recording; raises ``DatasetError``."""
    origin_s, heard = reads(path, "timestamp", _tag_heard)
    inward = walk.inward if walk else (0.0, -1.0)
    return Recording(
        header=PortalHeader(
            read_point="r420-room",
            started_at=moment(origin_s),
            antennas=[place_of(antenna, inward) for antenna in CORNERS_FT],
        ),
        heard=heard,
        truths=_truths(heard, walk),
    )


def _tag_heard(row: dict[str, str], t: float) -> TagHeard:
    return TagHeard(
        t=t,
        epc=row["epc"].removeprefix("b'").removesuffix("'").upper(),
        antenna=int(row["antenna"]),
        peak_rssi_dbm=float(row["rssi"]),
        phase_rad=round(int(row["phase_angle"]) * math.tau / 4096, 5),
        doppler_hz=int(row["doppler_frequency"]) / 16,
        channel=int(row["channel_index"]),
    )


def _truths(heard: tuple[TagHeard, ...], walk: Walk | None) -> tuple[PassTruth, ...]:
    if walk is None:
        return ()
    by_epc: dict[str, list[float]] = {}
    for read in heard:
        by_epc.setdefault(read.epc, []).append(read.t)
    return tuple(
        PassTruth(t=round((times[0] + times[-1]) / 2, 3), epc=epc, direction=walk.direction)
        for epc, times in by_epc.items()
    )


def find_walks(source: Path) -> dict[str, Walk]:
    """The walks of the metadata beside or above ``source``; none where there is none."""
    start = source if source.is_dir() else source.parent
    for folder in (start, *start.parents):
        for name in (METADATA, f"{METADATA}.gz"):
            if (folder / name).is_file():
                return read_walks(folder / name)
    return {}


def convert(source: Path, destination: Path) -> list[Path]:
    """Every CSV file of ``source`` to ``destination/NAME.jsonl.gz``; gives what was written."""
    walks = find_walks(source)
    return converted(
        destination,
        (
            (f"r420-{stem(path)}", read_r420(path, walks.get(stem(path).lower())))
            for path in csv_files(source)
            if not stem(path).endswith("Metadata")
        ),
    )


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    return import_files("r420", __doc__, "a CSV(.gz) file or a folder", convert, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
