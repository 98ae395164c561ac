"""The acceptance record of a walk test, and the recording beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
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
from edge.console.walk_model import Walking, summary
from edge.describing import describe

BY_ORDER = (
    "Direction was judged on this edge by the order of the antennas alone. Central judges with "
    "more evidence: `tallyport evaluate` grades the recording of this walk by that judging."
)
UNJUDGED = (
    "Direction was not judged: no antenna of this portal has a side (outside, inside) in the "
    "settings. `tallyport evaluate` grades the recording of this walk once they have."
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


def keep_recording(
    path: Path,
    device: DeviceConfig,
    at: datetime,
    lines: Sequence[Line],
    truths: Sequence[PassTruth],
) -> None:
    """Write what was heard, with what was walked as the truth."""
    places = [
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
    header = PortalHeader(read_point=device.read_point, started_at=at, antennas=places)
    heard = tuple(sorted((one for one in lines if not isinstance(one, PassTruth)), key=_t))
    write_recording(path, Recording(header=header, heard=heard, truths=tuple(truths)))  # type: ignore[arg-type]


def _t(line: Line) -> float:
    return line.t
