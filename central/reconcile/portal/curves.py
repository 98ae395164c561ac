"""What a group heard from moment to moment around its middle, and each antenna by itself. Pure.

What goes through comes nearer, is loud for as long as it takes to pass, and goes away; what turns
back or stands for a while is loud for longer, and its Doppler shift is nothing meanwhile; what
crosses and comes back has two such moments. Sums over the whole time (``lean``) hide that, so here
is the curve itself: how much was heard in each stretch of time, how loud beside each tag's own
mean, and how fast the tags came nearer. Stretches are measured in spreads of the group, since some
drive slowly: in seconds as well they told no more on recordings left out, and less of real walks.

What passes along the wall is nearest to one pillar first: antennas that look the same way hear it
best at different times, and those of a door hear what goes through it all at once.

Nothing of ``CURVES`` and ``EARS`` changes when the sides change places; ``CONTRASTS``, what the
inside heard more than the outside in each stretch of time, only change their sign.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from central.reconcile.portal.features import clip
from central.reconcile.portal.track import INSIDE, OUTSIDE, SHIFT_HZ, Ear, Track

_EDGES = tuple(-3.0 + 0.5 * step for step in range(13))
"""In spreads from the group's middle."""
_LEAST_SPREAD_S = 0.25
_MOST_PER_BIN = 3
_PER_BIN = 6
_KINDS = ("heard", "loud", "nearing")
_STRETCHES = len(_EDGES) - 1

CURVES = tuple(f"{kind}_{place}" for kind in _KINDS for place in range(_STRETCHES))
CONTRASTS = tuple(
    f"{kind}_{place}" for kind in ("louder", "faster", "oftener") for place in range(_STRETCHES)
)
EARS = (
    "alike_s", "alike_spreads", "alike_z", "across_s", "across_spreads", "across_z", "alike_db",
    "ear_dbm", "second_db", "third_db", "fourth_db", "top_dbm", "top_second_db", "top_fourth_db",
    "passing_s", "slowing", "slowing_most",
)  # fmt: skip
_USUAL_DBM, _UNHEARD_DBM = -45.0, -90.0
_SLOWEST_HZ_S = -2.0
_FAR_S = 3.0


class Placed(NamedTuple):
    """A tag of the group: its track, how probably it crossed, and when it was nearest."""

    track: Track
    weight: float
    centre_us: int


class Curves(NamedTuple):
    """The values of ``CURVES``, and those of ``CONTRASTS``."""

    shape: tuple[float, ...]
    contrast: tuple[float, ...]


def curves(tags: Iterable[Placed], centre_us: float, spread_s: float) -> Curves:
    """Those of tags that were nearest around ``centre_us`` for about ``spread_s``."""
    tau_s = max(spread_s, _LEAST_SPREAD_S)
    sides = {OUTSIDE: _Curve(), INSIDE: _Curve()}
    for tag in tags:
        track, weight = tag.track, tag.weight
        levels, shifts = track.levels, track.shifts
        heard = sum(levels[::2])
        if not heard:
            continue
        mean = sum(levels[1::2]) / heard
        width_s = track.width_us / 1e6
        t = (track.first_us - centre_us) / 1e6 - width_s / 2.0
        for start in range(0, len(levels), _PER_BIN):
            t += width_s
            place = bisect_right(_EDGES, t / tau_s) - 1
            if not 0 <= place < _STRETCHES:
                continue
            for side, curve in sides.items():
                at = start + 2 * side
                count = levels[at]
                if not count:
                    continue
                kept = min(count, _MOST_PER_BIN) * weight
                louder = kept * (levels[at + 1] / count - mean)
                told = at < len(shifts)
                shifted = weight * shifts[at] if told else 0.0
                shift_hz = weight * shifts[at + 1] * SHIFT_HZ if told else 0.0
                curve.add(place, kept, louder, shifted, shift_hz)
    outside, inside = sides[OUTSIDE], sides[INSIDE]
    both = outside.with_(inside)
    total = both.heard
    contrast = [i - o for i, o in zip(inside.side(total), outside.side(total), strict=True)]
    return Curves(tuple(both.told()), tuple(contrast))


class _Curve:
    """Sums of each stretch."""

    def __init__(self) -> None:
        self._sums = [[0.0, 0.0, 0.0, 0.0] for _ in range(_STRETCHES)]

    def add(self, place: int, heard: float, louder: float, shifted: float, shift: float) -> None:
        """What one side heard of one tag."""
        sums = self._sums[place]
        sums[0] += heard
        sums[1] += louder
        sums[2] += shifted
        sums[3] += shift

    def with_(self, other: _Curve) -> _Curve:
        """The sums of both."""
        both = _Curve()
        both._sums = [
            [a + b for a, b in zip(mine, theirs, strict=True)]
            for mine, theirs in zip(self._sums, other._sums, strict=True)
        ]
        return both

    @property
    def heard(self) -> float:
        """How much was heard in all."""
        return math.fsum(sums[0] for sums in self._sums) + 1e-9

    def side(self, total: float) -> list[float]:
        """One side's levels, shifts and shares of what both heard, for ``CONTRASTS``."""
        return [
            *(sums[1] / (sums[0] + 1.5) / 10.0 for sums in self._sums),
            *(sums[3] / (sums[2] + 3.0) / 10.0 for sums in self._sums),
            *(sums[0] / total for sums in self._sums),
        ]

    def told(self) -> list[float]:
        """Shares of what was heard, levels in 10 dB, shifts in 10 Hz: shrunk where little was."""
        total = self.heard
        return [
            *(sums[0] / total for sums in self._sums),
            *(sums[1] / (sums[0] + 1.0) / 10.0 for sums in self._sums),
            *(sums[3] / (sums[2] + 2.0) / 10.0 for sums in self._sums),
        ]


