"""Presence on recorded radio: a fixed share of what ``tallyport bench presence`` measures whole."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from benchmarks.accuracy.presence import graded, measured
from benchmarks.accuracy.presence_scenes import scenes_in
from benchmarks.datasets import detego, nedap, r420, r420_grid

LOGS = Path(__file__).parents[2].parent / "shared" / "data" / "rfid_logs"
ROOM = LOGS / "r420_sllurp_room"

pytestmark = pytest.mark.skipif(not LOGS.exists(), reason="the shared recordings are not here")


def figures(folder: Path, tracker: str) -> dict[str, float]:
    return measured([one for scene in scenes_in(folder) for one in graded(scene, tracker)])


def test_as_steady_as_ten_seconds_at_a_fifth_of_its_lag(tmp_path: Path) -> None:
    for scan in ("samples_location1/sample1", "samples_location2/sample3"):
        source = LOGS / "nedap_retail_box" / "data" / "labelset1" / f"{scan}.csv.gz"
        nedap.convert(source, tmp_path)
    ours, window = figures(tmp_path, "tallyport"), figures(tmp_path, "fixed_10s")
    for often in ("wanted", "often"):
        assert ours[f"{often}_mistakes_per_h"] <= window[f"{often}_mistakes_per_h"]
        assert ours[f"{often}_false_absent"] <= window[f"{often}_false_absent"]
        assert ours[f"{often}_lag_p95"] <= window[f"{often}_lag_p50"] / 5
    assert ours["all_false_absent_live"] <= window["all_false_absent_live"]
    assert ours["all_mistakes_per_h"] <= window["all_mistakes_per_h"]
    assert ours["wanted_arrival_p95"] <= 1.0
    assert ours["all_arrived"] > 0.98


def test_tags_that_stand_still_move_less_than_by_edgex(tmp_path: Path) -> None:
    source, made = tmp_path / "grid", tmp_path / "made"
    source.mkdir()
    for path in sorted((ROOM / "Test8").glob("*.csv.gz"))[::2]:
        (source / path.name).symlink_to(path)
    assert len(r420_grid.convert(source, made)) == 32
    ours, edgex = figures(made, "tallyport"), figures(made, "edgex")
    assert ours["false_moves_per_h"] < edgex["false_moves_per_h"]
    assert ours["at_place"] > edgex["at_place"] - 0.02


def test_a_walk_along_shelves_gives_few_false_moves_and_as_many_right_places(
    tmp_path: Path,
) -> None:
    """detego's shop: panels overlap much; the strongest mean of all reads is right oftener."""
    source = tmp_path / "shop"
    with ZipFile(LOGS / "detego_retail" / "tag_localization_case_study.zip") as packed:
        packed.extractall(source)
    assert len(detego.convert(source, tmp_path / "walks")) == 9
    for path in sorted((tmp_path / "walks").glob("*.jsonl.gz"))[1:]:
        path.unlink()
    ours, edgex = figures(tmp_path / "walks", "tallyport"), figures(tmp_path / "walks", "edgex")
    assert ours["false_moves_per_h"] < edgex["false_moves_per_h"] / 2
    assert ours["last_place"] > edgex["last_place"] - 0.05


def test_more_walks_are_followed_than_by_edgex_and_sooner(tmp_path: Path) -> None:
    r420.convert(ROOM / "MovementTesting" / "LineTests", tmp_path)
    ours, edgex = figures(tmp_path, "tallyport"), figures(tmp_path, "edgex")
    assert ours["moves_found"] >= edgex["moves_found"]
    assert ours["move_lag_p50"] < edgex["move_lag_p50"]
