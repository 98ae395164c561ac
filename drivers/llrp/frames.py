"""LLRP framing: bytes of a TCP stream to whole messages, bounded and resynchronising.

A message starts with ten bytes (LLRP 1.0.1 section 16.1): three reserved bits, three bits of
version, ten bits of type, 32 bits of length including these ten, 32 bits of message id.
While lengths make sense, messages are cut by them, whatever their type. A length outside
10 bytes .. 4 MiB means that the position is lost: bytes are then skipped up to the next
place that looks like the start of a message *with its first parameter*, and what was
skipped becomes one ``FrameError``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from drivers.errors import FrameError

HEADER_BYTES = 10
FRAME_BYTES_MAX = 4 * 1024 * 1024
"""No reader builds larger messages; a larger length is damage, not data."""

_header = Struct(">HII")
_parameter = Struct(">HH")
_LOOKAHEAD_BYTES = HEADER_BYTES + _parameter.size
# Version 1 to 3, and a length below 2**22 + 2**16: where a message can start at all.
_candidate = re.compile(rb"[\x04-\x0f][\x00-\xff]\x00[\x00-\x40]", re.DOTALL)

CLOSE_CONNECTION_RESPONSE = 4
CLOSE_CONNECTION = 14
GET_ROSPECS = 26
GET_ROSPECS_RESPONSE = 36
GET_REPORT = 60
RO_ACCESS_REPORT = 61
KEEPALIVE = 62
READER_EVENT_NOTIFICATION = 63
ENABLE_EVENTS_AND_REPORTS = 64
KEEPALIVE_ACK = 72
ERROR_MESSAGE = 100
CUSTOM_MESSAGE = 1023

MESSAGE_KINDS = frozenset(
    {*range(1, 5), *range(10, 15), *range(20, 27), *range(30, 37), *range(40, 48),
     *range(50, 58), *range(60, 65), 72, 100, 1023}
)  # fmt: skip
"""Message types of LLRP 1.0.1 and 1.1."""

_FIRST_PARAMETERS: dict[int, frozenset[int]] = {
    # TagReportData, RFSurveyReportData, Custom
    RO_ACCESS_REPORT: frozenset({240, 242, 1023}),
    READER_EVENT_NOTIFICATION: frozenset({246}),
    ERROR_MESSAGE: frozenset({287}),
    **dict.fromkeys(
        (4, 10, 11, 12, 13, *range(30, 39), *range(50, 55), 56), frozenset({287})
    ),  # responses start with LLRPStatus
}


class Frame(NamedTuple):
    """One message: its type and id, where it began in the stream, and all its bytes."""

    kind: int
    message_id: int
    offset: int
    data: bytes


class FrameSplitter:
    """Cuts a stream into messages. Holds at most one unfinished message (4 MiB).

    Any split of the same bytes gives the same frames and the same errors.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._offset = 0
        self._lost_at: int | None = None
        self._lost_header = b""

    @property
    def pending_bytes(self) -> int:
        """Bytes held because their message is not complete."""
        return len(self._buffer)

    def feed(self, data: bytes) -> tuple[list[Frame], list[FrameError]]:
        """Cut what is complete, in stream order; keep the rest."""
        self._buffer += data
        return self._cut(ended=False)

    def finish(self) -> tuple[list[Frame], list[FrameError]]:
        """The stream ended: an unfinished message becomes an error."""
        frames, errors = self._cut(ended=True)
        left = len(self._buffer)
        if self._lost_at is not None:
            errors.append(self._skipped_until(self._offset + left))
        elif left:
            what = f"The stream ended inside a message: {left} bytes are left over"
            sample = bytes(self._buffer[:HEADER_BYTES])
            errors.append(FrameError(what, offset=self._offset, frame=sample))
        self._offset += left
        self._buffer.clear()
        return frames, errors

    def _cut(self, *, ended: bool) -> tuple[list[Frame], list[FrameError]]:
        frames: list[Frame] = []
        errors: list[FrameError] = []
        buffer, base, position = self._buffer, self._offset, 0
        with memoryview(buffer) as view:
            while True:
                if self._lost_at is not None:
                    position, found = _search(buffer, position, ended=ended)
                    if not found:
                        break
                    errors.append(self._skipped_until(base + position))
                if len(buffer) - position < HEADER_BYTES:
                    break
                word, length, message_id = _header.unpack_from(buffer, position)
                if not HEADER_BYTES <= length <= FRAME_BYTES_MAX:
                    self._lost_at = base + position
                    self._lost_header = bytes(view[position : position + HEADER_BYTES])
                    position += 1
                    continue
                end = position + length
                if end > len(buffer):
                    break
                data = bytes(view[position:end])
                frames.append(Frame(word & 0x3FF, message_id, base + position, data))
                position = end
        del buffer[:position]
        self._offset = base + position
        return frames, errors

    def _skipped_until(self, offset: int) -> FrameError:
        assert self._lost_at is not None
        start, header = self._lost_at, self._lost_header
        self._lost_at = None
        length = int.from_bytes(header[2:6], "big")
        what = (
            f"A message header announces {length} bytes (possible are {HEADER_BYTES} to "
            f"{FRAME_BYTES_MAX}); skipped {offset - start} bytes to the next message"
        )
        return FrameError(what, offset=start, frame=header)


def in_order(frames: list[Frame], errors: list[FrameError]) -> Iterator[Frame | FrameError]:
    """Messages and what was skipped between them, as they stood in the stream."""
    skipped = iter(errors)
    error = next(skipped, None)
    for frame in frames:
        while error is not None and error.offset < frame.offset:
            yield error
            error = next(skipped, None)
        yield frame
    if error is not None:
        yield error
    yield from skipped


def _search(buffer: bytearray, position: int, *, ended: bool) -> tuple[int, bool]:
    """Find the next start of a message: (place, True), or (how far is settled, False)."""
    while True:
        match = _candidate.search(buffer, position)
        if match is None:
            return max(position, len(buffer) - 3), False
        position = match.start()
        verdict = _starts_message(buffer, position)
        if verdict or (verdict is None and not ended):
            return position, bool(verdict)
        position += 1


def _starts_message(buffer: bytearray, position: int) -> bool | None:
    """Whether a message starts here; ``None`` while too few bytes are there to tell."""
    available = len(buffer) - position
    if available < HEADER_BYTES:
        return None
    word, length, _ = _header.unpack_from(buffer, position)
    kind = word & 0x3FF
    if kind == KEEPALIVE:
        return bool(length == HEADER_BYTES)
    first_parameters = _FIRST_PARAMETERS.get(kind)
    if first_parameters is None or not _LOOKAHEAD_BYTES <= length <= FRAME_BYTES_MAX:
        return False
    if available < _LOOKAHEAD_BYTES:
        return None
    parameter, size = _parameter.unpack_from(buffer, position + HEADER_BYTES)
    return parameter in first_parameters and _parameter.size <= size <= length - HEADER_BYTES
