"""Recordings: what a site's devices said, with the truth beside it, as JSON Lines.

The first line is the header, ``{"tallyport_recording": 1, "kind": "portal" | "shelf", ...}``;
every further line is something heard (a tag, a photo-eye, a weight) or a ``truth`` that a
person or an emulator adds. ``t`` is seconds since ``started_at``. Lines may stand in any
order; reading gives them in time order. Files ending in ``.gz`` are gzip-compressed.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Annotated, Any, Literal, Self, cast

import msgspec

from drivers.readings import TagRead

VERSION = 1
_FIRST_YEAR, _LAST_YEAR = 1970, 9_000

Side = Literal["outside", "inside", "unknown"]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Epc = Annotated[str, msgspec.Meta(pattern=r"^([0-9A-Fa-f]{2}){1,62}\Z")]
Number = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Milligrams = Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)]
Level = Annotated[float, msgspec.Meta(ge=-400.0, le=400.0)]
Real = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*\Z")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class RecordingError(ValueError):
    """A file that is no recording; the message names the file, the line and what is wrong."""


class AntennaPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an antenna hangs: metres in any frame of the site, ``yaw_deg`` of its bore-sight."""

    antenna: Number
    side: Side = "unknown"
    x_m: Real | None = None
    y_m: Real | None = None
    z_m: Real | None = None
    yaw_deg: Real | None = None


class PlateSetup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What lies on a load plate: the item, its unit mass, and how much units vary (std/mean)."""

    plate: Number
    item: str
    unit_mg: Annotated[int, msgspec.Meta(gt=0, le=10**15)]
    unit_cv: Annotated[float, msgspec.Meta(ge=0, le=1e9)] = 0.0


class PortalHeader(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="portal", omit_defaults=True
):
    """First line of a portal's recording."""

    read_point: Name
    started_at: Moment
    antennas: list[AntennaPlace] = []


class ShelfHeader(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="shelf", omit_defaults=True
):
    """First line of a shelf's recording."""

    read_point: Name
    started_at: Moment
    plates: list[PlateSetup] = []


class TagHeard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One read of one tag by one antenna; ``epc`` is hexadecimal."""

    t: Seconds
    epc: Epc
    antenna: Number
    peak_rssi_dbm: Level | None = None
    phase_rad: Real | None = None
    doppler_hz: Real | None = None
    channel: Number | None = None


class GpiChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A general purpose input (a photo-eye) changed to ``state``."""

    t: Seconds
    gpi: Number
    state: bool


class PlateWeighed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A plate's gross mass at one moment, in milligrams."""

    t: Seconds
    plate: Number
    gross_mg: Milligrams
    std_mg: Annotated[int, msgspec.Meta(ge=0, le=10**15)] | None = None
    stable: bool | None = None


class PassTruth(msgspec.Struct, frozen=True, kw_only=True, tag_field="truth", tag="pass", gc=False):
    """A tag really crossed the portal. A tag without a truth did not cross."""

    t: Seconds
    epc: Epc
    direction: Literal["in", "out"]


class ChangeTruth(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="truth", tag="change", gc=False
):
    """Units were really put on (positive) or taken off (negative) a plate."""

    t: Seconds
    plate: Number
    quantity: int


Header = PortalHeader | ShelfHeader
Heard = TagHeard | GpiChanged | PlateWeighed
Truth = PassTruth | ChangeTruth
Line = Heard | Truth

_OF_KIND: dict[type[Header], tuple[type[Line], ...]] = {
    PortalHeader: (TagHeard, GpiChanged, PassTruth),
    ShelfHeader: (PlateWeighed, ChangeTruth),
}


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """A whole recording, in time order."""

    header: Header
    heard: tuple[Heard, ...]
    truths: tuple[Truth, ...]

    @property
    def duration_s(self) -> float:
        """Time of the last line."""
        return max((line.t for line in (*self.heard, *self.truths)), default=0.0)

    def tag_reads(self) -> Iterator[tuple[float, TagRead]]:
        """``(t, read)`` in time order; the read's times are ``started_at`` + ``t``."""
        origin_us = round(self.header.started_at.timestamp() * 1_000_000)
        for line in self.heard:
            if isinstance(line, TagHeard):
                seen_us = origin_us + round(line.t * 1_000_000)
                yield (
                    line.t,
                    TagRead(
                        epc=line.epc.upper(),
                        epc_bits=4 * len(line.epc),
                        antenna=line.antenna,
                        peak_rssi_dbm=line.peak_rssi_dbm,
                        first_seen_us=seen_us,
                        last_seen_us=seen_us,
                        phase_rad=line.phase_rad,
                        doppler_hz=line.doppler_hz,
                        channel=line.channel,
                    ),
                )


