"""The bench that holds the emulated radio against real ones measures what it says."""

from __future__ import annotations

import math
from itertools import islice

import pytest

from benchmarks.accuracy.radio import believable, rooms, scenes
from benchmarks.accuracy.radio.measured import NOISE, RULES
from benchmarks.accuracy.radio.scatter import levels, line, rate, scatter, unseen
from drivers.recording import PassTruth, PortalHeader, TagHeard


def read(t: float, dbm: float, channel: int = 1, phase: float = 0.0, hz: float = 0.0) -> TagHeard:
    return TagHeard(
        t=t, epc="E280", antenna=1, peak_rssi_dbm=dbm, phase_rad=phase, doppler_hz=hz,
        channel=channel,
    )  # fmt: skip


def test_scatter_is_told_within_channels_and_between_them() -> None:
    reads = [
        read(n * 0.1, -50.0 - channel + (-1) ** n, channel, math.pi * (n % 2), 3.0 * (-1) ** n)
        for channel in (1, 2, 3, 4)
        for n in range(6)
    ]
    found = scatter(reads)
    assert found is not None
    assert (found.level_dbm, found.within_db, found.doppler_hz) == (-52.5, 1.0, 3.0)
    assert found.between_db == pytest.approx(math.sqrt(1.25))
    assert found.over_hops_db == pytest.approx(1.5)
    assert found.phase_deg == pytest.approx(0.0, abs=1e-3)  # half a turn is Impinj's ambiguity
    assert scatter(reads[:18]) is None


def test_a_line_over_distance_and_a_silence_s_share() -> None:
    told = line([(0.5, -40.0), (5.0, -60.0), (1.0, -45.02), (2.5, -54.98)])
    assert told.slope_n == pytest.approx(2.0, abs=0.1)
    assert 0.0 <= told.residual_db <= 2.0
    assert rate([read(0.0, -50), read(0.5, -50), read(1.0, -50)]) == 2.0
    assert unseen([0.0, 8.0, 10.0], 20.0, 5.0) == pytest.approx(8.0 / 20.0)
    assert unseen([0.0, 8.0, 10.0], 20.0, 10.0) == 0.0


def test_the_real_walks_are_walked_again_with_their_truth() -> None:
    (hall,) = rooms.halls("standard", 1)
    walks = list(islice(scenes.walks(hall), 0, 64, 21))
    ways = [one.direction for walk in walks for one in walk.truths if isinstance(one, PassTruth)]
    assert ways == ["in", "in", "out", "out"]
    assert all(10.0 <= rate(list(scenes.reads_of(walk))) <= 20.0 for walk in walks)  # really 14
    headers = [walk.header for walk in walks if isinstance(walk.header, PortalHeader)]
    assert len(headers) == 4
    assert all({"outside", "inside"} <= {a.side for a in one.antennas} for one in headers)


def test_a_tag_that_faces_an_antenna_is_as_loud_as_it_really_was() -> None:
    (hall,) = rooms.halls("hard", 1)
    (spot, *_) = rooms.facing(hall, [0.9], 0.0)
    (loud,) = (one for one in NOISE if one.name == "level_0.9m")
    assert loud.low <= sum(levels(spot.reads)) / len(spot.reads) <= loud.high


def test_a_table_says_what_is_within_and_what_is_not() -> None:
    told = {suite: {one.name: one.low for one in RULES} for suite in believable.SUITES}
    told["hard"][RULES[0].name] = RULES[0].high + 1
    table = believable._table("Rules", RULES, told)
    assert [row[4] for row in table["rows"]] == ["yes"] * len(RULES)
    assert [row[6] for row in table["rows"]] == ["**no**"] + ["yes"] * (len(RULES) - 1)
