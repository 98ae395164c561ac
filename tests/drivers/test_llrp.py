"""The driver against the emulated reader over TCP, and the decoder on damaged streams."""

import asyncio
from collections.abc import Sequence
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.emulators.llrp_encode import ReportContent, event, gpi_event, message, tag_report
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.llrp.decode import LlrpDecoder
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.readings import DeviceEvent, Reading, TagRead

READS = [
    TagRead(
        epc=f"3034{n:020X}", epc_bits=96, antenna=1 + n % 2, peak_rssi_dbm=-50.25,
        first_seen_us=10**15 + n, last_seen_us=10**15 + n, channel=3, doppler_hz=2.5,
    )
    for n in range(500)
]  # fmt: skip


@pytest.mark.evidence("emulator", "llrp")
async def test_every_read_arrives_in_order_and_a_gpi_edge_with_it() -> None:
    emulator = EmulatedReader()
    port = await emulator.start()
    got: list[Reading] = []
    complete = asyncio.Event()

    async def emit(readings: Sequence[Reading]) -> None:
        got.extend(readings)
        if sum(isinstance(reading, TagRead) for reading in got) >= len(READS):
            complete.set()

    task = asyncio.create_task(
        LlrpReader(LlrpConfig(host="127.0.0.1", port=port, gpis=(1,))).run(emit)
    )
    await emulator.wait_inventorying()
    await emulator.gpi(1, True)
    await emulator.report(READS)
    await complete.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await emulator.stop()
    assert [reading for reading in got if isinstance(reading, TagRead)] == READS
    events = [reading for reading in got if isinstance(reading, DeviceEvent)]
    assert [one.state for one in events if one.name == "gpi"] == [True]


@pytest.mark.evidence("split", "llrp")
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_split_gives_the_same_and_garbage_never_raises(data: st.DataObject) -> None:
    pieces = st.sampled_from(
        [
            tag_report(READS[:3], ReportContent()),
            event(10**15, gpi_event(1, state=True)),
            message(999, 7, b"xyz"),
            b"\x04\x3d\x00\x00\x00\x03",
        ]
    )
    stream = b"".join(data.draw(st.lists(st.one_of(pieces, st.binary(max_size=40)), max_size=8)))
    whole = LlrpDecoder()
    expected = whole.feed(stream) + whole.finish()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    parts, got = LlrpDecoder(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += parts.feed(stream[start:end])
    got += parts.finish()
    assert got == expected
    assert [(e.offset, str(e)) for e in parts.errors] == [(e.offset, str(e)) for e in whole.errors]


def test_fault_6_a_truncated_epc_is_refused_and_its_neighbours_kept() -> None:
    good = tag_report(READS[:1], ReportContent())[10:]
    cut = b"\x00\xf0\x00\x08\x8d123"
    decoder = LlrpDecoder()
    assert len(decoder.feed(message(61, 0, good + cut + good))) == 2
    assert "cut short" in str(decoder.errors[0])


def test_an_epc_that_no_message_can_carry_is_refused_and_its_neighbours_kept() -> None:
    """Fuzzing: it became an observation that no message could carry."""
    good = tag_report(READS[:1], ReportContent())[10:]
    size = 65
    epc = pack(">HHH", 241, 6 + size, 8 * size) + b"\xaa" * size
    long = pack(">HH", 240, 4 + len(epc)) + epc
    decoder = LlrpDecoder()
    assert len(decoder.feed(message(61, 0, good + long + good))) == 2
    assert "520 bits" in str(decoder.errors[0])
