"""Setting readers up, against the published definition of LLRP and a real reader's bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import sllurp.llrp

from drivers.emulators.llrp_encode import RF_MODES, ReaderFacts
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.llrp.capabilities import Capabilities
from drivers.llrp.check import mistakes
from drivers.llrp.frames import FrameSplitter
from drivers.llrp.modes import mode_named
from drivers.llrp.outputs import set_output
from drivers.llrp.quirks import IMPINJ, R420
from drivers.llrp.readback import ANTENNAS, MODE, START, STOP, rospecs_of
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.readings import DeviceEvent, TagRead
from tests.drivers.listening import listening
from tests.real.llrp_definition import Definition, Node

LLRP = Path(__file__).parents[2].parent / "shared" / "data" / "llrp"
pytestmark = pytest.mark.skipif(not LLRP.is_dir(), reason=f"no captures in {LLRP}")
ADD_ROSPEC, GET_ROSPECS_RESPONSE = 20, 36


@pytest.fixture(scope="module")
def definition() -> Definition:
    return Definition(LLRP / "llrp-1x0-def.xml")


@pytest.fixture(scope="module")
def r420() -> Capabilities:
    data = (LLRP / "edgex_framed" / "GetReaderCapabilitiesResponse-000.bin").read_bytes()
    (told,) = sllurp.llrp.LLRPMessage(msgbytes=data).msgdict.values()
    return Capabilities.of(told)


def test_a_captured_session_is_as_the_definition_says(definition: Definition) -> None:
    """The definition is read rightly: it takes a whole session of others apart."""
    frames, errors = FrameSplitter().feed((LLRP / "dx101" / "dx101_a.bin").read_bytes())
    assert not errors
    assert len(frames) > 900
    for frame in frames:
        definition.message(frame.data)


FULL: dict[str, Any] = {
    "antennas": [
        {"antenna": 1, "tx_power_dbm": 27, "rx_sensitivity_db": 12},
        {"antenna": 2, "tx_power_dbm": 10},
    ],
    "rf_mode": "dense",
    "tari_ns": 20_000,
    "filters": [
        {"epc_prefix": "3034F", "bits": 18},
        {"epc_prefix": "E2", "action": "except"},
    ],
    "report": ["antenna", "rssi", "first_seen", "last_seen", "count", "channel", "rospec",
               "access", "crc", "pc", "phase", "doppler"],
    "impinj_search_mode": "tagfocus",
    "impinj_frequencies_mhz": [866.3],
    "impinj_gpi_debounce_ms": 20,
    "gpi_trigger": {"port": 1, "stop_port": 2, "stop_state": True},
    "gpis": [3],
}  # fmt: skip


async def session(facts: ReaderFacts, **wanted: Any) -> tuple[list[bytes], list[bytes]]:
    """What client and emulated reader say to each other, message by message."""
    emulator = EmulatedReader(facts=facts)
    config = LlrpConfig(host="127.0.0.1", port=await emulator.start(), **wanted)
    said = bytearray()
    async with listening(LlrpReader(config, tap=said.extend)) as listener:
        await listener.heard(DeviceEvent, lambda event: event.name == "connected")
        for port in config.watched_gpis[:1]:
            await emulator.gpi(port, True)
        await emulator.antenna(1, connected=False)
        await emulator.report([TagRead(epc="3034F0" + "0" * 18, epc_bits=96, antenna=1)])
        await listener.heard(TagRead)
    await set_output(config, 2, on=True, seconds=60)
    sent = [frame.data for frame in emulator.received]
    await emulator.stop()
    frames, errors = FrameSplitter().feed(bytes(said))
    assert not errors
    return sent, [frame.data for frame in frames]


def kind_of(message: bytes) -> int:
    return int.from_bytes(message[:2], "big") & 0x3FF


@pytest.mark.parametrize("make", ["impinj", "another"])
async def test_every_message_of_either_side_is_as_the_definition_says(
    definition: Definition, make: str
) -> None:
    channels = (865_700, 866_300)
    if make == "impinj":
        sent, heard = await session(ReaderFacts(fixed_khz=channels), **FULL)
    else:
        sent, heard = await session(ReaderFacts(vendor_pen=161))
    assert len(sent) >= 12
    assert len(heard) >= 12
    for message in (*sent, *heard):
        definition.message(message)


async def test_what_is_asked_stands_in_the_message_as_the_definition_has_it(
    definition: Definition,
) -> None:
    sent, heard = await session(ReaderFacts(fixed_khz=(865_700, 866_300)), **FULL)
    (asked,) = (definition.message(one) for one in sent if kind_of(one) == ADD_ROSPEC)
    told = [definition.message(one) for one in heard if kind_of(one) == GET_ROSPECS_RESPONSE]
    assert len(told) == 2
    for node in (asked, *told):
        _is_as_asked(node)


def _is_as_asked(node: Node) -> None:
    first, second = node.all("AntennaConfiguration")
    assert [one.fields["ReceiverSensitivity"] for one in first.all("RFReceiver")] == [4]
    assert not second.all("RFReceiver")
    assert [one.fields["TransmitPower"] for one in node.all("RFTransmitter")] == [69, 1]
    only, excepted = first.all("C1G2Filter")
    (mask,) = only.all("C1G2TagInventoryMask")
    assert mask.fields == {"MB": 1, "Pointer": 32, "TagMask": (18, 0x3034F >> 2)}
    actions = [
        one.all("C1G2TagInventoryStateUnawareFilterAction")[0].fields["Action"]
        for one in (only, excepted)
    ]
    assert actions == [0, 3]
    assert [one.fields for one in first.all("C1G2RFControl")] == [{"ModeIndex": 2, "Tari": 20_000}]
    vendors = [one.fields for one in first.all("Custom")]
    assert [one["ParameterSubtype"] for one in vendors] == [23, 26]
    assert [one["Data"].hex() for one in vendors] == ["0003", "0002" + "0000" + "0001" + "0002"]
    starts, stops = node.all("GPITriggerValue")
    assert (starts.fields["GPIPortNum"], starts.fields["GPIEvent"]) == (1, 1)
    assert (stops.fields["GPIPortNum"], stops.fields["GPIEvent"]) == (2, 1)
    assert stops.fields["Timeout"] == 30_000
    (memory,) = node.all("C1G2EPCMemorySelector")
    assert memory.fields == {"EnableCRC": 1, "EnablePCBits": 1}


def test_rospecs_of_others_are_taken_apart_as_their_golden_text_says() -> None:
    """ADD_ROSPECs of a captured session, beside the toolkit's own decoding of them."""
    frames, _ = FrameSplitter().feed((LLRP / "dx101" / "dx101_a.bin").read_bytes())
    ours = [one for frame in frames if frame.kind == ADD_ROSPEC for one in rospecs_of(frame.data)]
    space = "{http://www.llrp.org/ltk/schema/core/encoding/xml/1.0}"
    golden = [
        rospec
        for message in ET.parse(LLRP / "dx101" / "dx101_a.xml").iter(space + "ADD_ROSPEC")
        for rospec in message.iter(space + "ROSpec")
    ]
    assert len(ours) == len(golden) == 2
    for mine, truth in zip(ours, golden, strict=True):
        text = {one.tag.removeprefix(space): one.text or "" for one in truth.iter()}
        assert mine.rospec_id == int(text["ROSpecID"])
        antennas = {
            number
            for one in truth.iter(space + "AntennaIDs")
            for number in (one.text or "").split()
        }
        assert set(mine.settings[0, ANTENNAS].split(", ")) == antennas
        assert mine.settings[0, MODE] == text["ModeIndex"]
        starts, stops = text["ROSpecStartTriggerType"], text["ROSpecStopTriggerType"]
        edge = f"by input {text['GPIPortNum']} on"
        assert mine.settings[0, START] == {"GPI": edge, "Null": "by START_ROSPEC"}[starts]
        assert mine.settings[0, STOP] == {"Null": "by STOP_ROSPEC"}[stops]


