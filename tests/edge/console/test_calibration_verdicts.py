"""What a draft of a calibration comes to, step by step."""

from __future__ import annotations

from edge.console.calibration.draft import Creep, Draft, Loaded, Unit, as_setting
from edge.console.calibration.model import Noise
from edge.console.calibration.settling import Level
from edge.console.calibration.verdicts import rows, verdict

PER_G = 420.0


def at(grams: float, *, off: float = 0.0) -> Level:
    return Level(84_000 + (grams + off) * PER_G, 3.0, 10)


def drafted() -> Draft:
    return Draft(
        kind="counts",
        noise=Noise(50, 10.0, 84_000, 60.0, 42.0, 200.0, 5.0),
        zero=at(0),
        span=Loaded(mass_g=5_000, level=at(5_000), uncertainty_g=0.25),
    )


def states(draft: Draft) -> dict[str, str]:
    return {row.test: row.state for row in rows(draft)}


def test_zero_and_span_make_the_line_and_the_noise_speaks_in_grams() -> None:
    draft = drafted()
    assert draft.counts_per_g == PER_G
    assert draft.grams(84_000 + 42.0) == 0.1
    assert draft.division == 0.5, "three times the 0.1 g of a second's mean"
    assert draft.good_for_g == 1.0
    assert states(draft)["span"] == "pass"
    assert "pieces of 1 g" in rows(draft)[0].says
    assert verdict(rows(draft)) == "pass"
    assert as_setting(draft.counts_per_g) == 420


def test_nothing_is_in_grams_before_the_span() -> None:
    draft = drafted()
    draft.span = None
    assert draft.grams(1.0) is None
    assert states(draft)["noise"] == "noted"
    assert states(draft)["span"] == "not done"
    assert verdict(rows(draft)) == "incomplete"


def test_errors_are_counted_in_divisions_and_held_to_their_limits() -> None:
    draft = drafted()
    draft.second = Loaded(mass_g=2_500, level=at(2_500, off=0.6))
    row = next(one for one in rows(draft) if one.test == "second")
    # 2,500 g are 5,000 divisions of 0.5 g: 1.5 divisions may be wrong
    assert (row.state, row.value) == ("pass", "+1.20 divisions at 2500 g")
    assert row.limit == "1.5 divisions (0.75 g), R 76 3.5.1"
    draft.second = Loaded(mass_g=2_500, level=at(2_500, off=-0.9))
    row = next(one for one in rows(draft) if one.test == "second")
    assert (row.state, row.value) == ("fail", "-1.80 divisions at 2500 g")
    assert verdict(rows(draft)) == "fail"


def test_lifts_corners_creep_and_return() -> None:
    draft = drafted()
    draft.lifts, draft.lifted_g = [at(5_000), at(5_000, off=0.3), at(5_000, off=-0.2)], 5_000
    draft.corners = {
        "front-left": at(1_500), "front-right": at(1_500, off=0.2),
        "back-left": at(1_500, off=2.0), "back-right": at(1_500),
    }  # fmt: skip
    draft.cornered_g = 1_500
    draft.creep = Creep(
        mass_g=5_000, seconds=300, first=at(5_000).mean, furthest=at(5_000, off=0.2).mean,
        last=at(5_000).mean,
    )  # fmt: skip
    draft.zero_again = at(0, off=0.4)
    found = states(draft)
    assert found["repeat"] == "pass"
    assert found["corners"] == "fail"
    assert found["creep"] == "pass"
    assert found["return"] == "fail"
    by_test = {row.test: row for row in rows(draft)}
    assert "back-left reads most, front-left least" in by_test["corners"].says
    assert "5.0 of R 76's 30 minutes" in by_test["creep"].says
    assert by_test["repeat"].value == "1.00 divisions apart in 3 lifts"
    draft.lifts = draft.lifts[:2]
    assert "Only 2 of 3" in next(one for one in rows(draft) if one.test == "repeat").says


def test_a_piece_s_weight_and_how_many_can_be_counted() -> None:
    draft = drafted()
    draft.unit = Unit(pieces=50, level=at(1_000), cv=0.01)
    assert draft.unit_g == 20.0
    assert draft.countable is not None
    assert draft.countable.most > 50
    assert "Up to" in next(one for one in rows(draft) if one.test == "unit").says
    draft.unit = Unit(pieces=50, level=at(25), cv=0.01)
    assert "Too light" in next(one for one in rows(draft) if one.test == "unit").says


def test_a_scale_with_its_own_calibration_is_checked_not_changed() -> None:
    draft = Draft(
        kind="grams",
        division_g=0.1,
        noise=Noise(100, 10.0, 0.0, 0.02, 0.01, 0.1, 0.0),
        zero=Level(0.02, 0.01, 20),
        span=Loaded(mass_g=100.0, level=Level(100.09, 0.01, 20)),
    )
    assert draft.counts_per_g == 1.0
    assert draft.grams(100.09) == 100.09
    found = {row.test: row for row in rows(draft)}
    assert found["zero"].state == "pass"
    assert (found["span"].state, found["span"].value) == ("pass", "+0.90 divisions at 100 g")
    draft.span = Loaded(mass_g=100.0, level=Level(100.3, 0.01, 20))
    found = {row.test: row for row in rows(draft)}
    assert found["span"].state == "fail"
    assert "by its own menu" in found["span"].says
    draft.zero = Level(0.04, 0.01, 20)
    assert {row.test: row.state for row in rows(draft)}["zero"] == "fail"
