"""Shelves judged whole: leaks, wrong lanes, hands, what is learned; cuts change nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.accuracy.shelves import idle_movements
from benchmarks.datasets.shelves import record
from central.reconcile.reconciler import Reconciler
from central.reconcile.shelf.beliefs import FARTHEST, MOST_SCATTER, Shown, countable, unit_of
from central.reconcile.verdict import Context, Logged, PlatePlan, ReadPoint, Verdict
from drivers.emulators.shelf_suites import episode
from drivers.recording import Recording, ShelfHeader
from edge.replaying import replay_recording
from gateway.contract import DeviceHealth, Observation, WeightDisturbed, WeightSettled
from tallyport.evaluate.shelf import grade
from tests.fakes.portal_log import logged, moment

FROM = datetime(2026, 1, 5, 8, tzinfo=UTC)
UNITS = {1: 20_000, 2: 592_000, 3: 60_000, 4: 5_000}
SHELF = ReadPoint(code="shelf-1", kind="shelf", location="shop", outbound_to="customer")


def context(units: dict[int, int]) -> Context:
    return Context(
        read_points={"shelf-1": SHELF},
        plates={
            ("shelf-1", n): PlatePlan(read_point="shelf-1", plate=n, sku=f"SKU-{n}", unit_mg=unit)
            for n, unit in units.items()
        },
    )


def level(t: float, plate: int, gross_mg: float, *, since: float | None = None) -> WeightSettled:
    return WeightSettled(
        device=f"scale-{plate}", read_point="shelf-1", event_time=moment(t), plate=plate,
        gross_mg=round(gross_mg), std_mg=2_000, error_mg=200,
        disturbed_at=None if since is None else moment(since),
        stepped_at=None if since is None else moment(since + 0.2),
    )  # fmt: skip


def motion(t: float, plate: int) -> WeightDisturbed:
    return WeightDisturbed(
        device=f"scale-{plate}", read_point="shelf-1", event_time=moment(t), plate=plate,
        reason="motion",
    )  # fmt: skip


def later(t: float) -> DeviceHealth:
    return DeviceHealth(
        device="scale-1", read_point="shelf-1", event_time=moment(t), state="running"
    )


def judge(observations: list[Observation], units: dict[int, int] = UNITS) -> Verdict:
    return Reconciler().judge(logged(observations), context(units))


def begin(units: dict[int, int] = UNITS) -> list[Observation]:
    return [level(0, plate, 3_000_000) for plate in units]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-5, 5).filter(bool), max_size=12))
def test_movements_add_up_to_the_change_of_level(moves: list[int]) -> None:
    """On a clean shelf, what was posted is what the level says, piece by piece."""
    log: list[Observation] = [level(0, 1, 3_000_000)]
    gross = 3_000_000
    for number, pieces in enumerate(moves, 1):
        gross += pieces * UNITS[1]
        log += [motion(20.0 * number, 1), level(20.0 * number + 1, 1, gross, since=20.0 * number)]
    verdict = judge(log)
    posted = sum(m.quantity * (1 if m.destination == "shop" else -1) for m in verdict.movements)
    assert posted == sum(moves)
    assert not verdict.reviews


def test_a_heavy_neighbours_leak_is_taken_off_and_a_piece_taken_with_it_counts() -> None:
    """The bottle's leak into plate 1 is 6.5 g; with a piece of 20 g it sinks by 26.5 g."""
    steps = [level(10, 2, 2_408_000, since=9), level(10.2, 1, 2_973_500, since=9)]
    verdict = judge([*begin(), motion(9, 2), motion(9, 1), *steps, later(40)])
    assert [(m.sku, m.quantity) for m in verdict.movements] == [("SKU-2", 1), ("SKU-1", 1)]
    assert verdict.movements[1].evidence["leak_mg"] == pytest.approx(-6_500, abs=300)
    assert not verdict.reviews


def test_what_the_others_felt_tells_a_piece_from_a_leak() -> None:
    """1.2 kg are lifted off plate 3. Plates 1 and 4 feel 9.6 and 19.2 g of it, shares that nobody
    knew; plate 2 sinks by 31 g, of which 11.8 g are a piece's.
    """
    units = {1: 300_000, 2: 12_000, 3: 600_000, 4: 150_000}
    sunk = {3: 1_190_000, 2: 31_000, 1: 9_600, 4: 19_200}
    steps = [level(10, plate, 3_000_000 - mg, since=9) for plate, mg in sorted(sunk.items())]
    stir = [motion(9, plate) for plate in units]
    verdict = judge([*begin(units), *stir, *steps, later(40)], units)
    assert [(m.sku, m.quantity) for m in verdict.movements] == [("SKU-3", 2), ("SKU-2", 1)]
    assert not verdict.reviews


def test_what_one_lane_shows_of_its_pieces_is_expected_of_the_others() -> None:
    """Plates that show 95 % of a load: after one was seen to, eight pieces are not seven and a
    half elsewhere.
    """
    first, others = Shown(), Shown()
    unit = unit_of(20_000, 0.01, first)
    for _ in range(3):
        others = others.told(unit, -19_000.0, -1, 100.0**2)
    assert unit_of(500_000, 0.01, others).mean_mg == pytest.approx(475_000, rel=0.015)
    assert unit_of(500_000, 0.01, others).mean_var < unit_of(500_000, 0.01, first).mean_var


