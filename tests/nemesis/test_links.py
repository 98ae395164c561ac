"""A connection that falls silent is noticed within 20 s as shipped, and comes back by itself."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from benchmarks.nemesis import network
from benchmarks.servers.mosquitto import MISSING, find_mosquitto, start_mosquitto
from gateway.mqtt import MqttClient, MqttSettings
from tallyport.demo.processes import free_port
from tests.edge.waiting import until

pytestmark = [
    pytest.mark.line,
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason=MISSING),
]
NOTICED_S = 20.0
"""Promised; with what ships it takes 12 s at most, which leaves room for a busy machine."""
BACK_S = 30.0
"""At most 10 s of waiting, and a handshake of which some packets were lost: again with room."""


async def test_a_broker_that_talks_on_and_hears_nothing_is_noticed(tmp_path: Path) -> None:
    """What it says goes unacknowledged, and so the silence becomes mutual."""
    if reason := network.why_not():
        pytest.skip(reason)
    other_way = await asyncio.to_thread(free_port)
    broker = await asyncio.to_thread(start_mosquitto, tmp_path, also_port=other_way)
    talker = MqttClient(MqttSettings(port=other_way, client_id="talker"))
    client = MqttClient(MqttSettings(port=broker.port, client_id="edge"))
    await client.subscribe("news", qos=0)

    async def talk() -> None:
        await talker.connected()
        while True:
            await talker.publish("news", b"x", qos=0)
            await asyncio.sleep(0.3)  # how often there is news

    tasks = [asyncio.create_task(work) for work in (client.run(), talker.run(), talk())]
    try:
        await asyncio.wait_for(anext(client.messages()), 30)
        network.one_way(broker.port, towards=True)
        began = time.monotonic()
        await until(lambda: not client.is_connected, "the silence to be noticed")
        assert time.monotonic() - began <= NOTICED_S
        network.heal()
        await asyncio.wait_for(client.connected(), BACK_S)
    finally:
        network.heal()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(broker.stop)


@pytest.mark.parametrize("silence", ["both", "out", "back"])
async def test_a_silent_broker_is_noticed_and_found_again(tmp_path: Path, silence: str) -> None:
    if reason := network.why_not():
        pytest.skip(reason)
    broker = await asyncio.to_thread(start_mosquitto, tmp_path)
    client = MqttClient(MqttSettings(port=broker.port, client_id="edge"))
    running = asyncio.create_task(client.run())
    try:
        await asyncio.wait_for(client.connected(), 30)
        if silence == "both":
            network.black_hole(broker.port)
        else:
            network.one_way(broker.port, towards=silence == "out")
        began = time.monotonic()
        await until(lambda: not client.is_connected, "the silence to be noticed")
        assert time.monotonic() - began <= NOTICED_S
        network.heal()
        await asyncio.wait_for(client.connected(), BACK_S)
        assert client.generation == 2
    finally:
        network.heal()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.to_thread(broker.stop)
