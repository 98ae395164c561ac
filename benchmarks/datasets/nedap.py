"""Scans of a box of labelled goods by a Nedap reader, as CSV, to portal recordings.

The data set: ``labelsetN/{samples_labels,samples_location1,samples_location2}/sampleM.csv``,
30 s each. Columns ``beam_id`` (0, 1), ``epc``, ``frequency`` (Hz, four ETSI channels), ``phase``
(1/64 turn), ``rssi`` (0.1 dBm), ``time`` (epoch s).

What it becomes (our mapping): beams 0 and 1 are antennas 1 and 2, whose sides and places are
not known; the channels are numbered from 1 in order of frequency. The wanted tags of a label
set are those that all its ``samples_labels`` scans hold; each of them gets a truth ``in`` at
the scan's end, heard or not. Each place (and the bench of the labels) is a read point. Mind
that the box was scanned, not carried through a portal: these recordings grade telling wanted
tags from their surroundings, not directions.

``python -m benchmarks.datasets.nedap SRC DST``: SRC is a CSV file, a label set's folder or
the folder of all.
"""

from __future__ import annotations

import argparse
import math
import sys
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

LABELS = "samples_labels"
CHANNELS_HZ = {865_700_000: 1, 866_300_000: 2, 866_900_000: 3, 867_500_000: 4}


def wanted_epcs(label_set: Path) -> frozenset[str]:
    """The EPCs that every scan of the labels alone holds; raises ``DatasetError``."""
    scans = [
        frozenset(row["epc"].upper() for _, row in read_rows(path))
        for path in csv_files(label_set / LABELS)
    ]
    if not scans:
        raise DatasetError(f"{label_set / LABELS}: no scans of the labels, so nothing is wanted")
    return frozenset.intersection(*scans)


def read_nedap(path: Path, wanted: frozenset[str]) -> Recording:
    """One scan as a recording; raises ``DatasetError``."""
    rows: list[tuple[float, dict[str, str]]] = []
    for number, row in read_rows(path):
        try:
            rows.append((float(row["time"]), row))
        except (KeyError, ValueError) as error:
            raise DatasetError(f"{path}, line {number}: {error!r}") from error
    if not rows:
        raise DatasetError(f"{path}: no reads")
    rows.sort(key=lambda timed: timed[0])
    origin_s = rows[0][0]
    try:
        heard = tuple(_tag_heard(row, at_s - origin_s) for at_s, row in rows)
    except (KeyError, ValueError) as error:
        raise DatasetError(f"{path}: {error!r}") from error
    return Recording(
        header=PortalHeader(
            read_point=f"nedap-{path.resolve().parent.name.removeprefix('samples_')}",
            started_at=moment(origin_s),
            antennas=[AntennaPlace(antenna=1), AntennaPlace(antenna=2)],
        ),
        heard=heard,
        truths=tuple(PassTruth(t=heard[-1].t, epc=epc, direction="in") for epc in sorted(wanted)),
    )


def _tag_heard(row: dict[str, str], t: float) -> TagHeard:
    return TagHeard(
        t=round(t, 6),
        epc=row["epc"].upper(),
        antenna=int(row["beam_id"]) + 1,
        peak_rssi_dbm=int(row["rssi"]) / 10,
        phase_rad=round(int(row["phase"]) * math.tau / 64, 5),
        channel=CHANNELS_HZ[int(row["frequency"])],
    )


def convert(source: Path, destination: Path) -> list[Path]:
    """Every scan of ``source`` to ``destination``; gives what was written."""
    destination.mkdir(parents=True, exist_ok=True)
    wanted: dict[Path, frozenset[str]] = {}
    written = []
    for path in csv_files(source):
        label_set = path.resolve().parent.parent
        if label_set not in wanted:
            wanted[label_set] = wanted_epcs(label_set)
        name = f"nedap-{label_set.name}-{path.resolve().parent.name}-{stem(path)}.jsonl.gz"
        write_recording(destination / name, read_nedap(path, wanted[label_set]))
        written.append(destination / name)
    if not written:
        raise DatasetError(f"{source}: no CSV files here")
    return written


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.datasets.nedap", description=__doc__
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("source", metavar="SRC", type=Path, help="a CSV(.gz) file or a folder")
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
