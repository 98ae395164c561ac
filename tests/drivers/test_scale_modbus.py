from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.emulators.transmitter import EmulatedTransmitter
from drivers.errors import DeviceUnavailable
from drivers.frames import FrameDecoder
from drivers.modbus_frames import crc
from drivers.readings import DeviceEvent, Reading, WeightReading, WeightStatus
from drivers.scale_modbus import ModbusConfig, ModbusRtuScale, ModbusTcpScale, rtu, tcp
from tests.drivers.listening import listening

CAS = {"port": "x", "weight": {"address": 7, "type": "i32", "decimals": 3}}
"""CAS CI-600D: gross weight in 40008 and 40009."""
FULL = {
    "port": "x",
    "weight": {"address": 0, "decimals": 1},
    "status": {"address": 2, "moving": 2, "overload": 0, "net": 5},
}


def config(table: dict[str, Any], **weight: object) -> ModbusConfig:
    return ModbusConfig.model_validate(table | {"weight": table["weight"] | weight})


def decoded(settings_: ModbusConfig, *chunks: bytes) -> tuple[list[Reading], list[str]]:
    decoder = FrameDecoder(rtu(settings_).form)
    readings = [reading for chunk in chunks for reading in decoder.feed(chunk)]
    readings += decoder.finish()
    return readings, [str(error) for error in decoder.errors]


def answer(payload: bytes, *, head: bytes = b"\x01\x03") -> bytes:
    data = head + bytes([len(payload)]) + payload
    return data + crc(data)


def test_the_question_and_the_answer_of_a_cas_ci_600d() -> None:
    # Both as the manual's map gives them, with the check computed by others.
    assert rtu(config(CAS)).poll.hex() == "01030007000275ca"
    readings, errors = decoded(config(CAS), bytes.fromhex("010304000030392e21"))
    assert not errors
    assert readings == [WeightReading(value=Decimal("12.345"), unit="kg")]


@pytest.mark.parametrize(
    ("payload", "weight", "value"),
    [
        (b"\xff\xff\xff\x85", {}, "-12.3"),
        (b"\xff\x85\xff\xff", {"words": "low-first"}, "-12.3"),
        (b"\x80\x00\x00\x00", {"type": "u32"}, "214748364.8"),
        (b"\x41\x45\x00\x00", {"type": "f32", "decimals": 2}, "12.31"),
        (b"\x00\x00\x41\x45", {"type": "f32", "decimals": 2, "words": "low-first"}, "12.31"),
    ],
)
def test_weights_of_every_type(payload: bytes, weight: dict[str, object], value: str) -> None:
    (reading,), errors = decoded(config(FULL, **weight), answer(payload + b"\0\x20"))
    assert not errors
    assert reading == WeightReading(value=Decimal(value), unit="kg", stable=True, net=True)


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        (answer(b"\0\0\0\1\0\1"), "overload"),
        (b"\x01\x83\x02" + crc(b"\x01\x83\x02"), "error"),
        (b"\x01\x83\x06" + crc(b"\x01\x83\x06"), "busy"),
    ],
)
def test_states_carry_no_value(frame: bytes, status: str) -> None:
    expected = WeightReading(value=None, status=WeightStatus(status))
    assert decoded(config(FULL), frame) == ([expected], [])


def test_a_damaged_answer_and_one_of_another_unit_are_no_weight() -> None:
    good = answer(b"\0\0\0\1\0\0")
    for bad in (good[:-1] + b"\0", answer(b"\0\0\0\1\0\0", head=b"\x02\x03"), good[:-1]):
        readings, errors = decoded(config(FULL), bad)
        assert not readings
        assert errors
    assert decoded(config(FULL), rtu(config(FULL)).poll + good)[1] == [], "its own echo"


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=12), st.integers(0, 10**6)), max_size=4), st.data())
def test_any_split_gives_the_same_and_noise_is_survived(
    parts: list[tuple[bytes, int]], data: st.DataObject
) -> None:
    frames = [answer(mass.to_bytes(4, "big") + b"\0\0") for _, mass in parts]
    stream = b"".join(noise + frame for (noise, _), frame in zip(parts, frames, strict=True))
    whole = decoded(config(FULL), stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in pairwise([0, *cuts, len(stream)])]
    assert decoded(config(FULL), *pieces) == whole
    rest = iter(whole[0])
    for frame in frames:
        (expected,), _ = decoded(config(FULL), frame)
        assert any(reading == expected for reading in rest)


def test_settings_refuse_what_cannot_work() -> None:
    far = {**FULL, "status": {"address": 900, "moving": 1}}
    with pytest.raises(ValidationError, match="one read takes at most"):
        config(far)
    with pytest.raises(ValidationError, match="weight"):
        ModbusConfig.model_validate({"port": "x"})


@pytest.mark.parametrize(("kind", "over_tcp"), [("rtu", True), ("rtu", False), ("tcp", True)])
async def test_weights_come_from_a_transmitter(kind: str, over_tcp: bool) -> None:
    scale = EmulatedTransmitter(tcp=kind == "tcp", seed=3)
    table = {
        "weight": {"address": 0, "decimals": 3},
        "status": {"address": 2, "moving": 2, "overload": 0},
        "interval_s": 0.05,
    }
    try:
        place: dict[str, object] = (
            {"host": "127.0.0.1", "port": await scale.listen()}
            if over_tcp
            else {"port": await scale.start()}
        )
        scale.set_load_g(592)
        driver = (ModbusTcpScale if kind == "tcp" else ModbusRtuScale)(
            ModbusConfig.model_validate(table | place)
        )
        async with listening(driver) as heard:
            weight = await heard.heard(WeightReading, lambda one: one.stable is True)
            assert weight.unit == "kg"
            assert weight.value is not None
            assert f"Modbus-{kind.upper()}" in heard.of(DeviceEvent)[0].detail
            scale.set_load_g(16_000)
            await heard.heard(WeightReading, lambda one: one.status is WeightStatus.OVERLOAD)
            scale.unplug()
            with pytest.raises(DeviceUnavailable, match="lost"):
                await heard.end()
    finally:
        await scale.stop()


def test_modbus_tcp_asks_and_hears_its_own_answer_only() -> None:
    protocol = tcp(config(FULL))
    assert protocol.poll == bytes.fromhex("000100000006010300000003")
    good = bytes.fromhex("000100000009010306000000010000")
    other = b"\0\2" + good[2:]
    decoder = FrameDecoder(protocol.form)
    (reading,) = decoder.feed(other + good)
    assert isinstance(reading, WeightReading)
    assert reading.value == Decimal("0.1")
    assert len(decoder.errors) == 1
    decoder = ModbusTcpScale.decoder()
    assert len(decoder.feed(protocol.poll + good)) == 2
