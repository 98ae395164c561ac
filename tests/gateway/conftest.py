"""The same tests, once against the embedded broker and once against Mosquitto."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.mqtt import MqttClient, MqttSettings, Will
from tests.fakes.brokers import Broker, Embedded, Mosquitto
from tests.fakes.mosquitto import MISSING, find_mosquitto, start_mosquitto

PATIENCE_S = 60.0


def authorise(_identity: str, action: str, topic: str) -> bool:
    """Everybody may use ``open/#`` and nothing else."""
    return action == "subscribe" or topic.startswith("open/")


@pytest.fixture(params=["embedded", pytest.param("mosquitto", marks=pytest.mark.mosquitto)])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    kind: Broker
    if request.param == "embedded":
        kind = Embedded(authorise=authorise)
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
