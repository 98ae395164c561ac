"""The ladder of rules, each graded on the same recordings."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.accuracy import edgex, fit_rssi, results, rssi, rules, run
from benchmarks.machine import NotHere
from drivers.recording import AntennaPlace, PortalHeader, Recording, TagHeard, read_recording
from tests.tallyport.test_evaluate import dock, shelf

SIDES = [AntennaPlace(antenna=1, side="outside"), AntennaPlace(antenna=2, side="inside")]


def heard(*reads: tuple[float, int, float], known: bool = True) -> Recording:
    """Reads of one tag: time, antenna, level."""
    began = datetime(2026, 1, 31, 8, tzinfo=UTC)
    header = PortalHeader(read_point="dock-1", started_at=began, antennas=SIDES if known else [])
    lines = [TagHeard(t=t, epc="E280", antenna=a, peak_rssi_dbm=dbm) for t, a, dbm in reads]
    return Recording(header=header, heard=tuple(lines), truths=())


def test_each_rung_is_graded_and_ours_is_no_worse(tmp_path: Path) -> None:
    dock(tmp_path / "dock.jsonl")
    shelf(tmp_path / "shelf.jsonl")
    result = run.run(recordings=(str(tmp_path),), workers=1)
    figures = {name: figure["value"] for name, figure in result["figures"].items()}
    assert (result["recordings"], result["violations"]) == (1, [])
    assert {name.rsplit("_f1", 1)[0] for name in figures if name.endswith("_f1")} == {*run.LADDER}
    assert figures["tallyport_f1"] == max(figures[f"{name}_f1"] for name in run.LADDER) == 1.0
    assert result["figures"]["tallyport_f1"]["baseline"] == "any_read"


def test_without_recordings_it_says_how_to_get_some(tmp_path: Path) -> None:
    for folder in ("", str(tmp_path)):
        with pytest.raises(NotHere, match="--recordings"):
            run.run(recordings=(folder,))


def test_several_folders_are_suites_and_are_reported(tmp_path: Path) -> None:
    for name in ("near", "far"):
        (tmp_path / name).mkdir()
        dock(tmp_path / name / f"{name}.jsonl", lie=name == "far")
    folders = (str(tmp_path / "near"), str(tmp_path / "far"))
    page, text, kept = tmp_path / "ladder.html", tmp_path / "ladder.md", tmp_path / "kept"
    result = run.run(recordings=folders, workers=2, report=str(page), keep=str(kept))
    assert result["figures"]["near.tallyport_f1"]["value"] == 1.0
    lied = result["figures"]["far.tallyport_direction_accuracy"]
    assert (lied["value"], lied["low"] < 0.5 < lied["high"]) == (0.5, True)
    told = page.read_text(encoding="utf-8")
    assert told.count("<svg") == 8
    assert not re.search(r"(?:src|href|url)\W*=?\W*https?:", told), "it asks somebody for something"
    run.run(recordings=folders[1:], workers=1, report=str(text))
    assert "| Tallyport | 0.5 |" in text.read_text(encoding="utf-8")
    assert sorted(results.kept(kept)) == ["far", "near"]
    far = results.kept(kept)["far"]
    assert far["rungs"]["tallyport"]["examples"][0]["alike"] == 12
    assert far["rungs"]["any_read"]["errors_by_kind"] == {"wrong direction": 12}


def test_the_classifier_of_levels_learns_what_crossed_and_which_way(tmp_path: Path) -> None:
    """Fitted here on a dock and strays; its kept weights come from the suites for training."""
    recording = read_recording(dock(tmp_path / "dock.jsonl"))
    strays = tuple(
        TagHeard(t=2.0 * n + serial / 9, epc=f"AA{serial:02X}", antenna=1, peak_rssi_dbm=-66.0)
        for serial in range(20)
        for n in range(20)
    )
    heard = tuple(sorted((*recording.heard, *strays), key=lambda one: one.t))
    mixed = Recording(header=recording.header, heard=heard, truths=recording.truths)
    crossed, inwards = fit_rssi.examples(mixed)
    assert (sum(yes for _, yes in crossed), len(crossed), len(inwards)) == (24, 44, 24)
    model = fit_rssi.fit(rssi.FEATURES, crossed)
    assert all((model.probability(row) > 0.5) == bool(yes) for row, yes in crossed)
    way = fit_rssi.fit(rssi.WAYS, inwards)
    assert all((way.probability(row) > 0.5) == bool(yes) for row, yes in inwards)
    said = list(rssi.classifier(recording))
    assert {one.quantity for _, one in said} == {1, -1}
    assert all(0.25 <= one.confidence <= 1.0 for _, one in said)
    assert rssi.weights().crossed.names == rssi.FEATURES


def test_any_read_moves_and_only_strong_ones_may() -> None:
    weak, strong = heard((0.0, 2, -60.0)), heard((0.0, 1, -49.0), (1.0, 2, -70.0))
    assert [(epc, one.quantity) for epc, one in rules.any_read(weak)] == [("E280", -1)]
    assert list(rules.strong_read(weak)) == []
    assert [one.quantity for _, one in rules.strong_read(strong)] == [1]


@pytest.mark.parametrize(
    ("silent_s", "level", "moves"),
    [(0.5, -54.5, False), (0.5, -53.5, True), (1.25, -60.5, False), (1.25, -59.5, True)],
)
def test_edgex_moves_a_tag_once_the_new_place_is_louder_by_its_sinking_offset(
    silent_s: float, level: float, moves: bool
) -> None:
    """6 dB after 500 ms of silence, none after 1,250 ms, by its documented defaults."""
    recording = heard((0.0, 1, -60.0), (silent_s - 0.1, 2, level), (silent_s, 2, level))
    assert [one.quantity for _, one in edgex.mobility(recording)] == ([1] if moves else [])


def test_edgex_keeps_a_mean_for_each_antenna_and_moves_by_their_aliases() -> None:
    """Two antennas look outside: their levels do not mix, and going between them is no move."""
    sides = [*SIDES, AntennaPlace(antenna=3, side="outside"), AntennaPlace(antenna=4)]
    header = PortalHeader(
        read_point="dock-1", started_at=datetime(2026, 1, 31, 8, tzinfo=UTC), antennas=sides
    )

    def moves(*reads: tuple[float, int, float]) -> list[int]:
        lines = [TagHeard(t=t, epc="E280", antenna=a, peak_rssi_dbm=dbm) for t, a, dbm in reads]
        told = Recording(header=header, heard=tuple(lines), truths=())
        return [one.quantity for _, one in edgex.mobility(told)]

    at_1, at_3 = [(0.0, 1, -60.0)], [(0.1, 3, -50.0), (0.2, 3, -50.0)]
    assert moves(*at_1, *at_3) == []
    assert moves(*at_1, *at_3, (0.3, 2, -53.0), (0.4, 2, -53.0)) == []  # louder than 1, not than 3
    assert moves(*at_1, *at_3, (0.3, 2, -43.0), (0.4, 2, -43.0)) == [1]
    assert moves(*at_1, (0.3, 4, -50.0), (0.4, 4, -50.0), (0.5, 2, -43.0), (0.6, 2, -43.0)) == [1]
    assert moves(*at_1, (700.0, 2, -80.0), (700.1, 2, -80.0)) == []  # departed, and arrived anew


def test_edgex_needs_two_reads_and_knows_no_strays() -> None:
    assert list(edgex.mobility(heard((0.0, 1, -70.0), (0.1, 2, -30.0)))) == []
    assert len(list(edgex.mobility(heard((0.0, 1, -70.0), known=False)))) == 1
