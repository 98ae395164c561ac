"""What a technician types, against emulated devices."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.recording import (
    PlateWeighed,
    PortalHeader,
    RecordingWriter,
    ShelfHeader,
    TagHeard,
    read_recording,
)
from edge.captures import CaptureError, read_capture
from edge.fold.moments import moment
from edge.replaying import replay
from gateway.contract import GateWindow, TagSighting, WeightSettled

EDGE = '[edge]\nname="pi"\nsite="s"\n'
SCALE = '[[devices]]\nname="p1"\ndriver="mt-sics"\nread_point="shelf"\nport="{port}"\n'


async def edge(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tallyport", "edge", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode or 0, out.decode(), err.decode()


async def test_probe_shows_what_is_there_and_says_what_is_wrong(tmp_path: Path) -> None:
    scale = EmulatedScale()
    scale.set_load_mg(500_000)
    config = tmp_path / "edge.toml"
    config.write_text(
        EDGE
        + SCALE.format(port=await scale.start())
        + '[[devices]]\nname="p2"\ndriver="mt-sics"\nread_point="desk"\nport="/dev/none-such"\n'
    )
    status, out, err = await edge("probe", "--config", str(config), "--json", "--seconds", "20")
    assert status == 1, err
    there, missing = (json.loads(line) for line in out.splitlines())
    assert there["ok"]
    assert "serial number" in there["identity"]
    assert there["readings"][0]["kind"] == "weight"
    assert not missing["ok"]
    assert "/dev/none-such" in missing["problem"]
    assert missing["hint"]
    await scale.stop()


async def test_probe_without_a_file(tmp_path: Path) -> None:
    reader = EmulatedReader()
    port = await reader.start()
    status, out, err = await edge(
        "probe", "--driver", "llrp", "--host", "127.0.0.1", "--port", str(port), "--seconds", "3"
    )
    assert status == 0, err
    assert "Impinj model" in out
    assert "tx_power_dbm: 10 to 30 dBm" in out
    assert "quirk: " in out
    await reader.stop()
    status, _, err = await edge("probe", "--driver", "lrp", "--host", "x")
    assert status == 2
    assert 'Did you mean "llrp"' in err


async def test_a_person_switches_an_output_of_a_reader(tmp_path: Path) -> None:
    reader = EmulatedReader()
    config = tmp_path / "edge.toml"
    config.write_text(
        EDGE
        + '[[devices]]\nname = "dock"\ndriver = "llrp"\nread_point = "d"\nhost = "127.0.0.1"\n'
        + f"port = {await reader.start()}\n"
    )
    told = (
        "tell",
        "gpo",
        "--config",
        str(config),
        "--device",
        "dock",
        "--seconds",
        "60",
        "--output",
    )
    status, out, err = await edge(*told, "3", "--on")
    assert (status, out.splitlines()[0]) == (0, "output 3 is on"), err
    assert reader.model.settings.gpo_state == {1: False, 2: False, 3: True, 4: False}
    status, _, err = await edge(*told, "7", "--off")
    assert (status, "outputs 1 to 4, not output 7" in err) == (1, True)
    await reader.stop()


async def test_a_capture_of_a_scale_folds_again_to_its_level(tmp_path: Path) -> None:
    scale = EmulatedScale()
    scale.set_load_mg(750_000)
    config, raw = tmp_path / "edge.toml", tmp_path / "raw.jsonl"
    recording = tmp_path / "rec.jsonl.gz"
    config.write_text(EDGE + SCALE.format(port=await scale.start()))
    status, _, err = await edge(
        "capture", "--config", str(config), "--device", "p1", "--seconds", "6",
        "--raw", str(raw), "--recording", str(recording),
    )  # fmt: skip
    assert status == 0, err
    await scale.stop()
    header, chunks = read_capture(raw)
    assert (header.driver, header.device) == ("mt-sics", "p1")
    assert b"".join(data for _, data in chunks).startswith(b"I")
    assert read_recording(recording).heard
    for file in (raw, recording):
        levels = [one.gross_mg for one in replay(file) if isinstance(one, WeightSettled)]
        assert levels
        assert abs(levels[0] - 750_000) <= 1_000
    status, _, err = await edge("replay", str(raw), "--journal", str(tmp_path / "journal"))
    assert status == 0
    assert "observations are in" in err


async def test_a_capture_needs_a_target_and_a_known_device(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(EDGE)
    status, _, err = await edge("capture", "--config", str(config), "--device", "x")
    assert (status, "--raw FILE" in err) == (2, True)
    status, _, err = await edge(
        "capture", "--config", str(config), "--device", "x", "--raw", str(tmp_path / "r")
    )
    assert (status, 'no device "x"' in err) == (2, True)


def test_a_recording_folds_at_its_own_times(tmp_path: Path) -> None:
    path = tmp_path / "walk.jsonl"
    started = moment(1_790_000_000_000_000)
    with RecordingWriter(path, PortalHeader(read_point="dock", started_at=started)) as writer:
        for pass_s in (0, 20):
            for index in range(30):
                writer.write(TagHeard(t=pass_s + index * 0.05, epc="30AA", antenna=1))
    out = list(replay(path))
    assert sum(one.count for one in out if isinstance(one, TagSighting)) == 60
    windows = [one for one in out if isinstance(one, GateWindow)]
    assert [one.reads for one in windows] == [30, 30]
    assert windows[1].event_time == moment(1_790_000_020_000_000)

    shelf = tmp_path / "shelf.jsonl"
    with RecordingWriter(shelf, ShelfHeader(read_point="shelf", started_at=started)) as writer:
        for index in range(40):
            for plate in (1, 2):
                writer.write(PlateWeighed(t=index * 0.1, plate=plate, gross_mg=plate * 1_000_000))
    levels = {(one.plate, one.gross_mg) for one in replay(shelf) if isinstance(one, WeightSettled)}
    assert levels == {(1, 1_000_000), (2, 2_000_000)}


def test_a_file_that_is_no_capture_says_where(tmp_path: Path) -> None:
    path = tmp_path / "raw.jsonl"
    path.write_text('{"tallyport_capture":1}\n')
    with pytest.raises(CaptureError, match="line 1"):
        list(replay(path))
