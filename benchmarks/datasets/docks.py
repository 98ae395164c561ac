"""Emulated docks to portal recordings: the suites that accuracy is trained and tested on.

Every number of a suite's split is another dock and other minutes there, drawn from the three
alone (``drivers.emulators.portal_suites``): the same words always make the same files. The truth
names every case that went through the door, those that no reader heard included, and a truck's
own tag, since it went through as well.

``python -m benchmarks.datasets.docks SUITE SPLIT FIRST COUNT DST``: suite ``standard``,
``hard``, ``wild`` or ``small``, split ``train`` or ``test``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.datasets.command import make_numbers, numbered, written_once
from drivers.emulators.portal_beam import edges
from drivers.emulators.portal_physics import PortalPhysics
from drivers.emulators.portal_suites import Split, Suite, episode, reception
from drivers.emulators.portal_traffic import Staged
from drivers.emulators.portal_wild import Reception
from drivers.readings import TagRead
from drivers.recording import (
    AntennaPlace,
    GpiChanged,
    PassTruth,
    PortalHeader,
    Recording,
    Side,
    TagHeard,
)

FROM = datetime(2026, 1, 5, 8, tzinfo=UTC)
"""The first episode's hour; every later one begins an hour later."""
AFTERWARDS_S = 4.0
SHORTEST_S = 12.0


def record(
    staged: Staged,
    told: Reception,
    read_point: str,
    started_at: datetime,
    *,
    photo_eye: bool = False,
) -> Recording:
    """What a reader hears of it, as it tells it, with its truth. A recording lasts
    ``SHORTEST_S`` at least. With a ``photo_eye`` across the door, its changes stand in it.
    """
    until_s = max(staged.ends_s + AFTERWARDS_S, SHORTEST_S)
    reads = PortalPhysics(staged.scene).until(until_s)
    eye = edges(staged.scene, until_s) if photo_eye else ()
    heard: list[TagHeard | GpiChanged] = [
        *(_heard(t, read, told) for t, read in reads),
        *(GpiChanged(t=t, gpi=1, state=dark) for t, dark in eye),
    ]
    return Recording(
        header=PortalHeader(
            read_point=read_point,
            started_at=started_at,
            antennas=[
                AntennaPlace(
                    antenna=one.antenna,
                    side=_side(one.antenna, one.side, told),
                    x_m=one.x_m,
                    y_m=one.y_m,
                    z_m=one.z_m,
                    yaw_deg=one.yaw_deg,
                )
                for one in staged.scene.antennas
            ],
        ),
        heard=tuple(sorted(heard, key=lambda one: one.t)),
        truths=tuple(
            PassTruth(t=round(one.at_s, 3), epc=epc, direction=one.direction)
            for one in staged.crossings
            for epc in (*one.epcs, *one.carriers)
        ),
    )


def _side(antenna: int, side: str, told: Reception) -> Side:
    if antenna in told.unplaced:
        return "unknown"
    return "inside" if side == "inside" else "outside"


def _heard(t: float, read: TagRead, told: Reception) -> TagHeard:
    antenna, level = read.antenna or 0, read.peak_rssi_dbm
    tells = told.tells_phase
    return TagHeard(
        t=round(t, 4),
        epc=read.epc,
        antenna=antenna,
        peak_rssi_dbm=None if level is None else level + told.offsets_db[antenna],
        phase_rad=None if read.phase_rad is None or not tells else round(read.phase_rad, 4),
        doppler_hz=None if read.doppler_hz is None or not tells else round(read.doppler_hz, 2),
        channel=read.channel if tells else None,
    )


def write(
    suite: Suite, split: Split, destination: Path, number: int, *, photo_eye: bool = False
) -> Path:
    """One episode as ``SUITE-SPLIT-NNNN.jsonl.gz``, unless it is there already."""
    name = f"{suite}-{split}-{number:04d}"
    at = FROM + timedelta(hours=number)

    def make() -> Recording:
        staged = episode(suite, split, number)
        told = reception(suite, split, number)
        return record(staged, told, name, at, photo_eye=photo_eye or told.photo_eye)

    return written_once(destination, name, make)


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    parser = numbered("docks", __doc__, ("standard", "hard", "wild", "small"))
    parser.add_argument("--photo-eye", action="store_true", help="with a photo-eye across the door")
    options = parser.parse_args(arguments)
    make = partial(write, options.suite, options.split, options.destination)
    return make_numbers(options, partial(make, photo_eye=options.photo_eye))


if __name__ == "__main__":
    raise SystemExit(main())