def read_recording(path: Path) -> Recording:
    """Read a recording; raises ``RecordingError`` naming the file and the line."""
    header: Header | None = None
    heard: list[Heard] = []
    truths: list[Truth] = []
    for number, text in _numbered_lines(path):
        try:
            if header is None:
                header = _header(text)
                continue
            line = _line(text, header)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            cut = "" if text.endswith(b"\n") else " (the file ends within this line)"
            raise RecordingError(f"{path}, line {number}: {error}{cut}") from error
        if isinstance(line, PassTruth | ChangeTruth):
            truths.append(line)
        else:
            heard.append(line)
    if header is None:
        raise RecordingError(f"{path} is empty: a recording begins with a header line")
    return Recording(
        header=header,
        heard=tuple(sorted(heard, key=lambda line: line.t)),
        truths=tuple(sorted(truths, key=lambda line: line.t)),
    )


def read_header(path: Path) -> Header:
    """A recording's first line alone; raises ``RecordingError`` naming the file."""
    for number, text in _numbered_lines(path):
        try:
            return _header(text)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise RecordingError(f"{path}, line {number}: {error}") from error
    raise RecordingError(f"{path} is empty: a recording begins with a header line")


def _numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    try:
        with _open(path, "rb") as file:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    yield number, text
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError(f"{path}, after line {number}: cannot be read: {error}") from error


def _open(path: Path, mode: Literal["rb", "wb"]) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, mode))
    return path.open(mode)


def _header(text: bytes) -> Header:
    raw: Any = msgspec.json.decode(text)
    version = raw.get("tallyport_recording") if isinstance(raw, dict) else None
    if version is None:
        raise ValueError('the first line of a recording has "tallyport_recording": 1')
    if version != VERSION:
        raise ValueError(f"recording version {version!r}, but this program reads version {VERSION}")
    # The type checker sees a union where msgspec wants a type; it accepts unions.
    header: Header = msgspec.convert(raw, cast("type[Header]", Header))
    if not _FIRST_YEAR <= header.started_at.year <= _LAST_YEAR:
        raise ValueError(f"started_at is {header.started_at.isoformat()}: nobody recorded then")
    return header


def _line(text: bytes, header: Header) -> Line:
    raw: Any = msgspec.json.decode(text)
    if not isinstance(raw, dict):
        raise ValueError(f"a line is a JSON object, not {type(raw).__name__}")
    line = _typed_line(raw)
    if not isinstance(line, _OF_KIND[type(header)]):
        kind = "portal" if isinstance(header, PortalHeader) else "shelf"
        raise ValueError(f"{type(line).__name__} does not belong into a {kind} recording")
    return line


def _typed_line(raw: dict[str, Any]) -> Line:
    if "truth" in raw:
        truth: Truth = msgspec.convert(raw, cast("type[Truth]", Truth))
        return truth
    if "gpi" in raw:
        return msgspec.convert(raw, GpiChanged)
    if "epc" in raw:
        return msgspec.convert(raw, TagHeard)
    if "plate" in raw:
        return msgspec.convert(raw, PlateWeighed)
    raise ValueError(f"a line has one of truth, gpi, epc, plate, but this has {', '.join(raw)}")


class RecordingWriter:
    """Writes a recording line by line; use as a context manager.

    Plain files are flushed with every ``flush()``, so that an interrupted capture loses at
    most what came after it.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self._header = header
        self._file = _open(path, "wb")
        self._put({"tallyport_recording": VERSION, **msgspec.to_builtins(header)})

    def write(self, line: Line) -> None:
        """Append one line; raises ``ValueError`` for a line of the other kind of recording."""
        if not isinstance(line, _OF_KIND[type(self._header)]):
            raise ValueError(f"{type(line).__name__} does not belong into this kind of recording")
        self._put(line)

    def flush(self) -> None:
        """Hand what is written to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def _put(self, line: object) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def write_recording(path: Path, recording: Recording) -> None:
    """Write a whole recording, truths after what was heard."""
    with RecordingWriter(path, recording.header) as writer:
        for line in (*recording.heard, *recording.truths):
            writer.write(line)
