"""An emulated label printer: ZPL over TCP as a Zebra takes it on port 9100.

It keeps the labels that it printed and what it wrote into their tags, answers ``~HS`` (three
strings between STX and ETX), and stops when its paper is out, its head is open or it is paused:
then formats wait in its memory, and are printed when that is over. ``~JA`` drops them.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["EmulatedPrinter", "PrintedLabel"]

_PIECE = re.compile(rb"~HS|~JA|~HI|\^XA.*?\^XZ", re.DOTALL)
_COPIES = re.compile(rb"\^PQ(\d+)")
_TAG = re.compile(rb"\^RFW,H(?:,(\d+),(\d+),(\d))?\^FD([0-9A-F]+)\^FS")
_ENDS = (b"~", b"^XA")
_MOST_KEPT = 10_000


class PrintedLabel(NamedTuple):
    """A label that came out: its format, and the EPC that was written into its tag (hexadecimal;
    empty: none).
    """

    zpl: str
    epc: str


class EmulatedPrinter:
    """To be set by a test or by a person: ``paper`` labels are left (``None``: without end), the
    flags are troubles, ``silent`` answers no ``~HS``, ``breaks_after`` closes the connection after
    so many bytes of it. ``on_label`` is told of each label.
    """

    def __init__(
        self, *, paper: int | None = None, on_label: Callable[[PrintedLabel], None] | None = None
    ) -> None:
        self.paper = paper
        self.head_open = self.paused = self.ribbon_out = self.silent = False
        self.breaks_after: int | None = None
        self.labels: list[PrintedLabel] = []
        self._waiting: list[PrintedLabel] = []
        self._on_label = on_label
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; answers at which port. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, host, port)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def stop(self) -> None:
        """Be switched off."""
        assert self._server is not None, "it was started"
        self._server.close()
        for writer in list(self._connections):
            writer.close()
        await self._server.wait_closed()

    @property
    def waiting(self) -> int:
        """Labels in its memory."""
        return len(self._waiting)

    @property
    def is_stopped(self) -> bool:
        """Whether it prints nothing now."""
        return self.paper == 0 or self.head_open or self.paused or self.ribbon_out

    def go_on(self) -> None:
        """Print what waits, as far as it can: to be called when a trouble is over."""
        while self._waiting and not self.is_stopped:
            label = self._waiting.pop(0)
            if self.paper is not None:
                self.paper -= 1
            self.labels = [*self.labels[-_MOST_KEPT:], label]
            if self._on_label is not None:
                self._on_label(label)

    def status(self) -> bytes:
        """What it answers to ``~HS``."""
        first = (
            f"030,{int(self.paper == 0)},{int(self.paused)},1245,{self.waiting:03},0,0,0,000,0,0,0"
        )
        second = f"000,0,{int(self.head_open)},{int(self.ribbon_out)},1,2,6,0,{0:08},1,000"
        return "".join(f"\x02{one}\x03\r\n" for one in (first, second, "1234,0")).encode()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            with contextlib.suppress(ConnectionError):
                await self._hear(reader, writer)
        finally:
            self._connections.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        unread, heard = b"", 0
        while piece := await reader.read(65_536):
            heard += len(piece)
            if self.breaks_after is not None and heard > self.breaks_after:
                return
            unread += piece
            while found := _PIECE.search(unread):
                unread = unread[found.end() :]
                await self._obey(found[0], writer)
            if not any(end in unread for end in _ENDS):
                unread = unread[-2:]  # nothing has begun in it

    async def _obey(self, said: bytes, writer: asyncio.StreamWriter) -> None:
        if said == b"~HS":
            if not self.silent:
                writer.write(self.status())
                await writer.drain()
        elif said == b"~HI":
            writer.write(b"\x02ZD621R-203dpi,V93.21.26Z,8,8176KB\x03\r\n")
            await writer.drain()
        elif said == b"~JA":
            self._waiting.clear()
        else:
            copies = _COPIES.search(said)
            label = PrintedLabel(said.decode("utf-8", "replace"), _epc(said))
            self._waiting += [label] * (int(copies[1]) if copies else 1)
            self.go_on()


def _epc(said: bytes) -> str:
    """What ``^RFW`` writes: 12 bytes into bank E, or from a word of bank 1 on, with its PC."""
    found = _TAG.search(said)
    if found is None:
        return ""
    start, _, bank, digits = found.groups()
    if start is None:
        return digits.decode()
    if (start, bank) != (b"1", b"1"):
        return ""
    words = int(digits[:4], 16) >> 11
    return digits[4 : 4 + 4 * words].decode()
