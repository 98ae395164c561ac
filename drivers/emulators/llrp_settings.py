"""What SET_READER_CONFIG (LLRP 1.0.1 section 16.1.5) changes in the emulated reader."""

from __future__ import annotations

from collections.abc import Callable
from struct import unpack_from

from drivers.emulators.llrp_encode import CUSTOM, IMPINJ_PEN, ReaderSettings
from drivers.emulators.llrp_rospec import RefusedError
from drivers.llrp.events import parameters


def configure(settings: ReaderSettings, body: bytes) -> None:
    """Take over the parameters of one message; ``RefusedError`` where a reader would refuse."""
    for kind, inner in parameters(body):
        if kind in _CHANGES:
            _CHANGES[kind](settings, inner)


def _events(settings: ReaderSettings, body: bytes) -> None:
    for kind, inner in parameters(body):
        event, flags = unpack_from(">HB", inner)
        if kind == 245 and event in settings.events:
            settings.events[event] = bool(flags & 0x80)


def _keepalive(settings: ReaderSettings, body: bytes) -> None:
    periodic, interval_ms = unpack_from(">BI", body)
    settings.keepalive_ms = interval_ms if periodic else 0


def _input(settings: ReaderSettings, body: bytes) -> None:
    port, flags = unpack_from(">HB", body)
    if port not in settings.gpi_enabled:
        raise RefusedError(301, f"this reader has no GPI {port}")
    settings.gpi_enabled[port] = bool(flags & 0x80)


def _output(settings: ReaderSettings, body: bytes) -> None:
    port, flags = unpack_from(">HB", body)
    if port not in settings.gpo_state:
        raise RefusedError(301, f"this reader has no GPO {port}")
    settings.gpo_state[port] = bool(flags & 0x80)


def _holding(settings: ReaderSettings, body: bytes) -> None:
    settings.hold_upon_reconnect = bool(body[0] & 0x80)


def _custom(settings: ReaderSettings, body: bytes) -> None:
    vendor, subtype = unpack_from(">II", body)
    if vendor == IMPINJ_PEN and subtype == 36:
        port, milliseconds = unpack_from(">HI", body, 8)
        settings.gpi_debounce_ms[port] = milliseconds
    elif vendor == IMPINJ_PEN and subtype == 38:
        mode, threshold = unpack_from(">HH", body, 8)
        settings.link_down_threshold = threshold if mode else 0


_CHANGES: dict[int, Callable[[ReaderSettings, bytes], None]] = {
    219: _output, 220: _keepalive, 225: _input, 226: _holding, 244: _events, CUSTOM: _custom,
}  # fmt: skip
