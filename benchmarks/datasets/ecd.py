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

import argparse
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.datasets.rows import DatasetError, csv_files, moment, read_rows, stem
from drivers.recording import (
    AntennaPlace,
    PassTruth,
    PortalHeader,
    Recording,
    TagHeard,
    write_recording,
)

COUNTS = "file_arc_num.json"
CHANNELS_MHZ = {"865.7": 1, "866.3": 2, "866.9": 3, "867.5": 4}


def read_ecd(path: Path, counted: Mapping[str, int]) -> Recording:
    """One file as a recording; raises ``DatasetError``."""
    rows: list[tuple[float, dict[str, str]]] = []
    for number, row in read_rows(path):
        try:
            rows.append((float(row["time_reader"]), row))
        except (KeyError, ValueError) as error:
            raise DatasetError(f"{path}, line {number}: {error!r}") from error
    if not rows:
        raise DatasetError(f"{path}: no reads")
    rows.sort(key=lambda timed: timed[0])
    origin_s = rows[0][0]
    try:
        heard = tuple(_heard(row, at_s - origin_s) for at_s, row in rows)
    except (KeyError, ValueError) as error:
        raise DatasetError(f"{path}: {error!r}") from error
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
        t=round(t, 6),
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
    destination.mkdir(parents=True, exist_ok=True)
    written = []
    for path in csv_files(source):
        recording = read_ecd(path, counted.get(f"{stem(path)}.csv", {}))
        target = destination / f"ecd-{stem(path)}.jsonl.gz"
        write_recording(target, recording)
        written.append(target)
    if not written:
        raise DatasetError(f"{source}: no CSV files here")
    return written


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.datasets.ecd", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("source", metavar="SRC", type=Path, help="a CSV(.gz) file or a folder")
    parser.add_argument("destination", metavar="DST", type=Path, help="folder for the recordings")
    options = parser.parse_args(arguments)
    try:
        written = convert(options.source, options.destination)
    except (DatasetError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(written)} recordings in {options.destination}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
