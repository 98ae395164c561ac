from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers import registry
from drivers.emulators.indicator import EmulatedIndicator
from drivers.emulators.scale_frames import ENCODERS, Shown
from drivers.emulators.serial_pty import SerialPty
from drivers.errors import DeviceUnavailable
from drivers.frames import FrameDecoder
from drivers.readings import DeviceEvent, Reading, WeightReading, WeightStatus
from drivers.scales.protocols import CHANGES, PROTOCOLS
from tests.drivers.listening import listening

NAMES = sorted(PROTOCOLS)


def decoded(kind: str, *chunks: bytes) -> tuple[list[Reading], list[tuple[int, str]]]:
    decoder = registry.decoder(kind)
    readings = [reading for chunk in chunks for reading in decoder.feed(chunk)]
    readings += decoder.finish()
    return readings, [(error.offset, str(error)) for error in decoder.errors]


def said(kind: str, frame: bytes) -> tuple[str | None, str | None, bool | None, bool | None, str]:
    (reading,), errors = decoded(kind, frame)
    assert not errors
    assert isinstance(reading, WeightReading)
    value = None if reading.value is None else format(reading.value, "f")
    return value, reading.unit, reading.stable, reading.net, reading.status.value


# Bytes that manuals print or describe, composed here.
SAID = [
    ("mt-continuous", b"\x02\x25\x31\x20012340000100\r", "12.340", "kg", True, True, "ok"),
    ("mt-continuous", b"\x02\x21\x30\x20012340000000\r", "123400", "kg", True, False, "ok"),
    ("mt-continuous", b"\x02\x24\x20\x20 12.34000000\r", "12.34", "lb", True, False, "ok"),
    ("mt-continuous", b"\x02\x25\x34\x20999999000000\r", None, None, True, None, "overload"),
    ("mt-continuous", b"\x02\x25\x36\x20999999000000\r", None, None, True, None, "underload"),
    ("mt-continuous", b"\x82\xa5\xb0\xa0012340000000\x8d", "12.340", "kg", True, False, "ok"),
    ("toledo-8217", b"\x0201.25\r", "1.25", "lb", True, False, "ok"),
    ("toledo-8217", b"\x02?A\r", None, None, False, False, "busy"),
    ("toledo-8217", b"\x02?B\r", None, None, True, False, "overload"),
    ("toledo-8217", b"\x02?@\r", None, None, True, False, "ok"),
    ("nci-scp01", b"\n?\r\x03", None, None, None, None, "error"),
    ("nci-scp01", b"\n01\r\x03", None, None, True, None, "underload"),
    ("nci-scp01", b"\nS00\r\x03", None, None, True, None, "ok"),
    ("nci-scp01", b"\n  12.30LB\r\n000\r\x03", "12.30", "lb", True, None, "ok"),
    ("nci-scp01", b"\n -0012.3kg\r\n10\r\x03", "-12.3", "kg", False, None, "ok"),
    ("nci-scp01", b"\n40\r\x03", None, None, True, None, "error"),
    ("sma", b"\nO1G  ----------kg \r", None, None, True, None, "overload"),
    ("sma", b"\nU1GM ----------kg \r", None, None, False, None, "underload"),
    ("sma", b"\nE1G  ----------kg \r", None, None, True, None, "error"),
    ("sma", b"\n 1N      -1.500kg \r", "-1.500", "kg", True, True, "ok"),
    ("and-standard", b"US,-000000.0  g\r\n", "0.0", "g", False, None, "ok"),
    ("and-standard", b"OL,+9999999E+19\r\n", None, None, None, None, "overload"),
    ("and-standard", b"OL,-9999999E+19\r\n", None, None, None, None, "underload"),
    ("st-gs", b"OL,GS,        kg\r\n", None, None, None, None, "overload"),
    ("st-gs", b"ST,NT,- 12.5 lb\r\n", "-12.5", "lb", True, True, "ok"),
    ("mt-continuous", b"\x02\x23\x30\x20 -12.3   0.0\r", "-12.3", "kg", True, False, "ok"),
    ("toledo-8217", b"\x02 1.250\r", "1.250", "kg", True, False, "ok"),
    ("dini-argeo", b"ST,GS,    5.44,kg\r\n", "5.44", "kg", True, False, "ok"),
    ("dini-argeo", b"01US,NT,   -0.25,kg\r\n", "-0.25", "kg", False, True, "ok"),
    ("dini-argeo", b"1,ST,     3.054,PT    1.0,         0,kg\r\n", "3.054", "kg", True, True,
     "ok"),
    ("dini-argeo", b"011,US,    -3.054,         0,         0, g\r\n", "-3.054", "g", False, False,
     "ok"),
    ("dini-argeo", b"ST,2,     12.50kg,        1.00kg\r\n", "12.50", "kg", True, False, "ok"),
    ("dini-argeo", b"1,OL,          ,  ,         0,kg\r\n", None, None, None, None, "overload"),
    ("dini-argeo", b"UL,GS,    0.00,kg\r\n", None, None, None, None, "underload"),
    ("dini-argeo", b"ERR01\r\n", None, None, None, None, "error"),
    ("cas-22", b"OL,GS,1@,-------- kg\r\n", None, None, None, None, "overload"),
    ("sartorius-sbi", b"Stat        C    \r\n", None, None, None, None, "error"),
    ("cas-22", b"US,NT,1@,-  1.500 kg\r\n", "-1.500", "kg", False, True, "ok"),
    ("cas-22", b"OL,GS,1@,           kg\r\n", None, None, None, None, "overload"),
    ("cas-enq", b"\x01\x02U-  0.120KGY\x03\x04", "-0.120", "kg", False, None, "ok"),
    ("cas-enq", b"\x01\x02S   1.237kgU\x03\x04", "1.237", "kg", True, None, "ok"),
    ("cas-enq", b"\x01\x02SF 15.000kg#\x03\x04", None, None, None, None, "overload"),
    ("cas-enq", b"\x01\x02F-  0.120kgJ\x03\x04", None, None, None, None, "underload"),
    ("cas-enq", b"\x01\x02F       kgj\x03\x04", None, None, None, None, "error"),
    ("ohaus-print", b"    192.21 g GROSS\r\n", "192.21", "g", True, False, "ok"),
    ("ohaus-print", b"     -0.05 g ?\r\n", "-0.05", "g", False, None, "ok"),
    ("ohaus-print", b"ES\r\n", None, None, None, None, "error"),
    ("sartorius-sbi", b"N     -    12.3[4] g  \r\n", "-12.34", "g", True, True, "ok"),
    ("sartorius-sbi", b"Stat         H        \r\n", None, None, None, None, "overload"),
    ("sartorius-sbi", b"Stat       Err 54     \r\n", None, None, None, None, "error"),
    ("radwag", b"S   ^   --------- kg \r\n", None, None, None, None, "overload"),
    ("radwag", b"SI_I\r\n", None, None, None, None, "busy"),
    ("ble-2a9d", b"\x00\xff\xff", None, None, None, None, "error"),
    ("modbus-rtu", bytes.fromhex("018302c0f1"), None, None, None, None, "error"),
]  # fmt: skip