class _Ear:
    """What one antenna heard of a group: when and how loud each tag was, and its shifts."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.n = self._t = self._tt = self._level = 0.0
        self.top_dbm = _UNHEARD_DBM
        self._w = self._wt = self._wtt = self._d = self._td = 0.0

    def add(self, ear: Ear, tag: Placed, centre_us: float) -> None:
        """Take what it heard of one tag in."""
        first_us = tag.track.first_us
        t, n = (
            (first_us - tag.centre_us) / 1e6 + ear.centre_s,
            tag.weight * min(ear.count, _PER_BIN),
        )
        self.n += n
        self._t += n * t
        self._tt += n * t * t
        self._level += n * ear.peak_dbm
        self.top_dbm = max(self.top_dbm, ear.peak_dbm)
        if ear.dopplers:
            scale, share = tag.weight * ear.count / ear.weight, ear.dopplers / ear.weight
            later_s, w = (first_us - centre_us) / 1e6, ear.dopplers
            t, tt = ear.weight_time * share, ear.weight_time2 * share
            self._w += scale * w
            self._wt += scale * (t + later_s * w)
            self._wtt += scale * (tt + 2.0 * later_s * t + later_s * later_s * w)
            self._d += scale * ear.doppler
            self._td += scale * (ear.doppler_time + later_s * ear.doppler)

    @property
    def late_s(self) -> float:
        """How much later than all antennas together it heard the tags best."""
        return self._t / self.n

    @property
    def error_s(self) -> float:
        """The standard error of that."""
        variance = max(self._tt / self.n - self.late_s**2, 0.0) + 0.04
        return math.sqrt(variance / (self.n / 2.0 + 1.0))

    @property
    def level_dbm(self) -> float:
        """How loud its tags were on the mean."""
        return self._level / self.n

    def slope(self) -> tuple[float, float] | None:
        """When the shift was nothing, in seconds after the middle, and how fast it fell, in Hz/s;
        ``None`` of too few.
        """
        if self._w <= 2.0:
            return None
        mean_t, mean_d = self._wt / self._w, self._d / self._w
        fell = (self._td - self._wt * mean_d) / (self._wtt - self._wt * mean_t + 0.5)
        return clip(mean_t - mean_d / min(fell, _SLOWEST_HZ_S), -_FAR_S, _FAR_S), fell


def ears(tags: Iterable[Placed], centre_us: float, spread_s: float) -> tuple[float, ...]:
    """``EARS``: how far antennas that look the same way, and those that do not, were apart in
    time and level; the loudest ones; how far apart their shifts were nothing, and how they fell.
    """
    by_name: dict[str, _Ear] = {}
    for tag in tags:
        for ear in tag.track.ears:
            if ear.count:
                by_name.setdefault(ear.name, _Ear(ear.side)).add(ear, tag, centre_us)
    found = list(by_name.values())
    levels = sorted((one.level_dbm for one in found), reverse=True) + [_UNHEARD_DBM] * 4
    tops = sorted((one.top_dbm for one in found), reverse=True) + [_UNHEARD_DBM] * 4
    return (
        *_apart(found, max(spread_s, _LEAST_SPREAD_S)),
        (levels[0] - _USUAL_DBM) / 10.0,
        *((level - levels[0]) / 10.0 for level in levels[1:4]),
        (tops[0] - _USUAL_DBM) / 10.0,
        (tops[1] - tops[0]) / 10.0,
        (tops[3] - tops[0]) / 10.0,
        *_slopes(found),
    )


def _apart(found: Sequence[_Ear], tau_s: float) -> tuple[float, ...]:
    alike_s = alike_z = across_s = across_z = alike_db = 0.0
    for one, other in combinations(found, 2):
        apart_s = abs(one.late_s - other.late_s)
        z = min(apart_s / math.hypot(one.error_s, other.error_s), 8.0)
        if one.side == other.side:
            alike_s, alike_z = max(alike_s, apart_s), max(alike_z, z)
            alike_db = max(alike_db, abs(one.level_dbm - other.level_dbm))
        else:
            across_s, across_z = max(across_s, apart_s), max(across_z, z)
    across = across_s, across_s / tau_s, across_z
    return alike_s, alike_s / tau_s, alike_z, *across, alike_db / 10.0


def _slopes(found: Sequence[_Ear]) -> tuple[float, float, float]:
    zeros: dict[int, list[float]] = {OUTSIDE: [], INSIDE: []}
    fell: list[float] = []
    for one in found:
        slope = one.slope()
        if slope is not None:
            zeros.setdefault(one.side, []).append(slope[0])
            fell.append(slope[1] / 20.0)
    apart_s = max(max(those) - min(those) if those else 0.0 for those in zeros.values())
    return apart_s, math.fsum(fell) / len(fell) if fell else 0.0, min(fell, default=0.0)
