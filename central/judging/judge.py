"""Judge and post: the observation log, stretch by stretch, into movements on the ledger.

One transaction a stretch: what judging found is posted and stored together with how far it came
and what it remembers, so that a crash at any moment means judging that stretch again from the
same memory, with the same result. A movement that stock's rules refuse becomes a review.
Memories are kept by partition of read points: each of several workers judges its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from central.catalogue.context import ContextCache, next_change
from central.database.leases import Alone, Holder
from central.database.store import Database, blames_the_row
from central.database.tide import Tide
from central.intake.observations import read_share
from central.intake.partitions import Held, partition_of
from central.judging import questions
from central.judging.minds import Minds
from central.judging.posting import At, store
from central.judging.stretches import Judged, Recorder, behind, keep
from central.reconcile.mind import Mind
from central.reconcile.verdict import Logged, Verdict
from central.stock import witnesses
from gateway.clock import Clock, SystemClock

__all__ = ["Judge"]

T = TypeVar("T")
_log = structlog.get_logger("central.judging.judge")
_STRETCH = 1_000
_RETRY_S = 1.0
_TELL_EVERY_S = 60.0
_SETTLE_S = 0.5
"""What waits for others that are silent goes on after this: an edge commits every 250 ms."""
_PATIENCE = 60
"""Tries, one a second, that an observation gets for which there is not enough memory."""


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
        self._minds = Minds()
        self._passed: deque[tuple[float, int]] = deque()
        self._forget()
        self._starved = 0
        self._at_the_end = False
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Follow the log until cancelled; a database that fails is tried again for ever, and so
        is a machine that lacks what judging needs.
        """
        while True:
            try:
                level = await self._catch_up()
                waiting = await self.settle()
            except (DBAPIError, OSError, MemoryError) as error:
                self._starved += 1
                self.counters["retries"] += 1
                self._waits(error)
                await asyncio.sleep(_RETRY_S)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_SETTLE_S if waiting else None):
                    await self._tide.above(level)

    async def _catch_up(self) -> int:
        """Judge all that is there; the level of the tide that this included. Our own commits
        raise the tide as well: nobody need look again because of them.
        """
        while True:
            level = self._tide.level
            if not await self.step():
                return level
            self._starved = 0
            if self._at_the_end:
                return level + 1

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
        self._minds.forget()
        self._passed.clear()
        self._recorder = Recorder()

    async def step(self) -> bool:
        """Judge the next stretch in one transaction; False when there was nothing to judge."""
        try:
            taken = await self._write(self._one_stretch)
        except _JudgingFailed:
            _log.exception("judging_failed", hint="the stretch is judged again, entry by entry")
            taken = await self._write(partial(self._one_stretch, setting_aside=True))
        if taken:
            self._tide.rise()
        return taken > 0

    async def _write(self, work: Callable[[Connection], T]) -> T:
        """One transaction; what was learnt in one that fails is forgotten."""
        try:
            return await self._database.write(work)
        except BaseException:
            self._forget()
            raise

    async def settle(self) -> bool:
        """Let what has waited long enough go on; whether something still waits."""
        upto_log = self._passed_since(_SETTLE_S)
        while not self._minds.know(self._holder.held) or self._minds.waits_since(upto_log):
            if not await self._write(lambda c: self._settle_one(c, upto_log)):
                break
            self._tide.rise()
        return self._minds.waiting() is not None

    def _passed_since(self, seconds: float) -> int:
        """The log entry that was judged so long ago; 0 when that is not known."""
        then_s = self._clock.steady_s() - seconds
        while len(self._passed) > 1 and self._passed[1][0] <= then_s:
            self._passed.popleft()
        return self._passed[0][1] if self._passed and self._passed[0][0] <= then_s else 0

    def _settle_one(self, conn: Connection, upto_log: int) -> bool:
        """Let one read point go on where something waits since then, if there is any."""
        mine = self._holder.mine(conn)
        minds = self._minds.recall(conn, mine)
        for one in mine:
            waiting = minds[one.no].waiting
            if waiting is not None and waiting <= min(upto_log, one.position):
                self._let_go_on(conn, one, minds[one.no], min(upto_log, one.position))
                return True
        self._minds.forget()
        for one in mine:
            self._minds.keep([one], one.position, minds)
        if mine and not self._passed:
            self._passed.append((self._clock.steady_s(), min(one.position for one in mine)))
        return False

    def _let_go_on(self, conn: Connection, one: Held, mind: Mind, upto_log: int) -> None:
        context = self._contexts.load(conn, at_log=one.position + 1)
        ledger_from = witnesses.height(conn)
        told: Counter[str] = Counter()
        at = At(self._clock.now_us(), one.position, context)

        def verdict(mind: Mind) -> Verdict:
            return mind.settle(upto_log, context)

        mind = self._carefully(conn, mind, verdict, at, told, None)
        keep(conn, [one], one.position, {one.no: mind.dump()})
        judged = Judged(
            frozenset({one.no}), one.position, upto_log, ledger_from, witnesses.height(conn)
        )
        self._recorder.record(conn, judged)
        self._minds.keep([one], one.position, {one.no: mind})
        self.counters.update(told)

    def _one_stretch(self, conn: Connection, *, setting_aside: bool = False) -> int:
        mine = self._holder.mine(conn)
        if not mine:
            return 0
        group, upto = behind(mine)
        after = group[0].position
        numbers = frozenset(one.no for one in group)
        logged, reached = read_share(conn, after, _STRETCH, numbers, upto)
        if reached == after:
            return 0
        self._at_the_end = len(group) == len(mine) and reached - after < _STRETCH
        change = next_change(conn, after + 1)
        if change is not None and change <= reached:
            reached, self._at_the_end = change - 1, False
            logged = [one for one in logged if one.log_id <= reached]
        ledger_from = witnesses.height(conn)
        minds = self._minds.recall(conn, group)
        told = self._each(conn, minds, logged, after, setting_aside=setting_aside)
        states = _states(minds, logged)
        keep(conn, group, reached, states)
        grew = told["movements"] or told["witnesses"]
        ledger_upto = witnesses.height(conn) if grew else ledger_from
        self._recorder.record(conn, Judged(numbers, after, reached, ledger_from, ledger_upto))
        self._minds.keep(group, reached, minds)
        self._passed.append((self._clock.steady_s(), reached))
        self.counters.update(told)
        self.counters["observations"] += len(logged)
        return reached - after

    def _each(
        self,
        conn: Connection,
        minds: dict[int, Mind],
        logged: Sequence[Logged],
        after: int,
        *,
        setting_aside: bool,
    ) -> Counter[str]:
        """Judge entry by entry and post what each comes to before the next is judged, so that
        the next sees the ledger as it is, a refusal included, wherever the log is cut.

        Raises ``_JudgingFailed`` at a fault in judging. With ``setting_aside`` the observation
        that shows the fault goes to a person, and judging goes on as if it had not been.
        """
        record_us = self._clock.now_us()
        context = self._contexts.load(conn, at_log=after + 1)
        told: Counter[str] = Counter()
        for one in logged:
            no = partition_of(one.observation.read_point)

            def verdict(mind: Mind, one: Logged = one) -> Verdict:
                return mind.judge(one, context)

            at = At(record_us, one.log_id, context)
            if setting_aside:
                minds[no] = self._carefully(conn, minds[no], verdict, at, told, one)
                continue
            try:
                told.update(store(conn, verdict(minds[no]), at))
            except Exception as error:
                if self._is_the_machines(error):
                    raise
                raise _JudgingFailed from error
        return told

    def _carefully(  # noqa: PLR0917 (what one step of judging needs)
        self,
        conn: Connection,
        mind: Mind,
        verdict: Callable[[Mind], Verdict],
        at: At,
        told: Counter[str],
        one: Logged | None,
    ) -> Mind:
        """Judge, and set aside what judging fails on: that which had its turn when it failed, or
        else ``one``, or all that waits. The mind as it is then.
        """
        before = mind.dump()
        aside: set[int] = set()
        while True:
            try:
                with conn.begin_nested():
                    found = store(conn, verdict(mind), at)
                    mind.dump()  # a mind that cannot be kept has learnt a fault
            except Exception as error:
                if self._is_the_machines(error):
                    raise
                culprit = mind.at or one
                assert culprit is not None
                told["failed"] += 1
                fault = questions.of_fault(culprit, error)
                told.update(store(conn, Verdict(reviews=(fault,)), at))
                mind = Mind(before, aside=aside | {culprit.log_id})
                if culprit.log_id in aside:  # this did not help
                    return mind if one is not None else mind.without_waiting()
                aside.add(culprit.log_id)
            else:
                told.update(found)
                return mind

    def _is_the_machines(self, error: Exception) -> bool:
        """Whether the database, or the machine, failed and not judging, which opens nothing but
        code that it needs for the first time. What always takes all memory is a fault at last.
        """
        if isinstance(error, DBAPIError):
            return not blames_the_row(error)
        if isinstance(error, MemoryError):
            return self._starved < _PATIENCE
        return isinstance(error, OSError)


def _states(minds: dict[int, Mind], logged: Sequence[Logged]) -> dict[int, bytes]:
    """The minds that some entries touched, as they are kept. Raises ``_JudgingFailed``."""
    touched = {partition_of(one.observation.read_point) for one in logged}
    try:
        return {no: minds[no].dump() for no in sorted(touched)}
    except (msgspec.MsgspecError, OverflowError, TypeError, ValueError) as error:
        raise _JudgingFailed from error
