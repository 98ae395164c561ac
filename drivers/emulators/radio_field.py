"""The radio field before an emulated portal's antennas: how much of a wave reaches a place.

One way and relative to 1 m before the antenna, as a complex amplitude; a tag is heard over the
same way twice, so that its level goes with the square (fades of the way there and of the way
back are the same fade, hence deep ones). The sum of

* what comes directly: a log-distance law (10 dB per decade up to 5 m, then free space's 20; the
  near part is what an R420 measured in a room, both ways together), a patch antenna's pattern
  (68 degrees wide, 3GPP TR 38.901's parabola in dB), the dipole's deaf ends, and whatever
  bodies stand between;
* the hall's echoes: plane waves from all around, the same for all tags before an antenna, so
  that neighbours half a wave apart fade together or not as in a real hall; each comes 3-40 ns
  late, which makes the hop channels differ, and swings slowly, as halls do when doors and
  people move far away;
* the echo of every body that moves.

Pure arithmetic. All chance is drawn when a ``Hall`` is built.
"""

from __future__ import annotations

import math
from cmath import rect
from collections.abc import Iterable, Sequence
from operator import mul
from random import Random
from typing import NamedTuple

from drivers.emulators.portal_scene import Antenna, Body, Path, Place, Region, Tag

LIGHT_M_S = 299_792_458.0
BEAM_WIDTH_DEG = 68.0
BACK_LOBE_DB = 24.5
BREAK_M = 5.0
NEAREST_M = 0.15
ECHO_WAVES = 7
ECHO_DB_PER_DECADE = 10.0
"""Echoes fill a hall: they weaken with distance by half of what the direct way loses."""
_NEPER = math.log(10.0) / 20.0
_DEAF_END = 0.03
"""A dipole's gain along its axis, against across: 15 dB down, no antenna is perfectly deaf."""
_MIDDLE_HZ = 915e6
_EVER_S = 1e8
"""What stands since so long and for as long stands for ever."""
_NEAREST_ECHO_M = 0.7
Point = tuple[float, float, float]


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

    low: Point
    high: Point
    loss_db_per_m: float
    most_db: float

    def loss_db(self, start: Point, way: Point) -> float:
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


def shade_db(shades: Iterable[Shade], start: Point, end: Point) -> float:
    """What the straight way between two points loses in all of them."""
    (sx, sy, sz), (ex, ey, ez) = start, end
    way = (ex - sx, ey - sy, ez - sz)
    lost = 0.0
    for shade in shades:
        (lx, ly, lz), (hx, hy, hz), _, _ = shade
        # most bodies stand aside, wholly before or behind one of the box's faces
        if (sx < lx and ex < lx) or (sx > hx and ex > hx) or (sy < ly and ey < ly):
            continue
        if (sy > hy and ey > hy) or (sz > hz and ez > hz) or (sz < lz and ez < lz):
            continue
        lost += shade.loss_db(start, way)
    return lost


class Bodies:
    """The bodies of a scene: those that stand for ever as shades, and where the others are."""

    def __init__(self, bodies: Iterable[Body]) -> None:
        every = list(bodies)
        self._others = [one for one in every if not _for_ever(one.path)]
        self.fixed = [
            _shade(one, *one.path.waypoints[0][1:])[0] for one in every if _for_ever(one.path)
        ]
        self.shades: list[Shade] = []
        self.echoes: list[tuple[int, Body, Point]] = []

    def move_to(self, t: float) -> None:
        """Where the others are at ``t``: all as shades, moving ones as echoes too."""
        self.shades, self.echoes = [], []
        for body in self._others:
            place = body.path.at(t)
            if place is None:
                continue
            shade, middle = _shade(body, *place[:3])
            self.shades.append(shade)
            if body.echo and (place.vx or place.vy):
                self.echoes.append((id(body), body, middle))


def _for_ever(path: Path) -> bool:
    return path.still and path.waypoints[0][0] < -_EVER_S and path.waypoints[-1][0] > _EVER_S


def _shade(body: Body, x: float, y: float, z: float) -> tuple[Shade, Point]:
    """A body whose carrier is there, and its middle."""
    (length, width, height), (dx, dy, dz) = body.size, body.offset
    x, y, z = x + dx, y + dy, z + dz
    low = (x - length / 2, y - width / 2, z)
    high = (x + length / 2, y + width / 2, z + height)
    return Shade(low, high, body.loss_db_per_m, body.most_db), (x, y, z + height / 2)


def buried_db(tag: Tag) -> float:
    """What echoes lose on their way to the tag through the body that it sits in."""
    body = tag.within
    if body is None:
        return 0.0
    (length, width, height), (bx, by, bz) = body.size, body.offset
    x, y, z = tag.offset[0] - bx, tag.offset[1] - by, tag.offset[2] - bz
    depth = min(length / 2 - abs(x), width / 2 - abs(y), height - z)
    return min(max(depth, 0.0) * body.loss_db_per_m, body.most_db)


