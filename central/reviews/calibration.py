"""Are judging's probabilities right? A refit on what people said, held against what is in force.

Platt's scaling: p' = logistic(slope * logit(p) + offset), fitted by maximum likelihood (Newton's
steps) on targets that are pulled in from 0 and 1 as he proposes, (n+ + 1) / (n+ + 2) and
1 / (n- + 2), so that a few clean labels do not make certainty. (J. Platt, "Probabilistic outputs
for support vector machines", 1999.) A weak pull of the slope towards 1 and the offset towards 0
keeps the fit finite where the labels part cleanly.

The challenger is judged on reviews that it was not fitted on: the labels are parted by review,
since the tags of one pallet are right or wrong together. Labels are of what judging doubted, so
that both sides' figures are those of doubtful tags, and not of all. Pure.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

__all__ = [
    "Answer", "Comparison", "Fit", "Quality", "TooFewLabels", "answers", "compare", "fit", "lines",
]  # fmt: skip

FEWEST = 20
FOLDS = 5
PULL = 1.0
_STEPS = 50
_LEAST = 1e-6
_BINS = 10


class TooFewLabels(Exception):
    """There is nothing to learn from yet."""


class Answer(NamedTuple):
    """One tag: the probability that it crossed, as judged, and whether it did."""

    review: str
    probability: float
    crossed: bool


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """A line through the log-odds; slope 1 and offset 0 leave a probability as it is."""

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, probability: float) -> float:
        """The probability put right."""
        return _logistic(self.slope * _logit(probability) + self.offset)


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """How right probabilities are: mean log loss (nats) and squared error (Brier), the mean gap
    between what was said and what came (over ten bins of probability), and how many were on the
    wrong side of one half. Less is better in all.
    """

    log_loss: float
    brier: float
    gap: float
    wrong: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Champion and challenger on the same labels; ``refit`` is the challenger on all of them.
    ``changed`` counts tags that the refit puts on the other side of one half.
    """

    labels: int
    reviews: int
    champion: Quality
    challenger: Quality
    refit: Fit
    changed: int


def answers(labels: Iterable[dict[str, Any]]) -> list[Answer]:
    """The labels of tags that say how sure judging was."""
    return [
        Answer(str(one["review"]), float(one["features"]["crossed"]), one["truth"] != "none")
        for one in labels
        if one["kind"] == "tag" and "crossed" in one["features"]
    ]


def fit(found: Sequence[Answer]) -> Fit:
    """The line that makes these answers most probable."""
    positive = sum(one.crossed for one in found)
    high, low = (positive + 1) / (positive + 2), 1 / (len(found) - positive + 2)
    points = [(_logit(one.probability), high if one.crossed else low) for one in found]
    slope, offset = 1.0, 0.0
    for _ in range(_STEPS):
        g_slope, g_offset = PULL * (slope - 1.0), PULL * offset
        h_slope, h_both, h_offset = PULL, 0.0, PULL
        for x, target in points:
            p = _logistic(slope * x + offset)
            weight = p * (1.0 - p)
            g_slope += (p - target) * x
            g_offset += p - target
            h_slope += weight * x * x
            h_both += weight * x
            h_offset += weight
        determinant = h_slope * h_offset - h_both * h_both
        step_slope = (h_offset * g_slope - h_both * g_offset) / determinant
        step_offset = (h_slope * g_offset - h_both * g_slope) / determinant
        slope, offset = slope - step_slope, offset - step_offset
        if abs(step_slope) + abs(step_offset) < _LEAST:
            break
    return Fit(slope=slope, offset=offset)


def compare(found: Sequence[Answer]) -> Comparison:
    """What is in force against a refit. Raises ``TooFewLabels``."""
    reviews = {one.review for one in found}
    if len(found) < FEWEST or len(reviews) < FOLDS:
        raise TooFewLabels(
            f"{len(found)} labels of {len(reviews)} reviews are too few to learn from: at least "
            f"{FEWEST} of {FOLDS} are needed (resolve reviews by their hypotheses)"
        )
    challenger: list[float] = [0.0] * len(found)
    for fold in range(FOLDS):
        others = [one for one in found if _fold(one) != fold]
        fitted = fit(others)
        for place, one in enumerate(found):
            if _fold(one) == fold:
                challenger[place] = fitted(one.probability)
    refit = fit(found)
    return Comparison(
        labels=len(found),
        reviews=len(reviews),
        champion=quality([one.probability for one in found], found),
        challenger=quality(challenger, found),
        refit=refit,
        changed=sum((refit(one.probability) >= 0.5) != (one.probability >= 0.5) for one in found),
    )


def quality(said: Sequence[float], found: Sequence[Answer]) -> Quality:
    """How right these probabilities are."""
    pairs = [
        (min(max(p, _LEAST), 1.0 - _LEAST), float(one.crossed))
        for p, one in zip(said, found, strict=True)
    ]
    losses = [-math.log(p if truth else 1.0 - p) for p, truth in pairs]
    bins: dict[int, list[tuple[float, float]]] = {}
    for p, truth in pairs:
        bins.setdefault(min(int(p * _BINS), _BINS - 1), []).append((p, truth))
    gap = sum(abs(sum(p - truth for p, truth in each)) for each in bins.values())
    return Quality(
        log_loss=sum(losses) / len(pairs),
        brier=sum((p - truth) ** 2 for p, truth in pairs) / len(pairs),
        gap=gap / len(pairs),
        wrong=sum((p >= 0.5) != bool(truth) for p, truth in pairs),
    )


def lines(told: Comparison) -> Iterator[str]:
    """The comparison for a terminal."""
    yield f"{told.labels} labels of {told.reviews} reviews (of what judging doubted, not of all)"
    yield f"{'':<12}{'log loss':>10}{'Brier':>10}{'gap':>10}{'wrong':>8}"
    for name, one in (("champion", told.champion), ("challenger", told.challenger)):
        yield f"{name:<12}{one.log_loss:>10.4f}{one.brier:>10.4f}{one.gap:>10.4f}{one.wrong:>8}"
    better = told.challenger.log_loss < told.champion.log_loss
    yield (
        f"refit: slope {told.refit.slope:.3f}, offset {told.refit.offset:+.3f}; "
        f"{told.changed} tags would change sides"
    )
    yield (
        "the challenger is better on reviews it has not seen; nothing was changed"
        if better
        else "the champion stays better; nothing was changed"
    )


def _fold(one: Answer) -> int:
    """Which part a label belongs to: the same for all of a review, whatever else there is."""
    return zlib.crc32(one.review.encode()) % FOLDS


def _logit(probability: float) -> float:
    inside = min(max(probability, _LEAST), 1.0 - _LEAST)
    return math.log(inside / (1.0 - inside))


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x > -700.0 else 0.0
