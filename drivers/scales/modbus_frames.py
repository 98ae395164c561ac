"""Modbus-RTU frames on a line: registers that were read, as one whole number.

Source: Modbus over serial line 1.02. What the number means (decimals, unit, word order) stands
in a transmitter's own register map. A request and an answer of one function look alike: which
it is, its check tells.
"""

from __future__ import annotations

from decimal import Decimal

from drivers.frames import FrameFormat, measured
from drivers.readings import Reading, WeightReading, WeightStatus
from drivers.scales.weights import fault, told

_READ = frozenset({3, 4})
_WRITE = frozenset({5, 6, 16})
_WRITE_MANY = 16
_MOST_REGISTER_BYTES = 250
LONGEST = 256


def crc(data: bytes) -> bytes:
    """The check of a frame, low byte first."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


def _length(data: bytes) -> int | None:
    if len(data) < 2:
        return None
    sizes = _sizes(data)
    for size in sizes:
        if len(data) < size:
            return None
        if crc(data[: size - 2]) == data[size - 2 : size]:
            return size
    return None if not sizes and len(data) < 3 else 0


def _sizes(data: bytes) -> list[int]:
    """How long the frame may be, shortest first; each must fit its check."""
    function = data[1]
    if not 1 <= data[0] <= 247:
        return []
    if function & 0x80 and function & 0x7F in _READ | _WRITE:
        return [5]
    if function == _WRITE_MANY and len(data) > 6:
        count = data[6]
        whole = count == 2 * int.from_bytes(data[4:6], "big") <= _MOST_REGISTER_BYTES - 4
        return [8, 9 + count] if whole else [8]
    if function in _WRITE:
        return [8]
    if function not in _READ or len(data) < 3:
        return [8] if function in _READ else []
    count = data[2]
    answer = [5 + count] if count % 2 == 0 and 2 <= count <= _MOST_REGISTER_BYTES else []
    return sorted([8, *answer])


def _frame(frame: bytes) -> Reading:
    return _said(frame[:-2], request=len(frame) == 8)


def _said(data: bytes, *, request: bool) -> Reading:
    """A frame without its check: unit, function, and what belongs to it."""
    function = data[1]
    if function & 0x80:
        return fault(WeightStatus.ERROR)
    if function in _READ and not request:
        return WeightReading(value=Decimal(int.from_bytes(data[3:], "big")))
    first = int.from_bytes(data[2:4], "big") + 1
    count = int.from_bytes(data[4:6], "big")
    verb = f"read of {count} registers from" if function in _READ else "write to"
    return told(f"unit {data[0]}: {verb} register {first} (function {function})".encode())


MODBUS_RTU = FrameFormat(find=measured(_length, longest=LONGEST), read=_frame)

# ---- TCP ---------------------------------------------------------------------------------------
_HEADER = 6  # transaction, protocol (zero), length of what follows


def tcp_length(data: bytes) -> int | None:
    """How long a Modbus-TCP frame is, from its header; 0 where none begins."""
    if data[2:4] != b"\0\0"[: len(data[2:4])]:
        return 0
    if len(data) < _HEADER + 2:
        return None
    size = int.from_bytes(data[4:_HEADER], "big")
    function = data[_HEADER + 1] & 0x7F
    known = 3 <= size <= LONGEST and function in _READ | _WRITE
    return _HEADER + size if known else 0


def _tcp(frame: bytes) -> Reading:
    data = frame[_HEADER:]
    answer = len(data) == 3 + data[2] and len(data) != 6
    return _said(data, request=not answer)


MODBUS_TCP = FrameFormat(find=measured(tcp_length, longest=LONGEST + _HEADER), read=_tcp)
