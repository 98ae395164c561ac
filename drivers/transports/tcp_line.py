"""A TCP connection with the face of a serial line: scales and scanners with a network socket,
and serial devices behind a converter (ser2net, USR, Moxa in "TCP server" mode).

A cancelled or timed-out read loses nothing; who does not read lets the device wait.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from drivers.driver import Tap
from drivers.errors import DeviceUnavailable

CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 2.0
_READ_BYTES_MAX = 65_536
_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}


class TcpLine:
    """An open connection. Use ``open_tcp``, which also closes it."""

    def __init__(
        self,
        where: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        tap: Tap | None = None,
    ) -> None:
        self.where = where
        self.bytes_read = 0
        self._reader = reader
        self._writer = writer
        self._tap = tap

    async def read(self, timeout_s: float | None = None) -> bytes:
        """Wait for bytes and give all that are there; ``b""`` when none came within the timeout.

        Raises ``DeviceUnavailable`` when the connection is lost or was closed.
        """
        try:
            async with asyncio.timeout(timeout_s):
                data = await self._reader.read(_READ_BYTES_MAX)
        except TimeoutError:
            return b""
        except OSError as error:
            raise self._lost(str(error)) from error
        if not data:
            raise self._lost("the device closed the connection")
        self.bytes_read += len(data)
        if self._tap is not None:
            self._tap(data)
        return data

    async def write(self, data: bytes) -> None:
        """Send all of ``data``; raises ``DeviceUnavailable`` when it is not taken."""
        try:
            self._writer.write(data)
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise self._lost(str(error) or "it takes no bytes") from error

    async def close(self) -> None:
        """Hang up; unsent bytes are dropped."""
        self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    def _lost(self, why: str) -> DeviceUnavailable:
        return DeviceUnavailable(
            f"{self.where} was lost: {why}.",
            hint="Did its power or the network fail, or did another program connect to it? "
            "It is called again shortly.",
        )


@asynccontextmanager
async def open_tcp(host: str, port: int, *, tap: Tap | None = None) -> AsyncIterator[TcpLine]:
    """Connect, and hang up at the end whatever happens.

    Raises ``DeviceUnavailable`` with a hint when nobody answers there.
    """
    where = f"{host}:{port}"
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        raise _cannot_connect(where, error) from error
    _notice_silence(writer.get_extra_info("socket"))
    line = TcpLine(where, reader, writer, tap=tap)
    try:
        yield line
    finally:
        await line.close()


def _notice_silence(connection: socket.socket) -> None:
    """Let the kernel find out within half a minute that the other side has gone."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if option := getattr(socket, name, None):
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


def _cannot_connect(where: str, error: Exception) -> DeviceUnavailable:
    if isinstance(error, ConnectionRefusedError):
        return DeviceUnavailable(
            f"{where} refuses the connection.",
            hint="Is the port number right, and is the device (or the converter) a TCP server "
            "that no other program is connected to?",
        )
    if isinstance(error, socket.gaierror):
        return DeviceUnavailable(
            f"No device has the name in {where}.",
            hint="Give its address as a number, like 192.0.2.7.",
        )
    if isinstance(error, TimeoutError):
        return DeviceUnavailable(
            f"{where} does not answer.", hint="Has it power, and is it in the same network?"
        )
    return DeviceUnavailable(
        f"{where} cannot be reached: {error}.", hint="Is the address right, and the network up?"
    )
