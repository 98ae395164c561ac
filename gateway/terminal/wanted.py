"""Whether a terminal can show more than lines. Apart from the screen: a service needs no rich."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

__all__ = ["wanted"]


def wanted(
    stream: TextIO, *, plain: bool, style: str, environ: Mapping[str, str] | None = None
) -> bool:
    """Whether a live status makes sense: a terminal that can move its cursor, in whose foreground
    we are, and nobody who asked for ``plain`` lines or for JSON.
    """
    environ = os.environ if environ is None else environ
    if plain or style == "json" or not stream.isatty():
        return False
    if environ.get("TERM", "dumb") in {"dumb", "unknown", ""}:
        return False
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except OSError:
        return True  # not the terminal that controls us: nobody else draws on it
