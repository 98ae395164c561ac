"""A reader's own clock, UTC or time since its boot, from its bytes to the moments in the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TypeVar

from drivers.emulators.llrp_encode import (
    ReportContent,
    connection_attempt,
    event,
    gpi_event,
    tag_report,
)
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.errors import DeviceError
from drivers.llrp.decode import LlrpDecoder
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.readings import DeviceEvent, Reading, TagRead
from edge.clock import ReaderClock
from edge.fold import Folder, FoldSettings
from edge.fold.moments import moment
from gateway.contract import GateWindow, Observation, TagSighting

S = 1_000_000
NOW = 1_790_000_000 * S
PATIENCE_S = 60.0
Kind = TypeVar("Kind", bound=Observation)


def read(number: int, at_us: int, *, uptime: bool) -> TagRead:
    return TagRead(
        epc=f"3034{number:020X}", epc_bits=96, antenna=1, peak_rssi_dbm=-50.0,
        first_seen_us=at_us, last_seen_us=at_us, uptime_clock=uptime, channel=3,
    )  # fmt: skip


def test_bytes_of_a_reader_that_knows_only_its_uptime() -> None:
    """Its boot was an hour ago; the photo-eye and the tag come out at the edge's time."""
    boot_us = NOW - 3_600 * S
    stream = b"".join(
        (
            event(3_600 * S, connection_attempt(0), uptime=True),
            event(3_601 * S, gpi_event(1, state=True), uptime=True),
            tag_report([read(1, 3_602 * S, uptime=True)], ReportContent()),
            event(3_603 * S, gpi_event(1, state=False), uptime=True),
        )
    )
    readings = LlrpDecoder().feed(stream)
    assert all(one.uptime_clock for one in readings if isinstance(one, TagRead | DeviceEvent))
    folder = Folder("gate", "dock", FoldSettings(gate="gpi"))
    told = folder.feed(readings[:1], NOW)
    told += folder.feed(readings[1:], NOW + 9 * S)  # six seconds late
    told += folder.tick(NOW + 20 * S)
    (sighting,) = of(told, TagSighting)
    (window,) = (one for one in of(told, GateWindow) if one.closed_by == "gpi")
    assert sighting.event_time == moment(boot_us + 3_602 * S)
    assert window.event_time == moment(boot_us + 3_601 * S)
    assert window.closed_at == moment(boot_us + 3_603 * S)


def of(told: Sequence[Observation], kind: type[Kind]) -> list[Kind]:
    return [one for one in told if isinstance(one, kind)]


def test_a_clock_that_starts_anew_is_believed_when_the_reader_connects() -> None:
    clock = ReaderClock()
    for second in range(100):
        clock.observe(5_000 * S + second * S, NOW + second * S, uptime=True)
    clock.told(20 * S, NOW + 200 * S, uptime=True)  # it booted 20 s ago
    assert clock.to_edge(21 * S, NOW + 201 * S, uptime=True) == NOW + 201 * S
    assert clock.steps == 1


def test_a_clock_that_ran_on_keeps_what_was_learned() -> None:
    clock = ReaderClock()
    for second in range(30):
        clock.observe(second * S, NOW + second * S + 2_000, uptime=True)
    clock.told(60 * S, NOW + 60 * S + 300_000, uptime=True)  # a busy network
    assert clock.offset_us == NOW + 2_000
    assert clock.steps == 0


def test_what_was_learned_of_one_clock_is_not_applied_to_the_other() -> None:
    clock = ReaderClock()
    clock.told(NOW - 7 * S, NOW)
    assert clock.to_edge(NOW - 8 * S, NOW, uptime=False) == NOW - S
    assert clock.to_edge(5 * S, NOW, uptime=True) == NOW


class Watched:
    """An emulated reader that is read again and again, and folded as the edge does."""

    def __init__(self, emulator: EmulatedReader) -> None:
        self.emulator = emulator
        self.folder = Folder("gate", "dock", FoldSettings())
        self.told: list[Observation] = []
        self._news = asyncio.Condition()

    async def listen(self) -> None:
        config = LlrpConfig(host="127.0.0.1", port=self.emulator.port)
        while True:
            try:
                await LlrpReader(config).run(self._emit)
            except DeviceError:
                await asyncio.sleep(0.02)

    async def _emit(self, readings: Sequence[Reading]) -> None:
        now_us = time.time_ns() // 1_000
        self.told += self.folder.feed(readings, now_us)
        self.told += self.folder.tick(now_us + 200_000)  # close every sighting at once
        async with self._news:
            self._news.notify_all()

    async def sighted(self, number: int) -> TagSighting:
        epc = read(number, 0, uptime=True).epc
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(
                lambda: any(one.epc == epc for one in of(self.told, TagSighting))
            )
        return next(one for one in of(self.told, TagSighting) if one.epc == epc)


async def test_a_reader_that_knows_only_its_uptime_and_reboots() -> None:
    emulator = EmulatedReader(has_utc_clock=False)
    emulator.booted_us -= 3_600 * S
    await emulator.start()
    watched = Watched(emulator)
    listening = asyncio.create_task(watched.listen())
    try:
        for number in (1, 2):
            async with asyncio.timeout(PATIENCE_S):
                await emulator.wait_inventorying()
            truth_us, heard_us = time.time_ns() // 1_000, emulator.clock_us()
            await emulator.report([read(number, heard_us, uptime=True)])
            sighting = await watched.sighted(number)
            # Never later than it was plus what one exchange of messages may take here.
            late_s = sighting.event_time.timestamp() - truth_us / 1e6
            assert -0.05 <= late_s <= (time.time_ns() // 1_000 - truth_us) / 1e6
            emulator.power_cycle()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await emulator.stop()


async def test_reads_kept_from_before_a_start_of_the_edge_land_where_they_were_heard() -> None:
    """An edge that was off for ten minutes knows the reader's clock before the backlog comes."""
    emulator = EmulatedReader()
    await emulator.start()
    heard_us = emulator.clock_us() - 600 * S
    emulator.model.settings.hold_upon_reconnect = True
    await emulator.report([read(1, heard_us, uptime=False)])
    watched = Watched(emulator)
    listening = asyncio.create_task(watched.listen())
    try:
        sighting = await watched.sighted(1)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await emulator.stop()
    assert abs(sighting.event_time.timestamp() - heard_us / 1e6) < PATIENCE_S
