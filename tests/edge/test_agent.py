"""The whole agent: a reader on TCP, a scale on a line, a real broker, and central's part played."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.readings import TagRead
from edge import agent
from edge.config import EdgeConfig, check
from gateway import codec, topics
from gateway.contract import (
    Batch,
    DeviceHealth,
    GateWindow,
    Observation,
    TagResident,
    TagSighting,
    Watermark,
    WeightSettled,
)
from gateway.mqtt import MqttClient, MqttSettings
from tests.edge.waiting import until
from tests.fakes.mosquitto import MISSING, MosquittoProcess, find_mosquitto, start_mosquitto

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason=MISSING),
]


class Central:
    """Receives in order, refuses gaps, and says how far it is; optionally says nothing."""

    def __init__(self, port: int) -> None:
        self.client = MqttClient(MqttSettings(port=port, client_id="central"))
        self.log: list[Observation] = []
        self.epochs: dict[str, int] = {}
        self.states: list[str] = []
        self.reasons: list[str] = []
        self.silent = False

    async def run(self) -> None:
        await self.client.subscribe(topics.ALL_OBSERVATIONS)
        await self.client.subscribe(topics.ALL_STATUS)
        async for message in self.client.messages():
            if message.topic.endswith("status"):
                presence = codec.decode_presence(message.payload)
                self.states.append(presence.state)
                self.reasons.append(presence.reason)
            else:
                await self._take(codec.decode(message.payload))
            message.ack()

    async def _take(self, batch: Batch) -> None:
        if self.silent:
            return
        upto = self.epochs.get(batch.epoch, 0)
        if batch.first_seq - batch.lost_before > upto + 1:
            return
        for index, one in enumerate(batch.observations):
            if batch.first_seq + index > upto:
                self.log.append(one)
                upto = batch.first_seq + index
        self.epochs[batch.epoch] = upto
        await self._say(batch.epoch)

    async def back(self) -> None:
        """No longer silent, and says so to the edge, as central does at its start."""
        self.silent = False
        for epoch in self.epochs:
            await self._say(epoch)

    async def _say(self, epoch: str) -> None:
        mark = Watermark(edge="pi", epoch=epoch, upto_seq=self.epochs[epoch])
        await self.client.publish(
            topics.watermark("s", "pi"), codec.encode_watermark(mark), retain=True
        )


@asynccontextmanager
async def central_at(broker: MosquittoProcess) -> AsyncIterator[Central]:
    central = Central(broker.port)
    tasks = [asyncio.create_task(central.client.run()), asyncio.create_task(central.run())]
    try:
        await asyncio.wait_for(central.client.connected(), 30)
        yield central
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MosquittoProcess]:
    process = start_mosquitto(tmp_path)
    yield process
    process.stop()


def settings(tmp_path: Path, broker: MosquittoProcess, *devices: dict[str, object]) -> EdgeConfig:
    return check(
        {
            "edge": {"name": "pi", "site": "s", "data_dir": str(tmp_path / "data")},
            "mqtt": {"port": broker.port, "retry_base_s": 0.05, "retry_limit_s": 0.2},
            "journal": {"commit_every_ms": 20},
            "uplink": {"resend_after_s": 1.0},
            "devices": list(devices),
        }
    )


@asynccontextmanager
async def running(config: EdgeConfig) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(agent.run(config, stop=stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)


def heard(log: list[Observation]) -> int:
    return sum(one.count for one in log if isinstance(one, TagSighting | TagResident))


async def test_reads_and_weights_travel_and_nothing_is_lost_over_restarts(
    tmp_path: Path, broker: MosquittoProcess
) -> None:
    reader, scale = EmulatedReader(), EmulatedScale()
    scale.set_load_mg(2_000_000)
    devices = (
        {
            "name": "dock", "driver": "llrp", "read_point": "dock-1", "host": "127.0.0.1",
            "port": await reader.start(), "antennas": [{"antenna": 1, "side": "outside"}],
        },
        {
            "name": "plate", "driver": "mt-sics", "read_point": "shelf", "plate": 3,
            "port": await scale.start(),
        },
    )  # fmt: skip
    config = settings(tmp_path, broker, *devices)
    async with central_at(broker) as central:
        async with running(config):
            await asyncio.wait_for(reader.wait_inventorying(), 60)
            for number in range(20):
                await reader.report(
                    [TagRead(epc=f"{number:024X}", epc_bits=96, antenna=1, peak_rssi_dbm=-50.0)] * 5
                )
            await until(lambda: heard(central.log) == 100, "100 reads at central")
            await until(lambda: any(isinstance(one, WeightSettled) for one in central.log))
            await until(lambda: any(isinstance(one, GateWindow) for one in central.log))
            central.silent = True  # central is away: the journal holds what comes
            await reader.report([TagRead(epc="AB" * 12, epc_bits=96, antenna=1)] * 7)
            await until(lambda: reader.delivered == 107)
        assert central.states[-1] == "offline"
        central.silent = False
        async with running(config):
            await until(lambda: heard(central.log) == 107, "what was kept over the restart")
            await asyncio.wait_for(reader.wait_inventorying(), 60)
    (level,) = {one.gross_mg for one in central.log if isinstance(one, WeightSettled)}
    assert abs(level - 2_000_000) <= 1_000
    assert all(one.plate == 3 for one in central.log if isinstance(one, WeightSettled))
    assert len(central.epochs) == 2  # every start is a chapter of its own
    assert {one.state for one in central.log if isinstance(one, DeviceHealth)} >= {
        "starting", "running", "stopped",
    }  # fmt: skip
    await reader.stop()
    await scale.stop()


async def test_a_broker_that_dies_loses_nothing(tmp_path: Path, broker: MosquittoProcess) -> None:
    reader = EmulatedReader()
    device: dict[str, object] = {
        "name": "dock", "driver": "llrp", "read_point": "dock-1", "host": "127.0.0.1",
        "port": await reader.start(),
    }  # fmt: skip
    async with central_at(broker) as central, running(settings(tmp_path, broker, device)):
        await asyncio.wait_for(reader.wait_inventorying(), 60)
        for number in range(30):
            if number in {10, 20}:
                await asyncio.to_thread(broker.kill)
            if number in {15, 25}:
                await asyncio.to_thread(broker.start)
            await reader.report([TagRead(epc=f"{number:024X}", epc_bits=96, antenna=1)] * 4)
        await until(lambda: heard(central.log) == 120, "every read, once")
    await reader.stop()


async def test_the_process_stops_in_order_on_sigterm_and_tells_the_service_manager(
    tmp_path: Path, broker: MosquittoProcess
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(f'[edge]\nname="pi"\nsite="s"\ndata_dir="data"\n[mqtt]\nport={broker.port}\n')
    manager = tmp_path / "notify"
    told: asyncio.Queue[bytes] = asyncio.Queue()

    class Manager(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, _addr: object) -> None:
            told.put_nowait(data)

    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(str(manager))
    sock.setblocking(False)
    transport, _ = await loop.create_datagram_endpoint(Manager, sock=sock)
    async with central_at(broker) as central:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tallyport", "edge", "run", "--config", str(config),
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "NOTIFY_SOCKET": str(manager), "WATCHDOG_USEC": "200000"},
        )  # fmt: skip
        seen = {await asyncio.wait_for(told.get(), 60) for _ in range(3)}
        assert seen == {b"READY=1", b"WATCHDOG=1"}
        await until(lambda: central.states[-1:] == ["online"])
        process.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, log.decode()
        await until(lambda: central.states[-1] == "offline")
    transport.close()
    events = [json.loads(line)["event"] for line in log.decode().splitlines()]
    assert events[-1] == "agent_stopped"