def test_an_r420_says_what_it_accepts(r420: Capabilities) -> None:
    assert (r420.vendor_pen, r420.model, r420.antennas) == (IMPINJ, R420, 4)
    assert (r420.gpis, r420.gpos, r420.max_filters, r420.holds_reports) == (4, 4, 2, True)
    assert (r420.powers(), len(r420.powers_dbm)) == ("10 to 30 dBm", 81)
    assert r420.sensitivities_of(1) == "0, 10 to 50"
    assert r420.hopping
    named = {name: mode_named(name, r420) for name in ("dense", "fast", "robust")}
    assert {name: mode and mode.identifier for name, mode in named.items()} == {
        "dense": 2, "fast": 0, "robust": 3,
    }  # fmt: skip
    wanted = LlrpConfig(
        host="192.0.2.1", rf_mode=1001, tari_ns=0,
        antennas=({"antenna": 5}, {"antenna": 1, "tx_power_dbm": 31.5, "rx_sensitivity_db": 5}),
        filters=[{"epc_prefix": "30"}] * 3, impinj_frequencies_mhz=[866.3], gpis=(5,),
    )  # fmt: skip
    assert len(list(mistakes(wanted, r420))) == 7


def test_what_is_told_of_impinj_readers_stands_in_an_r420s_bytes(r420: Capabilities) -> None:
    """The quirks that are marked as tested on bytes."""
    rows = {mode.identifier: mode for mode in r420.modes}
    assert rows[0].bps == rows[1].bps == 640_000  # a data rate would be halved by Miller 2
    assert (rows[0].miller, rows[1].miller) == (1, 2)
    autoset = [mode for mode in r420.modes if mode.identifier >= 1000]
    assert len(autoset) == 5
    assert {(mode.mask, mode.bps, mode.tari_ns) for mode in autoset} == {
        ("", 40_000, (6250, 6250, 0))
    }
    assert all(mode.tari_ns[0] == mode.tari_ns[1] for mode in r420.modes)


def test_the_emulated_reader_has_the_rf_modes_of_a_real_one(r420: Capabilities) -> None:
    emulated = {
        (
            mode.identifier,
            1 << mode.miller,
            mode.backscatter_bps,
            mode.tari_min_ns,
            mode.tari_max_ns,
        )
        for mode in RF_MODES
    }
    real = {(mode.identifier, mode.miller, mode.bps, *mode.tari_ns[:2]) for mode in r420.modes}
    assert emulated == real
