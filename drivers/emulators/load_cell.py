"""The physics of a load plate: what an instrument would show, ten times a second.

Model (measured on shelf plates; see also OIML R60 for creep, which is left out here as it
is slower than a demo): a change of load rings at some 9 Hz and dies away within a second, a
hand presses while it puts or takes, footsteps shake the plate, the cell's electronics add a
little noise. The instrument averages over a tenth of a second, rounds to its division, and
calls a weight stable when the last half second stayed within one division. All is drawn from
one seed, and depends on the number of the sample alone, never on a clock.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from random import Random

SAMPLE_S = 0.1
_SUBSAMPLES = 8
_RING_HZ = 9.3
_RING_DECAY_S = 0.22
_STEP_MEMORY_S = 4.0
_STABLE_SAMPLES = 6
_FOOTSTEP_PER_SAMPLE = 0.004
_VIBRATION_POLES = (1.56, -0.81)  # of an AR(2) process at 0.1 s / 8: about 12 Hz, well damped


@dataclass(frozen=True, slots=True)
class _Change:
    at_s: float
    step_mg: int
    hand_mg: float
    hand_s: float


@dataclass(frozen=True, slots=True)
class Sample:
    """What the instrument shows: rounded to its division."""

    gross_mg: int
    stable: bool


class LoadCell:
    """One plate. ``set_load_mg`` puts on or takes off; ``sample`` moves time on by 0.1 s."""

    def __init__(self, *, division_mg: int, seed: int = 0) -> None:
        self.load_mg = 0
        self._division_mg = division_mg
        self._chance = Random(seed)  # noqa: S311 - physics, not secrets
        self._samples = 0
        self._changes: list[_Change] = []
        self._shown: deque[int] = deque(maxlen=_STABLE_SAMPLES)
        self._vibration = (0.0, 0.0)
        self._shake = 0.0

    def set_load_mg(self, load_mg: int) -> None:
        """Put on or take off, at once; the plate rings and a hand presses meanwhile."""
        step_mg = load_mg - self.load_mg
        if step_mg == 0:
            return
        press_mg = self._chance.uniform(8_000, 40_000) * self._chance.choice((-1, 1))
        now_s = self._samples * SAMPLE_S
        self._changes.append(_Change(now_s, step_mg, press_mg, self._chance.uniform(0.2, 0.6)))
        self.load_mg = load_mg

    def sample(self) -> Sample:
        """Give the next tenth of a second."""
        start_s = self._samples * SAMPLE_S
        self._samples += 1
        self._changes = [c for c in self._changes if start_s - c.at_s < _STEP_MEMORY_S]
        if self._chance.random() < _FOOTSTEP_PER_SAMPLE:
            self._shake = self._chance.uniform(2.0, 8.0)
        self._shake *= 0.8
        total = 0.0
        for index in range(_SUBSAMPLES):
            total += self._signal_mg(start_s + SAMPLE_S * index / _SUBSAMPLES)
        mean_mg = total / _SUBSAMPLES
        shown_mg = round(mean_mg / self._division_mg) * self._division_mg
        self._shown.append(shown_mg)
        full = len(self._shown) == _STABLE_SAMPLES
        calm = max(self._shown) - min(self._shown) <= self._division_mg
        return Sample(gross_mg=shown_mg, stable=full and calm)

    def _signal_mg(self, at_s: float) -> float:
        signal_mg = float(self.load_mg)
        for change in self._changes:
            since_s = at_s - change.at_s
            decay = math.exp(-since_s / _RING_DECAY_S)
            signal_mg += 0.5 * change.step_mg * decay * math.cos(2 * math.pi * _RING_HZ * since_s)
            if since_s < change.hand_s:
                signal_mg += change.hand_mg * math.sin(math.pi * since_s / change.hand_s)
        return signal_mg + self._noise_mg()

    def _noise_mg(self) -> float:
        """Electronics (0.05 divisions) and vibration (0.04, in footsteps a hundred times that)."""
        last, before = self._vibration
        push = self._chance.gauss(0.0, 0.01 + self._shake)
        new = _VIBRATION_POLES[0] * last + _VIBRATION_POLES[1] * before + push
        self._vibration = (new, last)
        return self._division_mg * (new + self._chance.gauss(0.0, 0.05))
