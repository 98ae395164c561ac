"""The ladder of rules, each graded on the same recordings."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.accuracy import edgex, rules, run
from benchmarks.machine import NotHere
from drivers.recording import AntennaPlace, PortalHeader, Recording, TagHeard
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
    result = run.run(recordings=str(tmp_path))
    figures = {name: figure["value"] for name, figure in result["figures"].items()}
    assert (result["recordings"], result["violations"]) == (1, [])
    assert {name.rsplit("_f1", 1)[0] for name in figures if name.endswith("_f1")} == {*run.LADDER}
    assert figures["tallyport_f1"] == max(figures[f"{name}_f1"] for name in run.LADDER) == 1.0
    assert result["figures"]["tallyport_f1"]["baseline"] == "any_read"


def test_without_recordings_it_says_how_to_get_some(tmp_path: Path) -> None:
    for folder in ("", str(tmp_path)):
        with pytest.raises(NotHere, match="--recordings"):
            run.run(recordings=folder)


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


def test_edgex_needs_two_reads_and_knows_no_strays() -> None:
    assert list(edgex.mobility(heard((0.0, 1, -70.0), (0.1, 2, -30.0)))) == []
    assert len(list(edgex.mobility(heard((0.0, 1, -70.0), known=False)))) == 1
