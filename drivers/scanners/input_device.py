"""A keyboard of the kernel's input layer, grabbed: its events as bytes, and its faults in words.

Source: Linux ``Documentation/input/input.rst`` and ``linux/input.h``. The device is grabbed, so
that what is typed goes nowhere else: no console, no password prompt.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from drivers.driver import Tap
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.transports.serial_faults import port_holders

INPUT_EVENT = struct.Struct("@llHHi")
"""seconds, microseconds, type, code, value: 24 bytes on a 64-bit kernel."""
BY_ID = Path("/dev/input/by-id")
_GRAB = 0x40044590  # EVIOCGRAB
_READ_BYTES_MAX = 64 * INPUT_EVENT.size


class InputDevice:
    """An open, grabbed device. Use ``open_input``, which also lets it go."""

    def __init__(self, port: str, fd: int, *, tap: Tap | None = None) -> None:
        self.port = port
        self._fd = fd
        self._tap = tap

    async def read(self, timeout_s: float | None = None) -> bytes:
        """Wait for events; ``b""`` when none came within the timeout.

        Raises ``DeviceUnavailable`` when the device is lost.
        """
        try:
            async with asyncio.timeout(timeout_s):
                data = await self._events()
        except TimeoutError:
            return b""
        if not data:
            raise _lost(self.port, "it says no more")
        if self._tap is not None:
            self._tap(data)
        return data

    async def _events(self) -> bytes:
        while True:
            await _readable(self._fd)
            try:
                return os.read(self._fd, _READ_BYTES_MAX)
            except BlockingIOError:
                continue
            except OSError as error:
                raise _lost(self.port, error.strerror or str(error)) from error


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(fd, settle)
    try:
        await ready
    finally:
        loop.remove_reader(fd)


@asynccontextmanager
async def open_input(port: str, *, tap: Tap | None = None) -> AsyncIterator[InputDevice]:
    """Open the input device for this process alone, and let it go whatever happens.

    Raises ``DeviceUnavailable`` when it is missing, forbidden or held by another, and
    ``DeviceRefused`` when the port is no input device.
    """
    try:
        fd = os.open(port, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _cannot_open(port, error) from error
    try:
        try:
            fcntl.ioctl(fd, _GRAB, 1)
        except OSError as error:
            raise _cannot_open(port, error) from error
        yield InputDevice(port, fd, tap=tap)
    finally:
        os.close(fd)  # which also ends the grab


def _cannot_open(port: str, error: OSError) -> DeviceUnavailable | DeviceRefused:
    if error.errno == errno.EBUSY:
        held = ", ".join(f"{name} (process {pid})" for pid, name in port_holders(port).items())
        return DeviceUnavailable(
            f"{port} is held by {held or 'another program'}.",
            hint="End that program, or is the same scanner set for two devices?",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return DeviceUnavailable(
            f"{port} may not be opened.",
            hint="Input devices belong to the group input: say `sudo usermod -aG input USER` with "
            "the user that runs the edge, and start it again.",
        )
    if error.errno in {errno.ENOTTY, errno.EINVAL, errno.EISDIR}:
        return DeviceRefused(
            f"{port} is no input device.",
            hint=f"Give a path below {BY_ID} that ends in -event-kbd.",
        )
    found = sorted(str(path) for path in BY_ID.glob("*-event-kbd")) if BY_ID.is_dir() else []
    there = f"There are {', '.join(found)}." if found else "No USB keyboard is plugged in."
    return DeviceUnavailable(f"{port} cannot be opened: {error.strerror}.", hint=there)


def _lost(port: str, why: str) -> DeviceUnavailable:
    return DeviceUnavailable(
        f"{port} was lost: {why}.",
        hint="Was it unplugged? It is opened again when it is back.",
    )
