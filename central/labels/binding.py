"""Tags that were written stand for the goods: bound some at a time, so that no other writer waits
long. To bind one again changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import Connection

from central.catalogue import changes
from central.catalogue.changes import Told
from central.catalogue.errors import CatalogueError
from central.catalogue.tags import Binding

__all__ = ["Write", "bind_all"]

Write = Callable[[Callable[[Connection], list[str]]], Awaitable[list[str]]]
_TOGETHER = 50


async def bind_all(write: Write, bindings: Sequence[Binding], told: Told) -> list[str]:
    """Bind them all; answers why some could not be. ``write`` runs work in a transaction."""
    refused: list[str] = []
    for first in range(0, len(bindings), _TOGETHER):
        some = bindings[first : first + _TOGETHER]

        def work(conn: Connection, some: Sequence[Binding] = some) -> list[str]:
            return [why for one in some if (why := _bound(conn, one, told))]

        refused += await write(work)
    return refused


def _bound(conn: Connection, one: Binding, told: Told) -> str:
    try:
        changes.bind(conn, one, told)
    except CatalogueError as error:
        return str(error)
    return ""
