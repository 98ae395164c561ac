"""Setting a reader up, over TCP against the emulated one: what is asked is what it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from struct import pack
from typing import Any

import pytest

from drivers.emulators import llrp_encode
from drivers.emulators.llrp_encode import ReaderFacts
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.llrp_rospec import Rospec
from drivers.errors import DeviceRefused
from drivers.llrp.readback import differences, rospecs_of
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.readings import DeviceEvent, TagRead
from tests.drivers.listening import Listening, listening

GET_ROSPECS, START_ROSPEC, SET_CONFIG, ADD_ROSPEC = 26, 22, 3, 20
DELETE_ROSPEC, DELETE_ACCESSSPEC = 21, 41
ZEBRA_PEN = 161


def tag(prefix: str, *, antenna: int = 1, rssi: float = -50.0) -> TagRead:
    return TagRead(
        epc=prefix.ljust(24, "0"), epc_bits=96, antenna=antenna, peak_rssi_dbm=rssi,
        first_seen_us=10**15, last_seen_us=10**15, channel=3, phase_rad=1.0, doppler_hz=2.5,
    )  # fmt: skip


def driver(emulator: EmulatedReader, **wanted: Any) -> LlrpReader:
    return LlrpReader(LlrpConfig(host="127.0.0.1", port=emulator.port, **wanted))


@asynccontextmanager
async def running(emulator: EmulatedReader, **wanted: Any) -> AsyncIterator[Listening]:
    await emulator.start()
    try:
        async with listening(driver(emulator, **wanted)) as listener:
            await listener.heard(DeviceEvent, lambda event: event.name == "connected")
            yield listener
    finally:
        await emulator.stop()


def spec(emulator: EmulatedReader) -> Rospec:
    (only,) = emulator.model.rospecs.values()
    return only


def told(listener: Listening) -> list[str]:
    return [event.detail for event in listener.of(DeviceEvent) if event.name == "info"]


async def test_each_antenna_and_the_air_are_as_asked() -> None:
    emulator = EmulatedReader()
    async with running(
        emulator,
        antennas=[
            {"antenna": 1, "tx_power_dbm": 27.1, "rx_sensitivity_db": 12},
            {"antenna": 2, "tx_power_dbm": 10},
        ],
        session=1,
        rf_mode="dense",
        tari_ns=20_000,
        tag_population=64,
        tag_transit_ms=500,
        impinj_search_mode="tagfocus",
    ) as listener:
        ran = spec(emulator)
        assert ran.power_index == {1: 69, 2: 1}  # 27.0 dBm: a power is never raised
        assert ran.sensitivity_dbm == {1: -68.0}
        assert ran.rf_mode == {1: 2, 2: 2}
        assert ran.session == {1: 1, 2: 1}
        assert ran.search_mode == {1: 3, 2: 3}
        assert not told(listener)


async def test_fixed_channels_go_by_their_place_in_the_readers_table() -> None:
    facts = ReaderFacts(fixed_khz=(865_700, 866_300, 866_900, 867_500))
    emulator = EmulatedReader(facts=facts)
    async with running(emulator, impinj_frequencies_mhz=[866.3, 867.5]):
        assert spec(emulator).channels == {1: (2, 4), 2: (2, 4)}


@pytest.mark.parametrize(
    ("filters", "heard"),
    [
        ([{"epc_prefix": "3034"}], {"3034A", "3034B"}),
        ([{"epc_prefix": "3034"}, {"epc_prefix": "E2", "action": "only"}],
         {"3034A", "3034B", "E280"}),
        ([{"epc_prefix": "3034", "action": "except"}], {"3074", "E280"}),
        ([{"epc_prefix": "3034B", "action": "except"}, {"epc_prefix": "3034"}], {"3034A"}),
        ([{"epc_prefix": "3F", "bits": 4}], {"3034A", "3034B", "3074"}),
        ([{"epc_prefix": "307", "bits": 10}], {"3074"}),  # 0011 0000 01
    ],
)  # fmt: skip
async def test_filters_are_kept_by_the_reader(
    filters: list[dict[str, Any]], heard: set[str]
) -> None:
    emulator = EmulatedReader()
    tags = [tag(prefix) for prefix in ("3034A", "3034B", "3074", "E280")]
    async with running(emulator, filters=filters) as listener:
        await emulator.report(tags)
        await listener.until(lambda: len(listener.of(TagRead)) >= len(heard))
        expected = {tag(prefix).epc for prefix in heard}
        assert {read.epc for read in listener.of(TagRead)} == expected
        assert emulator.unheard == len(tags) - len(heard)
        assert not told(listener)


async def test_a_less_sensitive_antenna_hears_no_faint_tags() -> None:
    emulator = EmulatedReader()
    antennas = [{"antenna": 1, "rx_sensitivity_db": 20}, {"antenna": 2}]
    async with running(emulator, antennas=antennas) as listener:
        await emulator.report([tag("A", rssi=-61.0), tag("B", rssi=-60.0)])
        await emulator.report([tag("C", rssi=-79.0, antenna=2)])
        await listener.until(lambda: len(listener.of(TagRead)) >= 2)
        assert [read.epc[0] for read in listener.of(TagRead)] == ["B", "C"]


async def test_reports_bring_what_was_chosen_and_no_more() -> None:
    emulator = EmulatedReader()
    async with running(emulator, report=["antenna", "rssi", "phase", "crc"]) as listener:
        await emulator.report([tag("A")])
        read = await listener.heard(TagRead)
    assert (read.antenna, read.peak_rssi_dbm) == (1, -50.0)
    assert read.phase_rad == pytest.approx(1.0, abs=0.002)
    assert (read.first_seen_us, read.channel, read.doppler_hz) == (None, None, None)


async def test_another_makers_reader_is_not_asked_for_impinjs_fields() -> None:
    emulator = EmulatedReader(vendor_pen=ZEBRA_PEN)  # refuses what is not LLRP's own
    async with running(emulator) as listener:
        await emulator.report([tag("A")])
        assert (await listener.heard(TagRead)).phase_rad is None


async def test_one_input_starts_reading_and_another_one_ends_it() -> None:
    emulator = EmulatedReader()
    trigger = {"port": 1, "stop_port": 2, "stop_state": True}
    async with running(emulator, gpi_trigger=trigger, impinj_gpi_debounce_ms=20) as listener:
        ran = spec(emulator)
        assert ran.gpi_start is not None
        assert ran.gpi_stop is not None
        assert (ran.gpi_start.port, ran.gpi_start.state) == (1, True)
        assert (ran.gpi_stop.port, ran.gpi_stop.state, ran.gpi_stop.timeout_ms) == (2, True, 30_000)
        assert emulator.model.settings.gpi_debounce_ms == {1: 20, 2: 20}
        await emulator.gpi(1, True)
        await emulator.gpi(1, False)
        assert emulator.inventorying
        await emulator.gpi(2, True)
        assert not emulator.inventorying
        await listener.until(lambda: [e.port for e in gpis(listener)] == [1, 1, 2])
        assert not told(listener)


def gpis(listener: Listening) -> list[DeviceEvent]:
    return [event for event in listener.of(DeviceEvent) if event.name == "gpi"]


@pytest.mark.parametrize(("can", "wanted", "does"), [
    (True, True, True), (True, False, False), (False, True, False),
])  # fmt: skip
async def test_reports_are_held_where_the_reader_can(can: bool, wanted: bool, does: bool) -> None:
    emulator = EmulatedReader(facts=ReaderFacts(holds_reports=can))
    async with running(emulator, hold_reports=wanted):
        assert emulator.model.settings.hold_upon_reconnect is does
        (message,) = (frame.data for frame in emulator.received if frame.kind == SET_CONFIG)
        assert (pack(">HH", 226, 5) in message) is can  # not sent to a reader that cannot


async def test_what_happens_while_the_edge_is_away_is_told_when_it_is_back() -> None:
    emulator = EmulatedReader()
    async with running(emulator, gpis=[1]):
        pass
    await emulator.gpi(1, True)
    await emulator.report([tag("A")])
    async with running(emulator, gpis=[1]) as listener:
        await listener.heard(TagRead)
        assert [event.state for event in gpis(listener)] == [True]


async def test_a_power_below_one_milliwatt_is_not_taken_for_the_highest() -> None:
    """Stock: the table's values lose their sign, and -5 dBm becomes 650 dBm."""
    emulator = EmulatedReader(power_dbm=(-5.0, 20.0, 0.5))
    antennas = [{"antenna": 1, "tx_power_dbm": -4.5}, {"antenna": 2, "tx_power_dbm": 20}]
    async with running(emulator, antennas=antennas):
        assert spec(emulator).power_index == {1: 2, 2: 51}


