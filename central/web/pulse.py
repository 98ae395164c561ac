"""A stream that only says that something is new: whose pages differ from reader to reader (by
filters, by what they were granted) fetch what they show when it does.

What is new is looked for once after each commit, however many watch.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from sqlalchemy import Connection, func, select

from central import schema
from central.database.store import Database
from central.database.tide import Tide

__all__ = ["Pulse", "marks"]

COALESCE_S = 0.15
KEEP_ALIVE_S = 15.0
MOST_CLIENTS = 1_000


def marks(conn: Connection) -> dict[str, str]:
    """For each topic a word that is another one when something of it changed. Indexes answer it:
    it is asked after every commit.
    """
    review, label = schema.review.c, schema.label.c
    waiting = select(func.count(), func.max(review.opened_us)).where(review.status == "open")
    count, opened = conn.execute(waiting).one()
    closed = conn.execute(select(func.max(schema.portal_pass.c.closed_us))).scalar()
    said = conn.execute(select(func.max(label.id), func.count(label.id))).one()
    return {
        "reviews": f"{opened}-{count}-{said[0]}-{said[1]}",
        "passes": f"{closed}-{said[0]}-{said[1]}-{count}",
    }


class Pulse:
    """Streams of changes. ``also`` adds to a topic's word what is not in the database."""

    def __init__(self, database: Database, tide: Tide) -> None:
        self._database, self._tide = database, tide
        self.also: dict[str, Callable[[], str]] = {}
        self._looking = asyncio.Lock()
        self._level = -1
        self._marks: dict[str, str] = {}
        self._stopped = asyncio.Event()
        self.clients = 0

    @property
    def full(self) -> bool:
        """Whether one more client would be too many."""
        return self.clients >= MOST_CLIENTS

    def stop(self) -> None:
        """End every stream, so that the server can close its connections."""
        self._stopped.set()

    async def stream(self, topic: str) -> AsyncIterator[bytes]:
        """Server-sent events ``changed`` for one client, the first at once."""
        self.clients += 1
        told = ""
        try:
            yield b"retry: 1000\n\n"
            while not self._stopped.is_set():
                level = self._tide.level
                mark = await self._mark(topic)
                if mark != told:
                    told = mark
                    yield f"event: changed\ndata: {mark}\n\n".encode()
                if await self._nothing_new(level):
                    yield b": still here\n\n"
        finally:
            self.clients -= 1

    async def _nothing_new(self, level: int) -> bool:
        """Wait for a commit, or that nobody came for a while, or the end."""
        waiting = [
            asyncio.ensure_future(self._tide.above(level)),
            asyncio.ensure_future(self._stopped.wait()),
        ]
        try:
            done, _ = await asyncio.wait(
                waiting, timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED
            )
            if done and not self._stopped.is_set():
                await asyncio.sleep(COALESCE_S)
            return not done
        finally:
            for one in waiting:
                one.cancel()

    async def _mark(self, topic: str) -> str:
        async with self._looking:
            if self._level != self._tide.level:
                level = self._tide.level
                self._marks = await self._database.read(marks)
                self._level = level
        also = self.also.get(topic)
        return self._marks[topic] + ("" if also is None else f"-{also()}")
