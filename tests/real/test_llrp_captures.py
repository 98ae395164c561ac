"""Captured bytes of real readers: ours decodes every tag as sllurp does."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sllurp.llrp

from drivers.llrp.decode import LlrpDecoder
from drivers.llrp.frames import RO_ACCESS_REPORT, FrameSplitter
from drivers.readings import TagRead
from edge import decode

LLRP = Path(__file__).parents[2].parent / "shared" / "data" / "llrp"
pytestmark = pytest.mark.skipif(not LLRP.is_dir(), reason=f"no captures in {LLRP}")
EDGEX = sorted((LLRP / "edgex_framed").glob("ROAccessReport-*.bin")) if LLRP.is_dir() else []


def oracle(data: bytes) -> Iterator[dict[str, Any]]:
    """The tags of every report, as sllurp understands them."""
    frames, _ = FrameSplitter().feed(data)
    for frame in frames:
        if frame.kind == RO_ACCESS_REPORT:
            decoded = sllurp.llrp.LLRPMessage(msgbytes=frame.data)
            yield from decoded.msgdict["RO_ACCESS_REPORT"].get("TagReportData") or []


def ours(data: bytes) -> list[TagRead]:
    decoder = LlrpDecoder()
    readings = [*decoder.feed(data), *decoder.finish()]
    return [reading for reading in readings if isinstance(reading, TagRead)]


@pytest.mark.parametrize("name", ["dx101/dx101_a.bin", "dx101/dx101_c.bin"])
def test_every_tag_of_a_session_agrees_with_sllurp(name: str) -> None:
    data = (LLRP / name).read_bytes()
    theirs, mine = list(oracle(data)), ours(data)
    assert len(mine) == len(theirs) > 100
    for tag, other in zip(mine, theirs, strict=True):
        epc = other.get("EPC-96") or other["EPC"]
        assert tag.epc == epc.decode().upper()
        assert tag.antenna == other.get("AntennaID")
        assert tag.peak_rssi_dbm == other.get("PeakRSSI")
        assert tag.channel == other.get("ChannelIndex")
        assert tag.count == other.get("TagSeenCount", 1)
        stamp = other.get("FirstSeenTimestampUTC", other.get("FirstSeenTimestampUptime"))
        assert tag.first_seen_us == stamp


@pytest.mark.evidence("published", "llrp")
@pytest.mark.parametrize("path", EDGEX, ids=lambda path: path.stem)
def test_an_impinj_reader_s_reports_decode_as_published(path: Path) -> None:
    published = json.loads(
        (LLRP / "edgex" / "roAccessReports" / path.with_suffix(".json").name).read_text()
    )
    (tag,) = ours(path.read_bytes())
    (truth,) = published["TagReportData"]
    assert tag.antenna == truth["AntennaID"]
    assert tag.peak_rssi_dbm == truth["PeakRSSI"]
    assert tag.first_seen_us == truth["FirstSeenUTC"]


def test_a_technician_pastes_captured_frames() -> None:
    out, err = io.StringIO(), io.StringIO()
    pasted = " ".join(path.read_bytes().hex(" ") for path in EDGEX)
    assert decode.run("llrp", pasted, None, out=out, err=err) == 0, err.getvalue()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    tags = [line for line in lines if line["kind"] == "tag"]
    assert len(tags) == len(EDGEX)
    assert tags[0]["epc"] == tags[0]["epc"].upper()
    assert tags[0]["epc_bits"] == 96
    assert {"antenna", "peak_rssi_dbm", "first_seen_at", "last_seen_at", "count"} <= set(tags[0])
