"""A serial device without hardware: real bytes on a pseudo-terminal.

The device holds one end; the path of the other is opened by a driver like any serial port.
``unplug`` takes the port away under the driver's hands, ``start`` plugs it in again, under
another path; a ``link`` keeps one name over all of them, as udev's by-id links do.
"""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Callable
from pathlib import Path

_READ_BYTES_MAX = 4096


class SerialPty:
    """One end of a serial line. ``heard`` is called with what the other end sends."""

    def __init__(self, heard: Callable[[bytes], None], *, link: Path | None = None) -> None:
        self._heard = heard
        self._link = link
        self._fds: tuple[int, int] | None = None

    @property
    def plugged(self) -> bool:
        """Whether the port is there."""
        return self._fds is not None

    async def start(self) -> str:
        """Plug in; give the path to open."""
        assert self._fds is None, "the device is plugged in already"
        # Both ends stay open here: reading from a line that nobody holds fails with EIO.
        device, port = os.openpty()
        try:
            tty.setraw(port)
            os.set_blocking(device, False)
            path = os.ttyname(port)
            if self._link is not None:
                self._link.unlink(missing_ok=True)
                self._link.symlink_to(path)
        except OSError:
            os.close(device)
            os.close(port)
            raise
        self._fds = (device, port)
        asyncio.get_running_loop().add_reader(device, self._read, device)
        return str(self._link) if self._link is not None else path

    def write(self, data: bytes) -> int:
        """Send; gives how many bytes were taken.

        As on a real line, what nobody listens to is lost: nothing is taken when the line is
        unplugged, or full because nobody reads.
        """
        if self._fds is None:
            return 0
        try:
            return os.write(self._fds[0], data)
        except BlockingIOError:
            return 0

    def unplug(self) -> None:
        """Take the port away; whoever has it open gets an error. Doing so twice is fine."""
        if self._fds is None:
            return
        device, port = self._fds
        self._fds = None
        asyncio.get_running_loop().remove_reader(device)
        os.close(device)
        os.close(port)
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    def _read(self, device: int) -> None:
        try:
            data = os.read(device, _READ_BYTES_MAX)
        except BlockingIOError:
            return
        if data:
            self._heard(data)
