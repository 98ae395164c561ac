"""Single keys from a terminal, without Enter."""

from __future__ import annotations

import os
import select
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["keys"]


@contextmanager
def keys(stream: TextIO) -> Iterator[Callable[[float], str]]:
    """A function that waits so many seconds for a key, and gives "" when none came. Ctrl-C stays
    what it is. The terminal is given back as it was.
    """
    handle = stream.fileno()
    before = termios.tcgetattr(handle)
    tty.setcbreak(handle)
    try:
        yield lambda wait_s: _pressed(handle, wait_s)
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _pressed(handle: int, wait_s: float) -> str:
    ready, _, _ = select.select([handle], [], [], wait_s)
    return os.read(handle, 64).decode(errors="ignore")[:1] if ready else ""
