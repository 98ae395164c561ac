"""What a plate's change may have been, and how likely each is. Pure.

Whole pieces of the plate's own item, nothing, something strange of any mass, a piece of another
lane's item put there, or a strange thing taken away again: each with how often it happens and
how well it explains what was weighed. A neighbour that changed at about the same moment may be
in the weighing or not yet, so a change may have two readings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from central.reconcile.shelf.beliefs import WIDE_SD, Unit

NOTHING, NOTHING_WITH_OTHERS, NOTHING_UNDISTURBED = 0.3, 0.9, 0.9
"""That no piece moved though the level did: alone, with a heavy change near by at the same
moment, and when nothing disturbed the plate.
"""
STRANGE, STRANGE_TAKEN, RETURNED = 0.01, 0.001, 0.3
MISPLACED, MISPLACED_UNTAKEN = 0.02, 0.0003
"""That another lane's piece is put here, when one was taken there lately, and when none was."""
"""That something strange is put here, that it goes without ever having come, and that it goes
when it lies here.
"""
STRANGE_MG = 500_000.0
"""Scale of a strange thing's mass (exponential): a hand leans, a phone is laid down."""
_WIDE, _WIDE_KNOWN, _KNOWN_FROM = 0.05, 0.002, 3
"""How often a unit's mass is far from its plan: before some were weighed, and after."""
HOPS, HOP_MG, HOP_UNITS = 0.01, 2_500.0, 0.008
"""How often a shaken plate comes to rest elsewhere though nothing moved, and by how much (SD;
more under heavy pieces): AiFi's did by 2 to 5 g when a bottle was lifted eight plates away.
"""
_FURTHER = 2


class Reading(NamedTuple):
    """One way to read a change: the load that moved, its variance, and how likely the way is."""

    moved_mg: float
    variance: float
    weight: float


class Strange(NamedTuple):
    """Something strange that lies on a plate."""

    mass_mg: float
    variance: float
    sku: str


class Other(NamedTuple):
    """Another lane's piece, and how often one is put down here."""

    unit: Unit
    prior: float


class Guess(NamedTuple):
    """``kind`` is ``pieces`` (none of them is nothing), ``strange``, ``misplaced`` (a piece of
    ``sku``) or ``gone`` (the strange thing that is the ``which``-th).
    """

    kind: str
    pieces: int = 0
    sku: str = ""
    which: int = -1


class Odds(NamedTuple):
    """A guess and its probability."""

    guess: Guess
    probability: float


def odds(
    readings: Sequence[Reading],
    unit: Unit,
    others: Mapping[str, Other],
    lying: Sequence[Strange],
    *,
    nothing: float,
) -> list[Odds]:
    """Every guess worth telling, the likeliest first; together one. ``nothing`` is how likely
    no piece moved, before the change's size is looked at.
    """
    weights: dict[Guess, float] = {}
    for pieces in _counts(readings, unit):
        prior = nothing if not pieces else (1.0 - nothing) * often(pieces)
        weights[Guess("pieces", pieces)] = prior * _explained(readings, unit, pieces)
    for reading in readings:
        prior = STRANGE if reading.moved_mg > 0.0 else STRANGE_TAKEN
        density = math.exp(-abs(reading.moved_mg) / STRANGE_MG) / STRANGE_MG
        guess = Guess("strange")
        weights[guess] = weights.get(guess, 0.0) + reading.weight * prior * density
    for sku, other in others.items():
        weights[Guess("misplaced", 1, sku)] = other.prior * _explained(readings, other.unit, 1)
    for index, one in enumerate(lying):
        weights[Guess("gone", -1, one.sku, index)] = RETURNED * sum(
            r.weight * _normal(r.moved_mg + one.mass_mg, r.variance + one.variance)
            for r in readings
        )
    total = sum(weights.values())
    if total <= 0.0:
        return [Odds(Guess("strange"), 1.0)]
    found = [Odds(guess, weight / total) for guess, weight in weights.items()]
    return sorted(found, key=lambda one: (-one.probability, abs(one.guess.pieces), one.guess))


def often(pieces: int) -> float:
    """How often so many pieces are moved at once: 1 half the time, the more the rarer."""
    n = abs(pieces)
    return 0.5 / (n * (n + 1))


def _counts(readings: Sequence[Reading], unit: Unit) -> list[int]:
    found = {0}
    for reading in readings:
        middle = round(reading.moved_mg / unit.mean_mg)
        found.update(range(middle - _FURTHER, middle + _FURTHER + 1))
    return sorted(found)


def _explained(readings: Sequence[Reading], unit: Unit, pieces: int) -> float:
    """How likely these pieces would be weighed so. Their unit mass may be far off, rarely."""
    wide = (pieces * WIDE_SD * unit.planned_mg) ** 2
    rarely = _WIDE if unit.seen < _KNOWN_FROM else _WIDE_KNOWN
    if not pieces:
        wide, rarely = max(HOP_MG, HOP_UNITS * unit.mean_mg) ** 2, HOPS
    found = 0.0
    for one in readings:
        away = one.moved_mg - pieces * unit.mean_mg
        variance = one.variance + unit.variance(pieces)
        close = _normal(away, variance)
        found += one.weight * ((1.0 - rarely) * close + rarely * _normal(away, variance + wide))
    return found


def _normal(away: float, variance: float) -> float:
    return math.exp(-0.5 * away * away / variance) / math.sqrt(math.tau * variance)
