"""What is counted, and how sure a figure of few cases can be. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from central.insight.shares import Share, rounded

__all__ = [
    "Counts", "Share", "Sure", "calibration_error", "coverage", "covered_at", "f1", "f1_interval",
    "quantile", "rounded",
]  # fmt: skip

_RESAMPLES = 1_000
_BINS = 10


class Counts(NamedTuple):
    """Pieces that were said and true, that were said, that were true."""

    right: int
    said: int
    true: int


def f1(right: int, said: int, true: int) -> float | None:
    """The harmonic mean of precision (``right`` of ``said``) and recall (``right`` of ``true``)."""
    return rounded(2 * right / (said + true)) if said + true else None


def f1_interval(counts: Sequence[Counts], seed: int = 1) -> tuple[float, float] | None:
    """95 % of F1 over recordings drawn again with replacement (percentile bootstrap; Efron and
    Tibshirani 1993). Tags of one pallet go wrong together, so it is recordings that are drawn;
    None of fewer than two.
    """
    told = [one for one in counts if one.said + one.true]
    if len(told) < 2:
        return None
    rng = Random(seed)  # noqa: S311 (chance, not secrets)
    found = []
    for _ in range(_RESAMPLES):
        drawn = rng.choices(told, k=len(told))
        found.append(2 * sum(c.right for c in drawn) / sum(c.said + c.true for c in drawn))
    found.sort()
    tail = _RESAMPLES // 40
    return rounded(found[tail]) or 0.0, rounded(found[-1 - tail]) or 0.0


class Sure(NamedTuple):
    """One answer: how sure it was, and whether it was right."""

    confidence: float
    right: bool


def calibration_error(answers: Sequence[Sure]) -> float | None:
    """Expected calibration error: the mean gap between how sure and how right, over ten equal
    bins of confidence, each by its share of the answers (Naeini et al., AAAI 2015).
    """
    if not answers:
        return None
    bins: dict[int, list[Sure]] = {}
    for one in answers:
        bins.setdefault(min(int(one.confidence * _BINS), _BINS - 1), []).append(one)
    gap = sum(abs(sum(o.confidence for o in b) - sum(o.right for o in b)) for b in bins.values())
    return rounded(gap / len(answers))


def coverage(answers: Sequence[Sure]) -> list[tuple[float, float]]:
    """``(share of the answers, error among them)`` for every threshold of confidence, the surest
    first.
    """
    curve: list[tuple[float, float]] = []
    ranked = sorted(answers, key=lambda one: -one.confidence)
    wrong = 0
    for number, one in enumerate(ranked, 1):
        wrong += not one.right
        last = number == len(ranked) or ranked[number].confidence < one.confidence
        if last:
            curve.append((number / len(ranked), wrong / number))
    return curve


def covered_at(answers: Sequence[Sure], most_error: float) -> float | None:
    """The largest share that a threshold lets through with no more than ``most_error`` wrong."""
    if not answers:
        return None
    fit = [share for share, error in coverage(answers) if error <= most_error]
    return rounded(max(fit, default=0.0))


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
