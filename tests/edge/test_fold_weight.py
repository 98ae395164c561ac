"""A scale's stream to levels at rest; scans; exact masses."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.readings import CodeScan, WeightReading, WeightStatus
from edge.fold import Folder, FoldSettings
from edge.fold.mass import division_mg, milligrams
from edge.fold.moments import moment
from gateway.contract import CodeScanned, Observation, WeightDisturbed, WeightSettled

S = 1_000_000
NOW = 1_790_000_000 * S
STEP = 100_000


class Scale:
    """Ten samples a second into a folder."""

    def __init__(self, **overrides: object) -> None:
        self.fold = Folder("plate-3", "shelf-7", FoldSettings.model_validate(overrides), plate=3)
        self.now = NOW
        self.out: list[Observation] = []

    def send(self, grams: float, *, stable: bool | None = None, **fields: object) -> None:
        reading = WeightReading(
            value=Decimal(f"{grams:.2f}"),
            unit="g",
            stable=stable,
            **fields,  # type: ignore[arg-type]
        )
        self.give(reading)

    def give(self, reading: WeightReading) -> None:
        self.now += STEP
        self.out += self.fold.feed([reading], self.now)
        self.out += self.fold.tick(self.now)

    def rest(self, grams: float, seconds: float = 1.5, noise_g: float = 0.0, seed: int = 1) -> None:
        rng = random.Random(seed)
        for _ in range(round(seconds * 10)):
            self.send(grams + rng.gauss(0, noise_g), stable=noise_g < 0.1)

    def settled(self) -> list[WeightSettled]:
        return [o for o in self.out if isinstance(o, WeightSettled)]

    def disturbed(self) -> list[str]:
        return [o.reason for o in self.out if isinstance(o, WeightDisturbed)]


def test_a_pick_is_one_disturbance_and_one_new_level() -> None:
    scale = Scale()
    scale.rest(2_000)
    begun = scale.now + STEP
    for grams in (2_180, 1_500, 1_320, 1_850, 1_790):
        scale.send(grams, stable=False)
    scale.rest(1_800)
    assert [o.gross_mg for o in scale.settled()] == [2_000_000, 1_800_000]
    assert scale.disturbed() == ["motion"]
    assert scale.settled()[0].disturbed_at is None
    assert scale.settled()[1].disturbed_at == moment(begun)
    assert scale.settled()[1].plate == 3


def test_a_step_is_told_once_more_when_it_is_surer_and_a_footstep_is_not() -> None:
    scale = Scale()
    scale.rest(2_000, 5)
    scale.rest(1_800, 10)
    assert [(o.gross_mg, o.disturbed_at is None) for o in scale.settled()] == [
        (2_000_000, True), (1_800_000, False), (1_800_000, True),
    ]  # fmt: skip
    _, first, again = (o.event_time for o in scale.settled())
    assert 2.0 <= (again - first).total_seconds() < 2.5
    for grams in (1_812, 1_790):
        scale.send(grams, stable=False)
    scale.rest(1_800, 10)
    assert [o.gross_mg for o in scale.settled()[3:]] == [1_800_000]


@pytest.mark.parametrize("press_g", [40, -30])
def test_how_far_a_hand_pressed_or_lifted_is_told_with_the_new_level(press_g: int) -> None:
    scale = Scale()
    scale.rest(2_000, 5)
    scale.rest(2_000 + press_g, 0.4)
    scale.rest(2_020 if press_g < 0 else 1_980)
    settled = scale.settled()[-1]
    assert settled.lowest_mg is not None
    assert settled.highest_mg is not None
    levels = sorted((settled.gross_mg, 2_000_000))
    beyond = (levels[0] - settled.lowest_mg, settled.highest_mg - levels[1])
    assert max(beyond) == pytest.approx(abs(press_g) * 1_000, rel=0.05)
    assert min(beyond) == 0


def test_a_scale_that_shows_its_zero_has_it_told_and_a_tare_is_no_load() -> None:
    scale = Scale()
    for _ in range(15):
        scale.send(0.0, stable=True, zero=True)
        scale.send(250.0, stable=True, tare=True)  # what it remembers, asked in between
    for _ in range(20):
        scale.send(500.0, stable=True, zero=False)
    assert [(o.gross_mg, o.zero) for o in scale.settled()] == [(0, True), (500_000, False)]
    silent = Scale()
    silent.rest(500)
    assert [o.zero for o in silent.settled()] == [None]


def test_putting_back_tells_the_same_level_again() -> None:
    scale = Scale()
    scale.rest(500)
    for grams in (300, 120, 480):
        scale.send(grams, stable=False)
    scale.rest(500)
    assert [o.gross_mg for o in scale.settled()] == [500_000, 500_000]


def test_a_level_is_repeated_slowly_and_drift_is_told_without_a_disturbance() -> None:
    scale = Scale()
    scale.rest(500, seconds=130)
    assert len(scale.settled()) == 3
    for step in range(600):  # 3 g in a minute
        scale.send(500 + step * 0.005, stable=True)
    told = scale.settled()[3:]
    assert scale.disturbed() == []
    assert told
    assert max(b.gross_mg - a.gross_mg for a, b in itertools.pairwise(told)) < 2_500


def test_a_vibrating_shelf_settles_by_its_means() -> None:
    scale = Scale()
    scale.rest(5_000, seconds=6, noise_g=0.8)
    assert scale.settled()
    assert abs(scale.settled()[-1].gross_mg - 5_000_000) < 1_500
    assert scale.settled()[-1].std_mg > 100


def test_a_load_that_still_comes_to_rest_at_the_start_is_no_noise() -> None:
    scale = Scale()
    for grams in (480.5, 762.5, 757.9, 755.0, 753.2, 752.0, 751.3, 750.8, 750.5, 750.3, 750.2):
        scale.send(grams, stable=False)
    for _ in range(5):
        scale.send(750.0, stable=False)
    scale.rest(750, seconds=5)
    assert [o.gross_mg for o in scale.settled()] == [750_000]


def test_a_hand_that_rests_is_told_once_and_moves_nothing() -> None:
    scale = Scale(held_s=3)
    scale.rest(800)
    rng = random.Random(7)
    for _ in range(80):
        scale.send(1_500 + rng.uniform(-400, 400), stable=False)
    assert scale.disturbed() == ["motion", "held"]
    assert len(scale.settled()) == 1


def test_overload_is_told_once_and_the_level_comes_back() -> None:
    scale = Scale()
    scale.rest(800)
    for _ in range(20):
        scale.give(WeightReading(value=None, status=WeightStatus.OVERLOAD))
    scale.rest(800)
    assert scale.disturbed() == ["overload"]
    assert [o.gross_mg for o in scale.settled()] == [800_000, 800_000]
    assert scale.settled()[1].disturbed_at is not None


def test_a_net_weight_becomes_gross_where_the_tare_is_known() -> None:
    known, unknown = Scale(tare_g=250), Scale()
    for scale in (known, unknown):
        for _ in range(10):
            scale.send(100, stable=True, net=True)
    assert known.settled()[0].gross_mg == 350_000
    assert unknown.settled()[0].gross_mg == 100_000
    assert unknown.fold.counters()["net_as_sent"] == 10


def test_pieces_are_not_a_mass() -> None:
    scale = Scale()
    for _ in range(10):
        scale.give(WeightReading(value=Decimal(5), unit="pcs", stable=True))
    assert scale.out == []
    assert scale.fold.counters()["weights_skipped"] == 10


@pytest.mark.parametrize(
    ("value", "unit", "mass"),
    [
        ("100.00", "g", 100_000),
        ("-0.5", "g", -500),
        ("1.2345678", "kg", 1_234_568),
        ("1", "lb", 453_592),
        ("16", "oz", 453_592),
        ("0.0005", "g", 0),
        ("0.0015", "g", 2),
        ("3", "pcs", None),
        ("NaN", "g", None),
        ("999999999999", "t", None),  # fuzzing: no message could carry it
        ("999999", "t", 999_999 * 10**9),
    ],
)
def test_masses_are_exact(value: str, unit: str, mass: int | None) -> None:
    assert milligrams(Decimal(value), unit) == mass


def test_the_division_is_read_off_the_digits() -> None:
    assert division_mg(Decimal("100.00"), "g") == 10
    assert division_mg(Decimal("1.005"), "kg") == 1_000
    assert division_mg(Decimal("1E+2"), "g") == 1_000


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(8, 20)), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_the_last_level_told_is_the_level_at_rest(steps: list[tuple[int, int]]) -> None:
    scale = Scale()
    level = 0
    for units, samples in steps:
        level = 1_000 + units * 20
        for _ in range(samples):
            scale.send(level, stable=True)
    assert scale.settled()[-1].gross_mg == level * 1_000


def test_an_echo_of_a_scan_is_the_same_scan() -> None:
    fold = Folder("gun", "goods-in", FoldSettings())
    code, other = CodeScan(data="0109501101530003", symbology="]C1"), CodeScan(data="x")
    out = fold.feed([code, code], NOW)
    out += fold.feed([code], NOW + 400_000)
    out += fold.feed([other], NOW + 500_000)
    out += fold.feed([code], NOW + 600_000)
    assert [o.data for o in out if isinstance(o, CodeScanned)] == [code.data, "x", code.data]
    assert fold.counters() == {"scans": 5, "scans_repeated": 2}