@pytest.mark.parametrize("frame", SAID, ids=repr)
def test_frames(frame: tuple[Any, ...]) -> None:
    kind, sent, *expected = frame
    assert [*said(kind, sent)] == expected


@pytest.mark.parametrize(
    ("kind", "frame", "told"),
    [
        ("nci-scp01", b"\n0000.00KG\r\n20\r\x03", {"zero": True}),
        ("nci-scp01", b"\n0000.26KG\r\n00\r\x03", {"zero": False}),
        ("sma", b"\n 1G       5.025lb \r", {"zero": False}),
        ("toledo-8217", b"\x02?Q\r", {"zero": True, "stable": False}),
        ("cas-22", b"ST,GS,7\xe5,   0.000 kg\r\n", {"zero": True, "device": 7}),
        ("cas-22", b"ST,GS,1\xe4,   1.500 kg\r\n", {"zero": False, "device": 1}),
        ("dini-argeo", b"03ST,GS,    5.44,kg\r\n", {"device": 3}),
        ("dini-argeo", b"ST,2,     12.50kg,        1.00kg\r\n", {"device": 2}),
        ("dini-argeo", b"ST,GS,    5.44,kg\r\n", {"device": None}),
        ("and-standard", b"ST,HI,+0001.234 kg\r\n", {"compare": "HI", "tare": False}),
        ("and-standard", b"ST,+0001.234 kg\r\n", {"compare": None, "zero": None}),
        ("mt-sics", b"T S     2.486 g\r\n", {"tare": True, "value": Decimal("2.486")}),
        ("mt-sics", b"S S     2.486 g\r\n", {"tare": False}),
    ],
)
def test_what_few_scales_tell_is_kept(kind: str, frame: bytes, told: dict[str, object]) -> None:
    (reading,), errors = decoded(kind, frame)
    assert not errors
    assert {name: getattr(reading, name) for name in told} == told


