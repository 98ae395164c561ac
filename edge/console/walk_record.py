"""The acceptance record of a walk test, and the recording beside it."""

from __future__ import annotations

import tarfile
from collections.abc import Collection, Sequence
from datetime import datetime
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
) -> dict[str, Any]:
    """The record, in words of JSON."""
    told = summary(walking.passes, judges_direction=walking.judges_direction)
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
        "passes": msgspec.to_builtins(walking.passes),
        "direction": BY_ORDER if walking.judges_direction else UNJUDGED,
        "signer": signer,
        "signed_for": signed_for,
        "note": note,
        "software": software,
    }


def keep_recordings(
    path: Path,
    device: DeviceConfig,
    at: datetime,
    *,
    lines: Sequence[Line],
    passes: Sequence[Pass],
    expected: Collection[str],
) -> None:
    """Write what was heard, a recording for each pass with what was walked as its truth, into one
    archive. (In one recording a tag that goes in and out would come to nothing.)
    """
    header = PortalHeader(read_point=device.read_point, started_at=at, antennas=_places(device))
    with TemporaryDirectory(dir=path.parent) as folder, tarfile.open(path, "w:gz") as archive:
        for one in passes:
            begin_s, end_s = one.from_s - _BESIDE_S, one.to_s + _BESIDE_S
            heard = tuple(line for line in lines if begin_s <= line.t <= end_s)
            middle_s = (one.from_s + one.to_s) / 2
            truths = tuple(
                PassTruth(t=middle_s, epc=epc, direction=one.want) for epc in sorted(expected)
            )
            file = Path(folder) / f"pass-{one.number:02}.jsonl"
            write_recording(file, Recording(header=header, heard=heard, truths=truths))  # type: ignore[arg-type]
            archive.add(file, arcname=f"{path.name.removesuffix('.tar.gz')}/{file.name}")


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
