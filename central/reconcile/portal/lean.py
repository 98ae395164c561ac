"""Which way some tags went together, from what both sides of the portal heard of them.

A tag that goes through is nearer to the outside's antennas first and to the inside's later.
Three traces of that are added up over tags, so that what is noise for one is a word from all:

* ``swap_db``: how much the contrast (inside louder than outside) grows from long before the
  tags were nearest to long after: a least-squares fit of an odd step to the levels, each tag's
  mean, each side's mean and the common rise and fall in time taken out first. Nothing moves it
  that is the same before and after: an antenna that hears better, a shadow, a tag on one side.
* ``stay_db``: the contrast that stayed all the time. What turned back or passed by has one.
* ``sway_db``: how much louder the inside was in the middle than before and after. What crossed
  and came back has one.
* ``drift_hz``: how much faster the tags came nearer to the inside than to the outside at the
  same moment, from Doppler shifts with a common slope in time taken out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from central.reconcile.portal.track import INSIDE, OUTSIDE, UNHEARD_DBM, Ear, Track

_SIGN = {OUTSIDE: -1.0, INSIDE: 1.0}
_LEAST_TAU_S = 0.25
_PHASES = 8
_REACH = 3.0
_MOST_PER_BIN = 3
_NOISE_DB = 3.0
"""Added to what scatters: few levels that agree by chance are not sure of themselves."""
_PRIOR = 2.0
_NOISE_HZ = 8.0


class Lean(NamedTuple):
    """``swap_db`` and ``stay_db`` with how many standard errors they are; Doppler's likewise."""

    swap_db: float = 0.0
    swap_z: float = 0.0
    stay_db: float = 0.0
    stay_z: float = 0.0
    sway_db: float = 0.0
    sway_z: float = 0.0
    drift_hz: float = 0.0
    drift_z: float = 0.0


class _Level(NamedTuple):
    """One level of one side: its residual, weight, sign of the side, and place in time."""

    level_db: float
    weight: float
    sign: float
    step: float
    hump: float
    phase: int


def lean(tracks: Iterable[tuple[Track, float]], centre_us: int, tau_s: float) -> Lean:
    """How these weighted tracks lean around ``centre_us``, ``tau_s`` being how long they pass."""
    levels: list[_Level] = []
    pooled = {OUTSIDE: _Shifts(), INSIDE: _Shifts()}
    tau_s = max(tau_s, _LEAST_TAU_S)
    for track, weight in tracks:
        levels += _levels(track, weight, centre_us, tau_s)
        for ear in track.ears:
            if ear.side in pooled and ear.dopplers:
                pooled[ear.side].add(ear, weight, (track.first_us - centre_us) / 1e6)
    drift_hz, drift_z = _drift(pooled[OUTSIDE], pooled[INSIDE])
    return _contrast(levels)._replace(drift_hz=drift_hz, drift_z=drift_z)


def _levels(track: Track, weight: float, centre_us: int, tau_s: float) -> list[_Level]:
    """A tag's levels less their mean."""
    width_s = track.width_us / 1e6
    start_s = (track.first_us - centre_us) / 1e6 + width_s / 2.0
    found: list[tuple[float, float, float, float]] = []
    for place, one in enumerate(track.counted()):
        u = (start_s + place * width_s) / tau_s
        if abs(u) > _REACH:
            continue
        for side, count, level in one:
            if side in _SIGN:
                found.append((level, weight * min(count, _MOST_PER_BIN), _SIGN[side], u))
    total = sum(w for _, w, _, _ in found)
    if not total:
        return []
    mean = sum(level * w for level, w, _, _ in found) / total
    return [
        _Level(
            max(level, UNHEARD_DBM) - mean,
            w,
            sign,
            u / math.sqrt(1.0 + u * u),
            2.0 * math.exp(-0.5 * u * u) - 1.0,
            int((u + _REACH) / (2.0 * _REACH) * (_PHASES - 1e-9)),
        )
        for level, w, sign, u in found
    ]


