"""What Bluetooth scales say: the bytes, and whatever else may stand in their place."""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.emulators.ble_scale import decent
from drivers.emulators.load_cell import Sample
from drivers.frames import FrameDecoder, FrameFormat
from drivers.readings import DeviceEvent, Reading, WeightReading, WeightStatus
from drivers.scales.ble_adverts import (
    BTHOME,
    BTHOME_UUID,
    MI_10_UUID,
    MI_13_UUID,
    XIAOMI_ADVERT,
    advertised,
    bthome,
    service_data,
)
from drivers.scales.ble_weights import (
    DECENT,
    WEIGHT_SCALE_SERVICE,
    XIAOMI_10,
    XIAOMI_13,
    acaia,
    acaia_message,
)

PACKED = {
    "weight-scale": WEIGHT_SCALE_SERVICE,
    "decent": DECENT,
    "mi-10": XIAOMI_10,
    "mi-13": XIAOMI_13,
    "bthome": BTHOME,
    "xiaomi": XIAOMI_ADVERT,
}


def read(form: FrameFormat, *chunks: bytes) -> tuple[list[Reading], list[str]]:
    decoder = FrameDecoder(form)
    readings = [reading for chunk in chunks for reading in decoder.feed(chunk)]
    return [*readings, *decoder.finish()], [str(error) for error in decoder.errors]


def weight(form: FrameFormat, frame: bytes) -> WeightReading:
    (reading,), errors = read(form, frame)
    assert not errors
    assert isinstance(reading, WeightReading)
    return reading


def shown(form: FrameFormat, text: str) -> tuple[str | None, str | None, bool | None]:
    reading = weight(form, bytes.fromhex(text))
    value = None if reading.value is None else format(reading.value, "f")
    return value, reading.unit, reading.stable


# ---- Acaia -------------------------------------------------------------------------------------
def event(kind: int, data: bytes) -> bytes:
    return acaia_message(12, bytes([len(data) + 2, kind]) + data)


def test_acaia_weights_have_the_unit_that_the_settings_told() -> None:
    settings = acaia_message(8, bytes([9, 80, 5, 0, 0, 0, 1, 0, 0]))
    grams = event(5, bytes([0xD2, 4, 0, 0, 1, 0]))
    (first, told, second), errors = read(acaia(), grams + settings + grams)
    assert not errors
    assert isinstance(first, WeightReading)
    assert isinstance(second, WeightReading)
    assert (first.value, first.unit, second.unit) == (Decimal("123.4"), "g", "oz")
    assert isinstance(told, DeviceEvent)
    assert told.detail == "settings: oz, battery 80 %"
    # Another scale's format knows nothing of it.
    assert weight(acaia(), grams).unit == "g"


def test_acaia_weights_of_every_sign_and_place() -> None:
    for decimals in range(5):
        for sign, value in ((0, 1234), (2, -1234)):
            heard = weight(acaia(), event(5, bytes([0xD2, 4, 0, 0, decimals, sign])))
            assert heard.value == Decimal(value).scaleb(-decimals)
    assert weight(acaia(), event(5, bytes([0, 0, 0, 0, 1, 2]))).value == 0
    (no_weight,), errors = read(acaia(), event(5, bytes([1])))
    assert isinstance(no_weight, DeviceEvent)
    assert not errors
    assert read(acaia(), event(5, bytes([0xD2, 4, 0, 0, 7, 0])))[1] != []


def test_a_heartbeat_of_acaia_may_carry_a_weight() -> None:
    heard = weight(acaia(), event(11, b"\0\0\5" + bytes([0xD2, 4, 0, 0, 2, 0])))
    assert heard.value == Decimal("12.34")


def test_a_broken_acaia_message_costs_itself_alone() -> None:
    good = event(5, bytes([0xD2, 4, 0, 0, 1, 0]))
    for place in range(len(good)):
        broken = bytearray(good)
        broken[place] ^= 0x10
        readings, errors = read(acaia(), bytes(broken) + good + good)
        values = [one.value for one in readings if isinstance(one, WeightReading)]
        assert values[-1] == Decimal("123.4")
        assert errors or len(values) == 2  # a length may swallow the next, which is told


# ---- Decent ------------------------------------------------------------------------------------
def test_decent_with_and_without_a_time_stamp() -> None:
    # Published examples of 7 and of 10 bytes, and one whose check spans the time as well.
    assert shown(DECENT, "03ce079400005e") == ("194.0", "g", True)
    assert shown(DECENT, "03ce00650102040000a8") == ("10.1", "g", True)
    assert shown(DECENT, "03ce00650102040000af") == ("10.1", "g", True)
    # Its first seven bytes happen to fit: the weight is the same, and the rest is no fault.
    assert shown(DECENT, "03ce0000cd00000000cd") == ("0.0", "g", True)
    assert shown(DECENT, "03ca007b0000b2") == ("12.3", "g", False)
    stream = bytes.fromhex("03ce00650102040000a803ca007b0000b203ce00650102040000a8")
    readings, errors = read(DECENT, stream)
    assert [one.value for one in readings if isinstance(one, WeightReading)] == [
        Decimal("10.1"),
        Decimal("12.3"),
        Decimal("10.1"),
    ]
    assert not errors


