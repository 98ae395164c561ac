"""The formulas of calibration, against figures worked out elsewhere."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.console.calibration import model
from edge.console.calibration.settling import REST_S, Rest, Sample


@pytest.mark.parametrize(
    ("unit_cv", "pieces", "most"),
    [(0.005, 10, 29), (0.005, 50, 121), (0.005, 200, 306), (0.01, 10, 25), (0.01, 50, 76),
     (0.01, 200, 140), (0.02, 10, 16), (0.02, 50, 35), (0.02, 200, 50), (0.05, 10, 6),
     (0.05, 50, 8), (0.05, 200, 9)],
)  # fmt: skip
def test_the_most_that_can_be_counted(unit_cv: float, pieces: int, most: int) -> None:
    """A table worked out independently for a scale whose noise is a twentieth of a piece."""
    found = model.countable(20.0, 1.0, pieces_weighed=pieces, unit_cv=unit_cv)
    assert found.most == most
    assert found.piece_sigmas == 20.0


@pytest.mark.parametrize(
    ("load_g", "limit"),
    [(0, 0.5), (500, 0.5), (501, 1.0), (2_000, 1.0), (2_001, 1.5), (10_000, 1.5), (-600, 1.0)],
)
def test_limits_are_those_of_oiml_r76_table_6(load_g: float, limit: float) -> None:
    assert model.limit_divisions(load_g, 1.0) == limit
    assert model.limit_divisions(load_g, 1.0, in_service=True) == 2 * limit


@pytest.mark.parametrize(
    ("sigma_g", "division_g"),
    [(0.1, 0.5), (0.3, 1.0), (0.03, 0.1), (0.6, 2.0), (1.5, 5.0), (3.4, 20.0), (0.0, 1e-6)],
)
def test_a_division_is_of_the_usual_form_and_above_the_noise(
    sigma_g: float, division_g: float
) -> None:
    assert model.division_for(sigma_g) == pytest.approx(division_g)


def test_a_division_is_no_finer_than_class_iii_has() -> None:
    assert model.division_for(0.001, 20_000) == 2.0
    assert model.division_for(0.001, 25_000) == 5.0
    assert model.division_for(1.5, 20_000) == 5.0, "the noise decides where it is coarser"


def test_noise_knows_white_noise_from_wandering() -> None:
    chance = Random(3)
    times = [n * 0.1 for n in range(300)]
    white = model.noise(times, [chance.gauss(5.0, 1.0) for _ in times])
    assert white.sigma == pytest.approx(1.0, rel=0.15)
    assert white.second_sigma == pytest.approx(1 / math.sqrt(10), rel=0.35)
    assert abs(white.drift_per_min) < 1.5
    drifting = model.noise(times, [0.05 * at + chance.gauss(0, 0.01) for at in times])
    assert drifting.drift_per_min == pytest.approx(3.0, rel=0.02)
    assert drifting.second_sigma > 0.3, "a wandering zero is no smaller for being averaged"
    assert model.smallest_piece_g(drifting.second_sigma) > 3.0
    with pytest.raises(ValueError, match="too few"):
        model.noise([0.0], [1.0])


def test_the_factor_is_as_sure_as_its_mass_and_its_levels() -> None:
    only_mass = model.factor_uncertainty(
        mass_g=5_000, mass_uncertainty_g=0.5, change=2e6, change_sigma=0.0
    )
    assert only_mass == pytest.approx(5e-5)
    both = model.factor_uncertainty(
        mass_g=5_000, mass_uncertainty_g=0.5, change=2e6, change_sigma=100.0
    )
    assert both == pytest.approx(math.hypot(5e-5, math.sqrt(2) * 5e-5))


def resting(values: list[float], *, sigma: float = 1.0, stable: bool | None = None) -> Rest:
    rest = Rest(sigma, finest=0.0)
    for number, value in enumerate(values):
        rest.feed(Sample(number * 0.2, value, stable))
    return rest


def test_a_level_is_taken_only_at_rest() -> None:
    chance = Random(1)
    calm = [100.0 + chance.gauss(0, 1.0) for _ in range(20)]
    level = resting(calm).level()
    assert level is not None
    assert level.mean == pytest.approx(100.0, abs=1.0)
    assert level.error < 0.4
    assert resting(calm[:3]).why_not == "listening"
    assert resting([]).why_not == "the device says nothing"
    assert "trembles" in resting([100.0 + 30 * (n % 2) for n in range(20)]).why_not
    assert "drifts" in resting([100.0 + 5.0 * n for n in range(20)]).why_not
    assert "the device itself" in resting(calm, stable=False).why_not
    assert resting([100.0 + 5.0 * n for n in range(20)]).level() is None


@given(
    level=st.floats(-1e6, 1e6),
    sigma=st.floats(0.01, 100.0),
    step=st.floats(20.0, 1e4),
    seed=st.integers(0, 999),
)
def test_the_level_after_a_step_never_holds_any_of_the_level_before(
    level: float, sigma: float, step: float, seed: int
) -> None:
    chance = Random(seed)
    rest = Rest(sigma, finest=0.0)
    for number in range(60):
        base = level if number < 25 else level + step * sigma
        rest.feed(Sample(number * 0.2, base + chance.gauss(0, sigma)))
        found = rest.level()
        if found is not None and number >= 25:
            assert found.mean == pytest.approx(level + step * sigma, abs=6 * sigma)
            assert number * 0.2 >= 25 * 0.2 + REST_S * 0.8
