"""A hook before every statement that central's writer sends to a simulated site's database."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

_watched: dict[str, Callable[[], None]] = {}


def watch(database: Path, hook: Callable[[], None]) -> None:
    """Call ``hook`` before each statement on ``database``, in place of an earlier one."""
    _listen()
    _watched[str(database)] = hook


def forget(database: Path) -> None:
    """No hook any more."""
    _watched.pop(str(database), None)


@functools.cache
def _listen() -> None:
    event.listen(Engine, "before_cursor_execute", _before)


def _before(connection: Connection, *_: Any) -> None:  # noqa: ANN401 (SQLAlchemy's own signature)
    hook = _watched.get(connection.engine.url.database or "")
    if hook is not None and connection.engine.pool.size() == 1:  # type: ignore[attr-defined]  # the one writer
        hook()
