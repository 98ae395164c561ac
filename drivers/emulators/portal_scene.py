"""What stands and moves at an emulated dock portal: antennas, paths, bodies, tags, pallets.

Axes: x along the way through the door, negative outside and positive inside; y across, zero
in the middle; z up; all in metres. Time is in seconds from the scene's start. How all this
sounds to a reader is told by ``drivers.emulators.portal_physics``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Literal, NamedTuple


class Place(NamedTuple):
    """Position in metres and velocity in metres per second."""

    x: float
    y: float
    z: float
    vx: float = 0.0
    vy: float = 0.0
    vz: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Antenna:
    """An antenna on a pillar, facing the middle of the way (y = 0).

    ``yaw_deg`` turns it towards the inside (positive) or the outside (negative),
    ``tilt_deg`` downwards.
    """

    antenna: int
    side: str
    x_m: float
    y_m: float
    z_m: float
    yaw_deg: float = 0.0
    tilt_deg: float = 25.0

    def boresight(self) -> tuple[float, float, float]:
        """The unit vector in which it looks."""
        yaw, tilt = math.radians(self.yaw_deg), math.radians(self.tilt_deg)
        across = -1.0 if self.y_m > 0 else 1.0
        return (
            math.sin(yaw) * math.cos(tilt),
            across * math.cos(yaw) * math.cos(tilt),
            -math.sin(tilt),
        )


def dock_antennas(*, split_m: float = 0.45, yaw_deg: float = 25.0) -> tuple[Antenna, ...]:
    """Four antennas on two pillars 2.4 m apart: 1 and 2 look outside, 3 and 4 inside."""
    return tuple(
        Antenna(
            antenna=number,
            side="outside" if sign < 0 else "inside",
            x_m=sign * split_m,
            y_m=y_m,
            z_m=2.0,
            yaw_deg=sign * yaw_deg,
        )
        for number, sign, y_m in ((1, -1, 1.2), (2, -1, -1.2), (3, 1, 1.2), (4, 1, -1.2))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Straight lines between waypoints ``(t, x, y, z)``; before the first and after the last
    the thing is not in the world at all.
    """

    waypoints: tuple[tuple[float, float, float, float], ...]

    @classmethod
    def standing(
        cls, x: float, y: float, z: float = 0.0, *, since: float = -1e9, until: float = 1e9
    ) -> Path:
        """Stay in one place."""
        return cls(waypoints=((since, x, y, z), (until, x, y, z)))

    @classmethod
    def through(
        cls, start: float, *, speed: float, inwards: bool, y: float = 0.0, reach: float = 6.0
    ) -> Path:
        """Cross the portal at ``speed`` m/s from ``reach`` metres before it to as far after."""
        begin = -reach if inwards else reach
        return cls(waypoints=((start, begin, y, 0.0), (start + 2 * reach / speed, -begin, y, 0.0)))

    @classmethod
    def approach(
        cls, start: float, *, speed: float, outside: bool, nearest: float = 1.3, reach: float = 6.0
    ) -> Path:
        """Come up to ``nearest`` metres before the portal, wait a second, and go back."""
        sign = -1.0 if outside else 1.0
        there = start + (reach - nearest) / speed
        return cls(
            waypoints=(
                (start, sign * reach, 0.0, 0.0),
                (there, sign * nearest, 0.0, 0.0),
                (there + 1.0, sign * nearest, 0.0, 0.0),
                (2 * there + 1.0 - start, sign * reach, 0.0, 0.0),
            )
        )

    @property
    def still(self) -> bool:
        """Whether it never changes place."""
        return len({point[1:] for point in self.waypoints}) == 1

    def at(self, t: float) -> Place | None:
        """Where it is at ``t``, or ``None`` while it is not in the world."""
        points = self.waypoints
        if not points[0][0] <= t <= points[-1][0]:
            return None
        for (t0, x0, y0, z0), (t1, x1, y1, z1) in pairwise(points):
            if t <= t1:
                span = max(t1 - t0, 1e-9)
                vx, vy, vz = (x1 - x0) / span, (y1 - y0) / span, (z1 - z0) / span
                part = t - t0
                return Place(x0 + vx * part, y0 + vy * part, z0 + vz * part, vx, vy, vz)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A box that waves go through badly: goods on a pallet, a person, a forklift.

    ``size`` is its length (x), width (y) and height in metres; ``offset`` where the middle of its
    foot is, seen from ``path``. A ray loses ``loss_db_per_m`` one way for every metre inside, but
    never more than ``most_db``: beyond that the waves find a way around. ``echo`` is how much
    of the amplitude that meets it comes back (0 to 1).
    """

    path: Path
    size: tuple[float, float, float]
    loss_db_per_m: float
    most_db: float = 30.0
    echo: float = 0.1
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag that rides on ``path`` at ``offset`` metres.

    ``loss_db`` is lost one way whichever way one looks: what it is stuck on detunes it. ``axis``
    is the unit vector along its dipole, which is deaf towards both ends; ``None`` for a tag
    that hears alike from everywhere. ``within`` is the body that it sits in.
    """

    epc: str
    path: Path
    offset: tuple[float, float, float] = (0.0, 0.0, 0.8)
    loss_db: float = 4.0
    axis: tuple[float, float, float] | None = None
    within: Body | None = None


