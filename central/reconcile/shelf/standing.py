"""How many pieces stand on a plate by its level and its zero, whatever the books say. Pure.

Stock is counted from differences between two levels; a level alone tells the same only over a zero
that is known, and of a plate on which nothing strange lies. The variances of the pieces' mass, of
the level and of the zero, which was weighed as the level was, add up.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from central.reconcile.shelf.plate import Plate

__all__ = ["Standing", "standing"]


class Standing(NamedTuple):
    """So many pieces, as far as weight tells, and the variance of their number."""

    pieces: float
    variance: float


def standing(plate: Plate) -> Standing | None:
    """What stands there by the last level that was decided; ``None`` where nobody can tell."""
    if plate.zero_mg is None or plate.lying or plate.aside:
        return None
    unit = plate.unit
    pieces = (plate.level_mg - plate.zero_mg) / unit.mean_mg
    variance_mg = unit.variance(math.ceil(abs(pieces))) + 2 * plate.error_mg**2
    return Standing(pieces, variance_mg / unit.mean_mg**2)
