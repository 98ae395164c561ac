"""What holds for every kind of device, whichever it is."""

from __future__ import annotations

import asyncio
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import registry
from drivers.emulators.indicator import EmulatedIndicator
from drivers.emulators.keyboard_scanner import EmulatedKeyboardScanner
from drivers.emulators.transmitter import EmulatedTransmitter
from drivers.errors import DeviceUnavailable
from drivers.readings import CodeScan, DeviceEvent, WeightReading
from drivers.scales.protocols import PROTOCOLS
from drivers.scanners import input_device
from drivers.scanners import keyboard as scanner_hid
from tests.drivers.listening import listening

CAPTURES = Path(__file__).parents[1] / "captures"
NOISE = st.binary(max_size=40)
MOST_BYTES = 1_500
"""Of a capture: enough for its beginnings, its frames and what lies between them."""


@pytest.mark.evidence("split")
@pytest.mark.parametrize("kind", registry.DRIVERS)
def test_any_split_of_a_capture_with_noise_in_it_reads_the_same(kind: str) -> None:
    capture = b"".join(path.read_bytes() for path in sorted((CAPTURES / kind).glob("*.bin")))
    capture = capture[:MOST_BYTES]
    place = st.integers(0, len(capture))

    @settings(max_examples=15, deadline=None, derandomize=True)
    @given(place, NOISE, st.lists(place, max_size=12))
    def each(at: int, noise: bytes, cuts: list[int]) -> None:
        stream = capture[:at] + noise + capture[at:]
        edges = [0, *sorted(cuts), len(stream)]
        assert said(kind, [stream[a:b] for a, b in pairwise(edges)]) == said(kind, [stream])

    each()


def said(kind: str, pieces: list[bytes]) -> tuple[list[Any], list[tuple[int, str]]]:
    decoder = registry.load(kind).decoder()
    readings = [reading for piece in pieces for reading in decoder.feed(piece)]
    readings += decoder.finish()
    return readings, sorted((error.offset, str(error)) for error in decoder.errors)


# ---- scales that were away -----------------------------------------------------------------
REGISTERS = {"weight": {"address": 0, "decimals": 3}, "status": {"address": 2, "moving": 2}}


def scale_of(kind: str, link: Path) -> tuple[EmulatedIndicator, dict[str, Any]]:
    """A scale, and what its driver must be told beside its place."""
    line = {"bytesize": 8, "parity": "none"}  # a pseudo-terminal has no other
    if kind.startswith("modbus-"):
        return EmulatedTransmitter(tcp=kind == "modbus-tcp", link=link), REGISTERS | line
    if kind == "scale-pattern":
        return EmulatedIndicator("st-gs", link=link), line
    return EmulatedIndicator(kind, link=link), line


SCALE_KINDS = (*PROTOCOLS, "modbus-rtu", "modbus-tcp", "scale-pattern")


async def heard_again(kind: str, link: Path) -> None:
    scale, told = scale_of(kind, link)
    driver = registry.load(kind)
    config = driver.Config.model_validate(told | {"port": str(link), "interval_s": 0.05})
    try:
        await scale.start()
        async with listening(driver(config)) as heard:
            await heard.heard(WeightReading)
            scale.unplug()
            with pytest.raises(DeviceUnavailable):
                await heard.end()
        async with listening(driver(config)) as heard:
            with pytest.raises(DeviceUnavailable):
                await heard.end()
        await scale.start()
        async with listening(driver(config)) as heard:
            await heard.heard(WeightReading)
    except BaseException as error:
        error.add_note(f"the kind was {kind}")
        raise
    finally:
        await scale.stop()


@pytest.mark.evidence("emulator", *SCALE_KINDS)
@pytest.mark.evidence("reconnect", *SCALE_KINDS)
async def test_a_scale_that_was_away_is_heard_again(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as together:
        for kind in SCALE_KINDS:
            together.create_task(heard_again(kind, tmp_path / kind))


@pytest.mark.evidence("reconnect", "scanner-hid")
async def test_a_keyboard_scanner_that_was_away_is_heard_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A named pipe in place of the input device; a pipe cannot be grabbed, so that is faked."""
    monkeypatch.setattr(input_device.fcntl, "ioctl", lambda fd, request, arg: 0)
    path = tmp_path / "usb-scanner-event-kbd"
    os.mkfifo(path)
    config = scanner_hid.HidScannerConfig(port=str(path))
    for code in ("first", "second"):
        with path.open("r+b", buffering=0) as plugged:
            async with listening(scanner_hid.HidScanner(config)) as heard:
                await heard.heard(DeviceEvent, lambda event: event.name == "connected")
                plugged.write(EmulatedKeyboardScanner().scan(code))
                await heard.heard(CodeScan, lambda scan, code=code: scan.data == code)
                plugged.close()
                with pytest.raises(DeviceUnavailable, match="lost"):
                    await heard.end()
