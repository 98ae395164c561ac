"""Follows a chain with a cursor, and puts each sealed block into the archive: those of the ledger
with all their rows, those of the audit without their entries.

The cursor moves behind blocks that are there. A crash in between writes a block again, which the
archive refuses and which is the same. One that is another is a sign that the books or the archive
were changed: it is told, and nothing more is written until somebody has looked.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from central.archive.audit import kept_head, name_of_head
from central.archive.model import kept, name_of
from central.archive.shelves import ArchiveUnavailable, Shelf
from central.audit import chain as audit_chain
from central.database import cursors
from central.database.enduring import AT_ONCE, follow
from central.database.store import Database
from central.database.tide import Tide
from central.stock import chain

__all__ = ["AUDIT", "LEDGER", "Archivist", "Source"]

_log = structlog.get_logger("central.archive")
_AT_ONCE = 16
"""Files that are under way at a time: a store answers each in some ten milliseconds."""
_RETRY_S = 30.0
_RETRY_SOON_S = 1.0


class File(NamedTuple):
    """A block as it is archived, and under which name."""

    no: int
    path: str
    content: bytes


class Source(NamedTuple):
    """A chain: ``of`` is a part of its cursor's name, ``behind`` gives its blocks behind a number,
    so many at most.
    """

    of: str
    behind: Callable[[Connection, int, int], list[File]]


def _of_ledger(conn: Connection, after: int, most: int) -> list[File]:
    found: list[File] = []
    before = chain.sealed_at(conn, after)
    for block in itertools.islice(chain.blocks(conn, before.head.no), most):
        rows = chain.movements_of(conn, block), chain.witnesses_of(conn, block, before)
        found.append(File(block.no, name_of(block.no), kept(block, *rows)))
        before = block.sealed
    return found


def _of_audit(conn: Connection, after: int, most: int) -> list[File]:
    found = itertools.islice(audit_chain.blocks(conn, after), most)
    return [File(one.no, name_of_head(one.no), kept_head(one)) for one in found]


LEDGER, AUDIT = Source("", _of_ledger), Source("audit ", _of_audit)


class Archivist:
    """Keeps one archive. ``counters``: ``blocks`` written, ``known`` there already, ``failed``
    tries, ``conflicts`` with what is there.
    """

    def __init__(
        self,
        database: Database,
        tide: Tide,
        shelf: Shelf,
        *,
        source: Source = LEDGER,
        retry_s: float = _RETRY_S,
    ) -> None:
        self._database, self._tide, self._shelf = database, tide, shelf
        self._source = source
        self._cursor = f"{source.of}archive:{shelf.name}"
        self._retry_s, self._wait_s = retry_s, _RETRY_SOON_S
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Follow until cancelled."""
        of = f"{self._source.of}archive {self._shelf.name}"
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

    def _following(self, conn: Connection) -> list[File]:
        place = cursors.place(conn, self._cursor)
        return self._source.behind(conn, 0 if place is None else place.position, _AT_ONCE)

    async def _put(self, one: File) -> None:
        path = one.path
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
