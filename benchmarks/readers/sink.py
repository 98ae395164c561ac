"""What stands for central: takes every batch, confirms it, and adds up the reads in it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

from gateway import codec, topics
from gateway.contract import Batch, DeviceHealth, TagResident, TagSighting, Watermark
from gateway.mqtt import MqttClient, MqttSettings

_QUIET_S = 1.0


class Sink:
    """``reads`` by device, ``observations`` and ``repeated`` ones (sent again), ``states``."""

    def __init__(self, port: int, site: str, edge: str) -> None:
        self.reads: Counter[str] = Counter()
        self.states: dict[str, str] = {}
        self.observations = self.repeated = 0
        self._client = MqttClient(MqttSettings(port=port, client_id="bench.sink"))
        self._topic = topics.watermark(site, edge)
        self._upto: dict[str, int] = {}
        self._behind = 0
        self.running: asyncio.Task[None] | None = None

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

    async def ends(self, work: Awaitable[object]) -> None:
        """Do some work; what broke the sink meanwhile is raised."""
        assert self.running is not None
        working = asyncio.ensure_future(work)
        await asyncio.wait({working, self.running}, return_when=asyncio.FIRST_COMPLETED)
        if self.running.done():
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            self.running.result()
        await working

    async def has_all(self) -> None:
        """Return when nothing that was durable is missing, and nothing came for a while."""
        quiet_since, seen = time.monotonic(), -1
        while self._behind or time.monotonic() < quiet_since + _QUIET_S:
            if self.observations != seen:
                quiet_since, seen = time.monotonic(), self.observations
            await asyncio.sleep(0.05)

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
        self._behind = batch.committed_seq - upto


@asynccontextmanager
async def sink(port: int, site: str, edge: str) -> AsyncIterator[Sink]:
    """A sink that takes what comes until the block ends."""
    one = Sink(port, site, edge)
    one.running = asyncio.create_task(one.run())
    try:
        await one.stands()
        yield one
    finally:
        one.running.cancel()
        await asyncio.gather(one.running, return_exceptions=True)
