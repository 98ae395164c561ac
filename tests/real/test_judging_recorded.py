"""The judging's parts on recorded radio: direction on walks, strays among many tags."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.reconcile.portal import crossing
from central.reconcile.portal.features import describe, yardstick
from central.reconcile.portal.track import INSIDE, OUTSIDE, UNKNOWN, Track, begin
from gateway.contract import TagSighting
from tests.fakes.portal_log import WHO, moment

LOGS = Path(__file__).parents[2].parent / "shared" / "data" / "rfid_logs"
LINES = LOGS / "r420_sllurp_room" / "MovementTesting" / "LineTests"
NEDAP = LOGS / "nedap_retail_box" / "data"
CORNERS_FT = {1: (0.0, 0.0), 2: (0.0, 15.0), 3: (15.0, 15.0), 4: (15.0, 0.0)}


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as text:
        return [
            {key.strip(): (value or "").strip() for key, value in row.items() if key}
            for row in csv.DictReader(text)
        ]


def sighting(track: Track, antenna: int, rssi_dbm: float) -> TagSighting:
    """One read."""
    return TagSighting(
        event_time=moment(0.0),
        epc=track.epc,
        antenna=antenna,
        count=1,
        peak_rssi_dbm=rssi_dbm,
        **WHO,
    )


def sides(dx: float, dy: float) -> dict[int, int]:
    """Which corner antennas lie ahead (inside) and behind (outside) of the room's middle."""
    ahead = {n: (x - 7.5) * dx + (y - 7.5) * dy for n, (x, y) in CORNERS_FT.items()}
    far = max(abs(value) for value in ahead.values())
    return {
        n: UNKNOWN if abs(value) < 0.3 * far else INSIDE if value > 0 else OUTSIDE
        for n, value in ahead.items()
    }


def walks() -> Iterator[tuple[str, bool, Track]]:
    """Name, whether it went along the axis, and the tag's track."""
    for row in rows(LINES / "LineMetadata.csv.gz"):
        name = row["raw_CSV_filename"].replace("movetest", "MoveTest")
        path = LINES / name.split("-")[0] / f"{name}.csv.gz"
        if not path.exists():
            continue
        dx = float(row["end_x_true"]) - float(row["start_x_true"])
        dy = float(row["end_y_true"]) - float(row["start_y_true"])
        along = (dx, dy) > (0.0, 0.0)
        side = sides(dx, dy) if along else sides(-dx, -dy)
        reads = sorted(rows(path), key=lambda read: float(read["timestamp"]))
        first_us = round(float(reads[0]["timestamp"]) * 1e6)
        track = begin(reads[0]["epc"], first_us, source=0, seq=1)
        for read in reads:
            at_us = round(float(read["timestamp"]) * 1e6)
            antenna = int(read["antenna"])
            track.add(at_us, side[antenna], sighting(track, antenna, float(read["rssi"])))
        yield name, along, track


@pytest.mark.skipif(not LINES.exists(), reason="recordings of the R420 walks are not here")
def test_direction_of_recorded_walks() -> None:
    """One tag carried through a room between four corner antennas, no cohort to help."""
    right, wrong, sure, sure_wrong = 0, [], 0, 0
    for name, along, track in walks():
        (odds,) = crossing.judge(crossing.voices(crossing.looks([track], [None], [False])))
        is_right = (odds.inwards >= 0.5) == along
        right += is_right
        if not is_right:
            wrong.append(name)
        if max(odds.inwards, 1.0 - odds.inwards) >= 0.9:
            sure += 1
            sure_wrong += not is_right
    total = right + len(wrong)
    print(f"{right}/{total} right, {sure} sure of which {sure_wrong} wrong; {wrong}")  # noqa: T201
    assert total >= 30
    assert right >= 0.85 * total
    assert sure_wrong <= 1  # one walk is taken for its opposite, and surely


@pytest.mark.skipif(not NEDAP.exists(), reason="recordings of the retail box are not here")
def test_relative_read_count_tells_a_box_from_its_surroundings() -> None:
    """Not a portal: ten wanted tags in a box against hundreds around it, in 30 s scans. It
    asks whether the features ``often`` and ``loud`` rank the wanted tags first.
    """
    hits = wanted_total = 0
    for labelset in sorted(NEDAP.glob("labelset*")):
        alone = [{row["epc"] for row in rows(p)} for p in labelset.glob("samples_labels/*.gz")]
        wanted = set.intersection(*alone) if alone else set()
        for path in sorted(labelset.glob("samples_location*/*.gz")):
            tracks: dict[str, Track] = {}
            for row in rows(path):
                at_us = round(float(row["time"]) * 1e6)
                track = tracks.get(row["epc"])
                if track is None:
                    track = tracks[row["epc"]] = begin(row["epc"], at_us, source=0, seq=1)
                antenna = int(row["beam_id"]) + 1
                track.add(at_us, UNKNOWN, sighting(track, antenna, float(row["rssi"]) / 10.0))
            here = wanted & tracks.keys()
            stick = yardstick(list(tracks.values()))
            scores = {}
            for epc, track in tracks.items():
                seen = describe(track, stick, None, known=False).named()
                scores[epc] = (seen["often"], track.reads, seen["loud"])
            best = sorted(scores, key=lambda epc: scores[epc], reverse=True)[: len(here)]
            hits += len(here & set(best))
            wanted_total += len(here)
    print(f"{hits}/{wanted_total} wanted tags among the most read")  # noqa: T201
    assert wanted_total > 0
    assert hits >= 0.9 * wanted_total
