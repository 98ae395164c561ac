"""Bytes that made no sense, told alike by every decoder and every driver. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.errors import FrameError
from drivers.readings import DeviceEvent

SAMPLE_BYTES = 64
"""So much of what made no sense is kept and shown."""
_EIGHTH_BIT = "Bytes above 7F: check baud_rate, bytesize and parity on both sides."


def frame_error(what: str, data: bytes, offset: int, *, text: bool = True) -> FrameError:
    """``what`` was wrong with ``data`` at ``offset``. Where all should be text, bytes above 7F
    are a sign of a line that is set up wrongly.
    """
    sample = data[:SAMPLE_BYTES]
    shown = sample.decode("ascii", errors="backslashreplace")
    hint = _EIGHTH_BIT if text and any(byte > 0x7F for byte in data) else ""
    return FrameError(f"{what}: {shown!r}", offset=offset, frame=sample, hint=hint)


def told_once(errors: Sequence[FrameError]) -> list[DeviceEvent]:
    """The last of the errors that came together, and how many there were; nothing for none."""
    if not errors:
        return []
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    last = errors[-1]
    return [DeviceEvent(name="frame_error", detail=f"{last}{more}", raw_hex=last.frame.hex(" "))]
