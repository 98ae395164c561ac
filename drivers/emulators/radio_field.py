"""The radio field before an emulated portal's antennas: how much of a wave reaches a place.

One way and relative to 1 m before the antenna, as a complex amplitude; a tag is heard over the
same way twice, so that its level goes with the square (fades of the way there and of the way
back are the same fade, hence deep ones). The sum of

* what comes directly: a log-distance law (12 dB per decade up to 2 m, then free space's 20; the
  near part is what an R420 measured in a room, both ways together), a patch antenna's pattern
  (68 degrees wide, 3GPP TR 38.901's parabola in dB), the dipole's deaf ends, and whatever
  bodies stand between;
* the hall's echoes: plane waves from all around, the same for all tags before an antenna, so
  that neighbours half a wave apart fade together or not as in a real hall; each comes 3-25 ns
  late, which makes the hop channels differ, and swings slowly, as halls do when doors and
  people move far away;
* the echo of every body that moves.

Pure arithmetic. All chance is drawn when a ``Hall`` is built.
"""

from __future__ import annotations

import math
from cmath import rect
from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple

from drivers.emulators.portal_scene import Antenna, Body, Place, Region, Tag

LIGHT_M_S = 299_792_458.0
BEAM_WIDTH_DEG = 68.0
BACK_LOBE_DB = 24.5
BREAK_M = 2.0
NEAREST_M = 0.15
ECHO_WAVES = 7
ECHO_DB_PER_DECADE = 10.0
"""Echoes fill a hall: they weaken with distance by half of what the direct way loses."""
_NEPER = math.log(10.0) / 20.0
_DEAF_END = 0.03
"""A dipole's gain along its axis, against across: 15 dB down, no antenna is perfectly deaf."""
_MIDDLE_HZ = 915e6
_Wave = tuple[float, float, float, float, float]


class Channels(NamedTuple):
    """A region's hop channels: the first one's frequency, their distance, how many, how long."""

    first_hz: float
    step_hz: float
    number: int
    stay_s: float

    def hertz(self, channel: int) -> float:
        """Of channel 1 to ``number``."""
        return self.first_hz + self.step_hz * (channel - 1)


REGIONS: dict[Region, Channels] = {
    "fcc": Channels(902.75e6, 0.5e6, 50, 0.2),
    "etsi": Channels(865.7e6, 0.6e6, 4, 4.0),
}
"""FCC part 15 hops at least every 0.4 s; ETSI EN 302 208 lets a reader stay 4 s."""


