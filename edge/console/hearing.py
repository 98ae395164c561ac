"""A device heard for a technician alone: its own driver, whose readings go nowhere else.

The device must be held meanwhile (``Bench.hold``), for most take one client. Nothing of what is
heard here reaches the journal, hence neither central nor the books.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from drivers.driver import Driver
from drivers.errors import DeviceError, DeviceUnavailable
from drivers.readings import DeviceEvent, Reading
from edge.config import DeviceConfig
from edge.device_brokers import build_driver

Hear = Callable[[Sequence[Reading]], None]
_CALLS = 4
_BETWEEN_S = 0.5
"""A device that was just let go may still think that it has a client."""


class Hearing:
    """A driver that runs. ``hear`` is called with each lot of readings, from its connection on;
    put another there at any time.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.hear: Hear = lambda _: None
        self.identity = ""
        self.unplugged: set[int] = set()
        """Ports at which the reader finds no antenna."""
        self._connected, self._introduced = asyncio.Event(), asyncio.Event()
        self._running = asyncio.create_task(driver.run(self._emit), name="heard for a technician")

    async def connected(self) -> None:
        """Return when the device speaks. Raises ``DeviceError`` when it does not."""
        await self._until(self._connected)

    async def introduced(self) -> None:
        """Return when a device that says what it is has done so: a reader that reads already may
        be heard before. Raises ``DeviceError`` when it does not.
        """
        await self._until(self._introduced)

    async def _until(self, said: asyncio.Event) -> None:
        waiting = asyncio.create_task(said.wait())
        try:
            await asyncio.wait({waiting, self._running}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        self.raise_if_ended()

    async def listen(self, seconds: float) -> None:
        """Let it speak for so long. Raises ``DeviceError`` when it stops before."""
        await asyncio.wait({self._running}, timeout=seconds)
        self.raise_if_ended()

    def raise_if_ended(self) -> None:
        """Raise what ended the driver, if it ended."""
        if not self._running.done():
            return
        error = None if self._running.cancelled() else self._running.exception()
        if isinstance(error, DeviceError):
            raise error
        raise DeviceUnavailable(
            f"The driver ended: {error or 'it did not say why'}.",
            hint="Try again; if it happens again, report it with the agent's log.",
        ) from error

    async def end(self) -> None:
        """Hang up, in order."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _emit(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            if isinstance(reading, DeviceEvent):
                self._note(reading)
        if any(_speaks(reading) for reading in readings):
            self._connected.set()
        self.hear(readings)

    def _note(self, event: DeviceEvent) -> None:
        if event.name == "connected":
            self.identity = event.detail
            self._introduced.set()
        elif event.name == "antenna" and event.port is not None and not event.state:
            self.unplugged.add(event.port)


def _speaks(reading: Reading) -> bool:
    return not isinstance(reading, DeviceEvent) or reading.name == "connected"


@asynccontextmanager
async def hearing(device: DeviceConfig) -> AsyncIterator[Hearing]:
    """Connect to a device that nobody else has. Raises ``DeviceError`` when it cannot be."""
    heard = await _call(device)
    try:
        yield heard
    finally:
        await heard.end()


async def _call(device: DeviceConfig) -> Hearing:
    for calls in range(1, _CALLS + 1):
        heard = Hearing(build_driver(device))
        try:
            await heard.connected()
        except DeviceError as error:
            await heard.end()
            if not error.retry or calls == _CALLS:
                raise
            await asyncio.sleep(_BETWEEN_S * calls)
        except BaseException:
            await heard.end()
            raise
        else:
            return heard
    raise AssertionError("unreachable")
