"""Several plates that changed together, read together: whole pieces on each, one share of leak.

What a plate felt of a neighbour's load is told by what the others felt of it, for any choice of
their pieces. So all choices are tried, plate by plate, each refining the shelf's shares in its
own way, and only the likeliest are followed: a beam search with a Kalman filter in each of its
branches. Bounded, pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from central.reconcile.shelf.leaks import Common
from central.reconcile.shelf.odds import Guess, Odds, Reading, Term, shares

MOST_BRANCHES = 24
MOST_TOGETHER = 4
_WORTH_A_BRANCH = 1e-4
"""Of the likeliest."""


class Told(NamedTuple):
    """A plate's change: the ways to read it, and what each may come to."""

    readings: Sequence[Reading]
    terms: Sequence[Term]


class _Branch(NamedTuple):
    weight: float
    common: Common


def search(common: Common, others: Sequence[Told], asked: Told) -> list[Odds]:
    """What ``asked`` came to, the likeliest first, in the light of ``others``."""
    branches = [_Branch(1.0, common)]
    for told in others:
        grown = [
            _grow(branch, common, reading, term)
            for branch in branches
            for reading in told.readings
            for term in told.terms
        ]
        best = max(grown, default=branches[0])
        if best.weight <= 0.0:
            continue  # nothing explains this one: it tells nothing
        grown = [one for one in grown if one.weight > _WORTH_A_BRANCH * best.weight]
        grown.sort(reverse=True)
        branches = [_Branch(w / best.weight, c) for w, c in grown[:MOST_BRANCHES]]
    weights: dict[Guess, float] = {}
    for branch in branches:
        for reading in asked.readings:
            for term in asked.terms:
                weight = _weight(branch, common, reading, term)
                weights[term.guess] = weights.get(term.guess, 0.0) + weight
    return shares(weights.items())


def _away_mg(branch: _Branch, common: Common, reading: Reading) -> float:
    """The load that moved, by this branch's shares instead of those it was read with."""
    near_mg, far_mg = reading.near_mg, reading.far_mg
    return reading.moved_mg + common.felt(near_mg, far_mg) - branch.common.felt(near_mg, far_mg)


def _weight(branch: _Branch, common: Common, reading: Reading, term: Term) -> float:
    moved_mg = _away_mg(branch, common, reading)
    doubt = branch.common.doubt(reading.near_mg, reading.far_mg)
    return branch.weight * reading.weight * term.explains(moved_mg, reading.alone + doubt)


def _grow(branch: _Branch, common: Common, reading: Reading, term: Term) -> _Branch:
    weight = _weight(branch, common, reading, term)
    if term.variance is None or weight <= 0.0:
        return _Branch(weight, branch.common)
    away_mg = _away_mg(branch, common, reading) - term.mass_mg
    noise = reading.alone + term.variance
    return _Branch(weight, branch.common.told(reading.near_mg, reading.far_mg, away_mg, noise))
