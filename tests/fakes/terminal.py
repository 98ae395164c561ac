"""A person before a terminal: a program on a real pty, and what its screen shows.

The terminal's other end is pyte, an emulator of a VT100: tests look at the picture, not at the
bytes.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyte

PATIENCE_S = 60.0


class Terminal:
    """See the module. ``picture`` is what stands on the screen, ``raw`` all that was ever sent."""

    def __init__(self, process: int, handle: int, columns: int, lines: int) -> None:
        self._process = process
        self.handle = handle
        self.raw = b""
        self.is_over = False
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def picture(self) -> str:
        """The screen's lines, without what is blank at their ends."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    @property
    def is_coloured(self) -> bool:
        """Whether anything on the screen has a colour."""
        cells = (cell for row in self._screen.buffer.values() for cell in row.values())
        return any(cell.fg != "default" or cell.bg != "default" for cell in cells)

    @property
    def shows_cursor(self) -> bool:
        return not self._screen.cursor.hidden

    @property
    def echoes(self) -> bool:
        """Whether what is typed is shown."""
        return bool(termios.tcgetattr(self.handle)[3] & termios.ECHO)

    def until(self, wanted: Callable[[str], object]) -> str:
        """Watch until the picture is as wanted; returns it."""
        end = time.monotonic() + PATIENCE_S
        while not wanted(self.picture):
            assert not self.is_over, f"it ended with\n{self.picture}"
            assert time.monotonic() < end, f"after {PATIENCE_S} s there is\n{self.picture}"
            self._look()
        return self.picture

    def ended(self) -> int:
        """Watch until the program ends; its exit status."""
        while not self.is_over:
            self._look()
        _, status = os.waitpid(self._process, 0)
        self._process = 0
        return os.waitstatus_to_exitcode(status)

    def type(self, keys: bytes) -> None:
        os.write(self.handle, keys)

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._screen.resize(lines, columns)

    def _look(self) -> None:
        ready, _, _ = select.select([self.handle], [], [], 0.5)
        if not ready:
            return
        try:
            # A little at a time: what is drawn and drawn over is seen as well.
            more = os.read(self.handle, 256)
        except OSError:  # the last one who had the terminal open is gone
            more = b""
        self.is_over = not more
        self.raw += more
        self._stream.feed(more)

    def leave(self) -> None:
        if self._process:
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
        os.close(self.handle)


@contextmanager
def before(
    command: Sequence[str],
    *,
    columns: int = 100,
    lines: int = 30,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:
    """``tallyport COMMAND`` on a terminal of that size; it is ended with the test."""
    full = {**os.environ, "TERM": "xterm-256color", **(environ or {})}
    for name in {"NO_COLOR", "COLUMNS", "LINES"} - set(environ or {}):
        full.pop(name, None)
    process, handle = pty.fork()
    if not process:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.execve(sys.executable, [sys.executable, "-m", "tallyport", *command], full)
    terminal = Terminal(process, handle, columns, lines)
    try:
        yield terminal
    finally:
        terminal.leave()
