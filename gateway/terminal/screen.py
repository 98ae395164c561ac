"""The foot of a terminal as a screen: a status that is drawn in place, log lines above it.

One thread of its own draws all of it. A terminal that takes nothing (Ctrl-S, a dead ssh) holds
up that thread and nobody else; log lines beyond ``MOST_LINES`` are then dropped, and counted in
a line of their own. What is typed is not shown meanwhile, so that ``^C`` does not tear the
picture; the terminal is given back as it was. (rich renders; its ``Live`` draws in the thread of
whoever writes, and loses its place when the window becomes narrower.)
"""

from __future__ import annotations

import atexit
import io
import termios
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

__all__ = ["Draw", "Screen"]

MOST_LINES = 1_000
_LOOK_S = 0.25
"""How often it is looked whether the window has another size."""
_FAREWELL_S = 1.0
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
Draw = Callable[[int, int], RenderableType]
"""Makes the status for so many columns and lines."""


class Screen:
    """See the module. ``above`` is the stream for log lines. ``show`` may be called as often as
    one likes: only the newest status is drawn. After ``close`` the terminal is as it was.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._changed = threading.Condition()
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._draw: Draw | None = None
        self._is_fresh = False
        self._closing = False
        self._is_gone = False
        self._area: list[int] = []
        self._modes = _without_echo(stream)
        self.above = cast("TextIO", _Above(self._say))
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)
        atexit.register(self.close)
        self._thread.start()

    def show(self, draw: Draw) -> None:
        """Draw this from now on."""
        with self._changed:
            self._draw, self._is_fresh = draw, True
            self._changed.notify()

    def close(self, last: str = "") -> None:
        """Take the status away, say a ``last`` line, give the terminal back."""
        with self._changed:
            if self._closing:
                return
            if last:
                self._lines.append(last)
            self._closing = True
            self._changed.notify()
        atexit.unregister(self.close)
        self._thread.join(_FAREWELL_S)
        if self._modes is not None:
            termios.tcsetattr(self._stream.fileno(), termios.TCSANOW, self._modes)

    def _say(self, line: str) -> None:
        with self._changed:
            if self._closing and not self._thread.is_alive():
                self._write(f"{line}\n")  # last words, when the picture is gone
                return
            if len(self._lines) >= MOST_LINES:
                self._dropped += 1
                return
            self._lines.append(line)
            self._changed.notify()

    # ---- the thread ----------------------------------------------------------------------------
    def _run(self) -> None:
        self._write(_HIDE_CURSOR)
        is_last = False
        while not is_last:
            lines, draw, is_last = self._wait()
            way_back = self._erased()
            try:
                drawn = self._drawn(draw)
            except Exception as mistake:  # noqa: BLE001 - told; log lines go on
                lines.append(f"the status cannot be drawn: {type(mistake).__name__}: {mistake}")
                self._draw, drawn = None, ""
            self._write(way_back + self._told(lines) + drawn)
        self._write(_SHOW_CURSOR)

    def _wait(self) -> tuple[list[str], Draw | None, bool]:
        """Wait for something to draw: lines since the last time, the status (none at the end), and
        whether this is the end.
        """
        with self._changed:
            width = self._console.width
            while not (self._closing or self._lines or self._is_fresh):
                self._changed.wait(_LOOK_S)
                if self._console.width != width:
                    break
            lines = list(self._lines)
            self._lines.clear()
            if self._dropped:
                lines.append(f"{self._dropped} lines were not shown: the terminal took nothing")
                self._dropped = 0
            self._is_fresh = False
            return lines, None if self._closing else self._draw, self._closing

    def _erased(self) -> str:
        """The way back to where the status began, and nothing from there on. A window that became
        narrower has wrapped its lines meanwhile.
        """
        if not self._area:
            return ""
        width = max(1, self._console.width)
        up = sum(max(1, -(-shown // width)) for shown in self._area) - 1
        self._area = []
        return ("\r" if not up else f"\r\x1b[{up}A") + "\x1b[J"

    def _told(self, lines: list[str]) -> str:
        if not lines:
            return ""
        with self._console.capture() as told:
            self._console.print(Text.from_ansi("\n".join(lines)), soft_wrap=True)
        return told.get()

    def _drawn(self, draw: Draw | None) -> str:
        """The status, never higher than the window, its cursor left at its end."""
        if draw is None:
            return ""
        width, height = self._console.size
        options = self._console.options.update(width=max(1, width - 1))
        status = draw(options.max_width, max(1, height - 1))
        lines = self._console.render_lines(status, options, pad=False)[: max(1, height - 1)]
        self._area = [sum(segment.cell_length for segment in line) for line in lines]
        with self._console.capture() as drawn:
            self._console.print(_Lines(lines), end="")
        return drawn.get()

    def _write(self, text: str) -> None:
        if text and not self._is_gone:
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                self._is_gone = True  # hung up: there is nobody to tell


class _Lines:
    """Lines that are rendered already."""

    def __init__(self, lines: list[list[Segment]]) -> None:
        self._lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for number, line in enumerate(self._lines):
            if number:
                yield Segment.line()
            yield from line


class _Above(io.TextIOBase):
    """Whole lines of what is written, handed on."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._begun = ""

    def write(self, text: str) -> int:
        """See ``TextIO``."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._say(line)
        return len(text)

    def isatty(self) -> bool:
        """It ends on a terminal."""
        return True


def _without_echo(stream: TextIO) -> list[Any] | None:
    """What is typed is not shown from now on; the modes before, or None where it has none."""
    try:
        before = termios.tcgetattr(stream.fileno())
        now = list(before)
        now[3] &= ~termios.ECHO
        termios.tcsetattr(stream.fileno(), termios.TCSANOW, now)
    except (termios.error, OSError):
        return None
    return before
