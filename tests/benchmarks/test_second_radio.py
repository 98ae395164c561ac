"""The second emulated radio: the same words make the same file, and what goes through is heard."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from benchmarks.datasets.second_radio import SCENE_S, SUITES, main, second
from drivers.recording import PassTruth, PortalHeader, Recording, TagHeard, read_recording


@cache
def recorded(suite: str) -> Recording:
    return second(suite, "test", 3, ("in", "nothing", "back"))


@pytest.mark.parametrize("suite", SUITES)
def test_who_crosses_is_heard_loudest_about_then(suite: str) -> None:
    recording = recorded(suite)
    truths = [one for one in recording.truths if isinstance(one, PassTruth)]
    reads = [one for one in recording.heard if isinstance(one, TagHeard)]
    assert {one.direction for one in truths} == {"in", "out"}
    crossed = {one.epc for one in truths}
    near_s = 1.5
    near, far = list[float](), list[float]()
    for one in reads:
        if one.epc in crossed and one.peak_rssi_dbm is not None:
            at_s = min(abs(one.t - truth.t) for truth in truths if truth.epc == one.epc)
            (near if at_s < near_s else far).append(one.peak_rssi_dbm)
    assert sum(near) / len(near) > sum(far) / len(far) + 5.0
    assert len(crossed & {one.epc for one in reads}) > 0.8 * len(crossed)
    assert all(-82.0 <= (one.peak_rssi_dbm or 0.0) <= -15.0 for one in reads)
    assert [one.t for one in reads] == sorted(one.t for one in reads)
    assert recording.duration_s <= 3 * SCENE_S + 1.0


def test_what_comes_back_has_gone_both_ways_and_strays_neither() -> None:
    recording = recorded("apart")
    assert isinstance(recording.header, PortalHeader)
    ways: dict[str, list[str]] = {}
    for one in recording.truths:
        assert isinstance(one, PassTruth)
        ways.setdefault(one.epc, []).append(one.direction)
    assert {len(way) for way in ways.values()} == {1, 2}
    assert {one.epc for one in recording.heard if isinstance(one, TagHeard)} - ways.keys()
    assert [one.side for one in recording.header.antennas] == ["outside"] * 2 + ["inside"] * 2


def test_the_same_words_make_the_same_file(tmp_path: Path) -> None:
    assert second("apart", "test", 3, ("in", "nothing", "back")) == recorded("apart")
    assert main(["flat", "test", "0", "1", str(tmp_path), "--workers", "1"]) == 0
    (file,) = tmp_path.iterdir()
    assert read_recording(file).truths
