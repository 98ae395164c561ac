"""Our own broker and the real Mosquitto, with one face: a test may stop and start either."""

from __future__ import annotations

import asyncio
import ssl
from typing import Protocol

from gateway.broker import Authorise, EmbeddedBroker
from tests.fakes.mosquitto import MosquittoProcess


class Broker(Protocol):
    """What both kinds can do."""

    port: int

    async def stop(self) -> None: ...

    async def start_again(self) -> None: ...


class Embedded:
    """Started by ``start_again``, the first time too; it keeps its port."""

    def __init__(
        self, *, authorise: Authorise | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.port = 0
        self._authorise = authorise
        self._tls = tls
        self._broker: EmbeddedBroker | None = None

    async def start_again(self) -> None:
        self._broker = EmbeddedBroker(port=self.port, authorise=self._authorise, tls=self._tls)
        self.port = await self._broker.start()

    async def stop(self) -> None:
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.stop()


class Mosquitto:
    """One that runs already; ``stop`` is a power cut."""

    def __init__(self, process: MosquittoProcess) -> None:
        self._process = process
        self.port = process.port

    async def start_again(self) -> None:
        await asyncio.to_thread(self._process.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._process.kill)
