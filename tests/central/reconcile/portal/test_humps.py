"""Passes of one tag close to one antenna, counted by the humps of its level."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from central.reconcile.portal.humps import Counting, Humps

BY = Counting()
Level = tuple[int, float]


def passing(
    times_s: list[float], *, spread_s: float = 0.15, floor_dbm: float = -71.0
) -> list[Level]:
    """Humps of 10 dB every 20 ms, not heard below the floor; noise of 1 dB as readers quantise."""
    rng = Random(1)
    told = []
    for step in range(round((times_s[-1] + 2.0) * 50)):
        t = step / 50
        near = max(math.exp(-(((t - at) / spread_s) ** 2)) for at in times_s)
        level = round(-74.0 + 14.0 * near + rng.gauss(0.0, 0.4))
        if level >= floor_dbm:
            told.append((step * 20_000, float(level)))
    return told


def counted(levels: list[Level]) -> int:
    humps = Humps()
    for at_us, level in levels:
        humps.add(at_us, level, 2, BY)
    return humps.count(BY)


def test_passes_are_counted_at_one_a_second_and_faster_than_silences() -> None:
    assert counted(passing([1.0])) == 1
    assert counted(passing([1.0 + n for n in range(20)])) == 20
    closely = passing([1.0 + 0.6 * n for n in range(10)], spread_s=0.25)
    assert max(after - before for (before, _), (after, _) in pairwise(closely)) < BY.gap_us
    assert counted(closely) == 10


def test_what_stands_before_the_antenna_passed_once() -> None:
    rng = Random(2)
    assert counted([(20_000 * n, -60.0 + rng.choice((-1.0, 0.0))) for n in range(3_000)]) == 1


def test_a_read_or_two_are_no_pass() -> None:
    assert counted([(0, -60.0), (5_000_000, -60.0)]) == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.7, 3.0), min_size=1, max_size=12), st.integers(0, 400))
def test_a_restart_in_between_changes_nothing(gaps_s: list[float], cut: int) -> None:
    times_s = [sum(gaps_s[: n + 1]) for n in range(len(gaps_s))]
    levels = passing(times_s)
    humps = Humps()
    for place, (at_us, level) in enumerate(levels):
        if place == cut:
            humps = msgspec.msgpack.decode(msgspec.msgpack.encode(humps), type=Humps)
        humps.add(at_us, level, 2, BY)
    assert humps.count(BY) == counted(levels)
    assert len(msgspec.msgpack.encode(humps)) < 40
