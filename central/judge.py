"""Judge and post: the observation log, stretch by stretch, into movements on the ledger.

One transaction a stretch: what judging found is posted and stored together with how far it came
and what it remembers, so that a crash at any moment means judging that stretch again from the
same memory, with the same result. A movement that stock's rules refuse becomes a review.
Memories are kept by partition of read points: each of several workers judges its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from central import findings, questions, whereabouts
from central.catalogue.context import ContextCache, next_change
from central.documents import books
from central.leases import Alone, Holder
from central.observations import read_share
from central.partitions import Held, partition_of
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged, Review, Verdict
from central.stock import ledger, witnesses
from central.stock.model import StockError
from central.store import Database, blames_the_row
from central.stretches import Judged, Recorder, behind, keep, memories
from central.tide import Tide
from gateway.clock import Clock, SystemClock

__all__ = ["Judge"]

_log = structlog.get_logger("central.judge")
_STRETCH = 1_000
_RETRY_S = 1.0
_TELL_EVERY_S = 60.0
_PATIENCE = 60
"""Tries, one a second, that an observation gets for which there is not enough memory."""


class _Mind(NamedTuple):
    """A partition's reconciler, as of a lease's epoch and a place in the log."""

    epoch: int
    position: int
    reconciler: Reconciler


class _JudgingFailed(Exception):
    """A fault in judging itself: the stretch is judged again, more carefully."""


class Judge:
    """See the module. ``counters``: ``observations``, ``movements``, ``repeated``,
    ``witnesses``, ``reviews``, ``passes``, ``presence``, ``ignored``, ``failed``, ``retries``.
    """

    def __init__(
        self,
        database: Database,
        tide: Tide,
        *,
        clock: Clock | None = None,
        holder: Holder | None = None,
    ) -> None:
        self._database = database
        self._tide = tide
        self._holder = holder or Alone()
        self._clock = clock or SystemClock()
        self._told_at_s = -_TELL_EVERY_S
        self._contexts = ContextCache()
        self._forget()
        self._starved = 0
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Follow the log until cancelled; a database that fails is tried again for ever, and so
        is a machine that lacks what judging needs.
        """
        while True:
            level = self._tide.level
            try:
                while await self.step():
                    self._starved = 0
            except (DBAPIError, OSError, MemoryError) as error:
                self._starved += 1
                self.counters["retries"] += 1
                self._waits(error)
                await asyncio.sleep(_RETRY_S)
                continue
            await self._tide.above(level)

    def _waits(self, error: DBAPIError | OSError | MemoryError) -> None:
        """Say so when it begins and once a minute, not at every try."""
        now_s = self._clock.steady_s()
        if now_s >= self._told_at_s + _TELL_EVERY_S:
            self._told_at_s = now_s
            if isinstance(error, DBAPIError):
                _log.error("judging_waits_for_the_database", why=str(error.orig))
            else:
                _log.error("judging_waits_for_the_machine", why=str(error) or repr(error))

    def _forget(self) -> None:
        self._minds: dict[int, _Mind] = {}
        self._recorder = Recorder()

    async def step(self) -> bool:
        """Judge the next stretch in one transaction; False when there was nothing to judge."""
        try:
            taken = await self._database.write(self._one_stretch)
        except BaseException:
            self._forget()  # what it learnt was not committed
            raise
        if taken:
            self._tide.rise()
        return taken > 0

    def _one_stretch(self, conn: Connection) -> int:
        mine = self._holder.mine(conn)
        if not mine:
            return 0
        group, upto = behind(mine)
        after = group[0].position
        change = next_change(conn, after + 1)
        if change is not None:
            upto = min(upto, change - 1)
        numbers = frozenset(one.no for one in group)
        logged, reached = read_share(conn, after, _STRETCH, numbers, upto)
        if reached == after:
            return 0
        ledger_from = witnesses.height(conn)
        told, minds, states = self._judged(conn, group, logged)
        keep(conn, group, reached, states)
        grew = told["movements"] or told["witnesses"]
        ledger_upto = witnesses.height(conn) if grew else ledger_from
        self._recorder.record(conn, Judged(numbers, after, reached, ledger_from, ledger_upto))
        for one in group:
            self._minds[one.no] = _Mind(one.epoch, reached, minds[one.no])
        self.counters.update(told)
        self.counters["observations"] += len(logged)
        return reached - after

    def _judged(
        self, conn: Connection, group: Sequence[Held], logged: Sequence[Logged]
    ) -> tuple[Counter[str], dict[int, Reconciler], dict[int, bytes]]:
        """Post what the entries come to; the counts, the minds afterwards, and how those that
        learnt something are kept.
        """
        record_us = self._clock.now_us()
        context = self._contexts.load(conn, at_log=group[0].position + 1)
        minds = self._recall(conn, group)
        try:
            with conn.begin_nested():
                told = self._each(conn, minds, logged, context, record_us)
                return told, minds, _states(minds, logged)
        except _JudgingFailed:
            _log.exception("judging_failed", first=logged[0].log_id, last=logged[-1].log_id)
            self._minds.clear()
            minds = self._recall(conn, group)
            told = self._each(conn, minds, logged, context, record_us, setting_aside=True)
            return told, minds, _states(minds, logged)

    def _recall(self, conn: Connection, group: Sequence[Held]) -> dict[int, Reconciler]:
        """The minds of these partitions: as we left them, or as they were kept."""
        minds = {
            one.no: self._minds[one.no].reconciler
            for one in group
            if one.no in self._minds and self._minds[one.no][:2] == (one.epoch, one.position)
        }
        others = [one.no for one in group if one.no not in minds]
        if others:
            kept = memories(conn, others)
            minds |= {no: Reconciler(kept.get(no)) for no in others}
        return minds

    def _each(
        self,
        conn: Connection,
        minds: dict[int, Reconciler],
        logged: Sequence[Logged],
        context: Context,
        record_us: int,
        *,
        setting_aside: bool = False,
    ) -> Counter[str]:
        """Judge entry by entry and post what each comes to before the next is judged, so that
        the next sees the ledger as it is, a refusal included, wherever the log is cut.

        Raises ``_JudgingFailed`` at a fault in judging. With ``setting_aside`` the observation
        that shows the fault goes to a person, and judging goes on as if it had not been.
        """
        told: Counter[str] = Counter()
        known = context.version
        for one in logged:
            no = partition_of(one.observation.read_point)
            before = minds[no].dump() if setting_aside else b""
            try:
                with conn.begin_nested() if setting_aside else nullcontext():
                    verdict = minds[no].judge([one], context)
                    self._store(conn, verdict, record_us, one.log_id, context=known, told=told)
                    if setting_aside:
                        minds[no].dump()  # a mind that cannot be kept has learnt a fault
            except Exception as error:
                if self._is_the_machines(error):
                    raise
                if not setting_aside:
                    raise _JudgingFailed from error
                told["failed"] += 1
                minds[no] = Reconciler(before)
                verdict = Verdict(reviews=(questions.of_fault(one, error),))
                self._store(conn, verdict, record_us, one.log_id, context=known, told=told)
        return told

    def _is_the_machines(self, error: Exception) -> bool:
        """Whether the database, or the machine, failed and not judging, which opens nothing but
        code that it needs for the first time. What always takes all memory is a fault at last.
        """
        if isinstance(error, DBAPIError):
            return not blames_the_row(error)
        if isinstance(error, MemoryError):
            return self._starved < _PATIENCE
        return isinstance(error, OSError)

    def _store(
        self,
        conn: Connection,
        verdict: Verdict,
        record_us: int,
        log_id: int,
        *,
        context: int,
        told: Counter[str],
    ) -> None:
        told.update(passes=len(verdict.passes), ignored=len(verdict.ignored))
        told.update(presence=len(verdict.presence))
        whereabouts.keep(conn, verdict.presence, log_id)
        if not any((verdict.movements, verdict.reviews, verdict.passes, verdict.witnesses)):
            return
        results = ledger.post_each(conn, verdict.movements, record_us=record_us, log_id=log_id)
        refused: list[Review] = []
        for movement, result in zip(verdict.movements, results, strict=True):
            if isinstance(result, StockError):
                refused.append(questions.of_refusal(movement, result))
            else:
                told["repeated" if result.repeated else "movements"] += 1
        reviews = [*verdict.reviews, *refused]
        findings.keep_reviews(conn, reviews, record_us, log_id)
        findings.keep_passes(conn, verdict.passes, log_id)
        findings.keep_traces(conn, verdict.traces, log_id, context)
        books.keep_notes(conn, verdict.notes, log_id=log_id)
        fresh = witnesses.add(conn, verdict.witnesses, record_us=record_us, log_id=log_id)
        told.update(reviews=len(reviews), witnesses=len(fresh))


def _states(minds: dict[int, Reconciler], logged: Sequence[Logged]) -> dict[int, bytes]:
    """The minds that some entries touched, as they are kept. Raises ``_JudgingFailed``."""
    touched = {partition_of(one.observation.read_point) for one in logged}
    try:
        return {no: minds[no].dump() for no in sorted(touched)}
    except (msgspec.MsgspecError, OverflowError, TypeError, ValueError) as error:
        raise _JudgingFailed from error
