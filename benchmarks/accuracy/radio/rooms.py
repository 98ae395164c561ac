"""Still tags as they were measured in a real room, before the emulated radio of a suite's halls.

The geometry is the real one's; echoes, reader and chance are those of a suite's layouts for
training (never of those for testing). Channels are the FCC's, as they were there. What nobody
wrote down is a choice: a tag loses 4 dB one way to what it is stuck on, and the room's four
antennas look at its middle.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from random import Random
from statistics import pstdev
from typing import NamedTuple

from benchmarks.accuracy.radio.scatter import ENOUGH_READS, levels
from drivers.emulators.portal_physics import PortalPhysics
from drivers.emulators.portal_scene import Antenna, Body, Path, Scene, Tag, Timing
from drivers.emulators.portal_suites import Suite, layout
from drivers.emulators.portal_traffic import Layout, sample_epcs, scene_of
from drivers.recording import TagHeard

FOOT_M = 0.3048
ROOM_FT = 15
HIGH_M = 4 * FOOT_M
STILL_S = 10.0
GRID_FT = (1, 3, 5, 7, 8, 10, 12, 14)
NEAR_M = (0.3, 0.9, 1.5, 2.1)
WEAK_M = tuple(feet * FOOT_M for feet in range(1, 8))
WEAK_DB = 8.0
"""The ceiling's test: the same tag, at -42 to -63 dBm."""
STUCK_DB = 4.0


class Spot(NamedTuple):
    """What one antenna heard of one tag that stood so far away."""

    metres: float
    reads: list[TagHeard]


def halls(suite: Suite, how_many: int) -> list[Layout]:
    """The first layouts of a suite's training split."""
    return [layout(suite, "train", number) for number in range(how_many)]


def corners() -> tuple[Antenna, ...]:
    """The room's antennas, one in each corner, as the recordings number them; the room's middle
    is where x and y are zero.
    """
    half_m = ROOM_FT / 2 * FOOT_M
    return tuple(
        Antenna(
            antenna=number, side="unknown", x_m=x * half_m, y_m=y * half_m, z_m=HIGH_M,
            yaw_deg=-45.0 * x, tilt_deg=0.0,
        )
        for number, (x, y) in enumerate(((-1, -1), (-1, 1), (1, 1), (1, -1)), 1)
    )  # fmt: skip


def play(
    hall: Layout,
    antennas: Sequence[Antenna],
    tags: Iterable[Tag],
    seconds: float,
    *,
    bodies: Iterable[Body] = (),
    timing: Timing | None = None,
) -> list[TagHeard]:
    """What those antennas hear in this hall; ``timing`` in place of its own reader's."""
    staged = scene_of(hall, tags, seed=hall.room, bodies=bodies)
    scene = replace(staged, antennas=tuple(antennas), region="fcc")
    return heard(scene if timing is None else replace(scene, timing=timing), seconds)


def heard(scene: Scene, seconds: float) -> list[TagHeard]:
    """All reads of a scene up to then."""
    return [
        TagHeard(
            t=t,
            epc=read.epc,
            antenna=read.antenna or 0,
            peak_rssi_dbm=read.peak_rssi_dbm,
            phase_rad=read.phase_rad,
            doppler_hz=read.doppler_hz,
            channel=read.channel,
        )
        for t, read in PortalPhysics(scene).until(seconds)
    ]


def facing(hall: Layout, distances_m: Iterable[float], loss_db: float) -> Iterator[Spot]:
    """A tag that faces one antenna, at each distance in its bore-sight and 6 degrees beside it."""
    antenna = Antenna(antenna=1, side="unknown", x_m=0.0, y_m=-1.0, z_m=2.0, tilt_deg=0.0)
    for metres in distances_m:
        for aside in (-0.1, 0.0, 0.1):
            place = Path.standing(metres * math.sin(aside), metres * math.cos(aside) - 1.0)
            tag = Tag(epc=next(sample_epcs()), path=place, offset=(0.0, 0.0, 2.0), loss_db=loss_db)
            yield Spot(metres, play(hall, [antenna], [tag], STILL_S))


def grid(hall: Layout) -> Iterator[tuple[int, Spot]]:
    """A tag on each of 64 places of the room, as each corner's antenna hears it."""
    antennas = corners()
    for x_ft in GRID_FT:
        for y_ft in GRID_FT:
            x_m, y_m = ((ft - ROOM_FT / 2) * FOOT_M for ft in (x_ft, y_ft))
            tag = Tag(
                epc=next(sample_epcs(100 * x_ft + y_ft)),
                path=Path.standing(x_m, y_m),
                offset=(0.0, 0.0, HIGH_M),
                loss_db=STUCK_DB,
                axis=(0.0, 0.0, 1.0),
            )
            reads = play(hall, antennas, [tag], STILL_S)
            for one in antennas:
                metres = math.hypot(x_m - one.x_m, y_m - one.y_m)
                own = [read for read in reads if read.antenna == one.antenna]
                if own:
                    yield one.antenna, Spot(metres, own)


def over_hops(spot: Spot) -> list[float]:
    """The standard deviation of a place's levels (dB), where there are enough of them."""
    told = levels(spot.reads)
    return [pstdev(told)] if len(told) >= ENOUGH_READS else []


def crowd(hall: Layout, tags: int) -> list[TagHeard]:
    """Many tags a metre or two before the hall's own antennas."""
    rng = Random(f"crowd {hall.room}")
    names = sample_epcs()
    field = [
        Tag(
            epc=next(names),
            path=Path.standing(rng.uniform(-0.6, 0.6), rng.uniform(-0.4, 0.4)),
            offset=(0.0, 0.0, rng.uniform(0.3, 1.6)),
        )
        for _ in range(tags)
    ]
    return play(hall, hall.antennas, field, STILL_S)
