"""What rich would put on a terminal of some size, as lines of text."""

from __future__ import annotations

import io

from rich.console import Console

from gateway.terminal.screen import Draw


def drawn(draw: Draw, width: int, height: int) -> list[str]:
    written = io.StringIO()
    console = Console(file=written, width=width, height=height, color_system=None)
    console.print(draw(width, height))
    return [line.rstrip() for line in written.getvalue().splitlines()]