class Spot(NamedTuple):
    """A tag's place before an antenna, as far as it does not change while both stand: what comes
    directly, everything that stands for ever and the tag's own pose included; and how far each
    echo of the hall has turned there.
    """

    at: Point
    metres: float
    direct: float
    echoes: float
    turns: tuple[complex, ...]


class View:
    """What one antenna sees on one channel at one moment."""

    def __init__(self, mast: _Mast, hertz: float, waves: Sequence[complex], bodies: Bodies) -> None:
        self._start = mast.at
        self._turns_per_m = math.tau * hertz / LIGHT_M_S
        self._waves = waves
        self._shades = bodies.shades
        self._echoes = []
        for key, body, middle in bodies.echoes:
            metres, amplitude = mast.ray(*middle)
            self._echoes.append((key, middle, body.echo * amplitude, metres))
        self._most = sum(amplitude for _, _, amplitude, _ in self._echoes) / _NEAREST_ECHO_M

    def field(self, spot: Spot, own: int) -> complex:
        """The field at a tag, its own losses left out; ``own`` is the ``id`` of what it sits in."""
        direct = spot.direct
        if self._shades:
            direct *= math.exp(-_NEPER * shade_db(self._shades, self._start, spot.at))
        total = rect(direct, -self._turns_per_m * spot.metres)
        if spot.echoes > 0.0:
            total += spot.echoes * sum(map(mul, self._waves, spot.turns))
        for key, middle, amplitude, metres in self._echoes:
            if key != own:
                away = max(math.dist(middle, spot.at), _NEAREST_ECHO_M)
                total += rect(amplitude / away, -self._turns_per_m * (metres + away))
        return total

    def most(self, spot: Spot) -> float:
        """An amplitude that the field there does not reach: what is quick to know."""
        return spot.direct + 2.7 * spot.echoes + self._most


class _Mast:
    """An antenna with its direction worked out."""

    def __init__(self, antenna: Antenna) -> None:
        self.at = (antenna.x_m, antenna.y_m, antenna.z_m)
        self._bx, self._by, self._bz = antenna.boresight()

    def ray(self, x: float, y: float, z: float) -> tuple[float, float]:
        """How far it is (m), and how much of the amplitude gets there over free ground."""
        ax, ay, az = x - self.at[0], y - self.at[1], z - self.at[2]
        metres = max(math.sqrt(ax * ax + ay * ay + az * az), NEAREST_M)
        cosine = (ax * self._bx + ay * self._by + az * self._bz) / metres
        angle = math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))
        pattern_db = min(12.0 * (angle / BEAM_WIDTH_DEG) ** 2, BACK_LOBE_DB)
        amplitude = math.exp(-_NEPER * pattern_db) / math.sqrt(metres)
        if metres > BREAK_M:
            amplitude *= math.sqrt(BREAK_M / metres)
        return metres, amplitude


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
        """What antenna ``index`` (from 0) sees at ``t``, the moment to which ``bodies`` moved."""
        waves = [
            rect(one.amplitude, one.turn + one.late_s * hertz * math.tau + one.swing(t))
            for one in self._echoes[index]
        ]
        return View(self._masts[index], hertz, waves, bodies)

    def spot(
        self, index: int, place: Place, tag: Tag, echo_part: float, fixed: Sequence[Shade]
    ) -> Spot:
        """A tag's place before antenna ``index`` when its carrier is at ``place``.

        ``echo_part`` is the amplitude of echoes that comes through what the tag sits in,
        ``fixed`` are the bodies that stand for ever.
        """
        x, y, z = place[0] + tag.offset[0], place[1] + tag.offset[1], place[2] + tag.offset[2]
        mast = self._masts[index]
        metres, direct = mast.ray(x, y, z)
        if tag.axis is not None:
            (ax, ay, az), (sx, sy, sz) = tag.axis, mast.at
            along = ((x - sx) * ax + (y - sy) * ay + (z - sz) * az) / metres
            direct *= math.sqrt(max(1.0 - along * along, _DEAF_END))
        if fixed:
            direct *= math.exp(-_NEPER * shade_db(fixed, mast.at, (x, y, z)))
        echoes = echo_part * self._level / math.sqrt(max(metres, 1.0))
        turns = tuple(
            [rect(1.0, k[0] * x + k[1] * y + k[2] * z) for _, k, *_ in self._echoes[index]]
        )
        return Spot((x, y, z), metres, direct, echoes, turns)


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
        late_s, period_s = rng.uniform(3e-9, 40e-9), rng.uniform(30.0, 300.0)
        turn, swing = rng.uniform(0.0, math.tau), rng.uniform(0.3, 1.0)
        found.append(_Echo(weight / whole, k, turn, late_s, swing, math.tau / period_s))
    return found
