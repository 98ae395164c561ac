"""What is believed of a lane and its neighbours, and how each counted change teaches it.

A piece's mass and its scatter are normal with unknown mean and variance, starting from the plan;
a neighbour's leak is a share with a normal belief. All are bounded, so that no run of mistakes
carries them away. Pure arithmetic (the conjugate updates: Gelman et al., Bayesian Data Analysis,
3rd ed., ch. 2).
"""

from __future__ import annotations

import math

import msgspec

MEAN_SD = 0.012
"""How far a planned unit mass is usually off, scale and all: as a share of it."""
WIDE_SD = 0.05
"""And rarely: a real plate moved by 561 g for a bottle of 592 g."""
FARTHEST = 0.1
PLANNED_WEIGHS = 8.0
"""So many pieces the plan's scatter counts for."""
MOST_SCATTER = 0.08
LEAST_SCATTER = 0.003
LEAKS = {1: (0.011, 0.004), 2: (0.006, 0.004)}
"""By distance: 0.7 to 1.6 % of a neighbour's change, 0.8 to 1.0 % of the next but one's (AiFi's
shelf), at most what an even spread of it would leave.
"""
MOST_LEAK = 0.04
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


def unit_of(planned_mg: int, planned_cv: float) -> Unit:
    """What the plan says, before anything was weighed."""
    cv = min(max(planned_cv, LEAST_SCATTER), MOST_SCATTER)
    return Unit(
        planned_mg=planned_mg,
        planned_cv=planned_cv,
        mean_mg=float(planned_mg),
        mean_var=(MEAN_SD * planned_mg) ** 2,
        squares=PLANNED_WEIGHS * cv * cv,
        weight=PLANNED_WEIGHS,
    )


class Leak(msgspec.Struct, array_like=True):
    """The share of another plate's change that this one feels, and its variance."""

    share: float
    variance: float

    def learn(self, felt_mg: float, moved_mg: float, noise_var: float) -> None:
        """A plate felt so much when another moved by so much, pieces of its own taken off."""
        seen_var = noise_var / moved_mg**2
        gain = self.variance / (self.variance + seen_var)
        self.share += gain * (felt_mg / moved_mg - self.share)
        self.share = min(max(self.share, 0.0), MOST_LEAK)
        self.variance = max((1.0 - gain) * self.variance, 0.0005**2)


def leak_at(distance: int) -> Leak:
    """Before anything was seen, between plates so far apart."""
    share, sd = LEAKS[distance]
    return Leak(share, sd * sd)


def countable(unit_mg: float, unit_cv: float, noise_mg: float) -> int:
    """The most pieces in one change that weight still tells from one more or less: three SDs of
    sqrt(n) cv and of the scale stay below half a piece. 0 is none at all.
    """
    room = (0.5 / COUNTABLE_SIGMAS) ** 2 - (noise_mg / unit_mg) ** 2
    if room <= 0.0:
        return 0
    cv = max(unit_cv, 1e-9)
    return min(MOST_COUNTABLE, int(room / cv**2 + 1e-9))
