"""A plate that a hand was at, and one that only felt its neighbour: by how far each went."""

from __future__ import annotations

from msgspec.structs import replace

from central.reconcile.verdict import Verdict
from gateway.contract import Observation, WeightSettled
from tests.central.reconcile.test_shelf_joint import begin, judge, later, level, motion

UNITS = {1: 20_000, 2: 600_000, 3: 12_000}


def reaching(
    settled: WeightSettled, before_mg: int, *, low_mg: int = 0, high_mg: int = 0
) -> WeightSettled:
    """A level whose plate went beyond the levels before and after by so much."""
    low, high = sorted((before_mg, settled.gross_mg))
    return replace(settled, before_mg=before_mg, lowest_mg=low - low_mg, highest_mg=high + high_mg)


def beside_three_bottles(press_mg: int) -> Verdict:
    """Plate 3 sinks by 27 g while 1.8 kg go beside it: by their leak (10 to 36 g), or with pieces
    of 12 g.
    """
    heavy = reaching(level(10.2, 2, 1_228_000, since=9), 3_000_000)
    light = reaching(level(10, 3, 2_973_000, since=9), 3_000_000, high_mg=press_mg)
    return judge([*begin(UNITS), motion(9, 2), motion(9, 3), light, heavy, later(60)], UNITS)


def test_a_plate_that_only_sank_with_its_neighbour_had_no_hand_on_it() -> None:
    verdict = beside_three_bottles(0)
    assert [m.sku for m in verdict.movements] == ["SKU-2"]
    assert not verdict.reviews


def test_a_plate_that_was_lifted_meanwhile_is_asked_about() -> None:
    verdict = beside_three_bottles(25_000)
    assert [m.sku for m in verdict.movements] == ["SKU-2"]
    (review,) = verdict.reviews
    assert review.hypotheses[0].says == "1 of SKU-3 taken"


def test_a_neighbour_that_is_disturbed_when_a_level_stands_is_not_waited_for() -> None:
    taken = level(10, 1, 2_980_200, since=9)
    at_last = [*begin(UNITS), motion(9, 1), motion(9.8, 2), taken]
    assert [m.sku for m in judge(at_last, UNITS).movements] == ["SKU-1"]
    long_before = [*begin(UNITS), motion(9, 1), motion(9.1, 2), taken]
    assert not judge(long_before, UNITS).movements


def test_what_shook_but_never_carried_a_hand_is_not_waited_for_when_it_rests() -> None:
    """Plate 2 was not at rest while a piece of 20 g went beside it: a footstep shook it by 9 g, or
    a hand of 900 g leant on it and may be in the other's level.
    """
    taken = level(10, 1, 2_980_200, since=9)
    rests = level(10.2, 2, 3_000_000, since=8)
    stirred = [*begin(UNITS), motion(8, 2), motion(9, 1), taken]
    shook = reaching(rests, 3_000_000, low_mg=9_000)
    assert [m.sku for m in judge([*stirred, shook], UNITS).movements] == ["SKU-1"]
    leant = reaching(rests, 3_000_000, high_mg=900_000)
    assert not judge([*stirred, leant], UNITS).movements


def test_a_level_told_again_is_decided_by_what_it_says_then() -> None:
    """8.6 g is no piece of 20 g, nor is it none; two seconds later it is 19.8 g."""
    unsure = replace(level(10, 1, 2_991_400, since=9), error_mg=6_000)
    first = [*begin(UNITS), motion(9, 1), unsure]
    assert not judge(first, UNITS).movements
    surer = level(12, 1, 2_980_200)
    assert [m.sku for m in judge([*first, surer], UNITS).movements] == ["SKU-1"]


FAR = {1: 5_000, 4: 20_000, 8: 600_000}


def sunk_far_away(press_mg: int, *, heavy: float = 10.2) -> list[Observation]:
    """Plate 1 sinks by the mass of its piece, and a bottle is taken off plate 8."""
    light = reaching(level(10, 1, 2_995_000, since=9), 3_000_000, high_mg=press_mg)
    bottle = reaching(level(heavy, 8, 2_409_000, since=heavy - 1.2), 3_000_000)
    return [*begin(FAR), motion(9, 1), motion(9, 8), light, bottle]


def test_an_untouched_plate_that_sank_with_a_load_far_away_is_asked_about() -> None:
    verdict = judge([*sunk_far_away(300), later(60)], FAR)
    assert [m.sku for m in verdict.movements] == ["SKU-8"]
    (review,) = verdict.reviews
    told = {one.says for one in review.hypotheses}
    assert {"1 of SKU-1 taken", "nothing was put on or taken"} <= told


def test_a_plate_that_was_pressed_counts_whatever_moves_far_away() -> None:
    verdict = judge([*sunk_far_away(15_000), later(60)], FAR)
    assert {m.sku for m in verdict.movements} == {"SKU-1", "SKU-8"}
    assert not verdict.reviews


def test_a_load_far_away_at_another_moment_shakes_nothing() -> None:
    verdict = judge([*sunk_far_away(300, heavy=20.0), later(60)], FAR)
    assert {m.sku for m in verdict.movements} == {"SKU-1", "SKU-8"}
