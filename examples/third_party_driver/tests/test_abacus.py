"""What an AB-1 says, however its bytes arrive; and that it is heard again after it was away."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tallyport_abacus.driver import ABACUS_AB1
from tallyport_abacus.emulator import EmulatedAbacus, frame

from drivers import registry
from drivers.errors import DeviceUnavailable
from drivers.readings import Reading, WeightReading

PATIENCE_S = 30
CAPTURE = (Path(__file__).parent / "captures" / "abacus-ab1_emulator_ten-parts.bin").read_bytes()


def decoded(*pieces: bytes) -> tuple[list[Reading], list[str]]:
    decoder = ABACUS_AB1.decoder()
    readings = [reading for piece in pieces for reading in decoder.feed(piece)]
    readings += decoder.finish()
    return readings, [str(error) for error in decoder.errors]


def values(readings: list[Reading]) -> list[Decimal | None]:
    return [one.value for one in readings if isinstance(one, WeightReading)]


def test_the_frames_of_the_manual() -> None:
    (weight,), errors = decoded(b"#1,S,+00012.6,g*29\r\n")
    assert weight == WeightReading(value=Decimal("12.6"), unit="g", stable=True)
    assert not errors
    (over,), _ = decoded(b"#1,O,+99999.9,g*30\r\n")
    assert isinstance(over, WeightReading)
    assert (over.value, over.status) == (None, "overload")


def test_a_frame_that_is_wrong_is_told_and_is_no_weight() -> None:
    readings, errors = decoded(frame(Decimal("12.6")).replace(b"6,g", b"7,g"))
    assert not readings
    assert "The check says" in errors[0]


def test_the_capture() -> None:
    readings, errors = decoded(CAPTURE)
    assert values(readings)[-1] == Decimal("42.0")
    assert not errors


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=30), st.lists(st.integers(0, len(CAPTURE)), max_size=8))
def test_any_split_reads_the_same_and_noise_is_survived(noise: bytes, cuts: list[int]) -> None:
    stream = noise + b"\r\n" + CAPTURE
    edges = [0, *sorted(cuts), len(stream)]
    whole = decoded(stream)
    assert decoded(*(stream[a:b] for a, b in pairwise(edges))) == whole
    assert values(whole[0])[-1] == Decimal("42.0")


async def test_it_is_heard_lost_and_heard_again() -> None:
    scale = EmulatedAbacus()
    port = await scale.listen()
    driver = registry.load("abacus-ab1")
    config = driver.Config(host="127.0.0.1", port=port, interval_s=0.05)
    for plugged_in_again in (False, True):
        if plugged_in_again:
            await scale.listen(port)
        heard = asyncio.Event()

        async def emit(readings: object, heard: asyncio.Event = heard) -> None:
            assert isinstance(readings, list)
            if values(readings):
                heard.set()

        running = asyncio.create_task(driver(config).run(emit))
        async with asyncio.timeout(PATIENCE_S):
            await heard.wait()
            await scale.unplug()
            with pytest.raises(DeviceUnavailable, match="lost"):
                await running
