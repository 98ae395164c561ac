"""The importers over the data sets they were written for."""

from __future__ import annotations

import csv
import gzip
import math
from pathlib import Path

import pytest

from benchmarks.accuracy import passes
from benchmarks.datasets import ecd, nedap, r420
from drivers.recording import PassTruth, PortalHeader, read_recording

LOGS = Path(__file__).parents[2].parent / "shared" / "data" / "rfid_logs"
LINES = LOGS / "r420_sllurp_room" / "MovementTesting" / "LineTests"
STILL = LOGS / "r420_sllurp_room" / "Test8"
ECD = LOGS / "ecd_fx7500_passes" / "data"
NEDAP = LOGS / "nedap_retail_box" / "data"

pytestmark = pytest.mark.skipif(not LOGS.exists(), reason="the shared recordings are not here")


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") as file:
        return list(csv.DictReader(file))


def test_every_walk_becomes_a_recording_with_its_direction(tmp_path: Path) -> None:
    written = r420.convert(LINES, tmp_path)
    assert len(written) == len(list(LINES.rglob("MoveTest*-*.csv.gz"))) > 20
    directions = {"in": 0, "out": 0}
    for path in written:
        recording = read_recording(path)
        assert isinstance(recording.header, PortalHeader)
        name = path.name.removeprefix("r420-").removesuffix(".jsonl.gz")
        (source,) = LINES.rglob(f"{name}.csv.gz")
        original = sorted(rows(source), key=lambda row: float(row["timestamp"]))
        reads = list(recording.tag_reads())
        assert [read.antenna for _, read in reads] == [int(row["antenna"]) for row in original]
        assert {read.epc for _, read in reads} == {row["epc"][2:-1].upper() for row in original}
        first = reads[0][1].first_seen_us
        assert first is not None
        assert abs(first / 1e6 - float(original[0]["timestamp"])) < 0.001
        assert all(0 <= (read.phase_rad or 0) < math.tau for _, read in reads)
        (truth,) = recording.truths
        assert isinstance(truth, PassTruth)
        assert 0 < truth.t < recording.duration_s
        directions[truth.direction] += 1
        sides = [antenna.side for antenna in recording.header.antennas]
        assert sides.count("outside") == sides.count("inside") >= 1
    assert min(directions.values()) >= 10


def test_the_mapping_of_the_first_walks_is_the_documented_one() -> None:
    walks = r420.find_walks(LINES / "MoveTest1")
    assert len(walks) == 64
    down = walks["movetest1-1"]  # from (7.5, 14) to (7.5, 1), the first of its path: in
    assert (down.direction, walks["movetest1-5"].direction) == ("in", "out")
    assert [r420.side_of(a, down.inward) for a in (1, 2, 3, 4)] == [
        "inside", "outside", "outside", "inside",
    ]  # fmt: skip
    diagonal = walks["movetest2-1"]  # from antenna 2's corner to antenna 4's
    assert [r420.side_of(a, diagonal.inward) for a in (1, 2, 3, 4)] == [
        "unknown", "outside", "unknown", "inside",
    ]  # fmt: skip


def test_a_tag_that_stood_still_has_no_truth(tmp_path: Path) -> None:
    (source,) = STILL.glob("(8,7).csv.gz")
    (written,) = r420.convert(source, tmp_path)
    recording = read_recording(written)
    assert recording.truths == ()
    assert len(recording.heard) == len(rows(source))


def test_nedap_scans_name_the_wanted_tags(tmp_path: Path) -> None:
    scans = sorted(NEDAP.glob("labelset*/samples_location*/*.csv.gz"))[:4]
    for scan in scans:
        (written,) = nedap.convert(scan, tmp_path)
        recording = read_recording(written)
        original = rows(scan)
        assert len(recording.heard) == len(original)
        wanted = {truth.epc for truth in recording.truths if isinstance(truth, PassTruth)}
        assert len(wanted) == 10
        in_box = {row["epc"] for row in original if row.get("in_box") == "1"}
        assert in_box <= wanted
        assert {read.antenna for _, read in recording.tag_reads()} <= {1, 2}
        assert all(-90 < (read.peak_rssi_dbm or 0) < -10 for _, read in recording.tag_reads())


def test_wrong_sources_are_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.csv").write_text("timestamp,antenna\nnoon,1\n")
    assert r420.main([str(tmp_path / "bad.csv"), str(tmp_path / "out")]) == 1
    assert "bad.csv, line 2" in capsys.readouterr().err
    assert r420.main([str(tmp_path / "missing"), str(tmp_path / "out")]) == 1
    assert "nothing of this data set" in capsys.readouterr().err


@pytest.mark.skipif(not ECD.is_dir(), reason="no ECD recordings beside the checkout")
def test_passes_counted_by_hand_are_counted(tmp_path: Path) -> None:
    """Half of what the best fixed gap errs, each recording left out when numbers are chosen."""
    for name in ("dynamic", "2.5cmhoriz-1", "2.5cmhoriz-3", "2.5cmhoriz-5"):
        (source,) = ECD.rglob(f"{name}.csv.gz")
        ecd.convert(source, tmp_path)
    told = passes.run(recordings=str(tmp_path))
    assert (told["recordings"], told["passes"]) == (4, 192)
    wrong = {name: figure["value"] for name, figure in told["figures"].items()}
    assert wrong["humps_left_out_wape"] <= 0.15
    assert wrong["humps_wape"] <= 0.1
    assert wrong["humps_wape"] < min(value for name, value in wrong.items() if "gap" in name) / 2