def test_a_piece_put_back_on_the_wrong_lane_is_named() -> None:
    steps = [level(10, 2, 2_408_000, since=9), level(30, 3, 3_592_000, since=29)]
    verdict = judge([*begin(), *steps, later(60)])
    assert [(m.sku, m.quantity) for m in verdict.movements] == [("SKU-2", 1)]
    (review,) = verdict.reviews
    assert review.reason == "SKU-2 put back on the wrong lane"
    (back,) = review.proposals
    assert (back.sku, back.source, back.destination) == ("SKU-2", "customer", "shop")
    assert back.evidence["plate"] == 3


@pytest.mark.parametrize(("taken_s", "is_counted"), [(10.0, False), (90.0, True)])
def test_three_pieces_that_weigh_one_of_another_lane_count_unless_it_was_just_taken(
    taken_s: float, *, is_counted: bool
) -> None:
    """60 g are put where 20 g pieces lie, some time after a piece of 60 g was taken beside them."""
    put_s = 100.0
    took = [
        motion(put_s - taken_s, 3),
        level(put_s - taken_s + 1, 3, 2_940_900, since=put_s - taken_s),
    ]
    put = [
        motion(put_s, 1),
        level(put_s + 1, 1, 3_059_100, since=put_s),
        level(put_s + 3, 1, 3_059_100),
    ]
    verdict = judge([*begin(), *took, *put, later(put_s + 4)])
    counted = [("SKU-3", 1), ("SKU-1", 3)] if is_counted else [("SKU-3", 1)]
    assert [(m.sku, m.quantity) for m in verdict.movements] == counted


def test_a_hand_that_comes_and_goes_moves_nothing_and_asks_nobody() -> None:
    steps = [level(10, 3, 3_833_000, since=9), level(18, 3, 3_000_300, since=17)]
    verdict = judge([*begin(), *steps, later(60)])
    assert not verdict.movements
    assert not verdict.reviews
    assert "something rested on the plate" in [one.reason for one in verdict.ignored]


def test_a_strange_thing_is_asked_about_once_and_may_go_again() -> None:
    steps = [level(10, 3, 3_833_000, since=9), level(60, 3, 3_000_300, since=59)]
    verdict = judge([*begin(), *steps, later(90)])
    assert not verdict.movements
    assert [one.reason for one in verdict.reviews] == ["unresolved weight change"]
    assert "something else of 833 g" in [one.says for one in verdict.reviews[0].hypotheses]


def test_unit_weights_are_learned_within_bounds() -> None:
    unit = unit_of(20_000, 0.01, Shown())
    for _ in range(50):
        unit.learn(-20_600, -1, 300.0**2)
    assert unit.mean_mg == pytest.approx(20_600, rel=0.003)
    for _ in range(500):
        unit.learn(90_000, 1, 300.0**2)
    assert unit.mean_mg <= 20_000 * (1 + FARTHEST)
    assert unit.cv <= MOST_SCATTER


@pytest.mark.parametrize(
    ("cv", "noise_mg", "most"),
    [(0.01, 0.0, 277), (0.05, 0.0, 11), (0.01, 3_000.0, 52), (0.01, 4_000.0, 0)],
)
def test_countable_is_what_three_sigma_leave(cv: float, noise_mg: float, most: int) -> None:
    assert countable(20_000, cv, noise_mg) == most


def test_idle_noise_posts_nothing_and_asks_nothing() -> None:
    assert idle_movements(0.1) == (0, 0)


@pytest.fixture(scope="module")
def hard() -> Recording:
    return record(episode("hard", "train", 5), "shelf-1", FROM)


def test_cuts_and_restarts_of_judging_change_nothing(hard: Recording) -> None:
    header = hard.header
    assert isinstance(header, ShelfHeader)
    units = {one.plate: one.unit_mg for one in header.plates}
    observed = [one for _, one in replay_recording(hard)]
    log = [Logged(n, "edge", "e", n, one) for n, one in enumerate(observed, 1)]
    whole = Reconciler()
    verdict = whole.judge(log, context(units))
    assert verdict.movements
    state = None
    movements, reviews, ignored = [], [], []
    for start in range(0, len(log), 7):
        part = Reconciler(state)
        told = part.judge(log[start : start + 7], context(units))
        movements += told.movements
        reviews += told.reviews
        ignored += told.ignored
        state = part.dump()
    assert (tuple(movements), tuple(reviews)) == (verdict.movements, verdict.reviews)
    assert tuple(ignored) == verdict.ignored
    assert state == whole.dump()


def test_what_is_done_late_in_an_episode_comes_to_rest_within_it(hard: Recording) -> None:
    late = [one for n in range(40) for one in [episode("hard", "train", n)] if one.ends_s > 120]
    assert late
    assert all(one.ends_s >= deed.t + deed.seconds + 8 for one in late for deed in one.deeds)
    assert hard.heard[-1].t >= max(one.t for one in hard.truths) + 8


def test_a_share_of_the_suites_is_counted() -> None:
    """Four emulated shelves; `tallyport bench shelves` plays the many."""
    recordings = [record(episode("standard", "test", n), "shelf-1", FROM) for n in range(4)]
    seen = [one.seen for recording in recordings for one in grade(recording) if one.seen.want]
    assert len(seen) > 20
    assert sum(one.want == one.got for one in seen) >= 0.9 * len(seen)
    assert sum(bool(one.posted) and one.posted != one.want for one in seen) <= 1
