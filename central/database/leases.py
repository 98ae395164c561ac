"""Who does which partition's work: a lone central all of it, or several workers by lease.

A lease is a row of table ``partition``: who holds it, and an epoch that counts each change of
hands. Every transaction that receives or judges reads its own rows first, under the writers'
lock, so a worker that lost a partition (killed, frozen, cut off) finds that out before it writes
anything for it: its work is fenced, however long it slept. A worker's leases last as long as it
says that it is alive, by the database's clock, which is the same for all.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import NamedTuple, Protocol

import structlog
from sqlalchemy import Connection, bindparam, text
from sqlalchemy.exc import DBAPIError

from central.database.store import Database, passes_by
from central.intake.partitions import ALL, Held, share
from gateway.clock import Clock, SystemClock

__all__ = ["Alone", "Gained", "Holder", "Leases"]

_log = structlog.get_logger("central.database.leases")
_NOW = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
_MINE = text("SELECT no, epoch, position FROM partition WHERE worker = :worker ORDER BY no")
_EVERY = text("SELECT no, epoch, position FROM partition ORDER BY no")
_ALIVE = text(
    "INSERT INTO worker (name, started_us, expires_us) VALUES (:worker, :now, :expires) "
    "ON CONFLICT (name) DO UPDATE SET expires_us = excluded.expires_us"
)
_TAKE = text(
    "UPDATE partition SET worker = :worker, epoch = epoch + 1 WHERE no IN :numbers"
).bindparams(bindparam("numbers", expanding=True))
_LEAVE = text(
    "UPDATE partition SET worker = '' WHERE worker = :worker AND no IN :numbers"
).bindparams(bindparam("numbers", expanding=True))


class Gained(NamedTuple):
    """Partitions whose work is ours from now on. ``after_another``: somebody else may have let
    messages for them pass.
    """

    partitions: frozenset[int]
    after_another: bool


class Holder(Protocol):
    """Whoever knows which partitions are ours."""

    @property
    def held(self) -> frozenset[int]:
        """As of when we last looked: good enough to pass by what is another's."""
        ...

    def mine(self, conn: Connection) -> list[Held]:
        """As it is in this write transaction, and stays until it ends."""
        ...

    def gains(self) -> AsyncIterator[Gained]:
        """Partitions as they become ours, for one reader."""
        ...


class Alone:
    """The one central on its database: everything is its work, for as long as it lives. The
    database's own lock keeps any other away.
    """

    held = ALL

    def mine(self, conn: Connection) -> list[Held]:
        """See ``Holder``."""
        return [Held(*row) for row in conn.execute(_EVERY)]

    async def gains(self) -> AsyncIterator[Gained]:
        """See ``Holder``."""
        yield Gained(ALL, after_another=False)
        await asyncio.Event().wait()


class Leases:
    """One of several workers on one database. ``worker`` names this very process: a start of
    its own is another worker. ``counters``: ``gained``, ``lost``, ``retries``.
    """

    def __init__(
        self, database: Database, worker: str, *, lease_s: float = 15.0, clock: Clock | None = None
    ) -> None:
        self._database = database
        self._worker = worker
        self._lease_s = lease_s
        self._clock = clock or SystemClock()
        self._gains: asyncio.Queue[Gained] = asyncio.Queue()
        self._changed = asyncio.Event()
        self.held: frozenset[int] = frozenset()
        self.counters: Counter[str] = Counter()

    def mine(self, conn: Connection) -> list[Held]:
        """See ``Holder``."""
        return [Held(*row) for row in conn.execute(_MINE, {"worker": self._worker})]

    async def gains(self) -> AsyncIterator[Gained]:
        """See ``Holder``."""
        while True:
            yield await self._gains.get()

    def leads(self) -> bool:
        """Whether what only one worker must do is ours: it goes with partition 0."""
        return 0 in self.held

    async def changed(self) -> None:
        """Wait until we hold something else than now."""
        await self._changed.wait()

    async def while_leading(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do what only one worker must do, whenever that is us, until cancelled."""
        while True:
            while not self.leads():
                await self.changed()
            async with asyncio.TaskGroup() as group:
                doing = group.create_task(work())
                while self.leads():
                    await self.changed()
                doing.cancel()

    async def run(self) -> None:
        """Stay alive, take what is free and leave what is too much, until cancelled.

        A database that is away is tried again: what we held may be another's afterwards.
        """
        async with asyncio.TaskGroup() as group:
            # A sign of life waits for nobody's turn: being slow is not being dead.
            group.create_task(self._again_and_again(self.sign))
            group.create_task(self._again_and_again(self.renew))

    async def sign(self) -> None:
        """Once: say that we live."""
        await self._database.beside(self._live)

    async def renew(self) -> None:
        """Once: say that we live, and see what is ours."""
        self._see(await self._database.write(self._renew))

    async def _again_and_again(self, work: Callable[[], Awaitable[None]]) -> None:
        away = False
        while True:
            try:
                await work()
                away = False
            except DBAPIError as error:
                if not passes_by(error):
                    raise
                self.counters["retries"] += 1
                if not away:
                    _log.error("leases_not_renewed", why=str(error.orig), lease_s=self._lease_s)
                away = True
            await asyncio.sleep(self._lease_s / 3)

    async def release(self) -> None:
        """Leave everything, so that the others need not wait for us to expire."""
        try:
            await self._database.write(self._release)
        except DBAPIError as error:
            _log.warning("leases_not_released", why=str(error.orig), expire_in_s=self._lease_s)
        self._see(frozenset())

    def _live(self, conn: Connection) -> int:
        now_us = self._now_us(conn)
        expires_us = now_us + round(self._lease_s * 1e6)
        conn.execute(_ALIVE, {"worker": self._worker, "now": now_us, "expires": expires_us})
        return now_us

    def _renew(self, conn: Connection) -> frozenset[int]:
        now_us = self._live(conn)
        conn.execute(text("DELETE FROM worker WHERE expires_us <= :now"), {"now": now_us})
        alive = set(conn.execute(text("SELECT name FROM worker")).scalars())
        holders = {row[0]: row[1] for row in conn.execute(text("SELECT no, worker FROM partition"))}
        take, leave = share(holders, alive, self._worker)
        for statement, numbers in ((_TAKE, take), (_LEAVE, leave)):
            if numbers:
                conn.execute(statement, {"worker": self._worker, "numbers": numbers})
        return frozenset(one.no for one in self.mine(conn))

    def _release(self, conn: Connection) -> None:
        mine = [one.no for one in self.mine(conn)]
        if mine:
            conn.execute(_LEAVE, {"worker": self._worker, "numbers": mine})
        conn.execute(text("DELETE FROM worker WHERE name = :worker"), {"worker": self._worker})

    def _now_us(self, conn: Connection) -> int:
        """PostgreSQL's own time, which all workers share; on SQLite there is one machine."""
        if conn.dialect.name == "postgresql":
            return int(conn.execute(text(_NOW)).scalar_one())
        return self._clock.now_us()

    def _see(self, held: frozenset[int]) -> None:
        gained, lost = held - self.held, self.held - held
        self.held = held
        if gained:
            self._gains.put_nowait(Gained(gained, after_another=True))
        if gained or lost:
            self.counters.update(gained=len(gained), lost=len(lost))
            _log.info("partitions", gained=sorted(gained), lost=sorted(lost), held=len(held))
            self._changed.set()
            self._changed = asyncio.Event()
