"""A link for tests: messages are handed in, what is published is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from gateway.mqtt_settings import Incoming


class FakeLink:
    """A ``gateway.link.Link`` without a broker; always connected."""

    def __init__(self) -> None:
        self.last_error = ""
        self.published: list[tuple[str, bytes, bool]] = []
        self.acked = 0
        self.subscribed: list[str] = []
        self._arriving: asyncio.Queue[Incoming] = asyncio.Queue()

    @property
    def is_connected(self) -> bool:
        return True

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def connected(self) -> None:
        """At once."""

    def arrive(self, topic: str, payload: bytes, *, qos: int = 1) -> None:
        """The broker delivers a message."""
        self._arriving.put_nowait(Incoming(topic, payload, qos, False, self._ack))

    def _ack(self) -> None:
        self.acked += 1

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> bool:
        del qos
        self.published.append((topic, payload, retain))
        return True

    async def subscribe(self, topic_filter: str, *, qos: int = 1) -> None:
        """Everything arrives anyway."""
        del qos
        self.subscribed.append(topic_filter)

    async def messages(self) -> AsyncIterator[Incoming]:
        while True:
            yield await self._arriving.get()
