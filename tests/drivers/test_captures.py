"""Every kind of device has a capture, and its decoder makes the same of any split of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers import registry
from drivers.readings import CodeScan, LoadCellWindow, Reading, TagRead, WeightReading
from drivers.scales.protocols import PROTOCOLS

CAPTURES = Path(__file__).parents[1] / "captures"
SAID = (
    {"llrp": TagRead}
    | dict.fromkeys(["load-cell-mqtt", "load-cell-serial"], LoadCellWindow)
    | dict.fromkeys(["scanner", "scanner-hid"], CodeScan)
    | dict.fromkeys([kind for kind in registry.DRIVERS if kind.startswith("ble-")], WeightReading)
    | dict.fromkeys(
        [*PROTOCOLS, "mt-sics", "scale-pattern", "modbus-rtu", "modbus-tcp"], WeightReading
    )
)


@pytest.mark.evidence("capture")
@pytest.mark.parametrize("kind", registry.DRIVERS)
def test_every_kind_has_a_capture_that_decodes(kind: str) -> None:
    captures = sorted((CAPTURES / kind).glob("*.bin"))
    assert captures, f"no capture of a {kind} device in {CAPTURES / kind}"
    for path in captures:
        data = path.read_bytes()
        whole, errors = decoded(kind, [data])
        assert any(isinstance(reading, SAID[kind]) for reading in whole)
        assert not errors
        for size in (1, 7, 64):
            pieces = [data[start : start + size] for start in range(0, len(data), size)]
            assert decoded(kind, pieces) == (whole, [])


def decoded(kind: str, pieces: list[bytes]) -> tuple[list[Reading], list[str]]:
    decoder = registry.load(kind).decoder()
    readings = [reading for piece in pieces for reading in decoder.feed(piece)]
    readings += decoder.finish()
    return readings, [str(error) for error in decoder.errors]
