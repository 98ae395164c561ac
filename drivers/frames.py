"""Bytes to readings, incrementally: the one framer of every scale.

A protocol gives a ``FrameFormat``: where in a stream the next frame lies, and what a frame says.
The decoder searches, keeps the rest (never more than the longest frame), and tells what lies
between frames as one ``FrameError``. A frame whose check does not fit costs one byte, not
itself: a whole frame may begin within it. So any split of the same bytes gives the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from drivers.errors import FrameError
from drivers.frame_faults import frame_error
from drivers.readings import Reading, WeightReading

Find = Callable[[bytearray, int, bool], tuple[int, int]]
"""``find(buffer, start, ended)``: begin and end of the next frame at or after ``start``.

Begin and end are equal where there is none yet: no frame begins before that place, whatever
comes. ``ended`` says that nothing will come.
"""

GAP_BYTES_MAX = 4096
_SEVEN_BITS = bytes(value & 0x7F for value in range(256))
_BLANK = b"\r\n\0 \t\x02\x03"


def blank(gap: bytes, last: bytes) -> bool:
    """Whether what lies between two frames is only line ends and padding."""
    return not gap.strip(_BLANK)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFormat:
    """How a device frames what it says.

    ``read`` raises ``ValueError`` where a check does not fit. ``quiet`` says whether bytes
    between frames (and after the last) are no fault. ``seven_bits`` takes the parity off that an
    8-bit port reads from a 7-bit line. ``lines``: frames end like lines, so that the end of the
    stream ends one too. ``binary``: bytes above 7F are no sign of a line set up wrongly.
    """

    find: Find
    read: Callable[[bytes], Reading]
    quiet: Callable[[bytes, bytes], bool] = blank
    seven_bits: bool = False
    lines: bool = False
    binary: bool = False


def searched(pattern: re.Pattern[bytes], *, longest: int) -> Find:
    """Frames that ``pattern`` finds. Its last byte must stand in no frame but as the last,
    and no match may be longer than ``longest`` bytes.
    """

    def find(buffer: bytearray, start: int, ended: bool) -> tuple[int, int]:
        match = pattern.search(buffer, start)
        if match is not None:
            return match.span()
        hold = len(buffer) if ended else max(start, len(buffer) - longest + 1)
        return hold, hold

    return find


def measured(length: Callable[[bytes], int | None], *, longest: int) -> Find:
    """Frames that tell their length: ``length(bytes from a place on)`` is 0 where no frame
    begins, ``None`` where more bytes must tell.
    """

    def find(buffer: bytearray, start: int, ended: bool) -> tuple[int, int]:
        for place in range(start, len(buffer)):
            size = length(bytes(buffer[place : place + longest]))
            if size and place + size <= len(buffer):
                return place, place + size
            if size != 0 and not ended:
                return place, place
        return len(buffer), len(buffer)

    return find


class FrameDecoder:
    """A device's bytes to readings (``drivers.driver.Decoder``).

    ``midway``: the stream was joined while it ran, so that what stands before the first frame
    is no fault, and a line whose beginning was missed is no weight.
    """

    def __init__(self, form: FrameFormat, *, midway: bool = False) -> None:
        self.errors: list[FrameError] = []
        self.frames = 0
        self._format = form
        # Always one byte before the place of the search, for patterns that look behind.
        self._buffer = bytearray(b"?" if midway else b"\n")
        self._offset = -1  # of the buffer's first byte
        self._gap = bytearray()
        self._gap_offset = 0
        self._refused = ""
        self._last = b""
        self._forgiving = midway

    @property
    def pending_bytes(self) -> int:
        """Bytes held because their frame has not ended, or nothing has followed them."""
        return len(self._buffer) - 1 + len(self._gap)

    def feed(self, data: bytes) -> list[Reading]:
        """Decode all frames that are complete."""
        self._buffer += data.translate(_SEVEN_BITS) if self._format.seven_bits else data
        return self._search(ended=False)

    def finish(self) -> list[Reading]:
        """The stream ended: a last line without its end counts if a unit shows it is whole."""
        readings = self._search(ended=not self._format.lines)
        if self._format.lines:
            whole = self._end_line()
            readings += whole
        self._tell_gap()
        return readings

    def _end_line(self) -> list[Reading]:
        offset = self._offset + 1
        self._buffer += b"\r"
        readings = self._search(ended=True)
        last = readings[-1] if readings else None
        if isinstance(last, WeightReading) and last.value is not None and last.unit is None:
            readings.pop()
            self.frames -= 1
            self._error("A weight that was cut short", self._last[:-1], offset)
        return readings

    def _search(self, *, ended: bool) -> list[Reading]:
        readings: list[Reading] = []
        start = 1
        while True:
            begin, end = self._format.find(self._buffer, start, ended)
            if begin == end:
                self._skip(begin)
                return readings
            frame = bytes(self._buffer[begin:end])
            try:
                reading = self._format.read(frame)
            except ValueError as error:
                self._refused = self._refused or str(error)
                start = begin + 1
                continue
            self._skip(begin)
            self._tell_gap()
            readings.append(reading)
            self.frames += 1
            self._last = frame
            self._forget(1 + len(frame))
            start = 1

    def _forget(self, upto: int) -> None:
        """Drop what is done with, but for the last byte."""
        del self._buffer[: upto - 1]
        self._offset += upto - 1

    def _skip(self, upto: int) -> None:
        """The buffer up to this place is no frame."""
        if not self._gap:
            self._gap_offset = self._offset + 1
        self._gap += self._buffer[1:upto]
        self._forget(upto)
        while len(self._gap) > GAP_BYTES_MAX:
            rest = self._gap[GAP_BYTES_MAX:]
            del self._gap[GAP_BYTES_MAX:]
            next_offset = self._gap_offset + GAP_BYTES_MAX
            self._tell_gap()
            self._gap, self._gap_offset = rest, next_offset

    def _tell_gap(self) -> None:
        gap = bytes(self._gap)
        self._gap.clear()
        why, self._refused = self._refused, ""
        first, self._forgiving = self._forgiving, False
        if gap and not first and not self._format.quiet(gap, self._last):
            # The end of the line before is no part of what made no sense.
            begin = len(gap) - len(gap.lstrip(b"\r\n"))
            sense = gap.strip(b"\r\n") or gap
            self._error(why or "No frame of this protocol", sense, self._gap_offset + begin)

    def _error(self, what: str, data: bytes, offset: int) -> None:
        text = not self._format.binary
        self.errors.append(frame_error(what, data, offset, text=text))
