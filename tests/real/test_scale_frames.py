"""Published frames of real scales and published scans, against what they are known to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drivers import registry
from drivers.readings import CodeScan
from drivers.scanner import ScannerDecoder
from edge.decode import run

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
def test_every_published_frame(capsys: pytest.CaptureFixture[str]) -> None:
    assert {frame["protocol"] for frame in FRAMES} - set(registry.FORMATS) == set(KINDS)
    for frame in FRAMES:
        status = run(frame["protocol"], frame["hex"], None)
        told = capsys.readouterr()
        expect, says = frame["expect"], f"{frame['protocol']}: {frame['ascii']!r}"
        assert (status, told.err) == (0, ""), says
        readings = [json.loads(line) for line in told.out.splitlines()]
        assert len(readings) == 1, says
        _agrees(readings[0], expect, says)


def _agrees(reading: dict[str, Any], expect: dict[str, Any], says: str) -> None:
    if EVENTS & set(expect) and expect.get("reply") not in {"tare", "tare_value"}:
        assert reading["kind"] == "event", says
        assert str(expect.get("total", "")) in reading["detail"], says
        return
    assert reading["kind"] == "weight", says
    if "value" in expect:
        assert reading["value"] == str(expect["value"]), says
        assert reading["status"] == "ok", says
    else:
        assert reading["value"] is None, says
    for key in ("unit", "stable", "net", "zero"):
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


@pytest.mark.evidence("published", "scanner")
@pytest.mark.skipif(not SCANS, reason="the published scans are not beside this checkout")
def test_every_scan() -> None:
    for known in SCANS:
        (code,) = ScannerDecoder().feed(known["scan"].encode() + b"\r\n")
        assert isinstance(code, CodeScan)
        assert code.symbology == known["symbology"]
        assert (code.symbology or "") + code.data == known["scan"]
