"""What load-cell nodes say, to windows of raw counts: a JSON message, or a line with a check.

Both carry the same: the mean and standard deviation of the samples of a fifth of a second. The
message is what ``firmware_configs/esphome`` publishes; the line, "TP1", is what
``firmware_configs/arduino/tp1-serial.md`` documents. Nodes know no grams, zero or tare.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

import msgspec

from drivers.frames import FrameFormat, searched
from drivers.readings import DeviceEvent, LoadCellWindow, Reading

MESSAGE_BYTES_MAX = 512
LINE_BYTES_MAX = 160
NODE = r"[a-z0-9][a-z0-9._-]{0,31}"
"""A node's name."""
_COUNTS_MAX = Decimal(2**31)
_MOST_PLACES = 6

Seq = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
Number = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


class NodeMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A node's message as it is sent, see ``firmware_configs/esphome/README.md``."""

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    node: Annotated[str, msgspec.Meta(pattern=rf"^{NODE}\Z")]
    boot: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}\Z")]
    seq: Seq
    up_ms: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
    n: Number
    mean: Decimal | None
    std: Decimal | None
    sat: Number
    temp_c: Decimal | None = None


_message = msgspec.json.Decoder(NodeMessage)


def window_of_message(payload: bytes) -> LoadCellWindow:
    """One message. Raises ``ValueError`` with what is wrong with it."""
    if len(payload) > MESSAGE_BYTES_MAX:
        raise ValueError(f"A message of {len(payload)} bytes; at most {MESSAGE_BYTES_MAX} make one")
    try:
        said = _message.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"No message of a load-cell node: {error}") from error
    return _sound(
        LoadCellWindow(
            node=said.node,
            boot=said.boot,
            seq=said.seq,
            up_ms=said.up_ms,
            samples=said.n,
            mean=said.mean,
            std=said.std,
            saturated=said.sat,
            temp_c=said.temp_c,
        )
    )


def _sound(window: LoadCellWindow) -> LoadCellWindow:
    """The window, if its figures can belong together; else ``ValueError``."""
    for name, figure, most in (
        ("mean", window.mean, _COUNTS_MAX),
        ("std", window.std, _COUNTS_MAX),
        ("temp_c", window.temp_c, Decimal(1000)),
    ):
        if figure is None:
            continue
        exponent = figure.as_tuple().exponent
        if not isinstance(exponent, int) or not -_MOST_PLACES <= exponent <= 0:
            raise ValueError(f"{name} is no plain figure ({figure})")
        if abs(figure) > most:
            raise ValueError(f"{name} is beyond any converter ({figure})")
    if (window.mean is None) != (window.samples == 0):
        raise ValueError(f"A mean belongs to samples, and there are {window.samples}")
    if (window.std is None) != (window.samples < 2) or (window.std or 0) < 0:
        raise ValueError(f"A deviation belongs to two samples, and there are {window.samples}")
    if window.saturated > window.samples:
        raise ValueError(f"{window.saturated} of {window.samples} samples at the end of the range")
    return window


def _message_frame(frame: bytes) -> Reading:
    return window_of_message(frame.strip())


MESSAGES = FrameFormat(
    find=searched(re.compile(rb"\{[^{}\r\n]{0,500}\}[ \t]{0,8}[\r\n]"), longest=MESSAGE_BYTES_MAX),
    read=_message_frame,
    lines=True,
)
"""Messages one to a line, as a capture holds them."""

# ---- TP1 lines ---------------------------------------------------------------------------------
_FIGURE = r"-?[0-9]{1,10}(?:\.[0-9]{1,6})?"
_WINDOW = re.compile(
    rf"TP1,R,(?P<node>{NODE}),(?P<seq>[0-9]{{1,10}}),(?P<up_ms>[0-9]{{1,16}}),"
    rf"(?P<samples>[0-9]{{1,5}}),(?P<mean>{_FIGURE})?,(?P<std>{_FIGURE})?,"
    rf"(?P<saturated>[0-9]{{1,5}})(?:,(?P<temp_c>{_FIGURE}))?"
)
_IDENTITY = re.compile(
    rf"TP1,I,(?P<node>{NODE}),(?P<chip>[A-Za-z0-9 ._-]{{1,16}}),(?P<firmware>[0-9.]{{1,12}}),"
    r"(?P<rate>[0-9]{1,2})"
)
_REFUSAL = re.compile(r"TP1,E,(?P<why>unknown|range)")
_LINE = re.compile(rb"TP1,[RIE],[^\r\n*]{1,130}\*[0-9A-F]{2}[\r\n]")
_REFUSED = {"unknown": "it knows no such command", "range": "it takes 1 to 10 windows a second"}


def crc8(data: bytes) -> int:
    """CRC-8 with polynomial 07, nothing inverted or mirrored: of ``123456789`` it is F4."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ 0x07 if crc & 0x80 else crc << 1
        crc &= 0xFF
    return crc


def checked_line(text: str) -> bytes:
    """A line of the protocol with its check and its end."""
    data = text.encode("ascii")
    return b"%b*%02X\r\n" % (data, crc8(data))


def _line(frame: bytes) -> Reading:
    body, _, check = frame.strip().rpartition(b"*")
    if crc8(body) != int(check, 16):
        raise ValueError("The check does not fit")
    text = body.decode("latin-1")
    if match := _WINDOW.fullmatch(text):
        return _sound(_window(match))
    if match := _IDENTITY.fullmatch(text):
        detail = "node {node}: {chip}, firmware {firmware}, {rate} windows a second"
        return DeviceEvent(name="info", detail=detail.format(**match.groupdict()))
    if match := _REFUSAL.fullmatch(text):
        return DeviceEvent(name="info", detail=f"the node refused: {_REFUSED[match['why']]}")
    raise ValueError("A line with a good check that means nothing: another version of TP1?")


def _window(match: re.Match[str]) -> LoadCellWindow:
    seq = int(match["seq"])
    if seq >= 2**32:
        raise ValueError("The sequence number is beyond 32 bits")
    return LoadCellWindow(
        node=match["node"],
        seq=seq,
        up_ms=int(match["up_ms"]),
        samples=int(match["samples"]),
        mean=_figure(match["mean"]),
        std=_figure(match["std"]),
        saturated=int(match["saturated"]),
        temp_c=_figure(match["temp_c"]),
    )


def _figure(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


LINES = FrameFormat(find=searched(_LINE, longest=LINE_BYTES_MAX), read=_line)
"""TP1."""
