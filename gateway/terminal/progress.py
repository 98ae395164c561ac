"""How far a long command is: a bar on a terminal, nothing where nobody looks.

It stands on stderr and goes away at the end, so that what a command says on stdout is the same
with it and without.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

__all__ = ["Went", "nobody", "working"]


class Went(Protocol):
    """Told how far it is."""

    def __call__(self, done: int = 0, of: int | None = None, *, what: str = "") -> None:
        """``done`` of so many; without ``of`` it is not known how many. ``what`` is done now."""
        ...


def nobody(done: int = 0, of: int | None = None, *, what: str = "") -> None:
    """Nobody looks."""


@contextmanager
def working(what: str, elsewhere: Went = nobody) -> Iterator[Went]:
    """While inside, a bar with ``what`` is done, how far it is and how long it takes; where there
    is no terminal ``elsewhere`` is told.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") in {"dumb", "unknown", ""}:
        yield elsewhere
        return
    from rich.console import Console  # noqa: PLC0415 (rich: only where it is seen)
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        first = what

        def went(done: int = 0, of: int | None = None, *, what: str = "") -> None:
            bar.update(task, completed=done, total=of, description=what or first)

        yield went