@pytest.mark.parametrize(
    ("kind", "frame", "detail"),
    [
        ("toledo-8217", b"\x02F\r", "echo ended"),
        ("toledo-8217", b"\x02?\r", "self test"),
        (
            "modbus-rtu",
            bytes.fromhex("01100008000102000166d8"),
            "unit 1: write to register 9 (function 16)",
        ),
        ("st-gs", b"ST,TR,+   1.25kg\r\n", "ST,TR,+   1.25kg"),
        ("ohaus-print", b"     1.25 kg TARE\r\n", "1.25 kg TARE"),
    ],
)
def test_what_is_no_load_is_told_and_no_weight(kind: str, frame: bytes, detail: str) -> None:
    assert decoded(kind, frame) == ([DeviceEvent(name="info", detail=detail)], [])


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        ("mt-continuous-checksum", b"\x02\x22\x30\x20012340000000\r4"),
        ("cas-enq", b"\x01\x02S   1.237kgW\x03\x04"),
        ("dibal-epos-tisa", b"9900031600000005\r\n"),
        ("ble-acaia", bytes.fromhex("efdd0c0805d20400000100db08")),
        ("modbus-rtu", bytes.fromhex("010304000030392e22")),
        ("sma", b"\n 1G       5.0Z5lb \r"),
        ("ohaus-print", b"1O2.21 g\r\n"),
        ("dini-argeo", b"1,ST,     3.0x4,PT    1.0,         0,kg\r\n"),
        ("and-standard", b"GS,+001234.5  g\r\n"),
    ],
)
def test_a_frame_that_is_wrong_is_no_weight(kind: str, frame: bytes) -> None:
    readings, errors = decoded(kind, frame)
    assert not readings
    assert errors


def test_a_frame_within_a_broken_one_counts() -> None:
    frame = b"\x02\x22\x30\x20012340000000\r"
    check = bytes([-sum(frame) & 0x7F])
    # The check character of the first was lost: the second's STX stands in its place.
    readings, errors = decoded("mt-continuous-checksum", frame + frame + check)
    assert [one.value for one in readings if isinstance(one, WeightReading)] == [Decimal(12340)]
    assert len(errors) == 1


def test_a_scale_with_check_characters_is_understood_without() -> None:
    frame = b"\x02\x22\x30\x20012340000000\r"
    readings, errors = decoded("mt-continuous", (frame + bytes([-sum(frame) & 0x7F])) * 3)
    assert (len(readings), errors) == (3, [])


def test_who_joins_midway_takes_no_part_of_a_line_for_a_weight() -> None:
    decoder = FrameDecoder(PROTOCOLS["ohaus-print"].form, midway=True)
    readings = decoder.feed(b"92.21 g\r\n     192.21 g\r\n")
    assert [one.value for one in readings if isinstance(one, WeightReading)] == [Decimal("192.21")]
    assert not decoder.errors


def test_a_weight_cut_off_before_its_unit_does_not_count_at_the_end() -> None:
    assert decoded("ohaus-print", b"     192.2")[0] == []
    assert len(decoded("and-standard", b"ST,+001234.5")[1]) == 1
    assert said("and-standard", b"ST,+001234.5  g")[0] == "1234.5"


SHOWN = st.builds(
    Shown,
    kg=st.integers(-9_999, 99_999).map(lambda grams: Decimal(grams) / 1000),
    stable=st.booleans(),
    net=st.booleans(),
    over=st.just(False),
    under=st.just(False),
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES), SHOWN)
def test_what_a_scale_shows_is_what_is_read(name: str, shown: Shown) -> None:
    frame = ENCODERS[name](shown)
    if not frame:  # keeps silent while it moves
        return
    value, unit, stable, net, status = said(name, frame)
    assert stable == shown.stable
    if value is not None and status == "ok":
        assert value == f"{shown.kg:.3f}".replace("-0.000", "0.000")
        assert unit == ("kg" if name != "sartorius-sbi" or shown.stable else None)
        assert net in {None, shown.net}


@pytest.mark.parametrize("name", NAMES)
def test_beyond_the_range_is_no_weight(name: str) -> None:
    for shown, accepted in (
        (Shown(Decimal(16), True, over=True), {"overload", "error"}),
        (Shown(Decimal(-1), True, under=True), {"underload", "error"}),
    ):
        frame = ENCODERS[name](shown)
        if frame:
            value, *_, status = said(name, frame)
            assert value is None
            assert status in accepted


