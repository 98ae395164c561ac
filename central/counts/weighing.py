"""Counting by weight: how many pieces weigh so much, and up to how many one can tell. Pure.

The mass of n pieces, each of mean mass w and relative standard deviation cv, varies by
``sqrt(n) * cv * w``, the scale by sigma; both are independent, so their variances add (GUM, JCGM
100:2008, 5.1.2), and of n = mass / w

    sd(n) = sqrt(n * cv^2 + (sigma / w)^2).

S. Steiner and R. MacKay, "Scale Counting" (University of Waterloo), treat the same question with a
sample that w is learnt from; what w itself is uncertain by is left out here.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from central.counts.model import CountError

__all__ = ["Weighed", "countable_maximum", "pieces"]

SURE_Z = 2.576
"""Half a piece must be as far away as this many standard deviations: 99 % of counts are right."""
FOREIGN_Z = 4.0
"""What is farther than this from a whole number is something else, or the tare."""


class Weighed(NamedTuple):
    """Pieces, and the standard deviation of their number."""

    quantity: int
    sd: float


def spread(quantity: float, cv: float, sigma_mg: float, unit_mg: int) -> float:
    """The standard deviation of a number of pieces that was weighed: see the module."""
    return math.sqrt(quantity * cv**2 + (sigma_mg / unit_mg) ** 2)


def countable_maximum(cv: float, sigma_mg: float, unit_mg: int) -> int | None:
    """So many pieces can be told from one more or less; ``None``: any number, 0: not even one."""
    left = (0.5 / SURE_Z) ** 2 - (sigma_mg / unit_mg) ** 2
    if left <= 0:
        return 0
    return math.floor(left / cv**2) if cv else None


def pieces(net_mg: int, unit_mg: int, cv: float, sigma_mg: float) -> Weighed:
    """How many pieces weigh ``net_mg``. Raises ``CountError`` where nobody can tell: too many,
    or a mass that is no whole number of them.
    """
    if net_mg < -3 * sigma_mg:
        raise CountError(f"the net mass is {net_mg} mg: check the tare")
    exact = max(0, net_mg) / unit_mg
    quantity = round(exact)
    most = countable_maximum(cv, sigma_mg, unit_mg)
    if most is not None and quantity > most:
        raise CountError(
            f"{quantity} pieces of {unit_mg} mg cannot be told from one more or less, at most "
            f"{most} can: weigh them in parts, or count by hand"
        )
    sd = spread(quantity, cv, sigma_mg, unit_mg)
    if abs(exact - quantity) > FOREIGN_Z * sd:
        raise CountError(
            f"{net_mg} mg are {exact:.2f} pieces of {unit_mg} mg, and no whole number: check the "
            "tare, and whether something else lies there"
        )
    return Weighed(quantity, sd)
