"""Published frames of real scales and published scans, against what they are known to say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from drivers import registry
from drivers.readings import Reading
from edge.cli import app

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "scales"
STATUSES = {"overload": "overload", "underload": "underload", "busy": "busy"}


def lines(name: str) -> list[dict[str, Any]]:
    path = DATA / name
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


FRAMES = lines("frames.jsonl")
SCANS = lines("barcodes.jsonl")
KINDS = (
    "and-standard", "ble-acaia", "ble-decent", "cas-22", "cas-enq", "dibal-epos-tisa",
    "modbus-rtu", "mt-continuous", "mt-continuous-checksum", "mt-sics", "nci-scp01", "ohaus-print",
    "ohaus-ranger", "radwag", "sartorius-sbi", "sma", "st-gs", "toledo-8217",
)  # fmt: skip
EVENTS = {"reply", "total", "about", "command", "request"}
"""What a frame is expected to be where it is no statement about the load."""
STATES = {"under_zero": "underload", "over_capacity": "overload"}


@pytest.mark.evidence("published", *KINDS)
@pytest.mark.skipif(not FRAMES, reason="the published scale frames are not beside this checkout")
def test_every_published_frame() -> None:
    assert {frame["protocol"] for frame in FRAMES} - set(registry.FORMATS) == set(KINDS)
    for frame in FRAMES:
        status, readings, complaints = decode(frame["protocol"], "--hex", frame["hex"])
        expect, says = frame["expect"], f"{frame['protocol']}: {frame['ascii']!r}"
        assert (status, complaints) == (0, ""), says
        assert len(readings) == 1, says
        _agrees(readings[0], expect, says)


def decode(kind: str, *what: str) -> tuple[int, list[dict[str, Any]], str]:
    """``tallyport edge decode``: its status, its readings, and what it complains of."""
    done = CliRunner().invoke(app, ["decode", "--driver", kind, *what])
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def _agrees(reading: dict[str, Any], expect: dict[str, Any], says: str) -> None:
    if EVENTS & set(expect) and expect.get("reply") not in {"tare", "tare_value"}:
        assert reading["kind"] == "event", says
        assert str(expect.get("total", "")) in reading["detail"], says
        return
    assert reading["kind"] == "weight", says
    assert ("tare" in reading) == ("reply" in expect), says
    if "value" in expect:
        assert reading["value"] == str(expect["value"]), says
        assert reading["status"] == "ok", says
    else:
        assert reading["value"] is None, says
    for key in ("unit", "stable", "net", "zero", "compare", "device"):
        if key in expect:
            assert reading[key] == expect[key], says
    if "error" in expect:
        assert reading["status"] == STATUSES.get(expect["error"], "error"), says
    if isinstance(expect.get("status"), list):
        (state,) = expect["status"]
        assert reading["status"] == STATES.get(state, "ok"), says
        assert bool(reading.get("zero")) == (state == "center_of_zero"), says
        assert bool(reading["net"]) == (state == "net"), says


@pytest.mark.skipif(not FRAMES, reason="the published scale frames are not beside this checkout")
def test_all_frames_of_a_protocol_in_one_stream_however_it_is_cut() -> None:
    for kind in sorted({frame["protocol"] for frame in FRAMES}):
        stream = b"".join(bytes.fromhex(one["hex"]) for one in FRAMES if one["protocol"] == kind)
        whole = registry.decoder(kind)
        readings = [*whole.feed(stream), *whole.finish()]
        for size in (1, 3, 7, 16):
            again = registry.decoder(kind)
            heard = [
                reading
                for start in range(0, len(stream), size)
                for reading in again.feed(stream[start : start + size])
            ]
            assert [*heard, *again.finish()] == readings, kind
            assert [str(error) for error in again.errors] == [str(one) for one in whole.errors]
        assert len(readings) == sum(one["protocol"] == kind for one in FRAMES), kind


@pytest.mark.skipif(not FRAMES, reason="the published scale frames are not beside this checkout")
def test_every_frame_cut_in_two_at_every_place() -> None:
    for frame in FRAMES:
        sent = bytes.fromhex(frame["hex"])
        whole = heard(frame["protocol"], [sent])
        for place in range(1, len(sent)):
            assert heard(frame["protocol"], [sent[:place], sent[place:]]) == whole, frame["ascii"]


def heard(kind: str, pieces: list[bytes]) -> tuple[list[Reading], list[str]]:
    decoder = registry.decoder(kind)
    readings = [reading for piece in pieces for reading in decoder.feed(piece)]
    readings += decoder.finish()
    return readings, [str(error) for error in decoder.errors]


GARBAGE = (b"\x00\xff\x80#~", b"\x02", b"12.5 kg?", b"ST,GS,+  1", b"\xfe" * 300, b"S S ")
PACKETS = ("ble-2a9d", "ble-mi-10", "ble-mi-13")
"""What comes as a packet of its own has no stream in which garbage could stand."""


@pytest.mark.skipif(not FRAMES, reason="the published scale frames are not beside this checkout")
def test_garbage_between_frames_costs_no_frame() -> None:
    for kind in sorted({frame["protocol"] for frame in FRAMES} - set(PACKETS)):
        frames = [bytes.fromhex(one["hex"]) for one in FRAMES if one["protocol"] == kind]
        expected = [heard(kind, [frame])[0][0] for frame in frames]
        for garbage in GARBAGE:
            # A line of its own: many of these frames have no mark of where they begin.
            noise = garbage + b"\r\n"
            stream = noise + noise.join(frames) + noise
            whole = heard(kind, [stream])
            rest = iter(whole[0])
            for frame, reading in zip(frames, expected, strict=True):
                assert any(one == reading for one in rest), (kind, garbage, frame)
            for size in (1, 7, 64):
                pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
                assert heard(kind, pieces) == whole, (kind, garbage, size)


@pytest.mark.evidence("published", "scanner")
@pytest.mark.skipif(not SCANS, reason="the published scans are not beside this checkout")
def test_every_scan(tmp_path: Path) -> None:
    file = tmp_path / "heard.bin"
    for known in SCANS:
        sent = known["scan"].encode() + b"\r\n"
        status, (code,), complaints = decode("scanner", "--hex", sent.hex())
        assert (status, complaints) == (0, "")
        assert code["symbology"] == known["symbology"]
        assert (code["symbology"] or "") + code["data"] == known["scan"]
        assert code["gtin"] == (known["gtin"] and known["gtin"].zfill(14))
        assert code["sscc"] == known["sscc"]
        # Digits with a right GTIN check digit are a GTIN, though AI 96 would fit as well.
        elements = {element[0]: element[1] for element in known["elements"] or []}
        assert code["elements"] == ({} if known["scan"] == "96385074" else elements)
        assert bool(code["gs1_error"]) == (not (code["gtin"] or code["sscc"] or code["elements"]))
        for place in range(1, len(sent)):
            assert heard("scanner", [sent[:place], sent[place:]]) == heard("scanner", [sent])
    stream = b"\x00\x80noise\r\n".join(one["scan"].encode() + b"\r\n" for one in SCANS)
    file.write_bytes(stream)
    status, codes, complaints = decode("scanner", "--file", str(file))
    assert [(one["symbology"] or "") + one["data"] for one in codes] == [
        one["scan"] for one in SCANS
    ]
    assert (status, complaints.count("offset ")) == (1, len(SCANS) - 1)


@pytest.mark.skipif(not FRAMES, reason="the published scale frames are not beside this checkout")
def test_the_command_itself() -> None:
    frame = next(one for one in FRAMES if one["protocol"] == "cas-22")
    command = [sys.executable, "-m", "tallyport", "edge", "decode", "--driver", "cas-22"]
    done = subprocess.run([*command, "--hex", frame["hex"]], capture_output=True, check=True)
    _agrees(json.loads(done.stdout), frame["expect"], frame["ascii"])
