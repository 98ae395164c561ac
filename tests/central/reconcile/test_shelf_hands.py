"""Hands on shelves, presses before a step, goods of one mass: what is waited for and what asked."""

from __future__ import annotations

import pytest

from gateway.contract import WeightSettled
from tests.central.reconcile.test_shelf_joint import begin, judge, later, level, motion
from tests.fakes.portal_log import moment

UNITS = {1: 150_000, 2: 20_000, 3: 154_000}


def shaken(t: float, plate: int, gross_mg: float, *, since: float, std_mg: int) -> WeightSettled:
    return WeightSettled(
        device=f"scale-{plate}", read_point="shelf-1", event_time=moment(t), plate=plate,
        gross_mg=round(gross_mg), std_mg=std_mg, error_mg=std_mg // 20,
        disturbed_at=moment(since), stepped_at=moment(since + 0.2),
    )  # fmt: skip


def test_a_hand_of_fourteen_pieces_mass_moves_nothing_while_it_trembles() -> None:
    """It weighs what 14 pieces weigh, but it shakes as no goods do, and goes after ten seconds."""
    hand = shaken(11, 1, 3_000_000 + 14 * 148_000, since=9, std_mg=95_000)
    gone = level(21, 1, 3_000_300, since=20.5)
    verdict = judge([*begin(UNITS), motion(9, 1), hand, motion(20.5, 1), gone, later(60)], UNITS)
    assert not verdict.movements
    assert not verdict.reviews
    assert "something rested on the plate" in [one.reason for one in verdict.ignored]


def test_a_hand_that_takes_a_piece_while_it_leans_counts_only_the_piece() -> None:
    """833 g lean, with a piece of 20 g gone when they go."""
    steps = [
        level(10, 2, 3_833_000, since=9),
        level(14, 2, 2_980_200, since=13),
    ]
    verdict = judge([*begin(UNITS), *steps, later(60)], UNITS)
    assert [(m.sku, m.quantity) for m in verdict.movements] == [("SKU-2", 1)]
    assert not verdict.reviews


@pytest.mark.parametrize("press_mg", [9_000, -31_000])
def test_a_press_that_settles_before_the_piece_goes_is_part_of_its_going(press_mg: int) -> None:
    steps = [
        level(9.8, 2, 3_000_000 + press_mg, since=9),
        level(11, 2, 2_980_200, since=10),
    ]
    verdict = judge([*begin(UNITS), *steps, later(60)], UNITS)
    assert [(m.sku, m.quantity) for m in verdict.movements] == [("SKU-2", 1)]
    assert not verdict.reviews


def test_many_pieces_at_once_are_posted_when_they_have_lain_longer_than_hands_do() -> None:
    restock = level(10, 2, 3_000_000 + 12 * 19_900, since=9)
    early = judge([*begin(UNITS), restock, later(14)], UNITS)
    assert not early.movements
    verdict = judge([*begin(UNITS), restock, later(14), later(40)], UNITS)
    assert [(m.sku, m.quantity, m.biz_step) for m in verdict.movements] == [
        ("SKU-2", 12, "stocking")
    ]
    assert not verdict.reviews


def test_another_lanes_piece_of_nearly_the_same_mass_is_asked_about_with_both_answers() -> None:
    """150 and 154 g: what comes back on the wrong lane at 154 g is told; at 152 g nobody knows."""
    took = level(10, 3, 2_846_000, since=9)
    for back_mg, posted in ((154_000, False), (152_000, False)):
        back = level(20, 1, 3_000_000 + back_mg, since=19)
        verdict = judge([*begin(UNITS), took, back, later(60)], UNITS)
        assert [m.sku for m in verdict.movements] == ["SKU-3"]
        (review,) = verdict.reviews
        told = {m.sku for one in review.hypotheses for m in one.movements}
        assert told == {"SKU-1", "SKU-3"}, posted


def test_what_lay_for_a_moment_asks_nobody_though_a_piece_was_taken_meanwhile() -> None:
    """343 g lie on the plate for 14 seconds; between, a piece of 20 g is taken."""
    steps = [
        level(10, 2, 3_343_000, since=9),
        level(18, 2, 3_323_300, since=17),
        level(24, 2, 2_980_300, since=23),
    ]
    verdict = judge([*begin(UNITS), *steps, later(60)], UNITS)
    assert [(m.sku, m.quantity) for m in verdict.movements] == [("SKU-2", 1)]
    assert not verdict.reviews
    stays = judge([*begin(UNITS), *steps[:2], later(60)], UNITS)
    assert [m.quantity for m in stays.movements] == [1]
    assert [one.reason for one in stays.reviews] == ["unresolved weight change"]


@pytest.mark.parametrize("gram", [19.5, 19.9, 20.0])
def test_a_dozen_put_on_a_new_lane_is_posted_when_it_stays(gram: float) -> None:
    restock = level(10, 2, 3_000_000 + 12_000 * gram, since=9)
    verdict = judge([*begin(UNITS), restock, later(14), later(40)], UNITS)
    assert [(m.sku, m.quantity) for m in verdict.movements] == [("SKU-2", 12)]
    assert not verdict.reviews


def test_a_leak_that_is_noticed_late_is_still_one() -> None:
    """Ten heavy pieces go; plate 2 is shaken and its 13 g are noticed a second later."""
    steps = [
        level(10, 1, 3_000_000 - 10 * 148_000, since=9),
        level(11.2, 2, 3_000_000 - 16_500, since=10.2),
    ]
    verdict = judge([*begin(UNITS), *steps, later(60)], UNITS)
    assert [m.sku for m in verdict.movements] == ["SKU-1"]
