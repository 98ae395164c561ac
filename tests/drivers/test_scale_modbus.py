"""Transmitters with Modbus: pymodbus on our lines, against an emulator of another hand."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers import registry
from drivers.emulators.transmitter import PLAIN, EmulatedTransmitter
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.readings import DeviceEvent, WeightReading, WeightStatus
from drivers.scales.commands import commands, tell
from drivers.scales.modbus import ModbusConfig, ModbusRtuScale, ModbusTcpScale
from drivers.scales.modbus_client import LineClient, NoAnswer
from drivers.scales.modbus_frames import crc
from tests.drivers.listening import Listening, listening

ROOT = Path(__file__).parents[2]
MAPS = sorted((ROOT / "firmware_configs" / "scales" / "modbus").glob("*.toml"))
QUICK = {"interval_s": 0.05}


def config(scale_map: object = PLAIN, **more: object) -> ModbusConfig:
    table = scale_map.model_dump() if isinstance(scale_map, type(PLAIN)) else dict(scale_map)  # type: ignore[call-overload]
    return ModbusConfig.model_validate({**table, **QUICK, **more})


@asynccontextmanager
async def transmitter(**settings: Any) -> AsyncIterator[EmulatedTransmitter]:
    scale = EmulatedTransmitter(seed=3, **settings)
    try:
        yield scale
    finally:
        await scale.stop()


@asynccontextmanager
async def heard_from(
    scale: EmulatedTransmitter, *, over_tcp: bool = True, **more: object
) -> AsyncIterator[Listening]:
    place = (
        {"host": "127.0.0.1", "port": await scale.listen()}
        if over_tcp
        else {"port": await scale.start()}
    )
    driver = (ModbusTcpScale if scale.tcp else ModbusRtuScale)(config(scale.map, **place, **more))
    async with listening(driver) as heard:
        yield heard


@pytest.mark.parametrize(("tcp", "over_tcp"), [(False, True), (False, False), (True, True)])
async def test_weights_come_from_a_transmitter(tcp: bool, over_tcp: bool) -> None:
    async with transmitter(tcp=tcp) as scale, heard_from(scale, over_tcp=over_tcp) as heard:
        scale.set_load_g(592)
        weight = await heard.heard(WeightReading, lambda one: one.stable is True)
        assert weight.unit == "kg"
        assert weight.value is not None
        assert f"Modbus-{'TCP' if tcp else 'RTU'}" in heard.of(DeviceEvent)[0].detail
        scale.set_load_g(16_000)
        await heard.heard(WeightReading, lambda one: one.status is WeightStatus.OVERLOAD)
        assert scale.asked == {3}, "nothing is ever written"
        scale.unplug()
        with pytest.raises(DeviceUnavailable, match="lost"):
            await heard.end()


# ---- faults --------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["noise", "echo", "both"])
async def test_noise_before_an_answer_and_an_echo_cost_nothing(fault: str) -> None:
    async with transmitter() as scale:
        scale.noise = b"\xff\x01\x03\x40\x00" if fault != "echo" else b""
        scale.echo = fault != "noise"
        async with heard_from(scale) as heard:
            await heard.until(lambda: len(heard.of(WeightReading)) >= 3)
            errors = [event for event in heard.of(DeviceEvent) if event.name == "frame_error"]
        assert bool(errors) == (fault != "echo"), "its own question is no noise"


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        (1, DeviceRefused, r"registers 0 to 2 .*does not know this function"),
        (2, DeviceRefused, r"has no such register \(exception 2\)"),
        (3, DeviceRefused, "refuses this value"),
        (10, DeviceUnavailable, "no way to it"),
        (11, DeviceUnavailable, "gets no answer"),
    ],
)
async def test_exceptions_are_told_in_words(code: int, error: type[Exception], says: str) -> None:
    async with transmitter() as scale:
        scale.exception = code
        async with heard_from(scale) as heard:
            with pytest.raises(error, match=says):
                await heard.end()


@pytest.mark.parametrize(
    ("code", "status"), [(4, "error"), (5, "busy"), (6, "busy"), (77, "error")]
)
async def test_exceptions_that_pass_are_states(code: int, status: str) -> None:
    async with transmitter() as scale:
        scale.exception = code
        async with heard_from(scale) as heard:
            await heard.heard(WeightReading, lambda one: one.status is WeightStatus(status))
            scale.exception = None
            await heard.heard(WeightReading, lambda one: one.value is not None)
            scale.exception = 2  # it knew these registers a moment ago
            await heard.heard(WeightReading, lambda one: one.status is WeightStatus.ERROR)


async def test_a_silent_unit_is_named() -> None:
    async with transmitter() as scale:
        scale.deaf = True
        async with heard_from(scale, silence_timeout_s=0.5) as heard:
            with pytest.raises(DeviceUnavailable, match=r"Unit 1 at .* said nothing for 0.5 s"):
                await heard.end()


OTHER = b"\x07\x03\x06" + bytes(6)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (OTHER + crc(OTHER), "unit 7 answers, and not unit 1"),
        (b"ST,GS,+  1.234kg\r\n", "is no Modbus-RTU"),
    ],
)
async def test_what_answers_in_its_place_is_named(said: bytes, says: str) -> None:
    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            writer.write(said)
        writer.close()

    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    place = {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}
    async with listening(ModbusRtuScale(config(silence_timeout_s=1.5, **place))) as heard:
        with pytest.raises(DeviceUnavailable, match=says):
            await heard.end()
    server.close()
    await server.wait_closed()


async def test_a_weight_that_is_no_number_is_reported_and_the_next_one_counts() -> None:
    floats = PLAIN.model_copy(update={"weight": PLAIN.weight.model_copy(update={"type": "f32"})})
    async with transmitter(registers=floats) as scale, heard_from(scale) as heard:
        await heard.heard(WeightReading)
        scale.override = {0: 0x7FC0}
        await heard.heard(DeviceEvent, lambda event: "no number" in event.detail)
        scale.override = {}
        count = len(heard.of(WeightReading))
        await heard.until(lambda: len(heard.of(WeightReading)) > count)


class ScriptedLine:
    """A line that gives what was scripted, in these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.bytes_read = 0
        self.sent: list[bytes] = []
        self._pieces = list(pieces)

    async def read(self, timeout_s: float | None = None) -> bytes:
        if timeout_s == 0:
            return b""
        if self._pieces:
            return self._pieces.pop(0)
        await asyncio.sleep(timeout_s or 0)
        return b""

    async def write(self, data: bytes) -> None:
        self.sent.append(data)


