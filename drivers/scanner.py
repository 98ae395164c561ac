"""Barcode scanners on a line: USB-CDC ("virtual COM port"), RS-232, or a TCP socket.

Manuals: the scanner's programming guide for suffix and AIM identifiers; ISO/IEC 15424 for what
the identifiers mean (``]C1`` GS1-128, ``]d2`` GS1 DataMatrix, ``]Q3`` GS1 QR, ``]E0`` EAN-13).
A code ends with CR, LF or CR LF, or, from a scanner without a suffix, when nothing comes for a
while. Once a scanner has shown that it sends a suffix, a code without one is a fragment: it is
reported and never taken for a code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from drivers.driver import Emit, Tap
from drivers.errors import FrameError
from drivers.lines import CR_OR_LF, Line, LineSplitter
from drivers.readings import CodeScan, DeviceEvent, Reading
from drivers.transport import Transport, TransportSettings, open_transport

GROUP_SEPARATOR = "\x1d"
FRAGMENT_TIMEOUT_S = 2.0
"""How long a scanner that sends a suffix may pause within a code before it is a fragment."""

Suffix = Literal["any", "crlf"]
_ENDS = {"any": CR_OR_LF, "crlf": re.compile(rb"\r\n")}


class ScannerConfig(TransportSettings):
    """Where the scanner is and how it ends a code.

    ``suffix``: ``any`` takes CR, LF, CR LF and no suffix at all; ``crlf`` insists, so that a
    QR code of several lines stays one code. ``idle_ms`` of silence end a code without suffix.
    ``separators`` are texts the scanner sends in place of GS (hexadecimal 1D).
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
        self.suffix_seen = suffix != "any"
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
        text = text.removeprefix("\x02").removesuffix("\x03")
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


class SerialScanner:
    """One scanner on one line, serial or TCP (``drivers.driver.Driver``)."""

    Config: ClassVar[type[ScannerConfig]] = ScannerConfig

    def __init__(self, config: ScannerConfig, *, tap: Tap | None = None) -> None:
        self.config = config
        self._tap = tap
        self._counts = {"bytes": 0, "frames": 0, "frame_errors": 0}

    @classmethod
    def decoder(cls) -> ScannerDecoder:
        """A fresh decoder of what such a scanner sends."""
        return ScannerDecoder()

    def counters(self) -> Mapping[str, int]:
        """``bytes``, ``frames`` (codes), ``frame_errors`` since construction."""
        return dict(self._counts)

    async def run(self, emit: Emit) -> None:
        """Open the line and emit codes until cancelled; a scanner may be silent for ever.

        Raises ``DeviceUnavailable`` when the line cannot be opened or is lost.
        """
        config = self.config
        decoder = ScannerDecoder(suffix=config.suffix, separators=config.separators)
        async with open_transport(config, tap=self._tap) as line:
            await emit([DeviceEvent(name="connected", detail=f"scanner at {config.where}")])
            while True:
                readings = await self._hear(line, decoder)
                errors, decoder.errors = decoder.errors, []
                self._counts["frames"] += len(readings)
                self._counts["frame_errors"] += len(errors)
                told = [DeviceEvent(name="frame_error", detail=str(error)) for error in errors]
                if told or readings:
                    await emit([*told, *readings])

    async def _hear(self, line: Transport, decoder: ScannerDecoder) -> list[Reading]:
        timeout_s = None
        if decoder.pending_bytes:
            idle_s = self.config.idle_ms / 1000
            timeout_s = FRAGMENT_TIMEOUT_S if decoder.suffix_seen else idle_s
        data = await line.read(timeout_s)
        self._counts["bytes"] += len(data)
        return decoder.feed(data) if data else decoder.flush()
