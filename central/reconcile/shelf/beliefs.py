"""What is believed of a lane's pieces, and how each counted change teaches it.

A piece's mass and its scatter are normal with unknown mean and variance, starting from the plan.
What a shelf's plates show of a mass they share: part of it weighs on their neighbours. All is
bounded, so that no run of mistakes carries it away. Pure arithmetic (the conjugate updates:
Gelman et al., Bayesian Data Analysis, 3rd ed., ch. 2).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec

SHOWN, SHOWN_SD = 0.985, 0.018
"""What a shelf's plates show of a load: AiFi's plate 0.95 of a bottle, others all of it."""
MEAN_SD = 0.008
"""How far a planned unit mass is usually off besides, scale and all: as a share of it."""
WIDE_SD = 0.05
"""And rarely: a real plate moved by 561 g for a bottle of 592 g."""
FARTHEST = 0.1
PLANNED_WEIGHS = 8.0
"""So many pieces the plan's scatter counts for."""
MOST_SCATTER = 0.08
LEAST_SCATTER = 0.003
COUNTABLE_SIGMAS = 3.0
USUAL_NOISE_MG = 500.0
"""Of a change of level, before a plate's own is known: AiFi's means of a second, twice."""
MOST_COUNTABLE = 10_000


class Unit(msgspec.Struct):
    """A lane's piece: ``mean_mg`` with its variance, and the pieces' relative scatter."""

    planned_mg: int
    planned_cv: float
    mean_mg: float
    mean_var: float
    squares: float
    weight: float
    seen: int = 0

    @property
    def cv(self) -> float:
        """Pieces' relative SD, as learned so far."""
        learned = math.sqrt(self.squares / self.weight)
        return min(max(learned, LEAST_SCATTER), max(MOST_SCATTER, self.planned_cv))

    def variance(self, pieces: int) -> float:
        """Of the mass of so many pieces: their scatter, and what is not known of the mean."""
        return abs(pieces) * (self.cv * self.mean_mg) ** 2 + pieces * pieces * self.mean_var

    def learn(self, moved_mg: float, pieces: int, noise_var: float) -> None:
        """So much was certainly so many pieces."""
        scatter = (self.cv * self.mean_mg) ** 2 / abs(pieces)
        seen_var = scatter + noise_var / pieces**2
        away = moved_mg / pieces - self.mean_mg
        gain = self.mean_var / (self.mean_var + seen_var)
        # what noise and the mean's doubt do not explain of it is the pieces' own scatter
        own = abs(pieces) * away**2 - noise_var / abs(pieces) - abs(pieces) * self.mean_var
        share = max(own, 0.0) / self.mean_mg**2
        self.squares += min(share, 9.0 * self.cv**2)
        self.weight += 1.0
        if self.weight > 5.0 * PLANNED_WEIGHS:  # remember the last ones
            self.squares *= 0.5
            self.weight *= 0.5
        far = FARTHEST * self.planned_mg
        moved = self.mean_mg + gain * away
        self.mean_mg = min(max(moved, self.planned_mg - far), self.planned_mg + far)
        # another lot may come: the mean is never known for good
        self.mean_var = max((1.0 - gain) * self.mean_var, (0.001 * self.planned_mg) ** 2)
        self.seen += 1


class Shown(NamedTuple):
    """The share of a load that a shelf's plates show, and its variance."""

    share: float = SHOWN
    variance: float = SHOWN_SD**2

    def told(self, unit: Unit, moved_mg: float, pieces: int, noise_var: float) -> Shown:
        """After pieces of a lane of the shelf were weighed for the first time."""
        expected_mg = pieces * unit.planned_mg
        blur = MEAN_SD**2 + unit.cv**2 / abs(pieces) + noise_var / expected_mg**2
        gain = self.variance / (self.variance + blur)
        away = moved_mg / expected_mg - self.share
        return Shown(self.share + gain * away, (1.0 - gain) * self.variance)


def unit_of(planned_mg: int, planned_cv: float, shown: Shown) -> Unit:
    """What the plan says, before anything was weighed."""
    cv = min(max(planned_cv, LEAST_SCATTER), MOST_SCATTER)
    return Unit(
        planned_mg=planned_mg,
        planned_cv=planned_cv,
        mean_mg=shown.share * planned_mg,
        mean_var=(MEAN_SD**2 + shown.variance) * planned_mg**2,
        squares=PLANNED_WEIGHS * cv * cv,
        weight=PLANNED_WEIGHS,
    )


def countable(unit_mg: float, unit_cv: float, noise_mg: float) -> int:
    """The most pieces in one change that weight still tells from one more or less: three SDs of
    sqrt(n) cv and of the scale stay below half a piece. 0 is none at all.
    """
    room = (0.5 / COUNTABLE_SIGMAS) ** 2 - (noise_mg / unit_mg) ** 2
    if room <= 0.0:
        return 0
    cv = max(unit_cv, 1e-9)
    return min(MOST_COUNTABLE, int(room / cv**2 + 1e-9))
