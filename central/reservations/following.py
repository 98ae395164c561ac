"""Keeping reservations true to the ledger: follows it by a cursor and settles what it touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import structlog
from sqlalchemy import Connection

from central.database import cursors
from central.database.enduring import AT_ONCE, follow
from central.database.store import Database
from central.database.tide import Tide
from central.reservations import arrivals, ending
from central.reservations.model import Change, Reservation
from central.reservations.settling import settle
from central.stock import queries
from central.stock.model import Posted
from gateway.clock import Clock, SystemClock

__all__ = ["Settler", "Watcher"]

_log = structlog.get_logger("central.reservations")
_CURSOR = "reservations"
_CHUNK = 1_000


class Watcher:
    """Whoever has a part in it: called in the same transaction. Does nothing by itself."""

    def moved(self, conn: Connection, posted: Sequence[Posted], at_us: int) -> None:
        """Movements are on the ledger, and nothing is settled yet."""

    def settled(self, conn: Connection, changes: Sequence[Change], at_us: int) -> None:
        """Reservations lost or were given units."""

    def expired(self, conn: Connection, ended: Sequence[Reservation], at_us: int) -> None:
        """Reservations ran out."""


class Settler:
    """See the module. ``counters``: ``movements``, ``short``, ``given``, ``expired``, ``retries``.

    What it does for some movements is one transaction with its cursor: after a crash it goes on
    where it was, and nothing is told twice.
    """

    def __init__(
        self,
        database: Database,
        tide: Tide,
        *,
        watchers: Sequence[Watcher] = (),
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._tide = tide
        self._watchers = tuple(watchers)
        self._clock = clock or SystemClock()
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Follow until cancelled."""
        await follow("reservations", self._next, tide=self._tide, counters=self.counters)

    async def _next(self) -> float | None:
        return AT_ONCE if await self.step() else None

    async def step(self) -> bool:
        """Take the next movements; true when there may be more at once."""
        if not await self._database.read(_is_behind):
            return False
        told = await self._database.write(self._take)
        self.counters.update(told)
        self._tide.rise()
        return told["movements"] == _CHUNK

    async def expire(self) -> None:
        """End what has run out, and give it to those who wait."""
        now_us = self._clock.now_us()
        told = await self._database.write(lambda conn: self._expire(conn, now_us))
        if told:
            self.counters.update(told)
            self._tide.rise()

    def _take(self, conn: Connection) -> Counter[str]:
        position = _position(conn)
        posted = queries.movements(conn, after_seq=position, limit=_CHUNK)
        if not posted:
            return Counter()
        at_us = self._clock.now_us()
        arrivals.note(conn, posted)
        for one in self._watchers:
            one.moved(conn, posted, at_us)
        told = self._settle(conn, {one.movement.sku for one in posted}, at_us)
        cursors.move(conn, _CURSOR, posted[-1].seq)
        told["movements"] += len(posted)
        return told

    def _expire(self, conn: Connection, now_us: int) -> Counter[str]:
        ended = ending.expire(conn, at_us=now_us)
        if not ended:
            return Counter()
        for one in self._watchers:
            one.expired(conn, ended, now_us)
        told = self._settle(conn, {one.sku for one in ended}, now_us)
        told["expired"] += len(ended)
        return told

    def _settle(self, conn: Connection, skus: set[str], at_us: int) -> Counter[str]:
        changes = settle(conn, skus, at_us=at_us)
        for one in self._watchers:
            one.settled(conn, changes, at_us)
        short = [change for change in changes if change.lost > change.given]
        given = sum(change.given for change in changes)
        return Counter(short=len(short), given=given)


def _position(conn: Connection) -> int:
    place = cursors.place(conn, _CURSOR)
    return 0 if place is None else place.position


def _is_behind(conn: Connection) -> bool:
    return queries.last_seq(conn) > _position(conn)
