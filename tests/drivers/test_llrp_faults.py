"""The 17 faults of sllurp 3.0.5 that a portal cannot live with, each over real TCP.

Every test says what the stock client does in that situation; ours must do better. Where a
connection ends, the driver is run again, as the edge's supervisor does.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from struct import pack
from typing import Any

import pytest

from drivers.emulators.llrp_encode import (
    ReportContent,
    event,
    message,
    parameter,
    status,
    tag_report,
)
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.errors import DeviceError, DeviceRefused, DeviceUnavailable
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.readings import DeviceEvent, Reading, TagRead

PATIENCE_S = 60.0
ADD_ROSPEC, GET_CAPABILITIES, SET_CONFIG = 20, 1, 3
ERROR_MESSAGE, REPORT, AISPEC_EVENT, GPI_TRIGGER = 100, 61, 254, 181
ZEBRA_PEN = 161
UNKNOWN = message(900, 7, b"not of any LLRP that we know")


def read(number: int, antenna: int = 1) -> TagRead:
    return TagRead(
        epc=f"3034{number:020X}", epc_bits=96, antenna=antenna, peak_rssi_dbm=-50.0,
        first_seen_us=10**15 + number, last_seen_us=10**15 + number, channel=3,
    )  # fmt: skip


def report(*numbers: int) -> bytes:
    return tag_report([read(number) for number in numbers], ReportContent())


class Portal:
    """An emulated reader, and our driver run again and again until the test ends."""

    def __init__(self, emulator: EmulatedReader, **settings: Any) -> None:
        self.emulator = emulator
        self._settings = settings
        self.readings: list[Reading] = []
        self.ends: list[DeviceError] = []
        self._news = asyncio.Condition()

    async def listen(self) -> None:
        driver = LlrpReader(LlrpConfig(host="127.0.0.1", port=self.emulator.port, **self._settings))
        while True:
            try:
                await driver.run(self._emit)
            except DeviceError as error:
                self.ends.append(error)
                await self._tell()
                await asyncio.sleep(0.02)

    async def _emit(self, readings: Sequence[Reading]) -> None:
        self.readings += readings
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(lambda: bool(condition()))

    async def heard(self, *numbers: int) -> None:
        """Wait until these tags were read."""
        wanted = {read(number).epc for number in numbers}
        await self.until(lambda: wanted <= {tag.epc for tag in self.tags})

    async def anew(self) -> None:
        """Wait until the emulator has let go of the old connection and serves another one."""
        async with asyncio.timeout(PATIENCE_S):
            await self.emulator.wait_until(
                lambda: self.emulator.connections > 1 and self.emulator.inventorying
            )

    @property
    def tags(self) -> list[TagRead]:
        return [one for one in self.readings if isinstance(one, TagRead)]

    @property
    def events(self) -> list[str]:
        return [one.name for one in self.readings if isinstance(one, DeviceEvent)]


@asynccontextmanager
async def portal(emulator: EmulatedReader | None = None, **settings: Any) -> AsyncIterator[Portal]:
    emulator = emulator or EmulatedReader()
    await emulator.start()
    one = Portal(emulator, **settings)
    listening = asyncio.create_task(one.listen())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await emulator.wait_inventorying()
        # The emulator inventories before its answer has arrived: wait for both.
        await one.until(lambda: "connected" in one.events)
        yield one
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await emulator.stop()


async def failure(emulator: EmulatedReader, **settings: Any) -> DeviceError:
    """How one run of the driver ends."""

    async def emit(_readings: Sequence[Reading]) -> None:
        return

    driver = LlrpReader(LlrpConfig(host="127.0.0.1", port=await emulator.start(), **settings))
    with pytest.raises(DeviceError) as caught:
        async with asyncio.timeout(PATIENCE_S):
            await driver.run(emit)
    await emulator.stop()
    return caught.value


async def test_fault_01_an_unknown_message_before_a_report() -> None:
    """Stock: the rest of the TCP segment, the report in it, is dropped in silence."""
    async with portal() as one:
        await one.emulator.send_raw(UNKNOWN + report(1, 2))
        await one.heard(1, 2)
        assert "frame_error" in one.events
        assert not one.ends


async def test_fault_02_an_unknown_message_and_a_report_in_pieces() -> None:
    """Stock: loses its place in the stream and is deaf for good, still 'inventorying'."""
    async with portal() as one:
        whole = UNKNOWN + report(1, 2)
        for start in range(0, len(whole), 7):
            await one.emulator.send_raw(whole[start : start + 7])
        await one.heard(1, 2)
        await one.emulator.report([read(3)])
        await one.heard(3)
        assert not one.ends


async def test_fault_03_a_header_that_announces_2_gib() -> None:
    """Stock: buffers everything that follows, deaf, without an error."""
    async with portal() as one:
        await one.emulator.send_raw(pack(">HII", 0x0400 | REPORT, 2**31, 1))
        await one.emulator.report([read(number) for number in range(1, 4)])
        await one.heard(1, 2, 3)
        assert "frame_error" in one.events


async def test_fault_04_a_header_shorter_than_itself() -> None:
    """Stock: the thread dies, nobody is told, nothing reconnects."""
    async with portal() as one:
        await one.emulator.send_raw(pack(">HII", 0x0400 | REPORT, 3, 1))
        await one.emulator.report([read(1)])
        await one.heard(1)
        assert "frame_error" in one.events


async def test_fault_05_a_valid_aispec_event_with_singulation_details() -> None:
    """Stock: struct.error, and the same silent death of the thread."""
    details = pack(">BHH", 0x80 | 18, 2, 3)
    valid = event(10**15, parameter(AISPEC_EVENT, pack(">BIH", 0, 1, 1) + details))
    async with portal() as one:
        await one.emulator.send_raw(valid + report(1))
        await one.heard(1)
        assert not one.ends


async def test_fault_06_a_truncated_epc() -> None:
    """Stock: takes three bytes for an EPC, and a wrong EPC enters the data."""
    cut = b"\x00\xf0\x00\x08\x8d123"
    good = report(1)[10:]
    async with portal() as one:
        await one.emulator.send_raw(message(REPORT, 0, good + cut + report(2)[10:]))
        await one.heard(1, 2)
        assert {tag.epc for tag in one.tags} == {read(1).epc, read(2).epc}
        assert "frame_error" in one.events


async def test_fault_07_a_link_that_falls_silent() -> None:
    """Stock: answers keepalives but never misses them; a dead link is not noticed."""
    async with portal(keepalive_s=0.2, idle_timeout_s=0.8, setup_timeout_s=1.0) as one:
        one.emulator.faults.silent = True
        await one.until(lambda: one.ends)
        assert isinstance(one.ends[0], DeviceUnavailable)
        assert "not even a keepalive" in str(one.ends[0])
        one.emulator.faults.silent = False
        await one.anew()
        await one.emulator.report([read(1)])
        await one.heard(1)


@pytest.mark.evidence("reconnect", "llrp")
async def test_fault_08_a_reader_that_is_off_for_a_while() -> None:
    """Stock: one quick try, then one a minute, and after five it gives up."""
    async with portal() as one:
        await one.emulator.stop()
        await one.until(lambda: len(one.ends) >= 8)
        await one.emulator.start()
        await one.emulator.report([read(1)])
        await one.heard(1)


@pytest.mark.evidence("reconnect", "llrp")
async def test_fault_09_a_connection_cut_within_a_message() -> None:
    """Stock: keeps the torn half, and swallows the new handshake with it."""
    async with portal() as one:
        await one.emulator.send_raw(report(1)[:15])
        one.emulator.drop()
        await one.until(lambda: one.ends)
        await one.emulator.report([read(2)])
        await one.heard(2)
        assert {tag.epc for tag in one.tags} == {read(2).epc}


async def test_fault_10_a_reader_that_another_client_holds() -> None:
    """Stock: one attempt, then a thread that lives on without a word."""
    emulator = EmulatedReader()
    emulator.faults.busy = True
    error = await failure(emulator)
    assert isinstance(error, DeviceUnavailable)
    assert error.retry
    assert "another client" in str(error)
    assert error.hint


async def test_fault_11_a_rospec_that_the_reader_rejects() -> None:
    """Stock: hangs up and stays away."""
    emulator = EmulatedReader()
    emulator.faults.refuse[ADD_ROSPEC] = (209, "unsupported")
    error = await failure(emulator)
    assert isinstance(error, DeviceRefused)
    assert "unsupported" in str(error)


async def test_fault_12_a_question_that_is_never_answered() -> None:
    """Stock: waits for ever."""
    emulator = EmulatedReader()
    emulator.faults.ignore.add(GET_CAPABILITIES)
    error = await failure(emulator, setup_timeout_s=0.3)
    assert isinstance(error, DeviceUnavailable)
    assert "GET_READER_CAPABILITIES" in str(error)


async def test_fault_13_stopping_in_the_middle_of_a_burst() -> None:
    """Stock: a third of the threads block for ever on a socket that belongs to others now."""
    threads = threading.active_count()
    for number in range(3):
        async with portal() as one:
            burst = asyncio.create_task(
                one.emulator.report([read(n) for n in range(number * 500, number * 500 + 500)])
            )
            await one.until(lambda one=one: one.tags)  # type: ignore[misc]
            burst.cancel()
            await asyncio.gather(burst, return_exceptions=True)
    assert threading.active_count() == threads


async def test_fault_14_a_stray_error_message_during_setup() -> None:
    """Stock: takes it for the answer and abandons the connection."""
    emulator = EmulatedReader()
    stray = message(ERROR_MESSAGE, 4_000_000, status(109, "unsupported message"))
    emulator.faults.before[SET_CONFIG] = stray
    async with portal(emulator) as one:
        assert not one.ends
        await one.emulator.report([read(1)])
        await one.heard(1)


async def test_fault_15_a_power_below_the_readers_table() -> None:
    """Stock: index 0, which is its word for maximum: asking for less gives the most."""
    error = await failure(EmulatedReader(), antennas=({"antenna": 1, "tx_power_dbm": 5.0},))
    assert isinstance(error, DeviceRefused)
    assert "10 to 30 dBm" in str(error)


async def test_fault_16_a_gpi_trigger_is_parameter_181() -> None:
    """Stock: writes 180, which LLRP gives to the periodic trigger."""
    emulator = EmulatedReader()
    await emulator.start()
    trigger = {"port": 1, "state": True, "timeout_s": 5.0}
    one = Portal(emulator, gpi_trigger=trigger)
    listening = asyncio.create_task(one.listen())
    try:
        await one.until(lambda: "connected" in one.events)
        (added,) = (frame for frame in emulator.received if frame.kind == ADD_ROSPEC)
        starts = parameter(GPI_TRIGGER, pack(">HBI", 1, 0x80, 0))
        stops = parameter(GPI_TRIGGER, pack(">HBI", 1, 0x00, 5_000))
        assert starts in added.data
        assert stops in added.data
        await emulator.gpi(1, True)
        async with asyncio.timeout(PATIENCE_S):
            await emulator.wait_inventorying()
        await emulator.report([read(1)])
        await one.heard(1)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await emulator.stop()


async def test_fault_17_a_field_that_equals_the_last_one_is_left_out() -> None:
    """Stock: the antenna is missing; LLRP lets a reader omit what has not changed."""
    bare = parameter(240, b"\x8d" + bytes.fromhex(read(2).epc))
    async with portal(EmulatedReader(vendor_pen=ZEBRA_PEN)) as one:
        full = tag_report([read(1, antenna=2)], ReportContent())
        await one.emulator.send_raw(full + message(REPORT, 2, bare))
        await one.heard(1, 2)
        assert [tag.antenna for tag in one.tags] == [2, 2]


async def test_reads_held_while_nobody_listens_come_once_after_the_reconnection() -> None:
    """A reader's own buffer bridges an outage; nothing of it may be lost or come twice."""
    async with portal() as one:
        one.emulator.drop()
        await one.until(lambda: one.ends)
        await one.emulator.report([read(number) for number in range(200)])
        await one.heard(*range(200))
        assert len(one.tags) == 200
