"""An emulated serial barcode scanner: what is scanned goes out as bytes on a pseudo-terminal."""

from __future__ import annotations

import asyncio
from pathlib import Path

from drivers.emulators.scan_errors import Typist
from drivers.emulators.serial_pty import SerialPty


class EmulatedScanner:
    """A scanner with AIM identifiers switched on. ``link`` keeps one path over replugging;
    a ``typist`` makes its mistakes.
    """

    def __init__(self, *, link: Path | None = None, typist: Typist | None = None) -> None:
        self._line = SerialPty(self._ignore, link=link)
        self.typist = typist or Typist({})

    async def start(self) -> str:
        """Plug in; give the path of the port."""
        return await self._line.start()

    async def stop(self) -> None:
        """Switch off."""
        self._line.unplug()

    def unplug(self) -> None:
        """Pull the cable; ``start`` plugs it in again."""
        self._line.unplug()

    async def scan(
        self, data: str, symbology: str | None = "]C1", suffix: str | bytes = "\r\n"
    ) -> None:
        """Read a code: ``symbology`` (if any), ``data`` and ``suffix`` go out as UTF-8.

        Raises ``ConnectionError`` when the line does not take them.
        """
        end = suffix.encode() if isinstance(suffix, str) else suffix
        for typed in self.typist.typed((symbology or "") + data):
            if typed.pause_s:
                await asyncio.sleep(typed.pause_s)
            await self.send(typed.text.encode() + (end if typed.suffix else b""))

    async def send(self, data: bytes) -> None:
        """Put raw bytes on the line; raises ``ConnectionError`` when it does not take them."""
        taken = self._line.write(data)
        if taken != len(data):
            state = "nobody reads it" if self._line.plugged else "it is unplugged"
            raise ConnectionError(f"The scanner's line took {taken} of {len(data)} bytes: {state}")

    def _ignore(self, data: bytes) -> None:
        """A scanner of this kind takes no commands."""