@pytest.mark.parametrize("pen", [25882, ZEBRA_PEN])
async def test_power_is_set_in_a_region_of_fixed_channels(pen: int) -> None:
    emulator = EmulatedReader(facts=ReaderFacts(fixed_khz=(865_700, 866_300), vendor_pen=pen))
    async with running(emulator, antennas=[{"antenna": 2, "tx_power_dbm": 20}]):
        assert spec(emulator).power_index == {2: 41}  # the emulator refuses a hop table here


def with_power(index: int) -> Any:
    transmitter = pack(">HHHH", 224, 10, 1, 0)
    return lambda body: body.replace(transmitter + pack(">H", 81), transmitter + pack(">H", index))


async def test_a_reader_that_runs_another_power_is_never_started() -> None:
    emulator = EmulatedReader()
    await emulator.start()
    emulator.model.rewrites = with_power(1)
    wanted = [{"antenna": 1, "tx_power_dbm": 30}]
    async with listening(driver(emulator, antennas=wanted)) as listener:
        with pytest.raises(DeviceRefused) as refusal:
            await listener.end()
    kinds = [frame.kind for frame in emulator.received]
    await emulator.stop()
    assert "transmit power of antenna 1: 30 dBm was asked, 10 dBm runs" in str(refusal.value)
    assert START_ROSPEC not in kinds
    assert not emulator.model.rospecs  # and nothing is left behind in it


