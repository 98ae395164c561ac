"""The trackers that presence is measured beside, each on reads whose story is known."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from benchmarks.accuracy import presence
from benchmarks.accuracy.presence_folds import (
    WINDOW_S,
    Rule,
    by_rule,
    by_smurf,
    by_window,
    chosen,
)
from benchmarks.accuracy.presence_rules import Read, Told, edgex, fixed, smurf
from benchmarks.accuracy.presence_scenes import Scene
from benchmarks.machine import NotHere
from tests.tallyport.test_evaluate import dock


def reads(*runs: tuple[float, float, str], every: float = 0.2, dbm: float = -50.0) -> list[Read]:
    """Runs of reads: from, until, where."""
    return [
        Read(begin + n * every, 1 if place == "left" else 2, place, dbm)
        for begin, end, place in runs
        for n in range(round((end - begin) / every))
    ]


def kinds(told: list[Told]) -> list[str]:
    return [one.kind for one in told]


def test_a_fixed_window_ends_exactly_when_it_says() -> None:
    told = list(fixed(reads((0, 5, "left"), (20, 25, "left")), 10.0))
    assert kinds(told) == ["arrived", "departed", "arrived", "departed"]
    assert [round(one.t, 3) for one in told] == [0, 14.8, 20, 34.8]


def test_smurf_waits_longer_for_a_tag_that_is_heard_less() -> None:
    often = list(smurf(reads((0, 20, "left"), every=0.05)))
    seldom = list(smurf(reads((0, 20, "left"), every=0.9)))
    assert kinds(often) == ["arrived", "departed"]
    assert often[-1].t - 20 < seldom[-1].t - 20


def test_edgex_moves_a_tag_by_its_mean_and_forgets_after_ten_minutes() -> None:
    told = list(edgex(reads((0, 5, "left"), (5, 10, "right"))))
    assert [(one.kind, one.place) for one in told] == [
        ("arrived", "left"),
        ("moved", "right"),
        ("departed", "right"),
    ]
    assert 5 < told[1].t < 7
    assert told[2].t == 630
    loud = [Read(1.0, 2, "right", -45.0)] * 2
    assert kinds(list(edgex([*reads((0, 2, "left")), *loud]))) == ["arrived", "departed"]


def test_ours_is_steady_and_quick_on_reads_and_says_where() -> None:
    scene = Scene(
        antennas={1: "left", 2: "right"},
        reads={"E1": reads((0, 8, "left"), (8, 20, "right")), "E2": reads((1, 15, "left"))},
        wanted=frozenset({"E1"}),
        moved={"E1": (8.0, "right")},
        stood={"E2": "left"},
    )
    figures = presence.measured(list(presence.graded(scene, "tallyport")))
    assert (figures["wanted_false_absent"], figures["ambient_false_absent"]) == (0, 0)
    assert (figures["moves_found"], figures["false_moves_per_h"]) == (1, 0)
    assert figures["at_place"] > 0.95
    assert figures["wanted_lag_p50"] < 2.5
    assert figures["move_lag_p50"] < 4, "levels alike: it is the silence of the first that tells"
    beside = presence.measured(list(presence.graded(scene, "fixed_10s")))
    assert beside["wanted_lag_p50"] == 10


def test_a_tag_told_at_the_wrong_place_or_absent_counts_against_a_tracker() -> None:
    scene = Scene(
        antennas={1: "left", 2: "right"},
        reads={"E1": reads((0, 5, "left"), (17, 20, "left"))},
        wanted=frozenset(),
        moved={},
        stood={"E1": "right"},
    )
    figures = presence.measured(list(presence.graded(scene, "fixed_2s")))
    assert figures["ambient_false_absent"] == pytest.approx((17 - 6.8) / 19.8, abs=1e-4)
    assert figures["at_place"] == 0


def test_a_rule_that_knows_each_tag_beats_one_patience_for_all() -> None:
    """Half of the tags are read often, half seldom: at the same mean lag ours errs less."""
    random = Random(1)
    often = [tuple(0.1 * n + random.uniform(0, 0.05) for n in range(600)) for _ in range(20)]
    seldom = []
    for _ in range(20):
        times = [0.0]
        while times[-1] < 60:
            times.append(times[-1] + random.expovariate(1 / 4))
        seldom.append(tuple(times))
    ours = by_rule([*often, *seldom], Rule())
    window = by_window([*often, *seldom], ours.lag_s)
    assert ours.absent < window.absent
    assert ours.mistakes_per_h < window.mistakes_per_h
    alone = by_rule(often, Rule())
    assert alone.lag_s == pytest.approx(1.96, abs=0.1)
    assert (alone.absent, alone.mistakes_per_h) == (0, 0)
    assert by_smurf(often).mistakes_per_h == 0
    assert by_window(seldom, 2.0).absent > by_window(seldom, 10.0).absent


def test_a_fold_is_graded_by_what_others_that_share_nothing_chose() -> None:
    tag = tuple(float(n) for n in range(0, 60, 3))
    folds = {f"set{s}-place{p}": [tag] * 3 for s in (1, 2) for p in (1, 2)}
    found = chosen(folds)  # type: ignore[arg-type]
    assert [one.fold for one in found] == list(folds)
    assert all(one.ours.lag_s <= WINDOW_S for one in found)
    assert chosen({"set1-place1": [tag], "set1-place2": [tag]}) == [], "they share a set"


def test_it_draws_the_curve(tmp_path: Path) -> None:
    dock(tmp_path / "made-up-dock.jsonl")
    presence.run(recordings=str(tmp_path), figure=str(tmp_path / "curve.svg"))
    assert "fixed windows" in (tmp_path / "curve.svg").read_text(encoding="utf-8")


def test_it_runs_over_a_folder_and_says_when_there_is_nothing(tmp_path: Path) -> None:
    dock(tmp_path / "dock.jsonl")
    result = presence.run(recordings=str(tmp_path))
    assert (result["bench"], result["recordings"]) == ("presence", 1)
    assert result["figures"]["tallyport_wanted_lag_p50"]["baseline"] == "fixed_10s"
    for folder in ("", str(tmp_path / "none")):
        with pytest.raises(NotHere, match="--recordings"):
            presence.run(recordings=folder)
