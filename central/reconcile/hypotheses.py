"""Hypotheses that every kind of device shares: ranked, so that the best comes first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from central.reconcile.verdict import Hypothesis
from central.stock.model import Movement

__all__ = ["NOTHING_MOVED", "count", "either_or", "ranked"]

NOTHING_MOVED = "nothing moved"


def ranked(hypotheses: Iterable[Hypothesis]) -> tuple[Hypothesis, ...]:
    """Best first, probabilities rounded to four digits; among equals the order given."""
    found = [
        Hypothesis(
            says=one.says,
            probability=round(min(max(one.probability, 0.0), 1.0), 4),
            movements=one.movements,
            crossed=one.crossed,
        )
        for one in hypotheses
    ]
    return tuple(sorted(found, key=lambda one: -one.probability))


def either_or(
    says: str,
    movements: Sequence[Movement],
    probability: float,
    *,
    otherwise: str = NOTHING_MOVED,
) -> tuple[Hypothesis, ...]:
    """It moved, with ``probability``, or nothing did."""
    moved = Hypothesis(says=says, probability=probability, movements=tuple(movements))
    return ranked([moved, Hypothesis(says=otherwise, probability=1.0 - probability)])


def count(number: int, noun: str) -> str:
    """``1 tag``, ``17 tags``, ``all 1`` never."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