class Shade(NamedTuple):
    """A body at a moment, as the corners of its box and what a ray loses in it."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    loss_db_per_m: float
    most_db: float

    def loss_db(self, start: tuple[float, float, float], way: tuple[float, float, float]) -> float:
        """What the straight way from ``start`` loses in here."""
        enters, leaves, low, high = 0.0, 1.0, self.low, self.high
        for axis in (0, 1, 2):
            begin, along = start[axis], way[axis]
            if -1e-9 < along < 1e-9:
                if not low[axis] <= begin <= high[axis]:
                    return 0.0
                continue
            first, last = (low[axis] - begin) / along, (high[axis] - begin) / along
            if first > last:
                first, last = last, first
            if first > enters:  # noqa: PLR1730 (this is called a million times)
                enters = first
            if last < leaves:  # noqa: PLR1730
                leaves = last
            if enters >= leaves:
                return 0.0
        length = math.hypot(*way) * (leaves - enters)
        return min(length * self.loss_db_per_m, self.most_db)


class Bodies(NamedTuple):
    """The bodies of a scene at a moment: all of them as shades, moving ones as echoes too."""

    shades: list[tuple[int, Shade]]
    echoes: list[tuple[int, Body, tuple[float, float, float]]]

    @classmethod
    def at(cls, t: float, bodies: Iterable[Body]) -> Bodies:
        """Where they are at ``t``; each is known by its ``id``."""
        now = cls([], [])
        for body in bodies:
            place = body.path.at(t)
            if place is None:
                continue
            (length, width, height), (dx, dy, dz) = body.size, body.offset
            x, y, z = place.x + dx, place.y + dy, place.z + dz
            low = (x - length / 2, y - width / 2, z)
            high = (x + length / 2, y + width / 2, z + height)
            now.shades.append((id(body), Shade(low, high, body.loss_db_per_m, body.most_db)))
            if body.echo and (place.vx or place.vy):
                now.echoes.append((id(body), body, (x, y, z + height / 2)))
        return now


def buried_db(tag: Tag) -> float:
    """What echoes lose on their way to the tag through the body that it sits in."""
    body = tag.within
    if body is None:
        return 0.0
    (length, width, height), (bx, by, bz) = body.size, body.offset
    x, y, z = tag.offset[0] - bx, tag.offset[1] - by, tag.offset[2] - bz
    depth = min(length / 2 - abs(x), width / 2 - abs(y), height - z)
    return min(max(depth, 0.0) * body.loss_db_per_m, body.most_db)


class View:
    """What one antenna sees on one channel at one moment."""

    def __init__(
        self, mast: _Mast, hertz: float, waves: Sequence[_Wave], bodies: Bodies, level: float
    ) -> None:
        self._mast = mast
        self._turns_per_m = math.tau * hertz / LIGHT_M_S
        self._waves = waves
        self._level = level
        self._shades = bodies.shades
        self._echoes = []
        for key, body, middle in bodies.echoes:
            there = mast.ray(*middle)
            self._echoes.append((key, middle, body.echo * there.amplitude, there.metres))

    def field(self, place: Place, tag: Tag, echo_part: float) -> complex:
        """The field at the tag when its carrier is at ``place``, its own losses left out.

        ``echo_part`` is the amplitude of echoes that comes through what the tag sits in.
        """
        dx, dy, dz = tag.offset
        x, y, z = place.x + dx, place.y + dy, place.z + dz
        mast = self._mast
        ray = mast.ray(x, y, z)
        start, way = mast.at, (x - mast.at[0], y - mast.at[1], z - mast.at[2])
        shade_db = 0.0
        for _, shade in self._shades:
            shade_db += shade.loss_db(start, way)
        direct = ray.amplitude * math.exp(-_NEPER * shade_db)
        if tag.axis is not None:
            along = (
                way[0] * tag.axis[0] + way[1] * tag.axis[1] + way[2] * tag.axis[2]
            ) / ray.metres
            direct *= math.sqrt(max(1.0 - along * along, _DEAF_END))
        total = rect(direct, -self._turns_per_m * ray.metres)
        if echo_part > 0.0:
            total += self._hall(x, y, z) * (echo_part * self._level / math.sqrt(max(ray.metres, 1)))
        own = id(tag.within)
        for key, middle, amplitude, metres in self._echoes:
            if key != own:
                away = max(math.dist(middle, (x, y, z)), 0.7)
                total += rect(amplitude / away, -self._turns_per_m * (metres + away))
        return total

    def most(self, place: Place, tag: Tag, echo_part: float) -> float:
        """An amplitude that the field at a tag does not reach: what is quick to know."""
        dx, dy, dz = tag.offset
        ray = self._mast.ray(place.x + dx, place.y + dy, place.z + dz)
        echoes = 2.2 * echo_part * self._level / math.sqrt(max(ray.metres, 1))
        return ray.amplitude + echoes + sum(amplitude for _, _, amplitude, _ in self._echoes)

    def _hall(self, x: float, y: float, z: float) -> complex:
        real = imaginary = 0.0
        for amplitude, kx, ky, kz, turn in self._waves:
            phase = kx * x + ky * y + kz * z + turn
            real += amplitude * math.cos(phase)
            imaginary += amplitude * math.sin(phase)
        return complex(real, imaginary)


class _Ray(NamedTuple):
    metres: float
    amplitude: float


class _Mast:
    """An antenna with its direction worked out."""

    def __init__(self, antenna: Antenna) -> None:
        self.at = (antenna.x_m, antenna.y_m, antenna.z_m)
        self._bx, self._by, self._bz = antenna.boresight()

    def ray(self, x: float, y: float, z: float) -> _Ray:
        """How far it is, and how much of the amplitude gets there over free ground."""
        ax, ay, az = x - self.at[0], y - self.at[1], z - self.at[2]
        metres = max(math.sqrt(ax * ax + ay * ay + az * az), NEAREST_M)
        cosine = (ax * self._bx + ay * self._by + az * self._bz) / metres
        angle = math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))
        pattern_db = min(12.0 * (angle / BEAM_WIDTH_DEG) ** 2, BACK_LOBE_DB)
        amplitude = math.exp(-_NEPER * pattern_db) * metres**-0.6
        if metres > BREAK_M:
            amplitude *= (metres / BREAK_M) ** -0.4
        return _Ray(metres, amplitude)


class Hall:
    """The antennas and the echoes around them."""

    def __init__(self, antennas: Sequence[Antenna], echoes_db: float, room: str) -> None:
        self._masts = [_Mast(antenna) for antenna in antennas]
        self._level = math.exp(-_NEPER * echoes_db)
        self._echoes = [
            _echoes(Random(f"{room}/{antenna.antenna}"))  # noqa: S311 (chance, not secrets)
            for antenna in antennas
        ]

    def view(self, index: int, hertz: float, t: float, bodies: Bodies) -> View:
        """What antenna ``index`` (from 0) sees at ``t``."""
        waves = [
            (one.amplitude, *one.k, one.turn + one.late_s * hertz * math.tau + one.swing(t))
            for one in self._echoes[index]
        ]
        return View(self._masts[index], hertz, waves, bodies, self._level)


class _Echo(NamedTuple):
    amplitude: float
    k: tuple[float, float, float]
    turn: float
    late_s: float
    swing_rad: float
    swing_rad_s: float

    def swing(self, t: float) -> float:
        return self.swing_rad * math.sin(self.swing_rad_s * t + self.turn)


def _echoes(rng: Random) -> list[_Echo]:
    """Waves from all around, more along the floor than from above; one amplitude together."""
    weights = [rng.uniform(0.4, 1.0) for _ in range(ECHO_WAVES)]
    whole = math.sqrt(sum(weight * weight for weight in weights))
    found = []
    for weight in weights:
        heading, rise = rng.uniform(0.0, math.tau), rng.uniform(-0.6, 0.6)
        wave = math.tau * _MIDDLE_HZ / LIGHT_M_S
        flat = wave * math.cos(rise)
        k = (flat * math.cos(heading), flat * math.sin(heading), wave * math.sin(rise))
        late_s, period_s = rng.uniform(3e-9, 25e-9), rng.uniform(30.0, 300.0)
        turn, swing = rng.uniform(0.0, math.tau), rng.uniform(0.3, 1.0)
        found.append(_Echo(weight / whole, k, turn, late_s, swing, math.tau / period_s))
    return found
