"""Samples of a plate to windows, what a plate's own noise is, and when its windows agree.

A shelf vibrates near 10 Hz, so that single samples scatter by grams where means over 0.2 s (two
whole swings) scatter by some tenths: windows are what is compared, whatever the instrument's
rate. Instruments that send means themselves give a window a sample.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

WINDOW_US = 185_000
"""A window is 0.2 s long: what ends within this and the next sample."""
_FEWEST_FOR_SPREAD = 4
_REMEMBERED = 50
_SURE = 25
_OF_SPREAD = 0.15
"""A mean's scatter as a share of that within its window: AiFi's plates have 0.14 (0.3 to 1.0 g of
2 to 7 g).
"""
_SHAKEN = 4.0
_AGREE = 4.0
_ALARM = 5.0
_SLACK, _DECISION = 0.75, 8.0
_RELATIVE, _RINGING = 0.012, 0.05
"""Of a step: as far as its last means may still be apart, and as loud as it may still ring.
How sure such a level is goes with it, and it is told once more when it is surer.
"""
_SHAKEN_RELATIVE, _SHAKEN_AGREE = 0.04, 8.0
"""While a footstep shakes the plate, means agree within the smaller of this share of the step and
so many times their usual noise: a large step is clear long before the plate is still.
"""


class Sample(NamedTuple):
    """One frame: its mass, whether the scale calls it stable, and its SD where it is a mean."""

    at_us: int
    mass_mg: int
    stable: bool | None
    spread_mg: float | None


class Window(NamedTuple):
    """Some moments of a plate. ``spread_mg`` is None when too few samples can tell."""

    at_us: int
    mean_mg: float
    spread_mg: float | None
    samples: int
    moving: bool


class Windows:
    """Makes windows of samples; holds sums, never the samples."""

    def __init__(self) -> None:
        self._began_us: int | None = None
        self.forget()

    def forget(self, now_us: int | None = None) -> None:
        """Begin anew, with a window whose first sample comes after ``now_us``."""
        self._count = 0
        self._sum = self._squares = self._inner = 0.0
        self._told_spread = False
        self._moving = True
        self._origin = 0
        self._began_us = now_us

    def add(self, sample: Sample) -> Window | None:
        """The window that this sample completes, if any."""
        if self._began_us is None:
            self._began_us = sample.at_us - WINDOW_US // 2
        if not self._count:
            self._origin = sample.mass_mg
        away = float(sample.mass_mg - self._origin)
        self._count += 1
        self._sum += away
        self._squares += away * away
        if sample.spread_mg is not None:
            self._told_spread = True
            self._inner += sample.spread_mg**2
        self._moving = self._moving and sample.stable is False
        if sample.at_us - self._began_us < WINDOW_US:
            return None
        mean = self._sum / self._count
        between = max(0.0, self._squares / self._count - mean * mean)
        spread = None
        if self._told_spread or self._count >= _FEWEST_FOR_SPREAD:
            spread = math.sqrt(between + self._inner / self._count)
        window = Window(sample.at_us, self._origin + mean, spread, self._count, self._moving)
        self.forget(sample.at_us)
        return window


class Noise:
    """A plate's own noise, learned while it is at rest: of its windows' means, and within them.

    Up to its first rest nothing is known, and a step is what the settings call one.
    """

    def __init__(self, smallest_mg: float) -> None:
        self._smallest_mg = smallest_mg
        self._division_mg = 1.0
        self._seen = 0
        self._variance = 0.0
        self._spread_mg: float | None = None

    def divide(self, division_mg: int) -> None:
        """The scale shows steps of so much."""
        self._division_mg = float(division_mg)

    @property
    def is_known(self) -> bool:
        """Whether the plate was ever at rest: before, nobody knows how loud it is."""
        return self._seen > 0

    @property
    def mean_sd_mg(self) -> float:
        """How far a window's mean is off, as a standard deviation.

        At first it is guessed from the scatter within windows: swings that a mean averages out.
        """
        guessed = (_OF_SPREAD * (self._spread_mg or 0.0)) ** 2
        sure = min(1.0, self._seen / _SURE)
        variance = sure * self._variance + (1.0 - sure) * max(guessed, self._variance)
        return max(math.sqrt(variance), 0.3 * self._division_mg)

    @property
    def step_mg(self) -> float:
        """What is more than this from the level is a disturbance."""
        return max(self._smallest_mg, 1.5 * self._division_mg, _ALARM * self.mean_sd_mg)

    @property
    def sample_mg(self) -> float:
        """What is more than this is one even as a single sample, of instruments so slow that
        each sample is nearly a window; the others' samples tell nothing alone.
        """
        return 1.5 * self.step_mg if self._spread_mg is None else math.inf

    def agree_mg(self, step_mg: float) -> float:
        """Means within this agree, after a step of so much."""
        return max(
            self._smallest_mg,
            1.5 * self._division_mg,
            _AGREE * self.mean_sd_mg,
            _RELATIVE * abs(step_mg),
        )

    def agree_shaken_mg(self, step_mg: float) -> float:
        """The same while something shakes the plate that is not the step itself."""
        loose_mg = min(_SHAKEN_RELATIVE * abs(step_mg), _SHAKEN_AGREE * self.mean_sd_mg)
        return max(self.agree_mg(0.0), loose_mg)

    def learn(self, window: Window, away_mg: float) -> None:
        """At rest a mean was so far from the level. Bursts teach a little, never much."""
        self._seen = min(self._seen + 1, _REMEMBERED)
        most = 3.0 * max(self.mean_sd_mg, self._smallest_mg / 4)
        square = min(abs(away_mg), most) ** 2
        self._variance += (square - self._variance) / self._seen
        if window.spread_mg is not None:
            before = window.spread_mg if self._spread_mg is None else self._spread_mg
            heard = min(window.spread_mg, 3.0 * before + self._smallest_mg)
            self._spread_mg = before + (heard - before) / self._seen

    def settle(self, windows: Sequence[Window]) -> None:
        """A rest: its windows' scatter, and, if it is the first, all that is known."""
        level = statistics.fmean(one.mean_mg for one in windows)
        lost = math.sqrt(len(windows) / (len(windows) - 1))  # for the mean, which is theirs
        for one in windows:
            if not self.is_shaken(one):
                self.learn(one, lost * (one.mean_mg - level))

    def is_shaken(self, window: Window, step_mg: float = 0.0) -> bool:
        """Whether something shakes the plate, and not the step itself: its mean says less then."""
        if window.spread_mg is None or self._spread_mg is None:
            return False
        own = max(_SHAKEN * self._spread_mg, self._smallest_mg)
        return window.spread_mg > max(own, _RINGING * abs(step_mg))


