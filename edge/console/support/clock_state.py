"""Whether this machine's clock follows a time server, as the kernel says it: adjtimex(2)."""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import NamedTuple

__all__ = ["ClockState", "clock_state"]

_UNSYNC = 0x0040
_NANO = 0x2000
_LONGS = 20


class ClockState(NamedTuple):
    """``offset_us`` is what is still to be slewed, ``error_us`` the most that it may be off.
    ``synchronised`` is ``None`` where the kernel cannot be asked.
    """

    synchronised: bool | None
    offset_us: float = 0.0
    error_us: int = 0


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * _LONGS),
    )


def clock_state() -> ClockState:
    """Ask the kernel; nothing is changed."""
    asked = _Timex()
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        answered = libc.adjtimex(ctypes.byref(asked))
    except (OSError, AttributeError):
        return ClockState(None)
    if answered < 0:
        return ClockState(None)
    offset = asked.offset / 1_000 if asked.status & _NANO else float(asked.offset)
    return ClockState(not asked.status & _UNSYNC, offset, asked.maxerror)
