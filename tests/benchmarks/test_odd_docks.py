"""Docks with one oddity: what it changes, and that a pallet is told by any of these readers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random

import pytest

from benchmarks.accuracy import odd
from benchmarks.datasets.docks import FROM, record
from benchmarks.datasets.odd_docks import HAPPENINGS, KINDS, PLACES, READERS, main
from benchmarks.machine import NotHere
from drivers.emulators.portal_traffic import Layout, Move, stage
from drivers.emulators.portal_wild import Reception
from drivers.recording import Recording, TagHeard, read_recording, write_recording
from tallyport.evaluate import portal

CASES = 6
LAYOUT = Layout(reader="dense")
MOVES = [Move(at_s=1.0, cases=CASES, speed_m_s=1.3, carrier="person")]


@cache
def passed(place: str = "") -> Recording:
    """A pallet of six that came in."""
    rng = Random(3)
    layout = PLACES[place](LAYOUT, rng) if place else LAYOUT
    told = Reception({one.antenna: 0.0 for one in layout.antennas})
    return record(stage(layout, MOVES, seed=5), told, "dock", FROM)


def read_by(reader: str, recording: Recording) -> Recording:
    reads = [one for one in recording.heard if isinstance(one, TagHeard)]
    heard = sorted(READERS[reader](reads, Random(1)), key=lambda one: one.t)
    return Recording(header=recording.header, heard=tuple(heard), truths=recording.truths)


@pytest.mark.parametrize("reader", ["no-phase", "coarse-clipped-levels", "shuffled-by-200-ms"])
def test_a_small_pallet_moves_unasked_whatever_reader_tells_of_it(reader: str) -> None:
    found = portal.grade(read_by(reader, passed()))
    assert [(one.seen.want, one.seen.posted) for one in found] == [(1, 1)] * CASES


@pytest.mark.parametrize("place", ["", "no-strays", "500-reads-a-second"])
def test_a_small_pallet_moves_unasked_through_other_portals(place: str) -> None:
    found = portal.grade(passed(place))
    assert [(one.seen.want, one.seen.posted) for one in found] == [(1, 1)] * CASES


def test_one_antenna_tells_no_way_so_that_a_person_is_asked() -> None:
    found = portal.grade(passed("one-antenna"))
    assert not any(one.seen.posted for one in found)
    assert sum(bool(one.seen.asked) for one in found) == CASES


def test_who_hears_no_levels_asks_a_person() -> None:
    found = portal.grade(read_by("no-levels", passed()))
    assert not any(one.seen.posted for one in found)
    assert [bool(one.seen.asked) for one in found if one.seen.want] == [True] * CASES


def test_a_reader_is_as_poor_as_it_says() -> None:
    reads = [one for one in passed().heard if isinstance(one, TagHeard)]
    told = {reader: list(READERS[reader](reads, Random(1))) for reader in READERS}
    assert {one.phase_rad for one in told["no-phase"]} == {None}
    assert {one.peak_rssi_dbm for one in told["no-levels"]} == {None}
    levels = {one.peak_rssi_dbm or 0.0 for one in told["coarse-clipped-levels"]}
    assert (min(levels) >= -72.0, max(levels) <= -42.0, {level % 3.0 for level in levels}) == (
        True, True, {0.0},
    )  # fmt: skip
    slow = told["10-reads-a-second"]
    assert 5 < len(slow) / (slow[-1].t - slow[0].t) < 12
    assert {one.t % 1.0 for one in told["times-of-1-s"]} == {0.0}
    moved = [abs(a.t - b.t) for a, b in zip(reads, told["shuffled-by-200-ms"], strict=True)]
    assert 0.05 < max(moved) <= 0.1001


def test_happenings_keep_their_first_moves() -> None:
    moves = [Move(at_s=5.0, cases=9), Move(at_s=20.0, kind="turn-back"), Move(at_s=40.0)]
    changed = {kind: change(moves, Random(1)) for kind, change in HAPPENINGS.items()}
    assert changed["trucks-pass-outside"][:3] == moves
    assert {one.kind for one in changed["trucks-pass-outside"][3:]} == {"walk-by"}
    assert {one.y_m for one in changed["two-abreast"]} == {0.55, -0.55}
    assert [one.kind for one in changed["out-again-after-20-s"]] == [
        "return",
        "turn-back",
        "return",
    ]
    assert changed["waited-beside-the-door"][2].at_s > 40.0 + 30.0
    assert max(one.cases for one in changed["carried-by-hand"]) <= 3


def test_they_are_made_and_graded_kind_by_kind(tmp_path: Path) -> None:
    assert main(["no-strays", "train", "0", "1", str(tmp_path), "--workers", "1"]) == 0
    (made,) = (tmp_path / "no-strays").iterdir()
    assert read_recording(made).header.read_point == "odd-no-strays-train-0000"
    (tmp_path / "plain").mkdir()
    write_recording(tmp_path / "plain" / "plain-train-0000.jsonl", passed())
    told = odd.run(recordings=str(tmp_path), workers=1)
    assert [row[0] for row in told["tables"][0]["rows"]] == ["plain", "no strays"]
    assert told["figures"]["plain_f1"] == {
        "value": 1.0, "unit": "share", "baseline": "plain", "ratio": 1.0,
    }  # fmt: skip
    assert len(set(KINDS)) == 18


def test_without_recordings_it_says_how_to_get_some(tmp_path: Path) -> None:
    with pytest.raises(NotHere, match="odd_docks all"):
        odd.run(recordings=str(tmp_path))