class SlowStep:
    """A change too small for one window to show: CUSUM of the means in units of their noise
    (Page 1954), against an average run of e^12 windows without one.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Nothing is suspected."""
        self._up = self._down = 0.0
        self._up_us = self._down_us = 0

    @property
    def since_us(self) -> int:
        """From when on the means leave the level, by the side that they leave it by: since then
        its sum has not been nothing.
        """
        return self._up_us if self._up >= self._down else self._down_us

    def add(self, at_us: int, away_sd: float) -> bool:
        """Whether the means have left the level for good; ``since_us`` tells from when on."""
        self._up_us = self._up_us if self._up else at_us
        self._down_us = self._down_us if self._down else at_us
        self._up = max(0.0, self._up + min(away_sd, 4.0) - _SLACK)
        self._down = max(0.0, self._down - max(away_sd, -4.0) - _SLACK)
        return max(self._up, self._down) > _DECISION


class Rest(NamedTuple):
    """A level: the mean of the windows that agree, and how far off it may be (1 SD)."""

    mean_mg: float
    error_mg: float
    windows: tuple[Window, ...]

    def is_restless(self, noise: Noise) -> bool:
        """Whether the windows scatter by twice as much as the plate's own noise."""
        return self.error_mg * math.sqrt(len(self.windows)) > 2.0 * noise.mean_sd_mg


def find_rest(windows: deque[Window], noise: Noise, step_mg: float, apart_s: float) -> Rest | None:
    """The level that the last windows agree on, none yet otherwise.

    Calm windows need to agree for ``apart_s``, at least three of them and two of slow
    instruments; shaken ones for one window more, where the step is large beside what they
    scatter by. Others that are shaken and those of a scale that calls itself in motion need three
    times as long, without a trend.
    """
    if len(windows) < 2:
        return None
    pace_us = max(1, windows[-1].at_us - windows[-2].at_us)
    need = max(2 if pace_us > 300_000 else 3, math.ceil(apart_s * 1e6 / pace_us - 0.25))
    clear = _clear(list(windows)[-need - 1 :], need, noise, step_mg)
    if clear:
        return _rest(clear, noise)
    last = list(windows)[-3 * need :]
    return _rest(last, noise) if len(last) == 3 * need and _at_last(last, noise, step_mg) else None


def _clear(last: list[Window], need: int, noise: Noise, step_mg: float) -> list[Window]:
    """The windows that agree soon: calm ones, or shaken ones of a step that is large for that."""
    tolerance_mg = noise.agree_mg(step_mg)
    few = last[-need:]
    calm = len(few) == need and not any(
        window.moving or noise.is_shaken(window, step_mg) for window in few
    )
    calm = calm and (noise.is_known or all((w.spread_mg or 0.0) <= tolerance_mg for w in few))
    if calm and _range_mg(few) <= tolerance_mg:
        return few
    told = noise.is_known and len(last) > need and not any(window.moving for window in last)
    return last if told and _range_mg(last) <= noise.agree_shaken_mg(step_mg) else []


def _at_last(last: list[Window], noise: Noise, step_mg: float) -> bool:
    """Whether so many windows agree that are shaken, or that nothing was known before."""
    tolerance_mg = noise.agree_mg(step_mg)
    half = len(last) // 2
    trend_mg = abs(_mean_mg(last[:half]) - _mean_mg(last[half:]))
    if not noise.is_known:
        likely_mg = 2.0 * _restless_mg(last) / math.sqrt(half)
        return trend_mg <= max(tolerance_mg, likely_mg)
    likely_mg = 2.0 * statistics.stdev(one.mean_mg for one in last) / math.sqrt(half)
    if trend_mg > max(tolerance_mg / 2, min(likely_mg, 2.0 * tolerance_mg)):
        return False
    return _range_mg(last) <= 3.0 * tolerance_mg


def _rest(windows: list[Window], noise: Noise) -> Rest:
    scatter_mg = statistics.stdev(one.mean_mg for one in windows)
    sd_mg = max(scatter_mg, noise.mean_sd_mg)
    return Rest(_mean_mg(windows), sd_mg / math.sqrt(len(windows)), tuple(windows))


def _restless_mg(windows: Sequence[Window]) -> float:
    """The scatter of means as an SD, by the median of their steps: a load that comes to rest
    within the windows would pass for noise by its own size otherwise.
    """
    steps = [abs(b.mean_mg - a.mean_mg) for a, b in itertools.pairwise(windows)]
    return statistics.median(steps) / (0.6745 * math.sqrt(2.0))


def _mean_mg(windows: Sequence[Window]) -> float:
    return statistics.fmean(one.mean_mg for one in windows)


def _range_mg(windows: Sequence[Window]) -> float:
    means = [one.mean_mg for one in windows]
    return max(means) - min(means)
