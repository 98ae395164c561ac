from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.recording import (
    AntennaPlace,
    ChangeTruth,
    GpiChanged,
    PassTruth,
    PlateSetup,
    PlateWeighed,
    PortalHeader,
    Recording,
    RecordingError,
    RecordingWriter,
    ShelfHeader,
    TagHeard,
    read_recording,
    write_recording,
)

EPC = "3074257BF7194E4000001A85"
START = datetime(2026, 1, 31, 8, tzinfo=UTC)
PORTAL = Recording(
    header=PortalHeader(
        read_point="dock-1",
        started_at=START,
        antennas=[AntennaPlace(antenna=1, side="outside", x_m=-0.45, yaw_deg=-25)],
    ),
    heard=(
        TagHeard(t=0.137, epc=EPC, antenna=1, peak_rssi_dbm=-51.0, phase_rad=1.23, channel=7),
        GpiChanged(t=2.0, gpi=1, state=True),
        TagHeard(t=2.5, epc=EPC, antenna=2),
    ),
    truths=(PassTruth(t=4.21, epc=EPC, direction="in"),),
)
SHELF = Recording(
    header=ShelfHeader(
        read_point="shelf-7",
        started_at=START,
        plates=[PlateSetup(plate=1, item="SKU-1", unit_mg=20_000, unit_cv=0.01)],
    ),
    heard=(PlateWeighed(t=0.2, plate=1, gross_mg=812_345, std_mg=900, stable=True),),
    truths=(ChangeTruth(t=31.5, plate=1, quantity=-1),),
)


@pytest.mark.parametrize("recording", [PORTAL, SHELF])
@pytest.mark.parametrize("name", ["one.jsonl", "one.jsonl.gz"])
def test_what_is_written_is_read(tmp_path: Path, recording: Recording, name: str) -> None:
    write_recording(tmp_path / name, recording)
    assert read_recording(tmp_path / name) == recording
    if name.endswith(".gz"):
        assert gzip.decompress((tmp_path / name).read_bytes()).startswith(
            b'{"tallyport_recording":1'
        )


def test_the_promised_format_is_read(tmp_path: Path) -> None:
    path = tmp_path / "portal.jsonl"
    path.write_text(
        '{"tallyport_recording": 1, "kind": "portal", "read_point": "dock-1",'
        ' "started_at": "2026-01-31T08:00:00Z", "antennas": [{"antenna": 1, "side": "outside",'
        ' "x_m": -0.45, "y_m": 1.2, "z_m": 2.0, "yaw_deg": -25}], "comment": "ignored"}\n'
        "\n"
        f'{{"t": 4.210, "truth": "pass", "epc": "{EPC}", "direction": "in"}}\n'
        '{"t": 2.000, "gpi": 1, "state": true}\n'
        f'{{"t": 0.137, "epc": "{EPC.lower()}", "antenna": 1, "peak_rssi_dbm": -51.0,'
        ' "phase_rad": 1.23, "doppler_hz": null, "channel": 7}\n'
    )
    recording = read_recording(path)
    assert recording.duration_s == 4.21
    assert [line.t for line in recording.heard] == [0.137, 2.0]
    ((t, read),) = recording.tag_reads()
    assert (t, read.epc, read.epc_bits, read.doppler_hz) == (0.137, EPC, 96, None)
    assert read.first_seen_us == int(START.timestamp() * 1e6) + 137_000


HEAD = (
    '{"tallyport_recording": 1, "kind": "portal", "read_point": "d",'
    ' "started_at": "2026-01-31T08:00:00Z"}\n'
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty"),
        ("epc,antenna\n", "line 1: JSON is malformed"),
        ('{"kind": "portal"}\n', 'line 1: the first line of a recording has "tallyport_recording"'),
        (HEAD.replace(": 1", ": 2"), "line 1: recording version 2"),
        (HEAD.replace("portal", "door"), "line 1: .*door"),
        (HEAD.replace("08:00:00Z", "08:00:00"), "line 1: .*timezone"),
        (HEAD + '{"t": 1, "epc": "30"}\n', "line 2: .*antenna"),
        (HEAD + '{"t": -1, "epc": "30", "antenna": 1}\n', "line 2: .*>= 0"),
        (HEAD + '{"t": 1, "epc": "XY", "antenna": 1}\n', "line 2: .*epc"),
        (HEAD + '\n{"t": 1, "plate": 1, "gross_mg": 5}\n', "line 3: PlateWeighed .* portal"),
        (HEAD + '{"t": 1, "truth": "change", "plate": 1, "quantity": 1}\n', "line 2: ChangeTruth"),
        (HEAD + '{"t": 1}\n', "line 2: .*truth, gpi, epc, plate"),
        # Fuzzing: read without a word, and no clock, calendar or message could hold them.
        (HEAD + '{"t": 1e308, "epc": "30", "antenna": 1}\n', "line 2: .*float"),
        (HEAD + '{"t": 1, "epc": "%s", "antenna": 1}\n' % ("30" * 63), "line 2: .*epc"),
        (HEAD + '{"t": 1, "epc": "30", "antenna": 70000}\n', "line 2: .*antenna"),
        (HEAD.replace("2026", "0001"), "line 1: started_at is 0001"),
        (HEAD + "[1]\n", "line 2: a line is a JSON object"),
        (HEAD + '{"t": 1, "epc": "30", "ante', "line 2: .*ends within this line"),
        (HEAD + '{"t": 1, "truth": "pass", "epc": "30", "direction": "up"}\n', "line 2: .*up"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text(content)
    with pytest.raises(RecordingError, match=f"wrong.jsonl.*{reason}"):
        read_recording(path)


def test_a_truncated_archive_and_a_missing_file_are_named(tmp_path: Path) -> None:
    write_recording(tmp_path / "cut.jsonl.gz", PORTAL)
    content = (tmp_path / "cut.jsonl.gz").read_bytes()
    (tmp_path / "cut.jsonl.gz").write_bytes(content[:-20])
    with pytest.raises(RecordingError, match=r"cut\.jsonl\.gz, after line \d+: cannot be read"):
        read_recording(tmp_path / "cut.jsonl.gz")
    with pytest.raises(RecordingError, match="No such file"):
        read_recording(tmp_path / "missing.jsonl")


def test_a_line_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    with (
        RecordingWriter(tmp_path / "a.jsonl", SHELF.header) as writer,
        pytest.raises(ValueError, match="TagHeard"),
    ):
        writer.write(PORTAL.heard[0])
