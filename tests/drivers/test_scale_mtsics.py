from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from threading import active_count

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.emulators.serial_pty import SerialPty
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.readings import DeviceEvent, Reading, WeightReading, WeightStatus
from drivers.scales.mtsics import MtSicsConfig, MtSicsDecoder, MtSicsScale
from tests.drivers.listening import listening


def decoded(*chunks: bytes) -> tuple[list[Reading], list[tuple[int, bytes]]]:
    decoder = MtSicsDecoder()
    readings = [reading for chunk in chunks for reading in decoder.feed(chunk)]
    readings += decoder.finish()
    return readings, [(error.offset, error.frame) for error in decoder.errors]


def weight(text: str, unit: str = "g", *, stable: bool | None = True) -> WeightReading:
    return WeightReading(value=Decimal(text), unit=unit, stable=stable)


@pytest.mark.parametrize(
    ("line", "value", "unit", "stable"),
    [
        (b"S S     100.00 g", "100.00", "g", True),
        (b"S D      12300 kg", "12300", "kg", False),
        (b"S S      -0.00 g", "0.00", "g", True),
        (b"S S -     1.50 g", "-1.50", "g", True),
        (b"S D  +0002.500 LB", "2.500", "lb", False),
        (b"S S         25 PCS", "25", "pcs", True),
        (b"S S 0.0000001 t", "0.0000001", "t", True),
        (b"T S      2.486 g", "2.486", "g", True),
        (b"TA A     2.486 g", "2.486", "g", None),
    ],
)
def test_weights_keep_their_digits(line: bytes, value: str, unit: str, stable: bool | None) -> None:
    readings, errors = decoded(line + b"\r\n")
    assert not errors
    said = weight(value, unit, stable=stable)
    assert readings == [msgspec.structs.replace(said, tare=line.startswith(b"T"))]
    assert isinstance(readings[0], WeightReading)
    assert readings[0].value is not None
    assert format(readings[0].value, "f") == value


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"S +", "overload"),
        (b"S -", "underload"),
        (b"S I", "busy"),
        (b"S L", "error"),
        (b"ES", "error"),
        (b"ET", "error"),
        (b"EL", "error"),
    ],
)
def test_states_carry_no_value(line: bytes, status: str) -> None:
    expected = WeightReading(value=None, status=WeightStatus(status))
    assert decoded(line + b"\r\n") == ([expected], [])


@pytest.mark.parametrize(
    "line", [b"Z A", b"TAC A", b"Z +", b'I4 A "B021002593"', b'I0 B 1 "D"', b'I2 A "Std 15 kg"']
)
def test_replies_are_told_as_events(line: bytes) -> None:
    (event,), errors = decoded(line + b"\r\n")
    assert not errors
    assert isinstance(event, DeviceEvent)
    assert event.name == "info"
    assert event.detail.startswith(line.decode())


@pytest.mark.parametrize(
    "line",
    [b"S S", b"S", b"100.00 g", b"S S 1O0.00 g", b"S S 1,5 g", b"S S --- g", b"HELLO", b"\xd3\xa0"],
)
def test_nonsense_is_an_error_with_its_place(line: bytes) -> None:
    assert decoded(b"Z A\r\n" + line + b"\r\n")[1] == [(5, line)]


def test_a_lost_line_end_costs_one_weight_and_not_two() -> None:
    readings, errors = decoded(b"S S   1S S     2.00 g\r\nS D 3 g\r\n")
    assert readings == [weight("2.00"), weight("3", stable=False)]
    assert errors == [(0, b"S S   1")]


def test_a_weight_cut_off_before_its_unit_does_not_count_at_the_end() -> None:
    assert decoded(b"S S     100.0") == ([], [(0, b"S S     100.0")])
    assert decoded(b"S S     100.0 g") == ([weight("100.0")], [])


FRAME = st.sampled_from(
    [b"S S     100.00 g", b"S D      -0.05 kg", b"S +", b"S I", b"ES", b"Z A", b'I4 A "17"']
)
END = st.sampled_from([b"\r\n", b"\r", b"\n"])
NOISE = st.one_of(
    st.binary(max_size=20),
    st.just(b"\xff" * 5_000),
    st.just(b"S S   12" * 700),
)


