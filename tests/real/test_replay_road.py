"""Recorded reads travel the whole road: from the reader's socket to the ledger, each once."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from benchmarks.datasets import nedap, r420
from drivers.recording import read_recording
from tallyport.demo.replay import play_recording

LOGS = Path(__file__).parents[2].parent / "shared" / "data" / "rfid_logs"
pytestmark = [
    pytest.mark.line,
    pytest.mark.xdist_group("line"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(not LOGS.is_dir(), reason=f"no recordings in {LOGS}"),
]
WALKS = 3


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("recordings")
    r420.convert(LOGS / "r420_sllurp_room" / "MovementTesting" / "LineTests", folder / "r420")
    nedap.convert(LOGS / "nedap_retail_box", folder / "nedap")
    walks = sorted((folder / "r420").rglob("*.jsonl*"))[:WALKS]
    scans = sorted((folder / "nedap").rglob("*.jsonl*"))[:2]
    assert len(walks) == WALKS
    assert scans
    named = {f"walk-{n}": path for n, path in enumerate(walks)}
    return named | {f"scan-{n}": path for n, path in enumerate(scans)}


@pytest.mark.parametrize("name", ["walk-0", "walk-1", "walk-2", "scan-0", "scan-1"])
async def test_every_recorded_read_arrives_exactly_once(
    name: str, recordings: dict[str, Path], tmp_path: Path
) -> None:
    recording = read_recording(recordings[name])
    sent = Counter((read.epc, read.antenna) for _, read in recording.tag_reads())
    report = await play_recording(
        recordings[name], tmp_path, 10.0, Console(quiet=True), patience_s=2.0
    )
    assert report.lost == report.doubled == 0
    assert report.kept == report.committed
    assert arrived(tmp_path / "central" / "central.sqlite") == sent


def arrived(database: Path) -> Counter[tuple[str, int]]:
    """Reads behind the observations that central has committed, by tag and antenna."""
    connection = sqlite3.connect(database)
    try:
        found: Counter[tuple[str, int]] = Counter()
        for (body,) in connection.execute(
            "SELECT body FROM observation WHERE kind IN ('tag_sighting', 'tag_resident')"
        ):
            seen = msgspec.json.decode(body)
            found[seen["epc"], seen["antenna"]] += seen["count"]
        return found
    finally:
        connection.close()