PALLET_M = (1.2, 0.8, 1.5)
"""Length, width and height of the goods on a EUR pallet."""


class Load(NamedTuple):
    """The box of goods on what carries them: its length, width and height, how high above the
    floor it begins, and how much of the amplitude that meets it comes back (0 to 1).
    """

    size_m: tuple[float, float, float] = PALLET_M
    foot_m: float = 0.15
    echo: float = 0.1


def person(path: Path) -> Body:
    """Somebody on foot: 15 dB at most, as bodies do at 900 MHz (unverified)."""
    return Body(path=path, size=(0.35, 0.5, 1.75), loss_db_per_m=45.0, most_db=15.0, echo=0.15)


def forklift(path: Path) -> Body:
    """A truck of steel, 2 m long, whose forks carry what is at ``path`` before it."""
    behind = -1.8 if _inwards(path) else 1.8
    return Body(
        path=path,
        size=(2.0, 1.1, 2.1),
        loss_db_per_m=60.0,
        most_db=25.0,
        echo=0.5,
        offset=(behind, 0.0, 0.0),
    )


def _inwards(path: Path) -> bool:
    return path.waypoints[-1][1] >= path.waypoints[0][1]


def pallet(
    epcs: Iterable[str],
    path: Path,
    rng: Random,
    *,
    goods_db_per_m: float = 3.0,
    unreadable_share: float = 0.0,
    load: Load = Load(),  # noqa: B008 (a tuple of numbers)
) -> list[Tag]:
    """One tag per case, cases spread over a pallet (or another ``load``), each losing what the
    goods before it eat.

    ``goods_db_per_m`` (one way): 3 for dry cartons and clothes, 6 for mixed goods, above 10
    for liquids.
    ``unreadable_share`` of the tags answer to nobody.
    """
    length, width, height = load.size_m
    goods = Body(
        path=path,
        size=load.size_m,
        loss_db_per_m=goods_db_per_m,
        echo=load.echo,
        offset=(0.0, 0.0, load.foot_m),
    )
    tags = []
    for epc in epcs:
        x, y = rng.uniform(-length / 2, length / 2), rng.uniform(-width / 2, width / 2)
        dead = 60.0 if rng.random() < unreadable_share else 0.0
        tags.append(
            Tag(
                epc=epc,
                path=path,
                offset=(x, y, load.foot_m + rng.random() * height),
                loss_db=min(max(rng.gauss(2.0, 1.5), 0.0), 6.0) + dead,
                axis=_somewhere(rng),
                within=goods,
            )
        )
    return tags


def _somewhere(rng: Random) -> tuple[float, float, float]:
    """A direction of which none is preferred."""
    z, turn = rng.uniform(-1.0, 1.0), rng.uniform(0.0, math.tau)
    flat = math.sqrt(1.0 - z * z)
    return flat * math.cos(turn), flat * math.sin(turn), z


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a reader's air protocol takes, in seconds: a slot with one answer, with several,
    with none; what a round costs besides its slots; and a change of antenna.
    """

    read_s: float
    collision_s: float
    empty_s: float
    round_s: float
    switch_s: float = 0.002

    def times(self, factor: float) -> Timing:
        """The same, slower."""
        return Timing(
            read_s=self.read_s * factor,
            collision_s=self.collision_s * factor,
            empty_s=self.empty_s * factor,
            round_s=self.round_s * factor,
            switch_s=self.switch_s,
        )


DENSE = Timing(read_s=0.0032, collision_s=0.0011, empty_s=0.0003, round_s=0.0085)
"""70 reads/s of one tag and up to 200 of many, as measured on an R420 with a dense mode."""
FAST = Timing(read_s=0.0015, collision_s=0.0005, empty_s=0.00015, round_s=0.0026)
"""220 reads/s of one tag, as measured on an FX7500, and some 500 of many, as makers promise: no
recording was seen in which a crowd was read that fast. For demonstrations."""
BRISK = Timing(read_s=0.0036, collision_s=0.0014, empty_s=0.0004, round_s=0.0008)
"""220 reads/s of one tag, and less than 200 of many: the most that was seen in any recording."""

Region = Literal["fcc", "etsi"]
Target = Literal["dual", "single"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A portal, what stands and moves near it, and the chance that rules both.

    ``echoes_db`` is how far the echoes of the hall lie below what comes directly, at 1 m before
    an antenna (the Rician K there): 15 in an open hall, 9 between racks and steel doors.
    ``room`` is the seed of the hall itself: scenes with the same room have the same echoes.
    """

    antennas: tuple[Antenna, ...]
    tags: tuple[Tag, ...]
    bodies: tuple[Body, ...] = ()
    seed: int = 1
    room: int | None = None
    epoch_us: int = 0
    dwell_s: float = 0.05
    rssi_step_db: float = 1.0
    timing: Timing = FAST
    session: int = 1
    target: Target = "dual"
    region: Region = "fcc"
    echoes_db: float = 15.0
