"""The acceptance record of a walk test, and the recording beside it."""

from __future__ import annotations

import tarfile
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from drivers.recording import (
    AntennaPlace,
    Line,
    PassTruth,
    PortalHeader,
    Recording,
    write_recording,
)
from edge.config import DeviceConfig
from edge.console.walk_judging import Judging, by_central
from edge.console.walk_model import Pass, Walking, summary
from edge.describing import describe

_BESIDE_S = 3.0
BY_ORDER = (
    "Direction was judged on this edge by the order of the antennas alone. Central judges with "
    "more evidence: `tallyport evaluate` grades the recordings of this walk by that judging."
)
UNJUDGED = (
    "Direction was not judged: no antenna of this portal has a side (outside, inside) in the "
    "settings. `tallyport evaluate` grades the recordings of this walk once they have."
)


def made_of(
    walking: Walking,
    device: DeviceConfig,
    *,
    at: datetime,
    blind_s: float,
    by: str,
    identity: str,
    signer: str,
    signed_for: str,
    note: str,
    site: str,
    edge: str,
    software: str,
    judging: Judging | None = None,
    unjudged: str = "",
) -> dict[str, Any]:
    """The record, in words of JSON; ``judging`` is central's, ``unjudged`` why there is none."""
    passes = walking.passes
    if judging is None:
        told = summary(passes, judges_direction=walking.judges_direction)
    else:
        passes = by_central(passes, judging)
        told = summary(passes, judges_direction=True) | {"verdict": judging.verdict}
    return {
        "tallyport_record": 1,
        "kind": "walk",
        "verdict": told["verdict"],
        "site": site,
        "edge": edge,
        "device": device.name,
        "driver": device.driver,
        "read_point": device.read_point,
        "identity": identity,
        "by": by,
        "at": at.isoformat(timespec="seconds"),
        "blind_s": blind_s,
        "planned": len(walking.wanted),
        "tags": sorted(walking.expected),
        "summary": told,
        "passes": msgspec.to_builtins(passes),
        "judged_by": {
            "who": "edge" if judging is None else "central",
            "software": software if judging is None else judging.software,
            "how": "order of the antennas" if judging is None else "the judging of production",
            "weights": None if judging is None else judging.weights,
        },
        "direction": _direction(walking, software, judging, unjudged),
        "signer": signer,
        "signed_for": signed_for,
        "note": note,
        "software": software,
    }


def _direction(walking: Walking, software: str, judging: Judging | None, unjudged: str) -> str:
    if judging is not None:
        return (
            f"Direction was judged by central ({judging.software}, weights {judging.weights}): the "
            "judging of production, on what this walk would have sent there."
        )
    words = BY_ORDER if walking.judges_direction else UNJUDGED
    words = words.replace("on this edge", f"on this edge ({software})")
    return f"{words} Central did not judge it: {unjudged}" if unjudged else words


def keep_recordings(path: Path, passes: Sequence[Pass], made: Sequence[Recording]) -> None:
    """Write the recording of each pass into one archive. (In one recording a tag that goes in and
    out would come to nothing.)
    """
    with TemporaryDirectory(dir=path.parent) as folder, tarfile.open(path, "w:gz") as archive:
        for one, recording in zip(passes, made, strict=True):
            file = Path(folder) / f"pass-{one.number:02}.jsonl"
            write_recording(file, recording)
            archive.add(file, arcname=f"{path.name.removesuffix('.tar.gz')}/{file.name}")


def recordings(
    device: DeviceConfig,
    at: datetime,
    *,
    lines: Sequence[Line],
    passes: Sequence[Pass],
    expected: Collection[str],
) -> list[Recording]:
    """A recording of each pass, with what was walked as its truth."""
    header = PortalHeader(read_point=device.read_point, started_at=at, antennas=_places(device))
    made = []
    for one, (begin_s, end_s) in zip(passes, _windows(passes), strict=True):
        heard = tuple(line for line in lines if begin_s <= line.t <= end_s)
        middle_s = (one.from_s + one.to_s) / 2
        truths = tuple(
            PassTruth(t=middle_s, epc=epc, direction=one.want) for epc in sorted(expected)
        )
        made.append(Recording(header=header, heard=heard, truths=truths))  # type: ignore[arg-type]
    return made


def _windows(passes: Sequence[Pass]) -> list[tuple[float, float]]:
    """From a little before each pass to a little after, but never into the one beside it: the
    trolley comes back there.
    """
    begins = [one.from_s - _BESIDE_S for one in passes]
    ends = [one.to_s + _BESIDE_S for one in passes]
    for number, (before, after) in enumerate(pairwise(passes)):
        middle_s = (before.to_s + after.from_s) / 2
        ends[number] = min(ends[number], middle_s)
        begins[number + 1] = max(begins[number + 1], middle_s)
    return list(zip(begins, ends, strict=True))


def _places(device: DeviceConfig) -> list[AntennaPlace]:
    return [
        AntennaPlace(
            antenna=one.antenna,
            side=one.side,  # type: ignore[arg-type]  # describe() knows these three alone
            x_m=one.x_m,
            y_m=one.y_m,
            z_m=one.z_m,
            yaw_deg=one.yaw_deg,
        )
        for one in describe(device, 0).antennas
    ]
