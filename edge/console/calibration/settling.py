"""Is a plate at rest, and what does it read there? Says why not, in words. Pure.

At rest means: over the last ``REST_S`` the samples neither trend nor scatter more than the plate
itself does when nothing touches it (its noise, measured first), and the device does not call
itself unstable all the time.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import fmean
from typing import NamedTuple

from edge.console.calibration.model import trend

REST_S = 2.0
_LEAST_SAMPLES = 6
_SCATTER = 3.0
_TREND = 4.0
_MOSTLY = 0.5


class Sample(NamedTuple):
    """One value of the device at ``at_s``: raw counts, or grams. ``spread`` is the deviation
    within it, where the device tells; ``stable`` what it says itself.
    """

    at_s: float
    value: float
    stable: bool | None = None
    spread: float | None = None
    temp_c: float | None = None


class Level(NamedTuple):
    """A reading at rest: the mean, its standard error, of how many samples."""

    mean: float
    error: float
    samples: int


class Rest:
    """``feed`` samples; ``level`` gives the reading once it rests, ``why_not`` says why not yet.

    ``sigma`` is the plate's own noise for one sample, ``finest`` the step of its figures.
    """

    def __init__(self, sigma: float, finest: float) -> None:
        self._sigma = max(sigma, finest / math.sqrt(12))
        self._finest = finest
        self._samples: deque[Sample] = deque()
        self._begun_s: float | None = None

    def feed(self, sample: Sample) -> None:
        """The next sample."""
        if self._begun_s is None:
            self._begun_s = sample.at_s
        self._samples.append(sample)
        while self._samples and self._samples[0].at_s < sample.at_s - REST_S:
            self._samples.popleft()

    @property
    def why_not(self) -> str:
        """Why there is no level yet; empty when there is one."""
        samples = self._samples
        if not samples or self._begun_s is None:
            return "the device says nothing"
        if samples[-1].at_s - self._begun_s < REST_S * 0.9 or len(samples) < _LEAST_SAMPLES:
            return "listening"
        restless = sum(one.stable is False for one in samples) / len(samples)
        if restless > _MOSTLY:
            return "unstable: the device itself says that the load moves"
        line = trend([one.at_s for one in samples], [one.value for one in samples])
        if line.sigma > _SCATTER * self._sigma + self._finest:
            return f"unstable: it trembles {line.sigma / self._sigma:.0f} times more than at rest"
        moved = abs(line.slope_per_s) * REST_S
        if moved > _TREND * self._sigma + self._finest:
            return "unstable: it still drifts"
        return ""

    def level(self) -> Level | None:
        """The reading at rest, or ``None``."""
        if self.why_not:
            return None
        values = [one.value for one in self._samples]
        error = max(self._sigma, self._finest / math.sqrt(12)) / math.sqrt(len(values))
        return Level(fmean(values), error, len(values))