async def test_what_does_not_matter_is_told_once_and_it_starts() -> None:
    emulator = EmulatedReader()
    # the tag population: 32 was asked
    emulator.model.rewrites = lambda body: body.replace(
        pack(">HHBH", 336, 11, 0x40, 32), pack(">HHBH", 336, 11, 0x40, 16)
    )
    async with running(emulator, antennas=[{"antenna": 1}]) as listener:
        await emulator.report([tag("A")])
        await listener.heard(TagRead)
        asked_twice = [frame for frame in emulator.received if frame.kind == GET_ROSPECS]
        assert len(asked_twice) == 2
        assert told(listener) == ["tag population of antenna 1: 32 was asked, 16 runs"]


async def test_a_reader_that_tells_nothing_of_an_antenna_is_believed() -> None:
    emulator = EmulatedReader()
    # no AntennaConfiguration any more: its type becomes one that nobody knows
    emulator.model.rewrites = lambda body: body.replace(pack(">H", 222), pack(">H", 999))
    async with running(emulator, antennas=[{"antenna": 1, "tx_power_dbm": 20}]) as listener:
        await listener.until(lambda: told(listener))
        assert "the reader does not say what it runs" in told(listener)[0]


async def test_a_reader_that_refuses_to_tell_its_rospecs_is_read_all_the_same() -> None:
    emulator = EmulatedReader()
    emulator.faults.refuse[GET_ROSPECS] = (109, "unsupported message")
    async with running(emulator) as listener:
        await emulator.report([tag("A")])
        await listener.heard(TagRead)
        assert "refuses GET_ROSPECS" in " ".join(told(listener))


async def test_a_reader_that_never_answers_can_be_left_in_peace() -> None:
    emulator = EmulatedReader()
    emulator.faults.ignore.add(GET_ROSPECS)
    async with running(emulator, read_back=False) as listener:
        await emulator.report([tag("A")])
        await listener.heard(TagRead)
        assert GET_ROSPECS not in [frame.kind for frame in emulator.received]


@pytest.mark.parametrize("kind", [DELETE_ACCESSSPEC, DELETE_ROSPEC, GET_ROSPECS])
async def test_a_reader_that_does_not_know_a_message_is_set_up_without_it(kind: int) -> None:
    emulator = EmulatedReader()
    emulator.model.unknown.add(kind)
    async with running(emulator) as listener:
        await emulator.report([tag("A")])
        await listener.heard(TagRead)
        assert "M_UnsupportedMessage" in " ".join(told(listener))


async def test_a_reader_that_lists_antenna_0_runs_all_of_them() -> None:
    emulator = EmulatedReader()
    two = pack(">HHHHH", 183, 0, 2, 1, 2)[4:]
    emulator.model.rewrites = lambda body: body.replace(two, pack(">HHH", 2, 0, 0))
    async with running(emulator) as listener:
        assert not told(listener)


def only_the_device(capabilities: bytes) -> bytes:
    return capabilities[: int.from_bytes(capabilities[2:4], "big")]


async def test_a_reader_without_a_region_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = llrp_encode.capabilities
    monkeypatch.setattr(llrp_encode, "capabilities", lambda facts: only_the_device(whole(facts)))
    emulator = EmulatedReader()
    await emulator.start()
    async with listening(driver(emulator)) as listener:
        with pytest.raises(DeviceRefused, match="RegulatoryCapabilities") as refusal:
            await listener.end()
    await emulator.stop()
    assert "region" in refusal.value.hint


async def test_every_part_of_what_is_sent_can_be_told_apart() -> None:
    """A change of any setting is a difference under its own name: nothing is compared as bytes."""
    messages = {}
    variants: dict[str, dict[str, Any]] = {
        "": {},
        "transmit power of antenna 1": {"antennas": [{"antenna": 1, "tx_power_dbm": 11}]},
        "receive sensitivity of antenna 1": {
            "antennas": [{"antenna": 1, "tx_power_dbm": 10, "rx_sensitivity_db": 10}]
        },
        "session of antenna 1": {"session": 2},
        "RF mode of antenna 1": {"rf_mode": 3},
        "filters of antenna 1": {"filters": [{"epc_prefix": "30"}]},
        "search mode of antenna 1": {"impinj_search_mode": "dual"},
        "start trigger": {"gpi_trigger": {"port": 2}},
        "report": {"report": ["antenna"]},
        "report after": {"report_every_n": 5},
        "tag transit time of antenna 1": {"tag_transit_ms": 7},
    }
    for name, wanted in variants.items():
        emulator = EmulatedReader()
        one_antenna = {"antennas": [{"antenna": 1, "tx_power_dbm": 10}]}
        async with running(emulator, **one_antenna | wanted):
            (messages[name],) = (
                frame.data for frame in emulator.received if frame.kind == ADD_ROSPEC
            )
    (plain,) = rospecs_of(messages.pop(""))
    for name, message in messages.items():
        (other,) = rospecs_of(message)
        assert name in {one.name for one in differences(other, plain)}
        assert not differences(other, other)
