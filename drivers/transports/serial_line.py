"""A serial line with an asyncio face, over pyserial: no thread, no bytes lost.

The port's file descriptor is watched by the event loop only while somebody awaits a read,
and bytes are taken from the kernel only when that await returns. So a cancelled or timed-out
read loses nothing, and a driver that waits elsewhere leaves the device's bytes in the
kernel's buffer: that is back-pressure. pyserial is untyped, and stays inside this module.
"""

from __future__ import annotations

import asyncio
import errno
import os
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import serial
from pydantic import BaseModel, ConfigDict, Field

from drivers.errors import DeviceUnavailable
from drivers.transports.serial_faults import cannot_open, line_lost

Tap = Callable[[bytes], None]

WRITE_TIMEOUT_S = 2.0
_READ_BYTES_MAX = 65_536
_PARITIES = {"none": "N", "even": "E", "odd": "O"}
_SIZES = {termios.CS5: 5, termios.CS6: 6, termios.CS7: 7, termios.CS8: 8}
_PTY_MAJORS = range(136, 144)  # Unix98 pseudo-terminals (Linux, admin-guide/devices.txt)
# pyserial raises its own OSError, plain OSError and termios.error, which is no OSError.
_FAULTS = (OSError, termios.error, ValueError, TypeError)


class LineFormat(BaseModel):
    """How bits travel on a serial line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    baud_rate: int = Field(default=9600, ge=50, le=4_000_000)
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1

    @property
    def line(self) -> str:
        """The line setting in short, e.g. ``9600 8N1``."""
        return f"{self.baud_rate} {self.bytesize}{_PARITIES[self.parity]}{self.stop_bits}"


class LineSettings(LineFormat):
    """How to open a serial port; the part of a driver's ``Config`` that all serial devices share.

    ``port`` is best a path below ``/dev/serial/by-id`` (or ``by-path``): the numbers of
    ``ttyUSB0`` and ``ttyACM0`` change with the order of plugging in.
    """

    port: str = Field(min_length=1)


class SerialLine:
    """An open port, for this process alone. Use ``open_line``, which also closes it.

    The first error closes the port: a replugged device gets its old name back only when
    nobody holds the old one open.
    """

    def __init__(self, settings: LineSettings, *, tap: Tap | None = None) -> None:
        self.port = settings.port
        self.bytes_read = 0
        self._tap = tap
        self._serial: Any = None
        try:
            self._serial = _opened(settings)
            _check_kept(self._serial.fileno(), settings)
        except _FAULTS as error:
            self.close()
            raise cannot_open(settings.port, settings.line, error) from error

    async def read(self, timeout_s: float | None = None) -> bytes:
        """Wait for bytes and give all that are there; ``b""`` when none came within the timeout.

        Raises ``DeviceUnavailable`` when the port is lost or was closed.
        """
        port = self._open_port()
        if timeout_s is None or timeout_s > 0:
            await self._ready(port.fileno(), timeout_s, write=False)
        return self._take()

    async def write(self, data: bytes) -> None:
        """Send all of ``data``; raises ``DeviceUnavailable`` when the line does not take it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WRITE_TIMEOUT_S
        rest = self._put(memoryview(data))
        while rest:
            left_s = deadline - loop.time()
            if left_s <= 0 or not await self._ready(self._open_port().fileno(), left_s, write=True):
                self.close()
                raise DeviceUnavailable(
                    f"{self.port} takes no bytes.",
                    hint="Is flow control (XON/XOFF, handshake) switched on in the device? "
                    "Switch it off there.",
                )
            rest = self._put(rest)

    def _put(self, data: memoryview) -> memoryview:
        """Hand over what the kernel takes now, and give the rest."""
        try:
            # Not pyserial's write(): without a timeout it spins while the buffer is full.
            return data[os.write(self._open_port().fileno(), data) :]
        except BlockingIOError:
            return data
        except OSError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Give the port back; doing so twice is fine. Unsent bytes are dropped, not waited for."""
        port, self._serial = self._serial, None
        if port is None:
            return
        with suppress(OSError, termios.error):  # it may be gone already
            port.reset_output_buffer()
        with suppress(OSError, termios.error):
            port.close()

    def _open_port(self) -> Any:  # noqa: ANN401 - pyserial is untyped
        if self._serial is None:
            raise DeviceUnavailable(f"{self.port} is closed.", hint="It is opened again shortly.")
        return self._serial

    def _take(self) -> bytes:
        port = self._open_port()
        try:
            waiting = port.in_waiting
            # One byte when none waits: a lost device shows as ready to read with nothing in it.
            data = bytes(port.read(min(max(1, waiting), _READ_BYTES_MAX)))
        except _FAULTS as error:
            raise self._lost(error) from error
        self.bytes_read += len(data)
        if data and self._tap is not None:
            self._tap(data)
        return data

    def _lost(self, error: Exception) -> DeviceUnavailable:
        self.close()
        return line_lost(self.port, error)

    async def _ready(self, fd: int, timeout_s: float | None, *, write: bool) -> bool:
        """Wait until the port is ready (true) or the time is over (false)."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[bool] = loop.create_future()

        def settle(outcome: bool) -> None:
            if not ready.done():
                ready.set_result(outcome)

        watch, unwatch = (
            (loop.add_writer, loop.remove_writer)
            if write
            else (loop.add_reader, loop.remove_reader)
        )
        timer = None if timeout_s is None else loop.call_later(timeout_s, settle, False)
        watch(fd, settle, True)
        try:
            return await ready
        finally:
            unwatch(fd)
            if timer is not None:
                timer.cancel()


def _opened(settings: LineSettings) -> Any:  # noqa: ANN401 - pyserial is untyped
    # A pseudo-terminal (socat, ser2net, an emulator) carries bytes, not bits: it keeps 8 of them
    # without parity, and fails with EINVAL when it is asked for others a second time.
    bitless = _is_pty(settings.port)
    return serial.Serial(
        settings.port,
        baudrate=settings.baud_rate,
        bytesize=8 if bitless else settings.bytesize,
        parity="N" if bitless else _PARITIES[settings.parity],
        stopbits=settings.stop_bits,
        timeout=0,
        exclusive=True,
    )


def _is_pty(port: str) -> bool:
    return os.major(Path(port).stat().st_rdev) in _PTY_MAJORS


def _check_kept(fd: int, settings: LineSettings) -> None:
    """Some drivers say nothing when they cannot do a setting, and keep their own."""
    if os.major(os.fstat(fd).st_rdev) in _PTY_MAJORS:
        return
    flags = termios.tcgetattr(fd)[2]
    odd = "odd" if flags & termios.PARODD else "even"
    kept = LineFormat.model_validate(
        {
            "baud_rate": settings.baud_rate,
            "bytesize": _SIZES[flags & termios.CSIZE],
            "parity": odd if flags & termios.PARENB else "none",
            "stop_bits": 2 if flags & termios.CSTOPB else 1,
        }
    )
    if kept.line != settings.line:
        raise OSError(errno.EINVAL, f"it keeps {kept.line}")


@contextmanager
def open_line(settings: LineSettings, *, tap: Tap | None = None) -> Iterator[SerialLine]:
    """Open the port for this process alone, and close it at the end whatever happens.

    ``tap`` gets the bytes as they come. Raises ``DeviceUnavailable`` with a hint when the port
    is missing, forbidden, in use (by whom), or does not take the settings.
    """
    line = SerialLine(settings, tap=tap)
    try:
        yield line
    finally:
        line.close()
