"""What stands and moves at an emulated dock portal: antennas, paths, tags, pallets.

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
from typing import NamedTuple


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
class Tag:
    """A tag that rides on ``path`` at ``offset`` metres. Losses are one way, in dB: ``loss_db``
    whichever way one looks, ``left_db``/``right_db`` more towards antennas at +y / -y.
    """

    epc: str
    path: Path
    offset: tuple[float, float, float] = (0.0, 0.0, 0.8)
    loss_db: float = 4.0
    left_db: float = 0.0
    right_db: float = 0.0


PALLET_M = (1.2, 0.8, 1.5)
"""Length, width and height of the goods on a EUR pallet."""


def pallet(
    epcs: Iterable[str],
    path: Path,
    rng: Random,
    *,
    goods_db_per_m: float = 3.0,
    unreadable_share: float = 0.0,
) -> list[Tag]:
    """One tag per case, cases spread over a pallet, each losing what the goods before it eat.

    ``goods_db_per_m`` (one way): 3 for dry cartons and clothes, 6 for mixed goods, above 10
    for liquids.
    ``unreadable_share`` of the tags answer to nobody.
    """
    length, width, height = PALLET_M
    tags = []
    for epc in epcs:
        x, y = rng.uniform(-length / 2, length / 2), rng.uniform(-width / 2, width / 2)
        dead = 60.0 if rng.random() < unreadable_share else 0.0
        tags.append(
            Tag(
                epc=epc,
                path=path,
                offset=(x, y, 0.2 + rng.random() * height),
                loss_db=min(max(rng.gauss(3.5, 1.5), 0.0), 6.0) + dead,
                left_db=goods_db_per_m * (width / 2 - y),
                right_db=goods_db_per_m * (width / 2 + y),
            )
        )
    return tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A portal, what stands and moves near it, and the chance that rules both."""

    antennas: tuple[Antenna, ...]
    tags: tuple[Tag, ...]
    seed: int = 1
    epoch_us: int = 0
    dwell_s: float = 0.05
    rssi_step_db: float = 1.0
    slot_s: float = 0.005
    """Time for one read: 5 ms are the 200 reads/s measured on older readers, 2 ms the 500
    reads/s of a modern one with its fast mode."""
