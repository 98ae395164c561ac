"""A reader that leaves PeakRSSI out of its reports: its device says so, and how to mend it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from drivers.emulators.llrp_fault_words import FaultDesk
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.readings import TagRead
from edge.fold import Folder, FoldSettings
from edge.fold.moments import moment
from edge.supervisor import Supervisor
from edge.walltime import WallTime
from gateway.contract import Antenna, DeviceDescribed, DeviceHealth, Observation
from tests.edge.waiting import until


def reads(emulator: EmulatedReader, count: int) -> list[TagRead]:
    at_us = emulator.clock_us()
    return [
        TagRead(
            epc=f"3034{number:020X}", epc_bits=96, antenna=1, peak_rssi_dbm=-50.0,
            first_seen_us=at_us, last_seen_us=at_us, channel=3,
        )
        for number in range(count)
    ]  # fmt: skip


@asynccontextmanager
async def supervised(
    emulator: EmulatedReader, antennas: Sequence[Antenna]
) -> AsyncIterator[tuple[Supervisor, list[Observation]]]:
    kept: list[Observation] = []

    async def keep(observations: Sequence[Observation]) -> None:
        kept.extend(observations)

    await emulator.start()
    supervisor = Supervisor(
        "gate",
        "dock",
        build_driver=lambda: LlrpReader(LlrpConfig(host="127.0.0.1", port=emulator.port)),
        build_folder=lambda: Folder("gate", "dock", FoldSettings()),
        describe=lambda at: DeviceDescribed(
            device="gate", read_point="dock", event_time=moment(at), driver="llrp",
            antennas=list(antennas),
        ),
        keep=keep,
        time_source=WallTime(),
    )  # fmt: skip
    running = asyncio.create_task(supervisor.run())
    try:
        async with asyncio.timeout(60):
            await emulator.wait_inventorying()
        yield supervisor, kept
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await emulator.stop()


async def test_it_says_so_while_it_runs_until_levels_come() -> None:
    emulator = EmulatedReader()
    async with supervised(emulator, [Antenna(antenna=1, side="outside")]) as (gate, kept):
        await emulator.report(reads(emulator, 60))
        await until(lambda: gate.health.state == "running" and gate.heard > 60)
        assert gate.health.cause == ""
        desk = FaultDesk(emulator)
        await desk.obey("omit rssi")
        gone_us = time.time_ns() // 1_000
        emulator.power_cycle()  # else what is left out is what it was before
        await until(lambda: emulator.inventorying and gate.health.state == "running")
        await emulator.report(reads(emulator, 60))
        await until(lambda: "tells no levels" in gate.health.cause)
        assert gate.health.state == "running"
        assert "PeakRSSI in the ROSpec" in gate.health.hint
        told = [one for one in kept if isinstance(one, DeviceHealth) and one.cause]
        assert told[-1].state == "running"
        assert told[-1].event_time >= moment(gone_us)
        await desk.obey("heal")
        await emulator.report(reads(emulator, 3))
        await until(lambda: not gate.health.cause)
        await desk.close()


async def test_a_reader_without_antennas_of_a_portal_need_not_tell_any() -> None:
    emulator = EmulatedReader()
    emulator.faults.omitted.add("peak_rssi_dbm")
    async with supervised(emulator, []) as (gate, _kept):
        await emulator.report(reads(emulator, 60))
        await until(lambda: gate.heard > 60)
        assert (gate.health.state, gate.health.cause) == ("running", "")
