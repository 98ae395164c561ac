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

import math
from collections.abc import Iterator
from pathlib import Path

from benchmarks.datasets.command import converted, import_files
from benchmarks.datasets.rows import DatasetError, csv_files, moment, read_rows, reads, stem
from drivers.recording import AntennaPlace, PassTruth, PortalHeader, Recording, TagHeard

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
    origin_s, heard = reads(path, "time", _tag_heard)
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
        t=t,
        epc=row["epc"].upper(),
        antenna=int(row["beam_id"]) + 1,
        peak_rssi_dbm=int(row["rssi"]) / 10,
        phase_rad=round(int(row["phase"]) * math.tau / 64, 5),
        channel=CHANNELS_HZ[int(row["frequency"])],
    )


def convert(source: Path, destination: Path) -> list[Path]:
    """Every scan of ``source`` to ``destination``; gives what was written."""
    return converted(destination, _scans(source))


def _scans(source: Path) -> Iterator[tuple[str, Recording]]:
    wanted: dict[Path, frozenset[str]] = {}
    for path in csv_files(source):
        folder = path.resolve().parent
        label_set = folder.parent
        if label_set not in wanted:
            wanted[label_set] = wanted_epcs(label_set)
        name = f"nedap-{label_set.name}-{folder.name}-{stem(path)}"
        yield name, read_nedap(path, wanted[label_set])


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    return import_files("nedap", __doc__, "a CSV(.gz) file or a folder", convert, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
