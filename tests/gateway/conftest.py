"""The same tests, once against the embedded broker and once against Mosquitto."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from gateway.broker import EmbeddedBroker
from gateway.mqtt import MqttClient, MqttSettings, Will
from tests.fakes.mosquitto import MISSING, MosquittoProcess, find_mosquitto, start_mosquitto

PATIENCE_S = 60.0


class Broker(Protocol):
    """What both kinds can do; everybody may use ``open/#`` and nothing else."""

    port: int

    async def stop(self) -> None: ...

    async def start_again(self) -> None: ...


class Embedded:
    def __init__(self) -> None:
        self.port = 0
        self._broker: EmbeddedBroker | None = None

    async def start_again(self) -> None:
        def authorise(_identity: str, action: str, topic: str) -> bool:
            return action == "subscribe" or topic.startswith("open/")

        self._broker = EmbeddedBroker(port=self.port, authorise=authorise)
        self.port = await self._broker.start()

    async def stop(self) -> None:
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.stop()


class Mosquitto:
    def __init__(self, process: MosquittoProcess) -> None:
        self._process = process
        self.port = process.port

    async def start_again(self) -> None:
        await asyncio.to_thread(self._process.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._process.kill)


@pytest.fixture(params=["embedded", pytest.param("mosquitto", marks=pytest.mark.mosquitto)])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    kind: Embedded | Mosquitto
    if request.param == "embedded":
        kind = Embedded()
        await kind.start_again()
    else:
        if find_mosquitto() is None:
            pytest.skip(MISSING)
        kind = Mosquitto(start_mosquitto(tmp_path, acl="topic readwrite open/#\n"))
    yield kind
    await kind.stop()


class Running:
    """A client and the task that runs it."""

    def __init__(self, client: MqttClient) -> None:
        self.client = client
        self.incoming = client.messages()
        self.task = asyncio.create_task(client.run())

    async def end(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


Connect = Callable[..., Running]


@pytest.fixture
async def connect(broker: Broker) -> AsyncIterator[Connect]:
    """Start clients that are ended with the test."""
    started: list[Running] = []

    def start(client_id: str, *, will: Will | None = None, **settings: object) -> Running:
        options = {"port": broker.port, "client_id": client_id, "retry_base_s": 0.05, **settings}
        running = Running(MqttClient(MqttSettings.model_validate(options), will=will))
        started.append(running)
        return running

    yield start
    for running in started:
        await running.end()