GOOD = bytes.fromhex("010304000030392e21")
"""CAS CI-600D: 12345 in 40008 and 40009, the check computed by others."""


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 40])
async def test_any_split_of_an_answer_is_the_same(size: int) -> None:
    stranger = b"\x02\x03\x02\x00\x01" + crc(b"\x02\x03\x02\x00\x01")
    stream = b"\x00\xff\x03" + stranger + GOOD
    line = ScriptedLine(*(stream[at : at + size] for at in range(0, len(stream), size)))
    client = LineClient(line, "rtu", timeout_s=5)
    answer = await client.read_holding_registers(7, count=2, device_id=1)
    assert list(answer.registers) == [0, 12345]
    assert line.sent == [bytes.fromhex("01030007000275ca")], "the question of the manual"
    assert (client.strangers, client.noise_bytes) == ({2}, 3)


async def test_a_late_answer_of_modbus_tcp_answers_no_later_question() -> None:
    late = bytes.fromhex("00090000000501030200aa")
    right = bytes.fromhex("000100000005010302007b")
    line = ScriptedLine(late[:5], late[5:] + right)
    client = LineClient(line, "tcp", timeout_s=5)
    answer = await client.read_holding_registers(0, count=1, device_id=1)
    assert list(answer.registers) == [123]
    with pytest.raises(NoAnswer):
        await LineClient(ScriptedLine(late), "tcp", timeout_s=0.05).read_holding_registers(0)


@pytest.mark.parametrize("unit_id", [0, 255])
async def test_units_that_only_modbus_tcp_has(unit_id: int) -> None:
    async with transmitter(tcp=True, unit_id=unit_id) as scale:
        place = {"host": "127.0.0.1", "port": await scale.listen(), "unit_id": unit_id}
        table = {**scale.map.model_dump(), **QUICK, **place}
        async with listening(ModbusTcpScale(ModbusTcpScale.Config.model_validate(table))) as heard:
            await heard.heard(WeightReading)
        with pytest.raises(ValidationError, match="unit_id"):
            ModbusRtuScale.Config.model_validate(table)


async def test_a_device_that_sends_another_unit_back_is_heard_over_tcp() -> None:
    line = ScriptedLine(bytes.fromhex("000100000005000302007b"))
    answer = await LineClient(line, "tcp").read_holding_registers(0, count=1, device_id=1)
    assert list(answer.registers) == [123]


NOISE = st.lists(
    st.sampled_from([b"\x01", b"\x03", b"\x01\x03\x04", b"\x00", b"\xff\xff", b"ST,GS", GOOD[:6]]),
    max_size=6,
).map(b"".join)


