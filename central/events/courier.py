"""Tells one subscriber, in order and at least once, from where he was told last.

An event that is not taken holds up those behind it: it is told again, later and later, and put
aside after so many times. Where nobody answers at all nothing is put aside, however long it takes:
the ledger and the log keep what is to be told. A place in them is kept after every few events; a
central that dies before tells those again, under the same ids.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog
from sqlalchemy import Connection

from central.config import EventsSection
from central.database.store import Database
from central.database.tide import Tide
from central.events import deliveries, subscriptions
from central.events.deliveries import MOST_DEAD, Standing, Waiting
from central.events.model import Letter, NotTaken, Position, Secret, Subscription, back_off_s
from central.events.reading import Happenings, Reads
from central.events.targets import Keys, Sends, target_of
from gateway.clock import Clock, SystemClock
from gateway.link import Link

__all__ = ["Brings", "Courier", "Road"]

_LONGEST_SEND_S = 180.0
_KEPT_EVERY = 1_000
"""Events that pass unwanted before the place behind them is kept."""
_log = structlog.get_logger("central.events")


class Brings(Protocol):
    """Another part of central that knows how to tell a kind of targets."""

    def target_of(self, subscription: Subscription, keys: Keys, /) -> Sends:
        """Raises ``NotTaken``."""
        ...

    def reader_of(self, subscription: Subscription) -> Reads | None:
        """Who reads for it; ``None`` where it is told of what happens, as everybody."""
        ...

    def put_aside(
        self, conn: Connection, subscription: Subscription, letter: Letter, why: str
    ) -> None:
        """An event is put aside in this transaction."""
        ...


class Road:
    """What all couriers go by. ``jitter`` answers 0 to 1; ``others`` bring targets of their own, by
    kind. ``counters``: ``delivered``, ``refused``, ``unreached``, ``dead``, ``gone``, ``failed``.
    """

    def __init__(
        self,
        database: Database,
        link: Link,
        tide: Tide,
        settings: EventsSection,
        *,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
        others: Mapping[str, Brings] | None = None,
    ) -> None:
        self.database = database
        self.link = link
        self.tide = tide
        self.settings = settings
        self.clock = clock or SystemClock()
        self.jitter = jitter
        self.others = others or {}
        self.counters: Counter[str] = Counter()


class Courier:
    """One subscription, as it stood when it was read."""

    def __init__(self, road: Road, subscription: Subscription) -> None:
        self._road = road
        self._subscription = subscription
        self._brings = road.others.get(subscription.target.kind)
        self._reads = self._reader()
        self._keys: tuple[Secret, ...] = ()
        self._target: Sends | None = None
        self._now: Standing | None = None
        self._unkept = 0

    async def step(self) -> float:
        """Tell what there is to tell; answers how many seconds may pass until there is more to do
        that nobody tells of: 0 when there is more at once. Raises ``DBAPIError``.
        """
        if self._now is None:
            await self._begin()
        now = self._now
        assert now is not None
        await self._once_more()
        rest_s = (now.next_us - self._road.clock.now_us()) / 1e6
        if rest_s > 0:
            return rest_s
        chunk = await self._road.database.read(lambda c: self._reads(c, now))
        for position, letter in chunk.letters:
            if not await self._told(position, letter):
                return max(0.0, (now.next_us - self._road.clock.now_us()) / 1e6)
        if chunk.passed or chunk.looked_us:
            now.reach(chunk.behind)
            now.looked_us = chunk.looked_us or now.looked_us
            self._unkept += chunk.passed
            if chunk.letters or chunk.looked_us or self._unkept >= _KEPT_EVERY:
                await self._keep()
        return chunk.rest_s

    async def close(self) -> None:
        """Let go of the target."""
        target, self._target = self._target, None
        if target is not None:
            await target.close()

    async def _begin(self) -> None:
        mine = self._subscription.id
        self._now = await self._road.database.read(lambda c: deliveries.standing(c, mine))
        self._keys = await self._road.database.read(lambda c: subscriptions.keys(c, mine))

    def _reader(self) -> Reads:
        own = self._brings and self._brings.reader_of(self._subscription)
        return own or Happenings(self._subscription, self._road.settings.source)

    async def _told(self, position: Position, told: Letter) -> bool:
        """Tell an event; false when it has to wait, or nothing more is wanted."""
        now, road = self._now, self._road
        assert now is not None
        try:
            await self._send(told)
        except NotTaken as refusal:
            return await self._not_taken(position, told, refusal)
        now.reach(position)
        now.delivered += 1
        now.told_us = road.clock.now_us()
        road.counters["delivered"] += 1
        return True

    async def _send(self, told: Letter) -> None:
        if self._target is None and self._brings is not None:
            self._target = self._brings.target_of(self._subscription, lambda: self._keys)
        if self._target is None:
            self._target = target_of(
                self._subscription, self._road.settings, self._road.link,
                keys=lambda: self._keys, clock=self._road.clock,
            )  # fmt: skip
        try:
            async with asyncio.timeout(_LONGEST_SEND_S):
                await self._target.send(told)
        except TimeoutError as error:
            raise NotTaken(f"no end of it within {_LONGEST_SEND_S:g} s") from error

    async def _not_taken(self, position: Position, told: Letter, refusal: NotTaken) -> bool:
        now, road, mine = self._now, self._road, self._subscription
        assert now is not None
        at_us = road.clock.now_us()
        road.counters["refused" if refusal.reached else "unreached"] += 1
        now.failures += 1
        now.why = str(refusal)
        if refusal.gone:
            road.counters["gone"] += 1
            await road.database.write(
                lambda c: subscriptions.turn_off(c, mine, "410: it wants nothing any more", at_us)
            )
            road.tide.rise()
        elif refusal.final or (refusal.reached and now.failures >= mine.attempts):
            return await self._put_aside(position, told, at_us)
        rest_s = max(back_off_s(now.failures, road.jitter()), refusal.wait_s)
        now.next_us = at_us + round(rest_s * 1e6)
        _log.warning("event_not_taken", by=mine.id, which=told.id, why=now.why, wait_s=rest_s)
        await self._keep()
        return False

    async def _put_aside(self, position: Position, told: Letter, at_us: int) -> bool:
        now, mine = self._now, self._subscription
        assert now is not None
        why, brings = now.why, self._brings
        now.reach(position)
        self._road.counters["dead"] += 1
        _log.error("event_put_aside", by=mine.id, which=told.id, why=why)

        def work(conn: Connection) -> int:
            deliveries.keep(conn, mine.id, now)
            there = deliveries.put_aside(conn, mine.id, told, why, at_us)
            if brings is not None:
                brings.put_aside(conn, mine, told, why)
            if there >= MOST_DEAD:
                subscriptions.turn_off(
                    conn, mine, f"{there} events were not taken: {why}", at_us, status="paused"
                )
            return there

        goes_on = await self._road.database.write(work) < MOST_DEAD
        self._road.tide.rise()
        return goes_on

    async def _once_more(self) -> None:
        """Tell again what somebody wants told again: once."""
        mine = self._subscription.id
        asked = await self._road.database.read(lambda c: deliveries.waiting(c, mine))
        for one in asked:
            await self._settle(one)

    async def _settle(self, one: Waiting) -> None:
        why = None
        try:
            await self._send(one.letter)
            self._road.counters["delivered"] += 1
        except NotTaken as refusal:
            why = str(refusal)
            self._road.counters["refused" if refusal.reached else "unreached"] += 1
        await self._road.database.write(lambda c: deliveries.settle(c, one.id, why))

    async def _keep(self) -> None:
        now, mine = self._now, self._subscription.id
        assert now is not None
        await self._road.database.beside(lambda c: deliveries.keep(c, mine, now))
        self._unkept = 0
