"""A reader that we did not write, and a client that we did not write."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sllurp.llrp
from llrpkit.emulator import LLRPEmulator
from llrpkit.protocol import messages

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.llrp.filters import TagFilter
from drivers.llrp.reader import Antenna, LlrpConfig, LlrpReader
from drivers.readings import DeviceEvent, TagRead
from tests.drivers.listening import PATIENCE_S, listening


class Foreign(LLRPEmulator):  # type: ignore[misc]  # llrpkit's types are not read
    """llrpkit's reader as it is, with the one message that it does not know let through."""

    async def _handle_message(self, msg: Any) -> None:
        if isinstance(msg, messages.ENABLE_EVENTS_AND_REPORTS):
            return
        await super()._handle_message(msg)


@pytest.fixture
async def foreign() -> AsyncIterator[Foreign]:
    emulator = Foreign(host="127.0.0.1", port=0)
    await emulator.start()
    yield emulator
    await emulator.stop()


async def test_our_driver_reads_a_reader_that_we_did_not_write(foreign: Foreign) -> None:
    driver = LlrpReader(LlrpConfig(host="127.0.0.1", port=foreign.port))
    async with listening(driver) as listener:
        await listener.heard(DeviceEvent, lambda event: event.name == "connected")
        await listener.until(lambda: len({tag.epc for tag in listener.of(TagRead)}) >= 5)
    tags = listener.of(TagRead)
    assert all(tag.epc_bits == 96 and tag.antenna for tag in tags)
    assert all(tag.peak_rssi_dbm is not None and tag.peak_rssi_dbm < 0 for tag in tags)
    assert driver.counters()["frame_errors"] == 0


async def test_it_runs_what_it_is_asked_to_and_says_so(foreign: Foreign) -> None:
    """Its codec is another one: what it reads out of our ROSpec and tells again is the same."""
    first = LlrpReader(LlrpConfig(host="127.0.0.1", port=foreign.port))
    async with listening(first) as listener:
        await listener.heard(TagRead, lambda tag: tag.antenna == 1)
    chosen = next(tag.epc for tag in listener.of(TagRead) if tag.antenna == 1)
    wanted = LlrpConfig(
        host="127.0.0.1",
        port=foreign.port,
        antennas=(Antenna(antenna=1, tx_power_dbm=30, rx_sensitivity_db=0), Antenna(antenna=2)),
        rf_mode="robust",
        impinj_search_mode="dual",
        filters=(TagFilter(epc_prefix=chosen, bits=95),),
        report=("antenna", "rssi", "phase"),
        gpis=(1,),
    )
    async with listening(LlrpReader(wanted)) as again:
        await again.until(lambda: len(again.of(TagRead)) >= 3)
        # GET_ROSPECS was asked before and after the start: no word of any difference
        assert not [event for event in again.of(DeviceEvent) if event.name == "info"]
    assert {tag.epc[:-1] for tag in again.of(TagRead)} == {chosen[:-1]}
    assert all(tag.phase_rad is not None for tag in again.of(TagRead))


async def test_stock_sllurp_reads_our_emulator() -> None:
    emulator = EmulatedReader()
    port = await emulator.start()
    got: list[dict[str, Any]] = []
    heard = threading.Event()

    def report(_client: object, tags: list[dict[str, Any]]) -> None:
        got.extend(tags)
        if len(got) >= 20:
            heard.set()

    config = sllurp.llrp.LLRPReaderConfig({"antennas": [1, 2]})
    client = sllurp.llrp.LLRPReaderClient("127.0.0.1", port, config)
    client.add_tag_report_callback(report)
    try:
        await asyncio.to_thread(client.connect)
        async with asyncio.timeout(PATIENCE_S):
            await emulator.wait_inventorying()
        sent = [
            TagRead(epc=f"3034{n:020X}", epc_bits=96, antenna=1 + n % 2, peak_rssi_dbm=-50.0)
            for n in range(20)
        ]
        await emulator.report(sent)
        assert await asyncio.to_thread(heard.wait, PATIENCE_S)
    finally:
        await asyncio.to_thread(client.disconnect, 5)
        await emulator.stop()
        await asyncio.to_thread(client.join, 10)
    assert [tag["EPC"].decode().upper() for tag in got] == [tag.epc for tag in sent]
