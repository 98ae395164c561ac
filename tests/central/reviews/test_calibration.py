"""The refit on labels finds what is wrong with probabilities, and leaves right ones alone."""

from __future__ import annotations

import math
from random import Random

import pytest

from central.reviews.calibration import (
    Answer,
    Fit,
    TooFewLabels,
    answers,
    compare,
    fit,
    lines,
    quality,
)


def told(seed: int, *, slope: float, offset: float, count: int = 2_000) -> list[Answer]:
    """Answers to probabilities whose true log-odds are ``slope * logit + offset``."""
    rng = Random(seed)
    found = []
    for number in range(count):
        x = rng.gauss(0.0, 2.0)
        truth = 1.0 / (1.0 + math.exp(-(slope * x + offset)))
        said = 1.0 / (1.0 + math.exp(-x))
        found.append(Answer(f"review-{number % 200}", said, rng.random() < truth))
    return found


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.4, 0.0), (2.0, -1.0)])
def test_the_line_through_the_log_odds_is_found(slope: float, offset: float) -> None:
    found = fit(told(1, slope=slope, offset=offset, count=6_000))
    assert found.slope == pytest.approx(slope, rel=0.15)
    assert found.offset == pytest.approx(offset, abs=0.2)


def test_a_challenger_wins_on_overconfident_probabilities_and_not_on_right_ones() -> None:
    bold = compare(told(2, slope=0.4, offset=0.0))
    assert bold.challenger.log_loss < 0.92 * bold.champion.log_loss
    assert bold.challenger.gap < bold.champion.gap
    right = compare(told(3, slope=1.0, offset=0.0))
    assert right.challenger.log_loss == pytest.approx(right.champion.log_loss, rel=0.01)
    assert "nothing was changed" in "\n".join(lines(bold))


def test_labels_that_part_cleanly_give_a_finite_line() -> None:
    clean = [Answer(f"r{n}", 0.9 if n % 2 else 0.1, bool(n % 2)) for n in range(40)]
    found = fit(clean)
    assert 1.0 < found.slope < 5.0
    assert Fit()(0.3) == pytest.approx(0.3)
    assert quality([0.9, 0.1], clean[1::-1]).wrong == 0


def test_too_few_labels_are_said_to_be() -> None:
    with pytest.raises(TooFewLabels, match="1 labels of 1 reviews"):
        compare([Answer("r", 0.5, True)])
    with pytest.raises(TooFewLabels, match="of 1 reviews"):
        compare([Answer("r", 0.5, True)] * 50)


def test_only_tags_that_say_how_sure_judging_was_are_answers() -> None:
    label = {"kind": "tag", "review": "r", "truth": "out", "features": {"crossed": 0.7}}
    others = [label | {"kind": "plate"}, label | {"features": {}}, label | {"truth": "none"}]
    assert answers([label, *others]) == [Answer("r", 0.7, True), Answer("r", 0.7, False)]
