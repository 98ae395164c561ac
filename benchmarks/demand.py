"""Demand of which the truth is known: what a day asks for, of six kinds that shops have."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import NamedTuple

_MOST_DAYS = 730


class Demand(NamedTuple):
    """``day`` draws the units of one day; ``mean`` is about what they come to."""

    mean: float
    day: Callable[[random.Random], int]

    def gone(self, stock: int, rng: random.Random) -> int:
        """The day on which the stock is used up."""
        for day in range(1, _MOST_DAYS + 1):
            stock -= self.day(rng)
            if stock <= 0:
                return day
        return _MOST_DAYS


def _poisson(mean: float) -> Callable[[random.Random], int]:
    def day(rng: random.Random) -> int:
        count, left = 0, rng.random()
        chance = math.exp(-mean)
        while left > chance:
            left -= chance
            count += 1
            chance *= mean / count
        return count

    return day


def _now_and_then(often: float, size: Callable[[random.Random], int]) -> Callable[..., int]:
    return lambda rng: size(rng) if rng.random() < often else 0


DEMANDS = {
    "poisson": Demand(3.0, _poisson(3.0)),
    "smooth": Demand(40.0, lambda rng: max(0, round(rng.gauss(40, 8)))),
    "intermittent": Demand(0.45, _now_and_then(0.15, lambda rng: rng.randint(1, 5))),
    "lumpy": Demand(1.25, _now_and_then(0.1, lambda rng: 1 + int(rng.expovariate(1 / 12)))),
    "slow": Demand(0.05, _now_and_then(0.05, lambda rng: 1)),
    "erratic": Demand(11.7, lambda rng: int(rng.lognormvariate(2, 1))),
}