@given(st.integers(-32768, 32767), st.booleans())
def test_any_weight_of_decent(tenths: int, stable: bool) -> None:
    heard = weight(DECENT, decent(Sample(gross_mg=tenths * 100, stable=stable)))
    assert (heard.value, heard.stable) == (Decimal(tenths).scaleb(-1), stable)


def test_what_else_decent_says_is_told() -> None:
    for text, says in (("03aa01010000", "button"), ("030f01000000", "tare")):
        data = bytes.fromhex(text)
        (told,), errors = read(DECENT, data + bytes([reduce(xor, data)]))
        assert isinstance(told, DeviceEvent)
        assert told.detail.startswith(says)
        assert not errors


# ---- Weight Scale Service, Xiaomi ----------------------------------------------------------------
@given(st.integers(0, 0xFFFE), st.booleans(), st.sampled_from([0, 2, 4, 8, 14]))
def test_any_weight_measurement(raw: int, pounds: bool, more: int) -> None:
    extra = 7 * bool(more & 2) + bool(more & 4) + 4 * bool(more & 8)
    frame = bytes([pounds | more]) + raw.to_bytes(2, "little") + bytes(extra)
    heard = weight(WEIGHT_SCALE_SERVICE, frame)
    expected = Decimal(raw).scaleb(-2) if pounds else Decimal(raw * 5).scaleb(-3)
    assert (heard.value, heard.unit) == (expected, "lb" if pounds else "kg")


def test_xiaomi_says_kilograms_pounds_and_catties() -> None:
    assert shown(XIAOMI_10, "22a60de2070101000000") == ("17.47", "kg", True)
    assert shown(XIAOMI_10, "03a60de2070101000000") == ("34.94", "lb", False)
    assert shown(XIAOMI_13, "0220ea0703010c00050000b036") == ("70.0", "kg", True)
    # The second byte's bit 6 is the catty: 140.00 of them are 70 kg.
    assert shown(XIAOMI_13, "0260ea0703010c00050000b036") == ("70.0", "kg", True)
    assert weight(XIAOMI_10, bytes.fromhex("a2a60de2070101000000")).status is WeightStatus.BUSY


# ---- advertisements ------------------------------------------------------------------------------
def test_a_whole_advertisement_as_a_telephone_shows_it() -> None:
    # Flags, a name, and the mass of the example at bthome.io.
    assert shown(BTHOME, "020106 0B094449592D73656E736F72 0716D2FC40065E1F") == (
        "80.30",
        "kg",
        None,
    )
    assert shown(BTHOME, "0716D2FC40073E1D 0B094449592D73656E736F72")[:2] == ("74.86", "lb")
    (told,), errors = read(BTHOME, bytes.fromhex("020106 0A16D2FC4002C40903BF13"))
    assert isinstance(told, DeviceEvent)
    assert told.detail.startswith("BTHome without mass 1: 02=c409")
    assert not errors


def test_bthome_with_packet_number_address_and_movement() -> None:
    assert shown(BTHOME, "0B16D2FC400007065E1F2201") == ("80.30", "kg", False)
    assert shown(BTHOME, "0D16D2FC42 0102030405FF 065E1F") == ("80.30", "kg", None)


def test_of_two_masses_one_is_chosen() -> None:
    both = service_data(BTHOME_UUID, bytes.fromhex("40065E1F066400"))
    assert weight(BTHOME, both).value == Decimal("80.30")
    assert weight(advertised({BTHOME_UUID: bthome(2)}), both).value == Decimal("1.00")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("41065E1F0011223344556677", "it encrypts what it sends"),
        ("20065E1F", "it sends BTHome version 1"),
        ("40065E", "object 06 is cut short"),
        ("4053FF41", "object 53 is cut short"),
    ],
)
def test_bthome_that_cannot_be_read_is_told(data: str, says: str) -> None:
    readings, errors = read(BTHOME, service_data(BTHOME_UUID, bytes.fromhex(data)))
    assert not readings
    assert says in errors[0]


def test_xiaomi_advertises_both_sizes() -> None:
    small = service_data(MI_10_UUID, bytes.fromhex("22a60de2070101000000"))
    large = service_data(MI_13_UUID, bytes.fromhex("0220ea0703010c00050000b036"))
    readings, errors = read(XIAOMI_ADVERT, small + large)
    assert [one.value for one in readings if isinstance(one, WeightReading)] == [
        Decimal("17.47"),
        Decimal("70.0"),
    ]
    assert not errors
    assert "9 bytes in place of 10" in read(XIAOMI_ADVERT, service_data(MI_10_UUID, bytes(9)))[1][0]


@given(st.sampled_from(sorted(PACKED)), st.binary(max_size=120), st.integers(0, 120))
def test_any_bytes_and_any_split_of_them(kind: str, data: bytes, cut: int) -> None:
    whole = read(PACKED[kind], data)
    assert read(PACKED[kind], data[:cut], data[cut:]) == whole
    assert read(PACKED[kind], *(data[at : at + 1] for at in range(len(data)))) == whole


@given(st.binary(max_size=120), st.integers(0, 120))
def test_any_bytes_from_an_acaia(data: bytes, cut: int) -> None:
    whole = read(acaia(), data)
    assert read(acaia(), data[:cut], data[cut:]) == whole