@settings(max_examples=60, deadline=None)
@given(NOISE, st.lists(st.integers(0, 40), max_size=5))
def test_noise_of_any_kind_before_an_answer_however_it_is_cut(
    noise: bytes, cuts: list[int]
) -> None:
    stream = noise + GOOD
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges) if a < b]

    async def ask() -> list[int]:
        client = LineClient(ScriptedLine(*pieces), "rtu", timeout_s=5)
        answer = await client.read_holding_registers(7, count=2, device_id=1)
        assert client.noise_bytes == len(noise)
        return list(answer.registers)

    assert asyncio.run(ask()) == [0, 12345]


async def test_a_damaged_answer_is_none() -> None:
    client = LineClient(ScriptedLine(GOOD[:-1] + b"\0", b"\xff" * 600), "rtu", timeout_s=0.5)
    with pytest.raises(NoAnswer):
        await client.read_holding_registers(7, count=2)
    assert client.noise_bytes == len(GOOD) + 600


# ---- the maps of named transmitters --------------------------------------------------------
def sample(path: Path, **place: object) -> ModbusConfig:
    (table,) = tomllib.loads(path.read_text(encoding="utf-8"))["devices"]
    own = {key: value for key, value in table.items() if key in ModbusConfig.model_fields}
    return ModbusConfig.model_validate({**own, **QUICK, **place})


@pytest.mark.parametrize("path", MAPS, ids=lambda path: path.stem)
async def test_each_map_is_read_and_obeyed(path: Path) -> None:
    assert tells_its_source(path), "says where it is from, and what is not verified"
    registers = sample(path, port="x")
    async with transmitter(registers=registers) as scale:
        settings = sample(path, host="127.0.0.1", port=await scale.listen())
        scale.set_load_g(-100)
        async with listening(ModbusRtuScale(settings)) as heard:
            low = await heard.heard(WeightReading, lambda one: about(one, -0.1))
            assert low.unit == "kg"
            scale.set_load_g(2_500)
            await heard.heard(WeightReading, lambda one: about(one, 2.5))
        known = commands("modbus-rtu", settings)
        if "tare" in known:
            await tell("modbus-rtu", settings, "tare")
            # The gross register of some does not change: what the scale shows does.
            assert scale.tared
        if "clear" in known:
            await tell("modbus-rtu", settings, "clear")
            assert not scale.tared


def tells_its_source(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return "# Source: " in text and "# Unverified: " in text


def about(one: WeightReading, kg: float) -> bool:
    return one.value is not None and abs(float(one.value) - kg) < 0.02


async def test_commands_come_from_the_map_alone() -> None:
    pt113 = next(path for path in MAPS if path.stem == "pt113")
    settings = sample(pt113, host="127.0.0.1", port=1)
    assert commands("modbus-rtu", settings) == {"zero", "tare", "clear"}
    with pytest.raises(DeviceRefused, match="no command to identify"):
        await tell("modbus-rtu", settings, "identify")
    with pytest.raises(DeviceRefused, match="no command to zero") as none:
        await tell("modbus-tcp", config(host="127.0.0.1", port=1), "zero")
    assert "none at all" in none.value.hint


async def test_what_is_written_is_what_the_manual_of_the_pt113_prints() -> None:
    # Zero in its Modbus examples, with its check: 01,10,00,08,00,01,02,00,01,66,D8.
    line = ScriptedLine(bytes.fromhex("011000080001800b"))
    answer = await LineClient(line, "rtu").write_registers(8, [1], device_id=1)
    assert not answer.isError()
    assert line.sent == [bytes.fromhex("01100008000102000166d8")]


async def test_a_command_that_is_refused_or_not_answered_says_so() -> None:
    pt113 = next(path for path in MAPS if path.stem == "pt113")
    async with transmitter(registers=sample(pt113, port="x")) as scale:
        settings = sample(pt113, host="127.0.0.1", port=await scale.listen())
        heard, (event,) = await tell("modbus-rtu", settings, "zero")
        assert heard == bytes.fromhex("011000080001800b")
        assert isinstance(event, DeviceEvent)
        assert event.detail == "zero: 1 written to register 8"
        scale.exception = 4
        with pytest.raises(DeviceRefused, match="refuses to zero: it failed"):
            await tell("modbus-rtu", settings, "zero")
        scale.deaf = True
        with pytest.raises(DeviceUnavailable, match="did not answer to zero"):
            await tell("modbus-rtu", settings, "zero")


def test_captures_decode_without_a_map() -> None:
    decoder = registry.decoder("modbus-tcp")
    assert len(decoder.feed(bytes.fromhex("000100000006010300000003"))) == 1
