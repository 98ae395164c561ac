"""What a reader has said is not lost when the edge hangs up, and nothing stays open after it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from struct import pack

import pytest

from drivers.emulators.llrp_encode import ReportContent, tag_report
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.llrp.frames import CLOSE_CONNECTION
from drivers.llrp.link import dial
from drivers.llrp.reader import LlrpConfig, LlrpReader
from drivers.readings import Reading, TagRead

PATIENCE_S = 60.0


def read(number: int) -> TagRead:
    return TagRead(
        epc=f"3034{number:020X}", epc_bits=96, antenna=1, peak_rssi_dbm=-50.0,
        first_seen_us=10**15 + number, last_seen_us=10**15 + number, channel=3,
    )  # fmt: skip


class Heard:
    """Takes what a driver emits, one lot at a time and only while the gate is open."""

    def __init__(self) -> None:
        self.tags: list[TagRead] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.offered = asyncio.Event()
        self.connected = asyncio.Event()

    async def emit(self, readings: Sequence[Reading]) -> None:
        self.connected.set()  # the first that a driver says
        tags = [one for one in readings if isinstance(one, TagRead)]
        if tags:
            self.offered.set()
        await self.gate.wait()
        self.tags += tags


async def started(emulator: EmulatedReader, heard: Heard) -> asyncio.Task[None]:
    port = await emulator.start()
    task = asyncio.create_task(LlrpReader(LlrpConfig(host="127.0.0.1", port=port)).run(heard.emit))
    async with asyncio.timeout(PATIENCE_S):
        await heard.connected.wait()
    return task


async def ended(task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert task.cancelled()


async def test_what_was_received_is_handed_over_although_the_run_is_cancelled() -> None:
    """The rest waits in the socket behind a lot that nobody has taken yet."""
    emulator, heard = EmulatedReader(), Heard()
    task = await started(emulator, heard)
    heard.gate.clear()
    reads = [read(number) for number in range(400)]
    await emulator.report(reads[:1])
    await asyncio.wait_for(heard.offered.wait(), PATIENCE_S)
    await emulator.report(reads[1:])
    assert emulator.delivered == len(reads)
    task.cancel()
    heard.gate.set()
    await ended(task)
    assert heard.tags == reads
    await emulator.stop()


async def test_what_comes_between_the_goodbye_and_its_answer_is_handed_over() -> None:
    emulator, heard = EmulatedReader(), Heard()
    task = await started(emulator, heard)
    last = [read(number) for number in range(50)]
    emulator.faults.before[CLOSE_CONNECTION] = tag_report(last, ReportContent())
    task.cancel()
    await ended(task)
    assert heard.tags == last
    await emulator.stop()


async def test_a_second_cancellation_leaves_no_socket_behind() -> None:
    """Somebody is in a hurry while the reader does not answer the goodbye."""
    emulator, heard = EmulatedReader(), Heard()
    emulator.faults.ignore.add(CLOSE_CONNECTION)
    task = await started(emulator, heard)
    task.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await emulator.wait_until(lambda: emulator.received[-1].kind == CLOSE_CONNECTION)
    task.cancel()
    await ended(task)
    async with asyncio.timeout(PATIENCE_S):
        await emulator.wait_until(lambda: not emulator.connected)
    await emulator.stop()


@pytest.mark.parametrize("times", [1, 2])
async def test_cancelled_in_the_middle_of_handing_over(times: int) -> None:
    """Once: all of it is taken. Twice: the one who takes it is not waited for."""
    emulator, heard = EmulatedReader(), Heard()
    task = await started(emulator, heard)
    heard.gate.clear()
    await emulator.report([read(1)])
    await asyncio.wait_for(heard.offered.wait(), PATIENCE_S)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    if times == 1:
        heard.gate.set()
    await ended(task)
    assert [tag.epc for tag in heard.tags] == [read(1).epc] * (2 - times)
    await emulator.stop()


async def test_what_came_before_a_reset_is_still_read() -> None:
    """asyncio's own reader forgets what it has not given out yet when a reset follows."""

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        linger = pack("ii", 1, 0)  # close with a reset
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.write(bytes(20_000))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    hung_up = asyncio.Event()
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer, _ = await dial(LlrpConfig(host="127.0.0.1", port=port))
    async with asyncio.timeout(PATIENCE_S):
        with contextlib.suppress(OSError):
            await writer.wait_closed()  # the reset has arrived
        await hung_up.wait()
        assert isinstance(reader.broke, ConnectionResetError)
        assert len(await reader.readexactly(20_000)) == 20_000
        assert await reader.read() == b""
    server.close()
    await server.wait_closed()
