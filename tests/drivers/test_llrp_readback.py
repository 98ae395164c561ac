"""Reading back never trips over what a reader says, and finds what differs."""

from __future__ import annotations

from contextlib import suppress
from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.emulators.llrp_encode import message, parameter
from drivers.llrp.readback import ANTENNAS, FILTERS, POWER, SESSION, differences, rospecs_of


def rospec(power: int = 81, session: int = 1, antenna: int = 1) -> bytes:
    command = parameter(330, b"\0" + parameter(336, pack(">BHI", session << 6, 32, 0)))
    transmitter = parameter(224, pack(">HHH", 1, 0, power))
    configuration = parameter(222, pack(">H", antenna) + transmitter + command)
    inventory = parameter(186, pack(">HB", 1, 1) + configuration)
    stop = parameter(184, pack(">BI", 0, 0))
    aispec = parameter(183, pack(">HH", 1, antenna) + stop + inventory)
    boundary = parameter(178, parameter(179, b"\0") + parameter(182, pack(">BI", 0, 0)))
    return parameter(177, pack(">IBB", 1, 0, 0) + boundary + aispec)


def test_settings_have_names_and_words() -> None:
    (found,) = rospecs_of(message(20, 1, rospec()))
    assert found.settings[1, POWER] == "index 81"  # no table to look it up in
    assert found.settings[1, SESSION] == "1"
    assert found.settings[1, FILTERS] == "none"
    assert found.settings[0, ANTENNAS] == "1"


def test_what_matters_comes_first_and_what_is_not_said_does_not_matter() -> None:
    (asked,) = rospecs_of(message(20, 1, rospec()))
    (other,) = rospecs_of(message(36, 1, rospec(power=1, session=2)))
    found = differences(asked, other)
    assert {one.name for one in found} == {"transmit power of antenna 1", "session of antenna 1"}
    assert all(one.matters for one in found)
    (elsewhere,) = rospecs_of(message(36, 1, rospec(antenna=2)))
    silent = [one for one in differences(asked, elsewhere) if one.runs is None]
    assert silent
    assert not any(one.matters for one in silent)


def test_settings_for_all_antennas_hold_for_each() -> None:
    (asked,) = rospecs_of(message(20, 1, rospec()))
    (merged,) = rospecs_of(message(36, 1, rospec(antenna=0)))
    assert {one.name for one in differences(asked, merged)} == {"antennas"}  # 0 is not looked up


@given(st.binary(max_size=120))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_rospec_or_a_value_error(data: bytes) -> None:
    for body in (data, parameter(177, data), parameter(177, pack(">IBB", 1, 0, 0) + data)):
        with suppress(ValueError):
            rospecs_of(message(36, 1, body))


@given(st.integers(0, len(rospec()) - 1), st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_a_damaged_rospec_is_a_rospec_or_a_value_error(place: int, value: int) -> None:
    damaged = bytearray(rospec())
    damaged[place] = value
    with suppress(ValueError):
        rospecs_of(message(36, 1, bytes(damaged)))