@pytest.mark.evidence("split", "mt-sics")
@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(NOISE, END, FRAME, END), max_size=4), st.data())
def test_any_split_gives_the_same_and_noise_between_lines_is_survived(
    parts: list[tuple[bytes, bytes, bytes, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(noise + first + frame + last for noise, first, frame, last in parts)
    whole = decoded(stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    edges = [0, *cuts, len(stream)]
    assert decoded(*(stream[a:b] for a, b in pairwise(edges))) == whole
    step = 1 if len(stream) < 500 else 997
    assert decoded(*(stream[i : i + step] for i in range(0, len(stream), step))) == whole
    rest = iter(whole[0])
    for _, _, frame, _ in parts:  # in order, with perhaps more that the noise happens to say
        (expected,), _ = decoded(frame + b"\r\n")
        assert any(reading == expected for reading in rest)


def test_memory_is_bounded() -> None:
    decoder = MtSicsDecoder()
    for _ in range(100):
        decoder.feed(b"x" * 5_000)
        assert decoder.pending_bytes <= 4096 + 256
    assert decoder.feed(b"\r\nS S 1 g\r\n") == [weight("1")]
    assert decoder.errors
    assert {len(error.frame) for error in decoder.errors} == {64}, "a sample, not all of it"


@pytest.mark.evidence("emulator", "mt-sics")
# ---- the driver on a real pseudo-terminal --------------------------------------------------
@pytest.mark.parametrize("command", ["SIR", "SI"])
async def test_weights_come_from_the_line_and_the_load_settles(command: str) -> None:
    scale = EmulatedScale(seed=7, serial="4711")
    tapped = bytearray()
    try:
        config = MtSicsConfig.model_validate({"port": await scale.start(), "command": command})
        driver = MtSicsScale(config, tap=tapped.extend)
        async with listening(driver) as heard:
            connected = await heard.heard(DeviceEvent, lambda event: event.name == "connected")
            assert "serial number 4711" in connected.detail
            scale.set_load_mg(592_000)
            near = (Decimal("591.5"), Decimal("592.5"))
            settled = await heard.heard(
                WeightReading,
                lambda r: r.stable is True and r.value is not None and near[0] < r.value < near[1],
            )
            assert settled.unit == "g"
            moving = [r for r in heard.of(WeightReading) if r.stable is False]
            assert moving
            scale.set_load_mg(16_000_000)
            await heard.heard(WeightReading, lambda r: r.status == WeightStatus.OVERLOAD)
            scale.send(b"\xff\xfe\r\n")
            await heard.heard(DeviceEvent, lambda event: event.name == "frame_error")
        counts = driver.counters()
        assert counts["weights"] == len(heard.of(WeightReading))
        assert counts["bytes"] == len(tapped)
        assert counts["frame_errors"] == 1
    finally:
        await scale.stop()


async def test_the_same_scale_behind_a_tcp_socket() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        replies = {b"I4": b'I4 A "4711"\r\n', b"I2": b"ES\r\n", b"SIR": b"S S     592.0 g\r\n"}
        try:
            while line := await reader.readline():
                writer.write(replies[line.strip()])
        except ConnectionError:
            pass  # the driver hung up
        finally:
            writer.transport.abort()
            gone.set()

    gone = asyncio.Event()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        driver = MtSicsScale(MtSicsConfig(host="127.0.0.1", port=port))
        async with listening(driver) as heard:
            assert await heard.heard(WeightReading) == weight("592.0")
        assert "4711" in heard.of(DeviceEvent)[0].detail
        await asyncio.wait_for(gone.wait(), 60)


@pytest.mark.evidence("reconnect", "mt-sics")
async def test_unplugged_and_plugged_in_again(tmp_path: Path) -> None:
    scale = EmulatedScale(link=tmp_path / "usb-scale")
    threads = active_count()
    try:
        driver = MtSicsScale(MtSicsConfig(port=await scale.start()))
        async with listening(driver) as heard:
            await heard.heard(WeightReading)
            scale.unplug()
            with pytest.raises(DeviceUnavailable, match="lost") as lost:
                await heard.end()
            assert "unplugged" in lost.value.hint
        async with listening(driver) as heard:
            with pytest.raises(DeviceUnavailable, match="no serial port"):
                await heard.end()
        await scale.start()
        async with listening(driver) as heard:
            await heard.heard(WeightReading)
    finally:
        await scale.stop()
    assert active_count() == threads


async def test_a_line_with_nobody_behind_it_is_told_as_silence() -> None:
    line = SerialPty(lambda _: None)
    try:
        config = MtSicsConfig(port=await line.start(), silence_timeout_s=0.5)
        async with listening(MtSicsScale(config)) as heard:
            with pytest.raises(DeviceUnavailable, match="said nothing") as silent:
                await heard.end()
        assert "9600 8N1" in silent.value.hint
    finally:
        line.unplug()


async def test_a_scale_without_sir_is_told_to_be_asked() -> None:
    def answer(data: bytes) -> None:
        line.write(b"ES\r\n" * data.count(b"\n"))

    line = SerialPty(answer)
    try:
        config = MtSicsConfig(port=await line.start(), silence_timeout_s=0.5)
        async with listening(MtSicsScale(config)) as heard:
            with pytest.raises(DeviceRefused, match="SIR") as refused:
                await heard.end()
        assert 'command = "SI"' in refused.value.hint
        assert not heard.of(WeightReading)
    finally:
        line.unplug()


async def test_the_scale_is_never_changed() -> None:
    asked = bytearray()

    def answer(data: bytes) -> None:
        asked.extend(data)
        line.write(b"S S 1.0 g\r\n" * data.count(b"SI"))

    line = SerialPty(answer)
    try:
        async with listening(MtSicsScale(MtSicsConfig(port=await line.start()))) as heard:
            await heard.heard(WeightReading)
    finally:
        line.unplug()
    assert set(bytes(asked).split()) <= {b"I4", b"I2", b"SIR"}


def test_settings_refuse_what_cannot_work() -> None:
    with pytest.raises(ValidationError, match="longer than interval_s"):
        MtSicsConfig(port="x", command="SI", interval_s=5, silence_timeout_s=5)
    with pytest.raises(ValidationError):
        MtSicsConfig.model_validate({"port": "x", "baudrate": 9600})


async def test_back_pressure_leaves_the_bytes_in_the_line() -> None:
    """While ``emit`` waits, nothing is read: a cancelled driver ends at once all the same."""
    scale = EmulatedScale()
    stuck = asyncio.Event()

    async def emit(readings: object) -> None:
        stuck.set()
        await asyncio.Event().wait()

    try:
        driver = MtSicsScale(MtSicsConfig(port=await scale.start()))
        task = asyncio.create_task(driver.run(emit))
        await asyncio.wait_for(stuck.wait(), 60)
        before = driver.counters()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert driver.counters() == before
    finally:
        await scale.stop()
