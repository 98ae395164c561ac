"""The shelf's noise against the figures that were measured on real shelves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import fmean, median, pstdev, quantiles

import pytest

from drivers.emulators.load_cell import LoadCell
from drivers.emulators.shelf_physics import BENCH, SHOP, Shelf, Window

SMOOTH = replace(SHOP, vibration_g=0.0, electronics_g=0.0, footsteps_per_min=0.0, unzeroed=0.0)
STILL = replace(SMOOTH, drift_g_per_day=0.0, warming_g=0.0, creep=0.0)


def windows(shelf: Shelf, plates: int, seconds: float) -> list[list[Window]]:
    taken: list[list[Window]] = [[] for _ in range(plates)]
    for _ in range(round(seconds / 0.2)):
        for plate in range(plates):
            taken[plate].append(shelf.window(plate))
    return taken


def test_vibration_is_loud_raw_and_quiet_in_means() -> None:
    """Raw 2-7 g in windows of 0.2 s (one in ten 4-13 g); their means 0.3-1.0 g, those of a
    second 0.05-0.42 g.
    """
    raw, tenths, means, seconds = [], [], [], []
    for seed in range(3):
        for plate in windows(Shelf(6, seed=seed), 6, 40.0):
            raw.append(median(one.std_g for one in plate))
            tenths.append(quantiles([one.std_g for one in plate], n=10)[-1])
            values = [one.mean_g for one in plate]
            means.append(pstdev(values))
            seconds.append(pstdev(fmean(values[n : n + 5]) for n in range(0, len(values), 5)))
    assert 2.0 <= median(raw) <= 5.0
    assert min(raw) >= 1.0
    assert 4.0 <= median(tenths) <= 13.0
    assert 0.3 <= median(means) <= 1.0
    assert 0.05 <= median(seconds) <= 0.42


def test_the_same_seed_and_the_same_deeds_give_the_same_signal_whoever_asks_first() -> None:
    def play(order: tuple[int, ...]) -> list[list[float]]:
        shelf = Shelf(3, seed=4)
        taken = {plate: shelf.raw(plate, 60) for plate in order}
        shelf.set_load_g(1, 500.0)
        for plate in order:
            taken[plate] += shelf.raw(plate, 60)
        return [taken[plate] for plate in sorted(order)]

    assert play((0, 1, 2)) == play((2, 0, 1))
    assert Shelf(1, seed=1).raw(0, 30) != Shelf(1, seed=2).raw(0, 30)


def test_a_pick_presses_rings_and_settles_within_a_second_or_two() -> None:
    shelf = Shelf(1, noise=STILL, seed=1)
    shelf.set_load_g(0, 1000.0)
    shelf.skip(10.0)
    shelf.set_load_g(0, 500.0)
    signal = shelf.raw(0, 180)
    step = next(n for n, value in enumerate(signal) if value < 800.0)
    assert 0.2 <= step / 60 <= 0.8
    pressed = max(abs(value - 1000.0) for value in signal[: step - 1])
    assert 8.0 <= pressed <= 40.0
    assert min(signal) < 320.0  # 500 g less, and nearly half of it again
    assert max(abs(value - 500.0) for value in signal[step + 90 :]) < 3.0


def test_neighbours_feel_a_pick_as_measured() -> None:
    """592 g lifted off plate 10 moved it by 561 g, its neighbours by 6.3 and 8.7 g, the next but
    one by 4.3 g.
    """
    shelf = Shelf(5, noise=STILL, seed=1)
    for plate in range(5):
        shelf.set_load_g(plate, 2000.0)
    shelf.skip(10.0)
    before = [shelf.window(plate).mean_g for plate in range(5)]
    shelf.set_load_g(2, 2000.0 - 592.0)
    shelf.skip(10.0)
    change = [shelf.window(plate).mean_g - was for plate, was in enumerate(before)]
    assert change[2] == pytest.approx(-570, abs=15)
    assert change[1] == change[3] == pytest.approx(-7.1, abs=2)
    assert change[0] == change[4] == pytest.approx(-3.6, abs=1.5)


def test_hands_lean_and_leave_and_bumps_move_the_zero() -> None:
    shelf = Shelf(1, noise=STILL, seed=1)
    shelf.rest_hand(0, 1500.0, 3.0)
    leaning = shelf.raw(0, 180)
    assert 1200 < fmean(leaning[30:150]) < 1800
    assert pstdev(leaning[30:150]) > 20  # nobody leans quite still
    assert shelf.window(0).mean_g == pytest.approx(0.0, abs=0.01)
    shelf.bump(0, slip_g=-12.0)
    shelf.raw(0, 300)
    assert shelf.window(0, 2.0).mean_g == pytest.approx(-12.0, abs=1.0)
    assert shelf.load_g(0) == 0.0


def test_creep_warmth_and_drift_are_slow_and_as_large_as_they_say() -> None:
    creeping = Shelf(1, noise=replace(STILL, creep=0.000245), seed=1)
    creeping.set_load_g(0, 20_000.0)
    creeping.skip(5.0)
    start = creeping.window(0).mean_g
    creeping.skip(30 * 60.0)
    assert creeping.window(0).mean_g - start == pytest.approx(4.9, abs=0.5)
    daily = [Shelf(1, noise=replace(STILL, drift_g_per_day=7.0), seed=seed) for seed in range(30)]
    for shelf in daily:
        shelf.skip(86_400.0)
    assert 4.0 <= pstdev(shelf.window(0).mean_g for shelf in daily) <= 10.0
    warm = Shelf(1, noise=replace(STILL, warming_g=1.4), seed=1)
    warm.skip(6 * 3600.0)
    assert 0.7 <= warm.window(0).mean_g <= 1.4


def test_some_plates_were_never_zeroed() -> None:
    zeros = [Shelf(12, seed=seed).window(plate).mean_g for seed in range(5) for plate in range(12)]
    far = [zero for zero in zeros if abs(zero) > 100]
    assert 3 <= len(far) <= 18
    assert max(abs(zero) for zero in far) > 1000


def shown(make: Callable[[], LoadCell]) -> tuple[int, float]:
    """(level in mg, share of stable samples) of 750 g after it has settled."""
    cell = make()
    cell.set_load_mg(750_000)
    late = [cell.sample() for _ in range(300)][100:]
    level = round(median(sample.gross_mg for sample in late if sample.stable))
    return level, sum(sample.stable for sample in late) / len(late)


def test_an_instrument_is_stable_on_a_bench_and_with_an_average_on_a_shelf() -> None:
    level, share = shown(lambda: LoadCell(division_mg=100, shelf=Shelf(1, noise=BENCH), plate=0))
    assert (level, share > 0.8) == (750_000, True)
    calm = replace(SHOP, unzeroed=0.0)
    level, share = shown(
        lambda: LoadCell(
            division_mg=2000, shelf=Shelf(1, noise=calm), average_s=0.8, stable_divisions=2
        )
    )
    assert abs(level - 750_000) <= 2_000
    assert share > 0.6
