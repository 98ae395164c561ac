"""Captures: the raw bytes of one device with their times, as JSON Lines.

The first line is ``{"tallyport_capture": 1, "driver": ..., "device": ..., "read_point": ...,
"started_at": ...}``; each further line ``{"t": seconds, "hex": "..."}`` is what one read from
the device gave. A capture from the field becomes a test by being replayed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import msgspec

from gateway.contract import Name, Small

VERSION = 1
_FIRST_YEAR, _LAST_YEAR = 1970, 9_000
_LONGEST_LINE = 8 * 2**20


class CaptureError(ValueError):
    """A file that is no capture; the message names the file, the line and what is wrong."""


class CaptureHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Whose bytes these are."""

    driver: str
    device: Name
    read_point: Name
    started_at: Annotated[datetime, msgspec.Meta(tz=True)]
    plate: Small = 1
    tallyport_capture: int = VERSION


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """``hex`` is what came ``t`` seconds after the start."""

    t: Annotated[float, msgspec.Meta(ge=0, le=1e9)]
    hex: Annotated[str, msgspec.Meta(pattern=r"^([0-9A-Fa-f]{2})*\Z")]


class CaptureWriter:
    """Writes a capture, each line at once, so that an interrupted one is whole up to there."""

    def __init__(self, path: Path, header: CaptureHeader) -> None:
        self._file = path.open("wb", buffering=0)
        self._file.write(msgspec.json.encode(header) + b"\n")
        self.bytes = 0

    def write(self, t: float, data: bytes) -> None:
        """Add what came at ``t`` seconds."""
        self.bytes += len(data)
        self._file.write(msgspec.json.encode(Chunk(t=round(t, 6), hex=data.hex())) + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def is_capture(path: Path) -> bool:
    """Whether the file begins like a capture."""
    with path.open("rb") as file:
        return b'"tallyport_capture"' in file.readline(_LONGEST_LINE)


def read_capture(path: Path) -> tuple[CaptureHeader, Iterator[tuple[float, bytes]]]:
    """The header, and ``(t, bytes)`` line by line. Raises ``CaptureError``."""
    with path.open("rb") as file:
        first = file.readline(_LONGEST_LINE)
    try:
        header = msgspec.json.decode(first, type=CaptureHeader)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise CaptureError(f"{path}, line 1: this is not a capture: {error}") from error
    if not _FIRST_YEAR <= header.started_at.year <= _LAST_YEAR:
        raise CaptureError(
            f"{path}: started_at is {header.started_at.isoformat()}: nobody captured then"
        )
    if header.tallyport_capture != VERSION:
        raise CaptureError(
            f"{path}: capture version {header.tallyport_capture}, this program reads {VERSION}"
        )
    return header, _chunks(path)


def _chunks(path: Path) -> Iterator[tuple[float, bytes]]:
    decode = msgspec.json.Decoder(Chunk).decode
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if number == 1 or not line.strip():
                continue
            try:
                chunk = decode(line)
            except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
                raise CaptureError(f"{path}, line {number}: {error}") from error
            yield chunk.t, bytes.fromhex(chunk.hex)
