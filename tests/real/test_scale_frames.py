"""Published frames of real scales and published scans, against what they are known to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drivers.readings import CodeScan
from drivers.scanner import ScannerDecoder
from edge.decode import decode

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "scales"
STATUSES = {"overload": "overload", "underload": "underload", "busy": "busy"}


def lines(name: str) -> list[dict[str, Any]]:
    path = DATA / name
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


FRAMES = [frame for frame in lines("frames.jsonl") if frame["protocol"] == "mt-sics"]
SCANS = lines("barcodes.jsonl")


@pytest.mark.skipif(not FRAMES, reason="the published scale frames are not beside this checkout")
def test_every_mt_sics_frame() -> None:
    for frame in FRAMES:
        readings, errors = decode("mt-sics", bytes.fromhex(frame["hex"]))
        expect, says = frame["expect"], frame["ascii"]
        assert not errors, says
        assert len(readings) == 1, says
        (reading,) = readings
        if "value" in expect:
            assert (reading["value"], reading["unit"]) == (expect["value"], expect["unit"]), says
            assert reading["stable"] == expect.get("stable"), says
        elif "error" in expect:
            assert reading["status"] == STATUSES.get(expect["error"], "error"), says
            assert reading["value"] is None, says
        else:
            assert reading["kind"] == "event", says


@pytest.mark.skipif(not SCANS, reason="the published scans are not beside this checkout")
def test_every_scan() -> None:
    for known in SCANS:
        (code,) = ScannerDecoder().feed(known["scan"].encode() + b"\r\n")
        assert isinstance(code, CodeScan)
        assert code.symbology == known["symbology"]
        assert (code.symbology or "") + code.data == known["scan"]
