"""Follows the chain with a cursor, and puts each sealed block into the archive.

The cursor moves behind blocks that are there. A crash in between writes a block again, which the
archive refuses and which is the same. One that is another is a sign that the books or the archive
were changed: it is told, and nothing more is written until somebody has looked.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from central import cursors
from central.archive.model import kept, name_of
from central.archive.shelves import ArchiveUnavailable, Shelf
from central.enduring import AT_ONCE, follow
from central.stock import chain
from central.store import Database
from central.tide import Tide

__all__ = ["Archivist"]

_log = structlog.get_logger("central.archive")
_AT_ONCE = 16
"""Files that are under way at a time: a store answers each in some ten milliseconds."""
_RETRY_S = 30.0
_RETRY_SOON_S = 1.0


class _File(NamedTuple):
    no: int
    content: bytes


class Archivist:
    """Keeps one archive. ``counters``: ``blocks`` written, ``known`` there already, ``failed``
    tries, ``conflicts`` with what is there.
    """

    def __init__(
        self, database: Database, tide: Tide, shelf: Shelf, *, retry_s: float = _RETRY_S
    ) -> None:
        self._database, self._tide, self._shelf = database, tide, shelf
        self._cursor = f"archive:{shelf.name}"
        self._retry_s, self._wait_s = retry_s, _RETRY_SOON_S
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Follow until cancelled."""
        of = f"archive {self._shelf.name}"
        await follow(of, self._next, tide=self._tide, counters=self.counters)

    async def _next(self) -> float | None:
        try:
            more = await self.step()
        except ArchiveUnavailable as error:
            self.counters["failed"] += 1
            _log.error("archive_not_written", archive=self._shelf.name, why=str(error))
            await asyncio.sleep(min(self._wait_s, self._retry_s))
            self._wait_s *= 2
            return AT_ONCE
        self._wait_s = _RETRY_SOON_S
        return AT_ONCE if more else None

    async def step(self) -> bool:
        """Write what follows, some blocks at a time; ``False`` when there was nothing.

        Raises ``ArchiveUnavailable``.
        """
        files = await self._database.read(self._following)
        if not files:
            return False
        await asyncio.gather(*(self._put(one) for one in files))
        last = files[-1].no
        await self._database.beside(lambda c: cursors.move(c, self._cursor, last))
        return True

    def _following(self, conn: Connection) -> list[_File]:
        place = cursors.place(conn, self._cursor)
        found: list[_File] = []
        before = chain.sealed_at(conn, 0 if place is None else place.position)
        for block in chain.blocks(conn, before.head.no):
            rows = chain.movements_of(conn, block), chain.witnesses_of(conn, block, before)
            found.append(_File(block.no, kept(block, *rows)))
            before = block.sealed
            if len(found) == _AT_ONCE:
                break
        return found

    async def _put(self, one: _File) -> None:
        path = name_of(one.no)
        if await self._shelf.put(path, one.content):
            self.counters["blocks"] += 1
            return
        there = await self._shelf.get(path)
        if there == one.content:
            self.counters["known"] += 1
            return
        self.counters["conflicts"] += 1
        raise ArchiveUnavailable(
            f"block {one.no} is another in the archive ({path}) than in the books: find out which "
            "was changed (`tallyport central archive verify`), and archive to a new place"
        )
