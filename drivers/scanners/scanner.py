"""Barcode scanners on a line: USB-CDC ("virtual COM port"), RS-232, or a TCP socket.

Manuals: the scanner's programming guide for suffix and AIM identifiers; ISO/IEC 15424 for what
the identifiers mean (``]C1`` GS1-128, ``]d2`` GS1 DataMatrix, ``]Q3`` GS1 QR, ``]E0`` EAN-13).
How a code ends is the scanner's setting; most end it with CR, LF or CR LF.
"""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from drivers.driver import Tap
from drivers.errors import FrameError
from drivers.lines import Line, LineSplitter
from drivers.readings import CodeScan, Reading
from drivers.scanners.scanning import Scanner
from drivers.transports.transport import Transport, TransportSettings, open_transport

GROUP_SEPARATOR = "\x1d"

Suffix = Literal["any", "crlf", "cr", "lf", "etx", "none"]
_ENDS = {
    "any": re.compile(rb"[\r\n\x03]"),
    "crlf": re.compile(rb"\r\n"),
    "cr": re.compile(rb"\r"),
    "lf": re.compile(rb"\n"),
    "etx": re.compile(rb"\x03"),
    "none": re.compile(rb"(?!)"),
}


class ScannerConfig(TransportSettings):
    """Where the scanner is and how it ends a code.

    ``suffix``: ``any`` takes CR, LF, CR LF, ETX and no suffix at all. The others insist on one, so
    that a code of several lines (a QR code, a driving licence) stays one code: ``crlf``, ``cr``,
    ``lf``, ``etx``, or ``none``, where only silence ends a code. ``idle_ms`` of silence end a code
    without suffix. ``separators`` are texts the scanner sends in place of GS (hexadecimal 1D).
    """

    suffix: Suffix = "any"
    idle_ms: Annotated[int, Field(ge=20, le=2_000)] = 80
    separators: tuple[Annotated[str, Field(min_length=1, max_length=8)], ...] = ()


# ---- bytes to codes ------------------------------------------------------------------------

_AIM = re.compile(r"\][A-Za-z][0-9A-Za-z]")
# Control characters that no code carries; ISO 15434 uses 04 and 1C to 1F, text 09, 0A and 0D.
_NOISE = re.compile("[\x00-\x03\x05-\x08\x0b\x0c\x0e-\x1b\x7f-\x9f]")


class ScannerDecoder:
    """A scanner's bytes to codes (``drivers.driver.Decoder``); holds at most 4 kB."""

    def __init__(self, *, suffix: Suffix = "any", separators: tuple[str, ...] = ()) -> None:
        self.errors: list[FrameError] = []
        self.suffix_seen = suffix not in {"any", "none"}
        self._separators = separators
        self._lines = LineSplitter(_ENDS[suffix])

    @property
    def pending_bytes(self) -> int:
        """Bytes of a code that has not ended."""
        return self._lines.pending_bytes

    def feed(self, data: bytes) -> list[Reading]:
        """Decode all codes that have ended with a suffix."""
        lines, errors = self._lines.feed(data)
        self.suffix_seen |= bool(lines)
        return self._codes(lines, errors)

    def flush(self) -> list[Reading]:
        """Nothing has come for a while: what is held is a code, or a fragment that is reported."""
        if not self.suffix_seen:
            return self.finish()
        lines, errors = self._lines.finish()
        self.errors += errors
        for line in lines:
            self._refuse("A code without its suffix, probably a fragment", line)
        return []

    def finish(self) -> list[Reading]:
        """The stream ended: what is held is the last code."""
        return self._codes(*self._lines.finish())

    def _codes(self, lines: list[Line], errors: list[FrameError]) -> list[Reading]:
        told = len(self.errors)
        self.errors += errors
        codes: list[Reading] = [code for line in lines if (code := self._code(line)) is not None]
        self.errors[told:] = sorted(self.errors[told:], key=lambda error: error.offset)
        return codes

    def _code(self, line: Line) -> CodeScan | None:
        try:
            text = line.data.decode("utf-8")
        except UnicodeDecodeError:
            text = line.data.decode("latin-1")
        # Line ends that the suffix leaves over, and the STX and ETX of a framed code.
        text = text.strip("\r\n").removeprefix("\x02").removesuffix("\x03")
        if not text:
            return None
        if _NOISE.search(text):
            self._refuse("Control characters that no code carries", line)
            return None
        symbology = text[:3] if _AIM.match(text) else None
        if symbology:
            text = text[3:]
        for separator in self._separators:
            text = text.replace(separator, GROUP_SEPARATOR)
        if not text:
            self._refuse(f"An AIM identifier ({symbology}) without a code", line)
            return None
        return CodeScan(data=text, symbology=symbology)

    def _refuse(self, what: str, line: Line) -> None:
        shown = line.data[:64].decode("ascii", errors="backslashreplace")
        self.errors.append(
            FrameError(
                f"{what}: {shown!r}",
                offset=line.offset,
                frame=line.data,
                hint="Scan again. If it stays so, check baud_rate, bytesize and parity.",
            )
        )


# ---- the driver ----------------------------------------------------------------------------


class SerialScanner(Scanner):
    """One scanner on one line, serial or TCP (``drivers.driver.Driver``)."""

    Config: ClassVar[type[ScannerConfig]] = ScannerConfig

    def __init__(self, config: ScannerConfig, *, tap: Tap | None = None) -> None:
        super().__init__(config.where, config.idle_ms)
        self.config = config
        self._tap = tap

    @classmethod
    def decoder(cls) -> ScannerDecoder:
        """A fresh decoder of what such a scanner sends."""
        return ScannerDecoder()

    def _line(self) -> AbstractAsyncContextManager[Transport]:
        return open_transport(self.config, tap=self._tap)

    def _codes(self) -> ScannerDecoder:
        return ScannerDecoder(suffix=self.config.suffix, separators=self.config.separators)
