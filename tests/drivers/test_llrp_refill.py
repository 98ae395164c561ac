"""Fields that a reader leaves out because they are what they were, on bytes written by hand."""

from __future__ import annotations

from struct import pack

import pytest

from drivers.emulators.llrp_encode import message, parameter
from drivers.llrp.decode import LlrpDecoder
from drivers.llrp.refill import FIELDS, LastValues, enabled_fields
from drivers.readings import TagRead

REPORT = 61
ANTENNA, RSSI, CHANNEL, COUNT, ROSPEC = 0x81, 0x86, 0x87, 0x88, 0x89
FIRST, FIRST_UPTIME, LAST = 0x82, 0x83, 0x84
_CODES = {
    ANTENNA: ">BH", RSSI: ">Bb", CHANNEL: ">BH", COUNT: ">BH", ROSPEC: ">BI",
    FIRST: ">BQ", FIRST_UPTIME: ">BQ", LAST: ">BQ",
}  # fmt: skip


def tag(number: int, fields: dict[int, int]) -> bytes:
    """TagReportData with these TV parameters and no others."""
    epc = b"\x8d" + bytes.fromhex(f"3034{number:020X}")
    return parameter(240, epc + b"".join(pack(_CODES[kind], kind, fields[kind]) for kind in fields))


def read(*tags: bytes, refill: frozenset[str] = FIELDS) -> list[TagRead]:
    """Each tag in a message of its own."""
    decoder = LlrpDecoder(refill=refill)
    readings = decoder.feed(b"".join(message(REPORT, n, one) for n, one in enumerate(tags)))
    assert not decoder.errors
    return [one for one in readings if isinstance(one, TagRead)]


WHOLE = {ANTENNA: 2, RSSI: -51, FIRST: 1_000, LAST: 2_000, CHANNEL: 7, COUNT: 3}


def test_what_is_left_out_is_what_came_last_whichever_tag_it_came_with() -> None:
    first, bare, some, again = read(
        tag(1, WHOLE), tag(2, {}), tag(3, {ANTENNA: 4, RSSI: -60}), tag(1, {CHANNEL: 9})
    )
    assert [one.antenna for one in (first, bare, some, again)] == [2, 2, 4, 4]
    assert [one.peak_rssi_dbm for one in (first, bare, some, again)] == [-51, -51, -60, -60]
    assert [one.channel for one in (first, bare, some, again)] == [7, 7, 7, 9]
    assert [one.count for one in (first, bare, some, again)] == [3, 3, 3, 3]
    assert {(one.first_seen_us, one.last_seen_us) for one in (bare, some, again)} == {(1000, 2000)}
    assert not any(one.uptime_clock for one in (first, bare, some, again))


def test_only_fields_that_the_rospec_asks_for_are_filled() -> None:
    asked = enabled_fields({"EnableAntennaID": True, "EnablePeakRSSI": False})
    assert asked == {"antenna"}
    _, bare = read(tag(1, WHOLE), tag(2, {}), refill=asked)
    assert (bare.antenna, bare.peak_rssi_dbm, bare.channel, bare.count) == (2, None, None, 1)
    _, plain = read(tag(1, WHOLE), tag(2, {}), refill=frozenset())
    assert plain.antenna is None


def test_nothing_is_carried_from_one_rospec_to_another() -> None:
    named, same, other, unnamed = read(
        tag(1, {ROSPEC: 1, **WHOLE}), tag(2, {ROSPEC: 1}), tag(3, {ROSPEC: 2}), tag(4, {ANTENNA: 1})
    )
    assert (named.antenna, same.antenna) == (2, 2)
    assert (other.antenna, other.peak_rssi_dbm, other.first_seen_us) == (None, None, None)
    assert (unnamed.antenna, unnamed.peak_rssi_dbm) == (1, None)


def test_a_time_of_one_clock_is_never_taken_for_one_of_the_other() -> None:
    _, booted, bare = read(tag(1, WHOLE), tag(2, {FIRST_UPTIME: 55}), tag(3, {}))
    assert (booted.first_seen_us, booted.last_seen_us, booted.uptime_clock) == (55, None, True)
    assert (bare.first_seen_us, bare.last_seen_us, bare.uptime_clock) == (55, None, True)


@pytest.mark.parametrize(
    "gap",
    [
        message(REPORT, 5, b"\x00\xf0\x00\x08\x8d123"),  # a tag that is cut short
        message(REPORT, 5, b"\x00\xf0\xff\xff"),  # a tag longer than its message
        b"\x04\x3d\x00\x00\x00\x03\x00\x00\x00\x00",  # a message shorter than its header
        message(REPORT, 5, tag(8, {ANTENNA: 3})[:-3] + b"\xfe\x00\x03"),  # a field nobody knows
    ],
    ids=["tag", "message", "header", "field"],
)
@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_after_something_not_understood_nothing_is_guessed(gap: bytes, piece: int) -> None:
    stream = message(REPORT, 1, tag(1, WHOLE)) + gap + message(REPORT, 2, tag(2, {RSSI: -40}))
    decoder = LlrpDecoder(refill=FIELDS)
    reads = [
        one
        for start in range(0, len(stream), piece)
        for one in decoder.feed(stream[start : start + piece])
        if isinstance(one, TagRead)
    ]
    assert decoder.errors
    assert (reads[-1].peak_rssi_dbm, reads[-1].antenna, reads[-1].channel) == (-40, None, None)


def test_a_field_that_llrp_never_leaves_out_cannot_be_filled() -> None:
    with pytest.raises(ValueError, match="phase_rad"):
        LastValues({"antenna", "phase_rad"})
