"""Tells subscribers how far the chain of the audit goes, so that others hold its head, too."""

from __future__ import annotations

import time
from collections import Counter

from sqlalchemy import Connection

from central.audit import chain as audit_chain
from central.database import cursors
from central.database.enduring import follow
from central.database.store import Database
from central.database.tide import Tide
from central.events import log as events

__all__ = ["AuditHeads"]

_CURSOR = "audit heads"


class AuditHeads:
    """Follows the audit's blocks with a cursor. ``counters``: ``told``."""

    def __init__(self, database: Database, tide: Tide, *, every_s: float) -> None:
        self._database, self._tide, self._every_s = database, tide, every_s
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Tell of every new head, at most once in ``every_s``, until cancelled."""
        await follow(
            "audit heads", self.step, tide=self._tide, counters=self.counters, pace_s=self._every_s
        )

    async def step(self) -> None:
        """Tell of the head, if it is another than the last time."""
        if await self._database.read(_is_new) and await self._database.write(_tell):
            self.counters["told"] += 1


def _is_new(conn: Connection) -> bool:
    place = cursors.place(conn, _CURSOR)
    return audit_chain.head(conn).no > (0 if place is None else place.position)


def _tell(conn: Connection) -> bool:
    """In one transaction with the cursor: none is told twice."""
    if not _is_new(conn):
        return False
    head = audit_chain.head(conn)
    body = {"no": head.no, "last_id": head.last_id, "hash": head.hash}
    events.record(conn, "AuditSealed", str(head.no), body, at_us=time.time_ns() // 1_000)
    cursors.move(conn, _CURSOR, head.no)
    return True
