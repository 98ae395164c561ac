from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from drivers.readings import TagRead
from edge import decode


def ran(
    driver: str, hex_text: str | None = None, file: Path | None = None
) -> tuple[int, list[dict[str, object]], str]:
    out, err = io.StringIO(), io.StringIO()
    status = decode.run(driver, hex_text, file, out=out, err=err)
    return status, [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


def test_a_weight_as_promised() -> None:
    line = b"S D  -0.00 KG\r\n"
    for text in (
        line.hex(),
        line.hex(" "),
        line.hex(":"),
        "0x" + line.hex(",").replace(",", ", 0x"),
    ):
        assert ran("mt-sics", text) == (
            0,
            [{"kind": "weight", "value": "0.00", "unit": "kg", "stable": False, "net": None,
              "status": "ok"}],
            "",
        )  # fmt: skip


def test_a_code_as_promised() -> None:
    sent = b"]C1010703206980498810ABC\x1d3103001750"
    status, (code,), _ = ran("scanner", sent.hex())
    assert status == 0
    assert code["kind"] == "code"
    assert code["symbology"] == "]C1"
    assert code["data"] == "010703206980498810ABC\x1d3103001750"
    assert code["gtin"] == "07032069804988"
    assert code["sscc"] is None
    assert code["elements"] == {"01": "07032069804988", "10": "ABC", "3103": "001750"}


@pytest.mark.parametrize(
    ("sent", "command", "place", "error"),
    [
        (b"TP-C-MOVE-TO-T", "move-to", None, None),
        (b"]C0TP-L-shelf-7-Z", None, "shelf-7", None),
        (b"TP-C-PICK-G", None, None, "should be F"),
    ],
)
def test_labels_of_ours_are_told_by_their_meaning(
    sent: bytes, command: str | None, place: str | None, error: str | None
) -> None:
    status, (code,), _ = ran("scanner", sent.hex())
    assert status == 0
    assert (code["command"], code["place"], code["gs1_error"]) == (command, place, None)
    assert (error or "") in str(code["label_error"])
    assert (code["label_error"] is None) == (error is None)


def test_a_tag_as_promised() -> None:
    read = TagRead(epc="30AB", epc_bits=16, antenna=1, first_seen_us=1_700_000_000_000_001)
    assert decode.as_json(read) == {
        "kind": "tag", "epc": "30AB", "epc_bits": 16, "antenna": 1, "peak_rssi_dbm": None,
        "first_seen_at": "2023-11-14T22:13:20.000001Z", "last_seen_at": None, "count": 1,
        "phase_rad": None, "doppler_hz": None, "channel": None,
    }  # fmt: skip


def test_nonsense_goes_to_stderr_with_its_place_and_ends_nothing(tmp_path: Path) -> None:
    file = tmp_path / "capture"
    file.write_bytes(b"S S 1.0 g\r\nrubbish\r\nS S 2.0 g\r\n")
    status, readings, err = ran("mt-sics", file=file)
    assert status == 1
    assert [reading["value"] for reading in readings] == ["1.0", "2.0"]
    assert err.startswith("offset 11: ")
    assert b"rubbish".hex(" ") in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("driver", "hex_text", "says"),
    [
        ("mt-scis", "53", "mt-continuous-checksum, mt-sics, nci-scp01"),
        ("mt-sics", "5", "a byte is two"),
        ("mt-sics", "5g", "'g' is no hexadecimal digit"),
        ("mt-sics", " ", "--hex is empty"),
        ("mt-sics", None, "either with --hex"),
    ],
)
def test_wrong_usage(driver: str, hex_text: str | None, says: str) -> None:
    status, readings, err = ran(driver, hex_text)
    assert (status, readings) == (2, [])
    assert says in err
    assert ran("mt-sics", file=Path("/nowhere/at/all"))[0] == 2
