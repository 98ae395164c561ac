"""Walks with a hand-held reader along a shop's shelves, to recordings of a zone of many places.

The data set (detego, a real shop): ``dataset.csv`` (``milliseconds`` since 1970, ``epc`` as a
number, ``rssi`` in dBm, ``session``, ``experiment_nr``; nine walks) and
``panels_epc_mapping.csv`` (at which shelf panel each of 915 tags hangs). Free to use for research;
cite T. Hasler, M. Wölbitsch, M. Goller, S. Walk, "Estimating Relative Tag Locations based on
Time-Differences in Read Events", IEEE RFID 2019.

What it becomes (our mapping): the reader names no antenna, so each read gets the panel that the
reader stood before as its antenna, told by landmarks: half of the tags whose panel is known (even
numbers) say which panel was heard with most power within half a second. They are left out of the
recording; the other half is graded. So this measures which place a tag is given when places overlap
much and a reader passes each for seconds; an antenna that hangs before a panel hears longer.

``python -m benchmarks.datasets.detego SRC DST``: SRC is the folder of the three CSV files.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.accuracy.presence_scenes import Sidecar
from benchmarks.datasets.command import import_files
from benchmarks.datasets.places import converted_zones
from benchmarks.datasets.rows import at_line, moment, read_rows
from drivers.recording import AntennaPlace, PortalHeader, Recording, TagHeard

NEAR_S = 0.5


class _Read(NamedTuple):
    at_s: float
    tag: int
    dbm: float


def convert(source: Path, destination: Path) -> list[Path]:
    """Every walk; gives what was written. Raises ``DatasetError``."""
    panels = _panels(source / "panels_epc_mapping.csv")
    walks = sorted(_walks(source / "dataset.csv").items())
    return converted_zones(
        destination,
        ((f"detego-{name}", *_walked(sorted(reads), panels)) for name, reads in walks),
    )


def _panels(path: Path) -> dict[int, int]:
    panels: dict[int, int] = {}
    for number, row in read_rows(path):
        with at_line(path, number):
            panels[int(row["epc"])] = int(row["panel"])
    return panels


def _walks(path: Path) -> dict[str, list[_Read]]:
    walks: dict[str, list[_Read]] = defaultdict(list)
    for number, row in read_rows(path):
        with at_line(path, number):
            read = _Read(int(row["milliseconds"]) / 1e3, int(row["epc"]), float(row["rssi"]))
            walks[f"{row['session']}-{row['experiment_nr']}"].append(read)
    return walks


def _walked(reads: Sequence[_Read], panels: dict[int, int]) -> tuple[Recording, Sidecar]:
    origin_s = reads[0].at_s
    marks = [one for one in reads if one.tag % 2 == 0 and one.tag in panels]
    times = [one.at_s for one in marks]
    heard, stood = [], {}
    for one in reads:
        panel = panels.get(one.tag)
        if one.tag % 2 == 0 or panel is None:
            continue
        near = marks[bisect_left(times, one.at_s - NEAR_S) : bisect_right(times, one.at_s + NEAR_S)]
        before = _before(near, panels)
        if before is None:
            continue
        epc = f"{one.tag:024X}"
        stood[epc] = f"panel-{panel}"
        t = round(one.at_s - origin_s, 3)
        heard.append(TagHeard(t=t, epc=epc, antenna=before, peak_rssi_dbm=one.dbm))
    numbers = sorted({*panels.values()})
    recording = Recording(
        header=PortalHeader(
            read_point="detego-shop",
            started_at=moment(origin_s),
            antennas=[AntennaPlace(antenna=number) for number in numbers],
        ),
        heard=tuple(heard),
        truths=(),
    )
    return recording, Sidecar({number: f"panel-{number}" for number in numbers}, stood)


def _before(marks: Sequence[_Read], panels: dict[int, int]) -> int | None:
    """The panel that the reader stood before, as its landmarks were heard."""
    power: dict[int, float] = defaultdict(float)
    for one in marks:
        power[panels[one.tag]] += math.pow(10.0, one.dbm / 10.0)
    return max(power, key=lambda panel: (power[panel], panel), default=None)


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    return import_files("detego", __doc__, "the folder of the CSV files", convert, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
