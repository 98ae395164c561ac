"""A tag on a belt past one antenna of a Zebra FX7500, as CSV, to portal recordings.

The data set (CC0): ``NAME.csv`` with the columns ``peakRssi`` (dBm), ``phase`` (degrees),
``channel`` (MHz), ``idHex``, ``time_reader`` (epoch s), each value with a tab behind its comma;
``file_arc_num.json`` has the passes counted by hand, ``{"NAME.csv": {epc: count}}``.

What it becomes (our mapping): antenna 1, whose side is not known; channels numbered from 1 in
order of frequency. Only the number of passes is known, not when they were: the recording has as
many truths ``in`` of the tag, spread evenly from its first read to its last. Files that nobody
counted have no truths.

``python -m benchmarks.datasets.ecd SRC DST``: SRC is a CSV file or the folder of all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

from benchmarks.datasets.command import converted, import_files
from benchmarks.datasets.rows import csv_files, moment, reads, stem
from drivers.recording import AntennaPlace, PassTruth, PortalHeader, Recording, TagHeard

COUNTS = "file_arc_num.json"
CHANNELS_MHZ = {"865.7": 1, "866.3": 2, "866.9": 3, "867.5": 4}


def read_ecd(path: Path, counted: Mapping[str, int]) -> Recording:
    """One file as a recording; raises ``DatasetError``."""
    origin_s, heard = reads(path, "time_reader", _heard)
    return Recording(
        header=PortalHeader(
            read_point=f"ecd-{stem(path).lower()}",
            started_at=moment(origin_s),
            antennas=[AntennaPlace(antenna=1)],
        ),
        heard=heard,
        truths=_truths(heard, counted),
    )


def _heard(row: dict[str, str], t: float) -> TagHeard:
    return TagHeard(
        t=t,
        epc=row["idHex"].upper(),
        antenna=1,
        peak_rssi_dbm=float(row["peakRssi"]),
        phase_rad=round(math.radians(float(row["phase"])) % math.tau, 5),
        channel=CHANNELS_MHZ[row["channel"]],
    )


def _truths(heard: tuple[TagHeard, ...], counted: Mapping[str, int]) -> tuple[PassTruth, ...]:
    truths: list[PassTruth] = []
    for epc, count in counted.items():
        times = [one.t for one in heard if one.epc == epc.upper()] or [heard[0].t, heard[-1].t]
        step = (times[-1] - times[0]) / count if count else 0.0
        truths += [
            PassTruth(t=round(times[0] + (n + 0.5) * step, 3), epc=epc.upper(), direction="in")
            for n in range(count)
        ]
    return tuple(truths)


def counts_beside(source: Path) -> dict[str, dict[str, int]]:
    """The passes counted by hand in or above ``source``; none where there are none."""
    start = source if source.is_dir() else source.parent
    for folder in (start, *start.parents):
        for path in (folder / COUNTS, folder / "test" / COUNTS):
            if path.is_file():
                counted: dict[str, dict[str, int]] = json.loads(path.read_text(encoding="utf-8"))
                return counted
    return {}


def convert(source: Path, destination: Path) -> list[Path]:
    """Every CSV file of ``source`` to ``destination/ecd-NAME.jsonl.gz``; gives what was written."""
    counted = counts_beside(source.resolve())
    return converted(
        destination,
        (
            (f"ecd-{stem(path)}", read_ecd(path, counted.get(f"{stem(path)}.csv", {})))
            for path in csv_files(source)
        ),
    )


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    return import_files("ecd", __doc__, "a CSV(.gz) file or a folder", convert, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
