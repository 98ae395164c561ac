"""One client's connection to the emulated LLRP reader: frames in, bytes out, keepalives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Protocol

from drivers.emulators.llrp_encode import ReaderSettings, message
from drivers.llrp.frames import Frame, FrameSplitter

_READ_BYTES = 65_536


class Troubles(Protocol):
    """The faults that a session must know of."""

    silent: bool
    slow_s: float


class Session:
    """A connected client. ``holding`` until it sends ENABLE_EVENTS_AND_REPORTS."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        faults: Troubles,
        settings: ReaderSettings,
    ) -> None:
        self.holding = False
        self._reader, self._writer = reader, writer
        self._faults, self._settings = faults, settings
        self._keepalives: asyncio.Task[None] | None = None
        self._keepalive_ms = 0
        self._unacknowledged = 0
        # drain() then waits until the system has taken everything; asyncio's TLS stops at "high"
        # itself where the others stop above it, and would never go on at nought.
        high = 0 if writer.get_extra_info("sslcontext") is None else 1
        writer.transport.set_write_buffer_limits(high=high, low=0)

    async def write(self, data: bytes) -> None:
        """Write and wait until it has left this process; ``ConnectionError`` if it cannot."""
        if self._faults.slow_s:
            await asyncio.sleep(self._faults.slow_s)
        if self._faults.silent:
            return
        if self._writer.transport.is_closing():
            raise ConnectionError("The client has gone")
        self._writer.write(data)
        await self._writer.drain()

    async def frames(self) -> AsyncIterator[Frame]:
        """Messages of the client until it goes; one that is damaged ends the connection."""
        splitter = FrameSplitter()
        while data := await self._reader.read(_READ_BYTES):
            frames, errors = splitter.feed(data)
            for frame in frames:
                yield frame
            if errors:
                return

    def release(self) -> None:
        """ENABLE_EVENTS_AND_REPORTS or GET_REPORT: what was held may go."""
        self.holding = False

    def acknowledged(self) -> None:
        """KEEPALIVE_ACK."""
        self._unacknowledged = 0

    def keep_alive(self) -> None:
        """Send keepalives as the settings now say."""
        if self._settings.keepalive_ms == self._keepalive_ms:
            return
        self._keepalive_ms = self._settings.keepalive_ms
        if self._keepalives is not None:
            self._keepalives.cancel()
            self._keepalives = None
        if self._keepalive_ms:
            self._keepalives = asyncio.create_task(self._send_keepalives())

    async def _send_keepalives(self) -> None:
        with suppress(ConnectionError):
            while True:
                await asyncio.sleep(self._keepalive_ms / 1000)
                threshold = self._settings.link_down_threshold
                if threshold and self._unacknowledged >= threshold:
                    if not self._faults.silent:  # a dead link brings no end of it either
                        self.abort()
                    return
                self._unacknowledged += 1
                await self.write(message(62, 0))

    def end(self) -> None:
        """Close after what is written."""
        self._writer.close()

    def abort(self) -> None:
        """Cut the connection at once."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Give everything back."""
        if self._keepalives is not None:
            self._keepalives.cancel()
            with suppress(asyncio.CancelledError):
                await self._keepalives
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
