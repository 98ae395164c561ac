"""Commands of many clients, carried out together: one transaction on the one writer for a group.

A commit waits for the disk; what arrives meanwhile goes along with the next one. So the writer is
as fast with five hundred commands as with a few, and hot stock needs no locks: its commands are
decided one after another in memory.

A client hears of its command after the commit, and of its own command only. One that goes away
before its command was taken takes it along; later, the command is carried out all the same, and
the same id again tells how it ended.

What many only look up far away goes the same way: one journey for all who ask meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from central.access.behalf import Roots, reaching, roots
from central.database.store import passes_by

__all__ = ["Grouped"]

C = TypeVar("C")
R = TypeVar("R")
MOST = 500
"""Commands in a group, where nobody says otherwise: with more the first would wait long for the
last.
"""
GATHER_S = 0.003
"""How long a group waits for company, where the one before had some."""


class _Asked(NamedTuple, Generic[C, R]):
    """A command, who waits for its verdict, and how far they may reach."""

    command: C
    answer: asyncio.Future[R]
    roots: Roots


class Grouped(Generic[C, R]):
    """Takes commands of one kind. ``carry_out`` decides a group in its transaction: for each
    command its result or the reason why it was refused, which must have left no trace.
    ``counters``: ``commands``, ``refused``, ``groups``, and ``split`` groups that failed whole.
    """

    def __init__(
        self,
        write: Callable[
            [Callable[[Connection], list[R | Exception]]], Awaitable[list[R | Exception]]
        ],
        carry_out: Callable[[Connection, Sequence[C]], Sequence[R | Exception]],
        *,
        most: int = MOST,
        gather_s: float = GATHER_S,
    ) -> None:
        self._write = write
        self._decide = carry_out
        self._most = most
        self._gather_s = gather_s
        self._waiting: deque[_Asked[C, R]] = deque()
        self._flushing: asyncio.Task[None] | None = None
        self.counters: Counter[str] = Counter()

    async def do(self, command: C) -> R:
        """Its result, once that is committed. Raises why it was refused, or what failed."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Asked(command, answer, roots()))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush(), name="grouped commands")
        return await answer

    async def _flush(self) -> None:
        """Carry out group after group until nobody waits."""
        had_company = False
        try:
            while self._waiting:
                if had_company and len(self._waiting) < self._most:
                    await asyncio.sleep(self._gather_s)
                group = self._take()
                had_company = len(group) > 1
                await self._carry_out(group)
        finally:
            self._flushing = None
            for one in self._waiting:  # only where this very task was cancelled
                one.answer.cancel()
            self._waiting.clear()

    def _take(self) -> list[_Asked[C, R]]:
        size = min(len(self._waiting), self._most)
        taken = [self._waiting.popleft() for _ in range(size)]
        return [one for one in taken if not one.answer.cancelled()]

    async def _carry_out(self, group: Sequence[_Asked[C, R]]) -> None:
        if not group:
            return
        try:
            verdicts = await self._write(lambda conn: self._decided(conn, group))
        except Exception as error:  # noqa: BLE001 (handed to those who asked)
            await self._failed(group, error)
            return
        self.counters.update(groups=1, commands=len(group))
        for one, verdict in zip(group, verdicts, strict=True):
            if isinstance(verdict, Exception):
                self.counters["refused"] += 1
                _refuse(one, verdict)
            elif not one.answer.done():
                one.answer.set_result(verdict)

    def _decided(self, conn: Connection, group: Sequence[_Asked[C, R]]) -> list[R | Exception]:
        """A verdict for each; those who may reach the same places are decided together."""
        alike: dict[Roots, list[int]] = {}
        for place, one in enumerate(group):
            alike.setdefault(one.roots, []).append(place)
        verdicts: dict[int, R | Exception] = {}
        for within, places in alike.items():
            with reaching(within):
                found = self._decide(conn, [group[place].command for place in places])
            verdicts.update(zip(places, found, strict=True))
        return [verdicts[place] for place in range(len(group))]

    async def _failed(self, group: Sequence[_Asked[C, R]], error: Exception) -> None:
        """Nothing of the group stands. What only one of them is to blame for must not hurt the
        others; a database that is away is away for all.
        """
        if len(group) == 1 or (isinstance(error, DBAPIError) and passes_by(error)):
            for one in group:
                _refuse(one, error)
            return
        self.counters["split"] += 1
        half = len(group) // 2
        await self._carry_out(group[:half])
        await self._carry_out(group[half:])


def _refuse(one: _Asked[C, R], error: Exception) -> None:
    if not one.answer.done():
        one.answer.set_exception(error)
