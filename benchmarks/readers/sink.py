"""What stands for central: takes every batch, confirms it, and adds up the reads in it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway import codec, topics
from gateway.contract import Batch, DeviceHealth, TagResident, TagSighting, Watermark
from gateway.mqtt import MqttClient, MqttSettings


class Sink:
    """``reads`` by device, ``observations`` and ``repeated`` ones (sent again), ``states``."""

    def __init__(self, port: int, site: str, edge: str) -> None:
        self.reads: Counter[str] = Counter()
        self.states: dict[str, str] = {}
        self.observations = self.repeated = 0
        self._client = MqttClient(MqttSettings(port=port, client_id="bench.sink"))
        self._topic = topics.watermark(site, edge)
        self._upto: dict[str, int] = {}

    async def run(self) -> None:
        """Take and confirm until cancelled."""
        await self._client.subscribe(topics.ALL_OBSERVATIONS)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._client.run())
            async for message in self._client.messages():
                batch = codec.decode(message.payload)
                self._take(batch)
                message.ack()
                mark = Watermark(
                    edge=batch.edge, epoch=batch.epoch, upto_seq=self._upto[batch.epoch]
                )
                await self._client.publish(self._topic, codec.encode_watermark(mark), retain=True)

    async def stands(self) -> None:
        """Return when the broker would give it what is published."""
        await self._client.connected()

    def _take(self, batch: Batch) -> None:
        upto = self._upto.setdefault(batch.epoch, 0)
        for seq, one in enumerate(batch.observations, batch.first_seq):
            if seq <= upto:
                self.repeated += 1
                continue
            assert seq == upto + 1, f"a gap: {upto} is followed by {seq}"
            upto = seq
            self.observations += 1
            if isinstance(one, TagSighting | TagResident):
                self.reads[one.device] += one.count
            elif isinstance(one, DeviceHealth):
                self.states[one.device] = one.state
        self._upto[batch.epoch] = upto


@asynccontextmanager
async def sink(port: int, site: str, edge: str) -> AsyncIterator[Sink]:
    """A sink that takes what comes until the block ends."""
    one = Sink(port, site, edge)
    running = asyncio.create_task(one.run())
    try:
        await one.stands()
        yield one
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
