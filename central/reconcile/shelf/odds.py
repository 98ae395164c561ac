"""What a plate's change may have been, and how likely each is. Pure.

Whole pieces of the plate's own item, nothing, something strange of any mass, a piece of another
lane's item put there, or a strange thing taken away again: each with how often it happens and
how well it explains what was weighed. A neighbour that changed at about the same moment may be
in the weighing or not yet, so a change may have two readings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from central.reconcile.shelf.beliefs import WIDE_SD, Unit

NOTHING, NOTHING_WITH_OTHERS, NOTHING_UNDISTURBED = 0.3, 0.9, 0.9
"""That no piece moved though the level did: alone, with a heavy change near by at the same
moment, and when nothing disturbed the plate.
"""
STRANGE, STRANGE_TAKEN, RETURNED, RETURNED_LATE = 0.04, 0.001, 0.3, 0.03
"""That something strange comes to lie here, hands above all; that it goes without ever having
come; that it goes when it lies here, soon and later.
"""
UNTOUCHED, TOUCHED, PRESS_MG = 0.2, 30.0, 2_800.0
"""So much less likely a piece moved where the plate was neither pressed nor lifted beyond its two
levels, as a leak does; e-fold likelier for each so much that it was, up to so many times. On 800
shelves for training a hand went beyond them by 10 g and more in 100 of 167 changes of pieces beside
a far heavier one, and what only leaked did in 58 of 11,067; by less than 2 g in 42, and in 9,494.
"""
LEAKED_PRESS = 0.02
"""A neighbour that is pressed presses this one by at most this share of it."""
LIVELY, DEAD, RESTED = 4.0, 0.3, 0.1
"""So much likelier is a hand where the load still moves after it came to rest, and so much less
where it rests as still as goods do, or longer than hands do.
"""
MISPLACED, MISPLACED_UNTAKEN = 0.03, 0.0003
"""That another lane's piece is put here, when one was just taken there, and when none was."""
CASES, CASE = (6, 10), 2.5
"""Of so many pieces cases are made, or of whole numbers of that, and so much likelier it is that
such a number is put on a plate than one piece more or less (a bare choice).
"""
STRANGE_MG = 400_000.0
"""Scale of a strange thing's mass, which is seldom small (gamma of shape 2, its likeliest is this):
a hand leans, a phone is laid down.
"""
_WIDE, _WIDE_KNOWN, _KNOWN_FROM = 0.05, 0.002, 3
"""How often a unit's mass is far from its plan: before some were weighed, and after."""
HOPS, HOPS_SHAKEN, HOP_MG, HOP_UNITS = 0.01, 0.15, 2_500.0, 0.008
"""How often a shaken plate comes to rest elsewhere though nothing moved, how often when something
far heavier moves on the same shelf, and by how much (SD; more under heavy pieces). When a bottle
was lifted off AiFi's shelf, one of seven plates that were not beside it sank by 5 g, five of them
by 1 g or less.
"""
_SMALL = 0.1
_FURTHER = 2


class Reading(NamedTuple):
    """One way to read a change: the load that moved, its variance, and how likely the way is.

    ``near_mg`` and ``far_mg`` are the loads that leaked into it, as its shelf's shares go, and
    ``alone`` is the variance without the doubt of those shares.
    """

    moved_mg: float
    variance: float
    weight: float
    near_mg: float = 0.0
    far_mg: float = 0.0
    alone: float = 0.0


class Strange(NamedTuple):
    """Something strange that lies on a plate, and how likely it is that which goes now."""

    mass_mg: float
    variance: float
    sku: str
    prior: float


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


NO_PIECE = Guess("pieces", 0)


class Odds(NamedTuple):
    """A guess and its probability."""

    guess: Guess
    probability: float


class Term(NamedTuple):
    """A guess, how often it is so, and the load that would be weighed then: normal, or, without
    a variance, of any size and of the sign of ``mass_mg``.
    """

    guess: Guess
    prior: float
    mass_mg: float
    variance: float | None

    def explains(self, moved_mg: float, variance: float) -> float:
        """How likely it is so and weighed so."""
        if self.variance is None:
            return self.prior * strangely(moved_mg) if moved_mg * self.mass_mg > 0.0 else 0.0
        return self.prior * _normal(moved_mg - self.mass_mg, self.variance + variance)


