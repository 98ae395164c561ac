"""LLRP status and reader events: the small parameters that a reader sends about itself.

LLRP 1.0.1 sections 16.2.7.6 (ReaderEventNotificationData) and 16.2.8.1 (LLRPStatus).
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct, pack
from struct import error as struct_error
from typing import NamedTuple

from drivers.errors import FrameError
from drivers.llrp.frames import HEADER_BYTES, Frame
from drivers.readings import DeviceEvent, Reading

CONNECTED = 0
"""ConnectionAttemptEvent status of a session that this client got."""

_CONNECTION_STATUS = {
    0: "connected",
    1: "refused: the reader holds a connection that it opened itself",
    2: "refused: another client is connected to the reader",
    3: "refused for another reason than an existing connection",
    4: "another client tried to connect",
}
_STATUS_CODES = {
    0: "M_Success", 100: "M_ParameterError", 101: "M_FieldError", 102: "M_UnexpectedParameter",
    103: "M_MissingParameter", 104: "M_DuplicateParameter", 105: "M_OverflowParameter",
    106: "M_OverflowField", 107: "M_UnknownParameter", 108: "M_UnknownField",
    109: "M_UnsupportedMessage", 110: "M_UnsupportedVersion", 111: "M_UnsupportedParameter",
    200: "P_ParameterError", 201: "P_FieldError", 202: "P_UnexpectedParameter",
    203: "P_MissingParameter", 204: "P_DuplicateParameter", 205: "P_OverflowParameter",
    206: "P_OverflowField", 207: "P_UnknownParameter", 208: "P_UnknownField",
    209: "P_UnsupportedParameter", 300: "A_Invalid", 301: "A_OutOfRange", 401: "R_DeviceError",
}  # fmt: skip

_parameter = Struct(">HH")
_port_flag = Struct(">HB")
_flag_port = Struct(">BH")
_u16 = Struct(">H")
_u64 = Struct(">Q")


class Stamp(NamedTuple):
    """When a reader noted an event, on its own clock: UTC, or time since its boot."""

    at_us: int | None
    uptime: bool = False


class Parameter(NamedTuple):
    """One TLV parameter: its type and what follows its four header bytes."""

    kind: int
    body: bytes


def parameters(data: bytes, position: int = 0) -> Iterator[Parameter]:
    """Walk the TLV parameters from ``position`` to the end of ``data``.

    Raises ``ValueError`` at a parameter whose length makes no sense, and at a TV-encoded
    one: those stand only in tag reports and in AISpec events.
    """
    while position < len(data):
        if data[position] & 0x80 or position + 4 > len(data):
            raise ValueError(f"no parameter header at byte {position}")
        word, size = _parameter.unpack_from(data, position)
        if size < 4 or position + size > len(data):
            raise ValueError(f"parameter {word & 0x3FF} announces {size} bytes")
        yield Parameter(word & 0x3FF, data[position + 4 : position + size])
        position += size


def status_of(frame: bytes) -> tuple[int, str]:
    """The LLRPStatus of a whole response message: its code (0 is success), and in words.

    Raises ``ValueError`` when the message holds none.
    """
    start = HEADER_BYTES + (5 if frame[:2] in (b"\x07\xff", b"\x0b\xff") else 0)
    for kind, body in parameters(frame, start):
        if kind == 287 and len(body) >= 4:
            code, size = _parameter.unpack_from(body)
            words = body[4 : 4 + size].decode("utf-8", "replace")
            name = _STATUS_CODES.get(code, f"status {code}")
            return code, f"{name} ({words})" if words else name
    raise ValueError("the message holds no LLRPStatus")


def success(kind: int, answered: Frame) -> Frame:
    """The message of this type that ``answered`` would be, had it said yes."""
    head = pack(">HII", 0x0400 | kind, HEADER_BYTES + 8, answered.message_id)
    data = head + pack(">HHHH", 287, 8, 0, 0)
    return Frame(kind, answered.message_id, answered.offset, data)


def connection_status(frame: bytes) -> int | None:
    """The status of a ConnectionAttemptEvent in a READER_EVENT_NOTIFICATION, if it is one."""
    for kind, body in _event_parameters(frame):
        if kind == 256 and len(body) >= 2:
            return int(_u16.unpack_from(body)[0])
    return None


def event_readings(frame: bytes, offset: int = 0) -> list[Reading]:
    """What a whole READER_EVENT_NOTIFICATION says.

    GPI edges and antennas become events of their own, a ConnectionAttemptEvent with success
    ``connected``, everything else that a person may want to know ``info``. Hopping, ROSpec,
    AISpec (with or without singulation details), RF survey and custom events say nothing of
    that kind and yield nothing. Raises ``FrameError`` when the message makes no sense.
    """
    try:
        found = _event_parameters(frame)
        stamp = _stamp(found)
        events = [_event(kind, body, stamp) for kind, body in found]
    except (ValueError, struct_error) as reason:
        what = f"A reader event makes no sense: {reason}"
        raise FrameError(what, offset=offset, frame=frame[:64]) from None
    return [event for event in events if event is not None]


def stamp_of(frame: bytes) -> Stamp:
    """When the reader says that it made a READER_EVENT_NOTIFICATION. Raises as ``parameters``."""
    return _stamp(_event_parameters(frame))


def _stamp(found: list[Parameter]) -> Stamp:
    """UTC where there is one: a reader may send both."""
    clocks = {kind: int(_u64.unpack_from(body)[0]) for kind, body in found if kind in (128, 129)}
    if 128 in clocks or not clocks:
        return Stamp(clocks.get(128))
    return Stamp(clocks[129], uptime=True)


def _event_parameters(frame: bytes) -> list[Parameter]:
    for kind, body in parameters(frame, HEADER_BYTES):
        if kind == 246:
            return list(parameters(body))
    raise ValueError("it holds no ReaderEventNotificationData")


def _event(kind: int, body: bytes, stamp: Stamp) -> DeviceEvent | None:
    def event(
        name: str, port: int | None = None, state: bool | None = None, detail: str = ""
    ) -> DeviceEvent:
        return DeviceEvent(
            name=name, port=port, state=state, detail=detail,
            at_us=stamp.at_us, uptime_clock=stamp.uptime,
        )  # fmt: skip

    detail = ""
    match kind:
        case 248:
            port, flags = _port_flag.unpack_from(body)
            return event("gpi", port, bool(flags & 0x80))
        case 255:
            flags, port = _flag_port.unpack_from(body)
            return event("antenna", port, flags == 1)
        case 256:
            status = _u16.unpack_from(body)[0]
            detail = _CONNECTION_STATUS.get(status, f"connection status {status}")
            return event("connected" if status == CONNECTED else "info", detail=detail)
        case 250:
            detail = f"the reader's report buffer is {body[0] if body else 0} % full"
        case 251:
            detail = "the reader's report buffer overflowed: reads were lost in the reader"
        case 252:
            size = _u16.unpack_from(body)[0]
            detail = "reader exception: " + body[2 : 2 + size].decode("utf-8", "replace")
        case 257:
            detail = "the reader closes the connection"
    return event("info", detail=detail) if detail else None