ALL = sorted({*PROTOCOLS, *registry.FORMATS, "modbus-rtu"})
OTHERS = {
    "ble-2a9d": bytes.fromhex("00a509"),
    "ble-mi-10": bytes.fromhex("22a60de2070101000000"),
    "ble-mi-13": bytes.fromhex("0220ea0703010c00050000b036"),
    "modbus-rtu": bytes.fromhex("010304000030392e21"),
}
UNCHECKED = {"ble-2a9d", "ble-mi-10", "ble-mi-13"}
"""Formats without a mark, or with a check of one byte alone: noise may be a frame, too, and take
the beginning of the next. On the air one notification is one frame."""
NOISE = st.one_of(
    st.binary(max_size=20),
    st.just(b"\xff" * 9_000),
    st.just(b"\x02\x25\x30\x20" * 700),
    st.sampled_from([frame[:9] for _, frame, *_ in SAID]),
)


@pytest.mark.evidence("split", *NAMES)
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ALL), st.lists(st.tuples(NOISE, SHOWN), max_size=4), st.data())
def test_any_split_gives_the_same_and_noise_between_frames_is_survived(
    kind: str, parts: list[tuple[bytes, Shown]], data: st.DataObject
) -> None:
    frames = [ENCODERS[kind](shown) if kind in ENCODERS else OTHERS[kind] for _, shown in parts]
    # Where a frame has no mark of its beginning, its line must be one of its own.
    stream = b"".join(
        noise + b"\r\n" + frame for (noise, _), frame in zip(parts, frames, strict=True)
    )
    whole = decoded(kind, stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    edges = [0, *cuts, len(stream)]
    assert decoded(kind, *(stream[a:b] for a, b in pairwise(edges))) == whole
    step = 1 if len(stream) < 500 else 997
    assert decoded(kind, *(stream[i : i + step] for i in range(0, len(stream), step))) == whole
    if kind in UNCHECKED:
        return
    rest = iter(whole[0])
    for frame in frames:
        if frame:
            (expected,), _ = decoded(kind, frame)
            assert any(reading == expected for reading in rest), (frame, whole)


@pytest.mark.parametrize("kind", ALL)
def test_memory_is_bounded(kind: str) -> None:
    decoder = registry.decoder(kind)
    assert isinstance(decoder, FrameDecoder)
    for _ in range(20):
        decoder.feed(b"\x02x\x03\x01" * 1_250)
        assert decoder.pending_bytes <= 4096 + 256
    assert len(decoder.errors) + decoder.frames > 10


# ---- the driver on a real pseudo-terminal and over TCP ----------------------------------------
NEAR = (Decimal("0.590"), Decimal("0.594"))


def settled(reading: WeightReading) -> bool:
    return bool(reading.stable) and reading.value is not None and NEAR[0] < reading.value < NEAR[1]


async def over_tcp(name: str) -> None:
    scale = EmulatedIndicator(name, seed=3)
    try:
        kind = registry.load(name)
        config = kind.Config(host="127.0.0.1", port=await scale.listen(), interval_s=0.05)
        scale.set_load_g(592)
        driver = kind(config)
        async with listening(driver) as heard:
            weight = await heard.heard(WeightReading, settled)
            assert weight.unit == "kg"
            connected = heard.of(DeviceEvent)[0]
            assert (connected.name, "127.0.0.1" in connected.detail) == ("connected", True)
            scale.unplug()
            with pytest.raises(DeviceUnavailable, match="lost"):
                await heard.end()
        assert driver.counters()["weights"] == len(heard.of(WeightReading))
    except BaseException as error:
        error.add_note(f"the protocol was {name}")
        raise
    finally:
        await scale.stop()


@pytest.mark.evidence("emulator", *NAMES)
async def test_weights_come_over_tcp_from_a_scale_of_every_protocol() -> None:
    async with asyncio.TaskGroup() as together:
        for name in NAMES:
            together.create_task(over_tcp(name))


@pytest.mark.evidence("reconnect", of="name")
@pytest.mark.parametrize("name", ["sma", "st-gs"])
async def test_unplugged_and_plugged_in_again(name: str, tmp_path: Path) -> None:
    scale = EmulatedIndicator(name, link=tmp_path / "usb-scale")
    tapped = bytearray()
    try:
        kind = registry.load(name)
        driver = kind(kind.Config(port=await scale.start()), tap=tapped.extend)
        async with listening(driver) as heard:
            await heard.heard(WeightReading)
            scale.send(b"\xff\xfe\r\n")
            await heard.heard(DeviceEvent, lambda event: event.name == "frame_error")
            scale.unplug()
            with pytest.raises(DeviceUnavailable, match="lost"):
                await heard.end()
        assert driver.counters()["bytes"] == len(tapped)
        await scale.start()
        async with listening(driver) as heard:
            await heard.heard(WeightReading)
    finally:
        await scale.stop()


async def only_asked(name: str) -> None:
    asked = bytearray()
    often = asyncio.Event()

    def answer(data: bytes) -> None:
        asked.extend(data)
        if len(asked) > 3 * len(protocol.poll):
            often.set()
        if protocol.steps:
            line.write(protocol.steps[0][0] if protocol.poll in data else frame)
        else:
            line.write(frame)

    protocol = PROTOCOLS[name]
    frame = ENCODERS[name](Shown(Decimal("1.5"), True))
    line = SerialPty(answer)
    try:
        kind = registry.load(name)
        config = kind.Config(
            port=await line.start(), bytesize=8, parity="none", interval_s=0.05,
        )  # fmt: skip
        async with listening(kind(config)) as heard:
            if protocol.poll:
                await asyncio.wait_for(often.wait(), 60)
            async with asyncio.timeout(60):
                while not heard.of(WeightReading):
                    if not protocol.poll:
                        line.write(frame)
                    await asyncio.sleep(0.02)
    finally:
        line.unplug()
    rest = bytes(asked).replace(protocol.poll or b"\0", b"")
    for _, step in protocol.steps:
        rest = rest.replace(step, b"")
    assert not rest.strip(protocol.poll)
    harmful = {sent for command, sent in protocol.commands.items() if command in CHANGES}
    assert protocol.poll not in harmful
    assert not any(sent in protocol.poll for sent in harmful)


async def test_the_scale_is_never_changed() -> None:
    """Neither the driver nor a probe, which runs the driver, sends more than its question."""
    async with asyncio.TaskGroup() as together:
        for name in NAMES:
            together.create_task(only_asked(name))


async def test_silence_and_another_protocol_are_told_apart() -> None:
    line = SerialPty(lambda _: line.write(b"+RDY+RDY") and None)
    silent = SerialPty(lambda _: None)
    kind = registry.load("sma")
    try:
        config = kind.Config(port=await silent.start(), silence_timeout_s=0.5)
        async with listening(kind(config)) as heard:
            with pytest.raises(DeviceUnavailable, match="said nothing") as nothing:
                await heard.end()
        assert "9600 8N1" in nothing.value.hint
        config = kind.Config(port=await line.start(), silence_timeout_s=0.5)
        async with listening(kind(config)) as heard:
            with pytest.raises(DeviceUnavailable, match="is no SMA"):
                await heard.end()
        config = kind.Config(host="127.0.0.1", port=1)
        async with listening(kind(config)) as heard:
            with pytest.raises(DeviceUnavailable, match="refuses"):
                await heard.end()
    finally:
        line.unplug()
        silent.unplug()


async def test_a_scale_that_tells_a_weight_once_is_heard_again_and_again() -> None:
    answers = iter([b"\x0201.250\r"])
    line = SerialPty(lambda _: line.write(next(answers, b"\x02?@\r")) and None)
    kind = registry.load("toledo-8217")
    try:
        config = kind.Config(
            port=await line.start(), bytesize=8, parity="none", interval_s=0.05, unit="lb"
        )
        async with listening(kind(config)) as heard:
            await heard.until(lambda: len(heard.of(WeightReading)) >= 3)
        assert {(str(one.value), one.unit) for one in heard.of(WeightReading)} == {("1.250", "lb")}
    finally:
        line.unplug()


def test_settings_refuse_what_cannot_work() -> None:
    model = registry.load("sma").Config
    for wrong, says in (
        ({"port": 4001}, "give the host too"),
        ({"port": "x", "host": "scale"}, "TCP port"),
        ({"port": "x", "interval_s": 5, "silence_timeout_s": 5}, "longer than interval_s"),
    ):
        with pytest.raises(ValidationError, match=says):
            model.model_validate(wrong)
    with pytest.raises(ValidationError):
        registry.load("st-gs").Config(port="x", ask=True)
    assert registry.load("toledo-8217").Config(port="x").line == "9600 7E1"
    assert WeightStatus.OK == "ok"