def terms(
    readings: Sequence[Reading],
    unit: Unit,
    others: Mapping[str, Other],
    lying: Sequence[Strange],
    *,
    nothing: float,
    lively: float = 1.0,
    hops: float = HOPS,
) -> list[Term]:
    """Everything that these readings may come to. ``nothing`` is how likely no piece moved,
    before the change's size is looked at; ``lively`` how much likelier a hand is than else;
    ``hops`` how often the plate comes to rest elsewhere by itself.
    """
    found = []
    moves = (1.0 - nothing) / (1.0 - NOTHING)
    for pieces in _counts(readings, unit):
        found += _one_of(unit, Guess("pieces", pieces), pieces, (1.0 - nothing) * often(pieces))
    found += _none(unit, nothing, hops)
    found.append(Term(Guess("strange"), moves * STRANGE * lively, 1.0, None))
    found.append(Term(Guess("strange"), moves * STRANGE_TAKEN, -1.0, None))
    for sku, other in others.items():
        found += _one_of(other.unit, Guess("misplaced", 1, sku), 1, moves * other.prior)
    for index, one in enumerate(lying):
        guess = Guess("gone", -1, one.sku, index)
        found.append(Term(guess, moves * one.prior, -one.mass_mg, one.variance))
    return found


def odds(readings: Sequence[Reading], all_terms: Sequence[Term]) -> list[Odds]:
    """Every guess worth telling, the likeliest first; together one."""
    weights: dict[Guess, float] = {}
    for term in all_terms:
        weight = sum(one.weight * term.explains(one.moved_mg, one.variance) for one in readings)
        weights[term.guess] = weights.get(term.guess, 0.0) + weight
    return shares(weights.items())


def shares(weights: Iterable[tuple[Guess, float]]) -> list[Odds]:
    """Weights to probabilities, the likeliest first."""
    known = list(weights)
    total = sum(weight for _, weight in known)
    if total <= 0.0:
        return [Odds(Guess("strange"), 1.0)]
    found = [Odds(guess, weight / total) for guess, weight in known]
    return sorted(found, key=lambda one: (-one.probability, abs(one.guess.pieces), one.guess))


def touched(beyond_mg: float | None) -> float:
    """How much likelier than else it is that pieces moved, by how far the plate went beyond both
    its levels.
    """
    if beyond_mg is None:
        return 1.0
    return min(UNTOUCHED * math.exp(min(beyond_mg / PRESS_MG, 10.0)), TOUCHED)


def often(pieces: int) -> float:
    """How often so many pieces are moved at once: 1 half the time, the more the rarer. What is
    refilled comes in whole cases.
    """
    n = abs(pieces)
    is_case = any(pieces > 0 and not pieces % case for case in CASES)
    return (CASE if is_case else 1.0) * 0.5 / (n * (n + 1))


def strangely(moved_mg: float) -> float:
    """How a strange thing's mass is spread: its density in 1/mg."""
    share = abs(moved_mg) / STRANGE_MG
    return (_SMALL + (1.0 - _SMALL) * share) * math.exp(-share) / STRANGE_MG


def _counts(readings: Sequence[Reading], unit: Unit) -> list[int]:
    found: set[int] = set()
    for reading in readings:
        middle = round(reading.moved_mg / unit.mean_mg)
        found.update(range(middle - _FURTHER, middle + _FURTHER + 1))
    return sorted(found - {0})


def hop_mg(unit: Unit) -> float:
    """How far a plate under such pieces hops (SD)."""
    return max(HOP_MG, HOP_UNITS * unit.mean_mg)


def _none(unit: Unit, prior: float, hops: float) -> list[Term]:
    """No piece: the plate lies where it lay, or hopped."""
    hop = hop_mg(unit) ** 2
    return [Term(NO_PIECE, prior * (1.0 - hops), 0.0, 0.0), Term(NO_PIECE, prior * hops, 0.0, hop)]


def _one_of(unit: Unit, guess: Guess, pieces: int, prior: float) -> list[Term]:
    """So many of a piece. Its mass may be far off the plan, rarely."""
    rarely = _WIDE if unit.seen < _KNOWN_FROM else _WIDE_KNOWN
    mass_mg, variance = pieces * unit.mean_mg, unit.variance(pieces)
    wide = (pieces * WIDE_SD * unit.planned_mg) ** 2
    return [
        Term(guess, prior * (1.0 - rarely), mass_mg, variance),
        Term(guess, prior * rarely, mass_mg, variance + wide),
    ]


def _normal(away: float, variance: float) -> float:
    return math.exp(-0.5 * away * away / variance) / math.sqrt(math.tau * variance)
