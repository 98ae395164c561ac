"""Bytes to lines, incrementally: the framing of all devices that end what they say with CR or LF.

Any split of the same bytes gives the same lines. At most ``LINE_BYTES_MAX`` bytes are held: a
longer line is noise, is dropped up to its end, and is told as one ``FrameError``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from drivers.errors import FrameError

LINE_BYTES_MAX = 4096
_SAMPLE_BYTES = 64

CR_OR_LF = re.compile(rb"[\r\n]")


class Line(NamedTuple):
    """One line without its end, and where in the stream it began."""

    data: bytes
    offset: int


class LineSplitter:
    """Cuts a stream at ``end``. Empty lines (the LF after a CR) are passed over."""

    def __init__(self, end: re.Pattern[bytes] = CR_OR_LF) -> None:
        self._end = end
        self._buffer = bytearray()
        self._offset = 0  # of the buffer's first byte
        self._searched = 0  # no end begins before this place of the buffer
        self._overlong: FrameError | None = None

    @property
    def pending_bytes(self) -> int:
        """Bytes held because their line has not ended."""
        return len(self._buffer)

    def feed(self, data: bytes) -> tuple[list[Line], list[FrameError]]:
        """Cut what is complete; keep the rest (bounded)."""
        self._buffer += data
        lines: list[Line] = []
        errors: list[FrameError] = []
        start = 0
        while match := self._end.search(self._buffer, max(start, self._searched)):
            self._close(start, match.start(), lines, errors)
            start = match.end()
            self._searched = start
        del self._buffer[:start]
        self._offset += start
        # The last byte may be the first half of a two-byte end.
        self._searched = max(0, len(self._buffer) - 1)
        self._bound()
        return lines, errors

    def finish(self) -> tuple[list[Line], list[FrameError]]:
        """Take what is held as a line of its own."""
        lines: list[Line] = []
        errors: list[FrameError] = []
        self._close(0, len(self._buffer), lines, errors)
        self._offset += len(self._buffer)
        self._buffer.clear()
        self._searched = 0
        return lines, errors

    def _close(self, start: int, stop: int, lines: list[Line], errors: list[FrameError]) -> None:
        if self._overlong is None and stop - start > LINE_BYTES_MAX:
            self._overlong = _overlong(bytes(self._buffer[start:stop]), self._offset + start)
        if self._overlong is not None:
            errors.append(self._overlong)
            self._overlong = None
        elif stop > start:
            lines.append(Line(bytes(self._buffer[start:stop]), self._offset + start))

    def _bound(self) -> None:
        excess = len(self._buffer) - LINE_BYTES_MAX - 1  # one more for half an end
        if self._overlong is None and excess > 0:
            self._overlong = _overlong(bytes(self._buffer), self._offset)
        if self._overlong is not None and len(self._buffer) > 1:
            dropped = len(self._buffer) - 1
            del self._buffer[:dropped]
            self._offset += dropped
            self._searched = 0


def _overlong(data: bytes, offset: int) -> FrameError:
    return FrameError(
        f"A line of more than {LINE_BYTES_MAX} bytes: dropped up to its end",
        offset=offset,
        frame=data[:_SAMPLE_BYTES],
        hint="No device says so much at once: check baud_rate, bytesize and parity.",
    )
