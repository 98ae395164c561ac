"""Logs, for both sides in one place: on stderr, for people or for machines, and bounded.

On a terminal a line is made for reading; anywhere else (journald, a file) it is one JSON object
an event. A storm (a broker away for days, a device that tears every frame) costs a bounded
number of lines, see ``gateway.logs_limit``: the last line that passes says that those like it
are only counted, and ``suppressed`` tells how many those were, with the next line written after
the window or at the end. The standard library's loggers (paho, sllurp, uvicorn) go the same way.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway.clock import Clock
from gateway.log_ring import LogRing
from gateway.logs_limit import Kind, Limits, LogLimit

Level = Literal["debug", "info", "warning", "error"]
Style = Literal["auto", "human", "json"]
"""``auto``: for people on a terminal, JSON anywhere else."""

_TEMPLATE = "_template"
"""Where a standard library's record keeps its unformatted text: what makes its lines alike."""
_LONGEST = 2_000
_WHOSE = ("device", "edge", "part", "client")


def configure(
    level: Level = "info",
    style: Style = "auto",
    *,
    limits: Limits | None = None,
    clock: Clock | None = None,
    stream: TextIO | None = None,
    ring: LogRing | None = None,
) -> None:
    """Set up this process's logs; what is held back when it ends is told then. What passes is
    kept in ``ring`` too, for screens.
    """
    stream = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    limit = LogLimit(limits, clock)
    bounded = Bounded(limit, _rendering(style, stream), ring)
    structlog.configure(
        processors=chain(bounded),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Foreign()]
    root.setLevel(max(number, logging.WARNING))
    last_words = structlog.WriteLogger(stream)
    atexit.register(lambda: bounded.tell(last_words, all_of_them=True))


def chain(bounded: Bounded) -> list[Processor]:
    """All that a line goes through."""
    return [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, bounded]


class Bounded:
    """The processor that holds back, and renders what passes with ``rendering``."""

    def __init__(
        self, limit: LogLimit, rendering: list[Processor], ring: LogRing | None = None
    ) -> None:
        self._limit = limit
        self._rendering = rendering
        self._ring = ring

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> Any:  # noqa: ANN401
        """See structlog. Raises ``DropEvent`` for a line that is held back."""
        self.tell(logger)
        passes, silent_s = self._limit.admits(_kind(event))
        if not passes:
            raise structlog.DropEvent
        if silent_s:
            event["next"] = f"more like this are only counted for {silent_s:.0f} s"
        return self._rendered(logger, method, event)

    def tell(self, logger: WrappedLogger, *, all_of_them: bool = False) -> None:
        """Write what was held back in windows that are over."""
        for gone in self._limit.ended(all_of_them=all_of_them):
            line: EventDict = {
                "event": "suppressed",
                "level": gone.kind.level,
                "of": gone.kind.event or "more kinds of lines than are told apart",
                "suppressed": gone.lines,
                "over_s": round(gone.over_s),
            }
            if gone.kind.device:
                line["device"] = gone.kind.device
            logger.msg(self._rendered(logger, "msg", line))

    def _rendered(self, logger: WrappedLogger, method: str, event: EventDict) -> Any:  # noqa: ANN401
        event.pop(_TEMPLATE, None)
        if self._ring is not None:
            self._ring.take(event)
        line: Any = event
        for step in self._rendering:
            line = step(logger, method, line)
        return line


def _kind(event: EventDict) -> Kind:
    whose = next((str(event[key]) for key in _WHOSE if event.get(key)), "")
    text = str(event.get(_TEMPLATE) or event.get("event", ""))
    text = text.partition("\n")[0]  # asyncio goes on with addresses, never the same twice
    return Kind(text[:200], str(event.get("level", "")), whose[:64])


def _rendering(style: Style, stream: TextIO) -> list[Processor]:
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    terminal = stream.isatty()
    if style == "human" or (style == "auto" and terminal):
        colors = terminal and not os.environ.get("NO_COLOR")
        console = structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback
        )
        return [stamp, _clipped, console]
    traceback = structlog.processors.format_exc_info
    return [stamp, traceback, _clipped, structlog.processors.JSONRenderer()]


def _clipped(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """No single value makes a line endless: a device may say anything."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) > _LONGEST:
            half = _LONGEST // 2  # a traceback says what happened at its end
            event[key] = f"{value[:half]} ... {len(value) - _LONGEST} more ... {value[-half:]}"
    return event


class _Foreign(logging.Handler):
    """The standard library's records, as events of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``."""
        try:
            told = structlog.get_logger(record.name)
            level = next((name for number, name in _LEVELS if record.levelno >= number), "debug")
            getattr(told, level)(
                record.getMessage(), logger=record.name, exc_info=record.exc_info or None,
                **{_TEMPLATE: f"{record.name}: {record.msg}"},
            )  # fmt: skip
        except Exception:  # noqa: BLE001 - logging's own way to tell of a broken log call
            self.handleError(record)


_LEVELS = (
    (logging.CRITICAL, "critical"),
    (logging.ERROR, "error"),
    (logging.WARNING, "warning"),
    (logging.INFO, "info"),
)