def _contrast(levels: Sequence[_Level]) -> Lean:
    """Swap, stay and sway, each with its z: the common curve in time goes first, then all three
    are fitted together (ridge regression by the normal equations).
    """
    curve = [[0.0, _PRIOR] for _ in range(_PHASES)]
    for one in levels:
        curve[one.phase][0] += one.weight * one.level_db
        curve[one.phase][1] += one.weight
    n = y2 = steps = humps = step_hump = step2 = hump2 = y_sign = y_step = y_hump = 0.0
    for one in levels:
        w = one.weight
        y = one.level_db - curve[one.phase][0] / curve[one.phase][1]
        n += w
        y2 += w * y * y
        steps += w * one.step
        humps += w * one.hump
        step_hump += w * one.step * one.hump
        step2 += w * one.step * one.step
        hump2 += w * one.hump * one.hump
        y_sign += w * y * one.sign
        y_step += w * y * one.sign * one.step
        y_hump += w * y * one.sign * one.hump
    if n <= 0.0:
        return Lean()
    inverse = _inverse((step2 + _PRIOR, steps, step_hump, n + _PRIOR, humps, hump2 + _PRIOR))
    right = (y_step, y_sign, y_hump)
    found = [sum(a * b for a, b in zip(row, right, strict=True)) for row in inverse]
    explained = sum(a * b for a, b in zip(found, right, strict=True))
    noise = math.sqrt((max(y2 - explained, 0.0) + _PRIOR * _NOISE_DB**2) / (n + _PRIOR)) + 0.5
    told: list[float] = []
    for place, value in enumerate(found):
        told += [value, value / (noise * math.sqrt(inverse[place][place]))]
    return Lean(*told[:6])


def _inverse(m: tuple[float, float, float, float, float, float]) -> list[tuple[float, ...]]:
    """Of a symmetric, positive definite 3 x 3 matrix, given as its upper triangle by rows."""
    a, b, c, d, e, f = m
    p, q, r = d * f - e * e, c * e - b * f, b * e - c * d
    s, t, u = a * f - c * c, b * c - a * e, a * d - b * b
    determinant = a * p + b * q + c * r
    return [
        (p / determinant, q / determinant, r / determinant),
        (q / determinant, s / determinant, t / determinant),
        (r / determinant, t / determinant, u / determinant),
    ]


class _Shifts:
    """Doppler shifts of one side, added up in the group's time."""

    def __init__(self) -> None:
        self.n = self.w = self.t = self.tt = self.d = self.dd = self.td = 0.0

    def add(self, ear: Ear, weight: float, later_s: float) -> None:
        """An ear's sums, with its track beginning ``later_s`` after the group's centre. Their
        weights are taken to a mean of one a read, so that a loud tag has no more to say.
        """
        scale = weight * ear.count / ear.weight
        w, t, d = ear.dopplers, ear.weight_time, ear.doppler
        share = ear.dopplers / ear.weight
        t, tt = t * share, ear.weight_time2 * share
        self.n += weight * ear.count
        self.w += scale * w
        self.t += scale * (t + later_s * w)
        self.tt += scale * (tt + 2.0 * later_s * t + later_s * later_s * w)
        self.d += scale * d
        self.dd += scale * ear.doppler2
        self.td += scale * (ear.doppler_time + later_s * d)


def _drift(outside: _Shifts, inside: _Shifts) -> tuple[float, float]:
    """The difference of both sides' shifts at the same time, and how many standard errors."""
    if outside.w <= 0.0 or inside.w <= 0.0:
        return 0.0, 0.0
    both = (outside, inside)
    spread = sum(one.tt - one.t * one.t / one.w for one in both)
    slope = sum(one.td - one.t * one.d / one.w for one in both) / (spread + 1.0)
    mean_d, mean_t = [one.d / one.w for one in both], [one.t / one.w for one in both]
    drift = (mean_d[1] - mean_d[0]) - min(slope, 0.0) * (mean_t[1] - mean_t[0])
    left = sum(one.dd - one.d * one.d / one.w for one in both) / (outside.w + inside.w)
    noise = math.sqrt(max(left, 0.0)) + _NOISE_HZ
    return drift, drift / (noise * math.sqrt(1.0 / outside.w + 1.0 / inside.w + 0.02))
