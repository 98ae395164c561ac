"""The newest log lines of this process, kept in memory for whoever looks at its screens.

A line is kept as its fields, after the limits of ``gateway.logs``; long values are clipped, so
that the ring takes a few MiB at most.
"""

from __future__ import annotations

import itertools
import traceback
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

LEVELS = ("debug", "info", "warning", "error", "critical")
_LINES = 2_000
_LONGEST = 500


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line. ``no`` counts lines of this process from 1; ``device`` is empty where the line is
    about none.
    """

    no: int
    at: datetime
    level: str
    event: str
    device: str = ""
    fields: dict[str, str] = {}


class LogRing:
    """``take`` is called by the logs, from any thread; ``after`` is asked by screens."""

    def __init__(self, lines: int = _LINES) -> None:
        self._lines: deque[Line] = deque(maxlen=lines)
        self._numbers = itertools.count(1)

    def take(self, event: Mapping[str, Any]) -> None:
        """Keep a line as structlog has it before it is rendered."""
        fields = {key: _text(key, value) for key, value in event.items() if key not in _OWN}
        self._lines.append(
            Line(
                no=next(self._numbers),
                at=datetime.now(UTC),
                level=str(event.get("level", "info")),
                event=_clipped(str(event.get("event", ""))),
                device=str(event.get("device", "")),
                fields={key: value for key, value in fields.items() if value},
            )
        )

    def after(
        self, no: int = 0, *, level: str = "debug", device: str | None = None, most: int = _LINES
    ) -> list[Line]:
        """Lines with a greater number, the oldest first, at most the newest ``most`` of them;
        ``level`` is the least that counts.
        """
        least = LEVELS.index(level)
        found: deque[Line] = deque(maxlen=most)
        for line in list(self._lines):
            known = LEVELS.index(line.level) if line.level in LEVELS else 1
            if line.no > no and known >= least and (device is None or line.device == device):
                found.append(line)
        return list(found)


_OWN = {"event", "level", "device", "_template"}


def _text(key: str, value: object) -> str:
    if key == "exc_info":
        return _of_exception(value)
    return "" if value is None else _clipped(str(value))


def _of_exception(value: object) -> str:
    """A traceback's last lines, which say what happened."""
    error = value[1] if isinstance(value, tuple) and len(value) == 3 else value
    if not isinstance(error, BaseException):
        return ""
    return "".join(traceback.format_exception(error))[-2 * _LONGEST :]


def _clipped(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]} ... {len(text) - _LONGEST} more ... {text[-half:]}"
