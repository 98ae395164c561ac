"""A plate's zero: set anew only on a plate that the model says is empty, and told when it is."""

from __future__ import annotations

import msgspec
import pytest

from central.reconcile.verdict import Rezeroed
from gateway.contract import Observation, WeightSettled
from tests.central.reconcile.test_shelf_joint import judge, later, level

UNITS = {1: 100_000, 2: 20_000}
KNOWN = 3
"""Whatever version of a calibration."""


def calibrated(seen: WeightSettled) -> WeightSettled:
    return msgspec.structs.replace(seen, calibration=KNOWN)


def rezeroed(*levels: WeightSettled, known: bool = True) -> tuple[Rezeroed, ...]:
    told: list[Observation] = [calibrated(one) if known else one for one in levels]
    return judge([*told, later(400)], UNITS).rezeroed


def emptied(*, left_mg: float) -> list[WeightSettled]:
    """Two pieces lie there, and are taken; then it is told once more."""
    return [level(0, 1, 200_000), level(20, 1, left_mg, since=19), level(80, 1, left_mg)]


def test_an_empty_plate_whose_level_moved_is_its_zero_now_and_that_is_told() -> None:
    (told,) = rezeroed(*emptied(left_mg=14_000))
    assert (told.plate, told.before_mg, told.after_mg) == (1, 0, 14_000)
    assert told.cause.first_seq == 3


@pytest.mark.parametrize("left_mg", [300, 99_000])
def test_a_zero_that_stands_and_a_plate_that_is_not_empty_are_left_alone(left_mg: float) -> None:
    """A third of a gram is the level's own error; 99 g are a piece."""
    assert rezeroed(*emptied(left_mg=left_mg)) == ()


def test_nobody_knows_the_zero_of_a_plate_that_was_never_calibrated() -> None:
    assert rezeroed(*emptied(left_mg=14_000), known=False) == ()


def test_what_drifts_on_an_empty_plate_is_told_by_and_by() -> None:
    drift = [level(140.0 + 60 * n, 1, 6_000 * n) for n in range(1, 4)]
    told = rezeroed(*emptied(left_mg=0), *drift)
    assert [(one.before_mg, one.after_mg) for one in told] == [(0, 12_000)]


def test_pieces_put_on_later_end_the_emptiness() -> None:
    put = level(140, 1, 100_000, since=139)
    drift = [level(200.0 + 60 * n, 1, 100_000 + 6_000 * n) for n in range(1, 4)]
    assert rezeroed(*emptied(left_mg=0), put, *drift) == ()


def test_the_scales_own_zero_is_one() -> None:
    shown = msgspec.structs.replace(level(0, 1, -3_186_000), zero=True)
    (told,) = rezeroed(shown, level(60, 1, -3_170_000), known=False)
    assert (told.before_mg, told.after_mg) == (-3_186_000, -3_170_000)
