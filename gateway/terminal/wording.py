"""Figures in few words, for people in front of a terminal."""

from __future__ import annotations

_MINUTE_S = 60
_HOUR_S = 3_600
_DAY_S = 86_400


def lasted(seconds: float) -> str:
    """A length of time: ``12 s``, ``4 min``, ``2 h 05 min``, ``3 d 4 h``."""
    whole = max(0, int(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S:02} min"
    return f"{whole // _DAY_S} d {whole % _DAY_S // _HOUR_S} h"


def ago(seconds: float | None) -> str:
    """How long something is past; ``never`` where it never was."""
    if seconds is None:
        return "never"
    return "now" if seconds < 2 else f"{lasted(seconds)} ago"


def size(of_bytes: float) -> str:
    """A size in the unit that reads best: ``640 KiB``, ``12 MiB``, ``1.4 GiB``."""
    for unit, least in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if of_bytes >= least:
            value = of_bytes / least
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{of_bytes:.0f} B"


def rate(per_s: float) -> str:
    """A rate: ``0.2/s``, ``12/s``, ``1,204/s``."""
    return f"{per_s:.1f}/s" if 0 < per_s < 9.95 else f"{per_s:,.0f}/s"


def several(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: ``1 device``, ``12 devices``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def harmless(text: str) -> str:
    """Text of a device or a person without what would steer a terminal."""
    return "".join(sign if sign.isprintable() else "\N{MIDDLE DOT}" for sign in text)
