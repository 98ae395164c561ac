"""Judge and post: the observation log, stretch by stretch, into movements on the ledger.

One transaction a stretch: what judging found is posted and stored together with the cursor
and the state of judging, so that a crash at any moment means judging that stretch again from
the same state, with the same result. A movement that stock's rules refuse becomes a review.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext

import msgspec
import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from central.bulk import BulkInsert, storable
from central.catalogue.context import ContextCache
from central.catalogue.effective import JUDGE
from central.moments import to_us
from central.observations import read_log
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Logged, Review, Verdict
from central.stock import ledger
from central.stock.model import Cause, Movement, StockError
from central.store import Database, passes_by
from central.tide import Tide
from gateway.clock import Clock, SystemClock

__all__ = ["Judge"]

_log = structlog.get_logger("central.judge")
_STRETCH = 1_000
_RETRY_S = 1.0
_TELL_EVERY_S = 60.0
_encode = msgspec.json.Encoder().encode
_PASSES = BulkInsert(
    "portal_pass",
    (
        ("id", "text"),
        ("read_point", "text"),
        ("opened_us", "bigint"),
        ("closed_us", "bigint"),
        ("direction", "text"),
        ("decision", "text"),
        ("tags", "text"),
        ("causes", "text"),
    ),
    "ON CONFLICT (id) DO NOTHING",
)
_REVIEWS = BulkInsert(
    "review",
    (
        ("id", "text"),
        ("opened_us", "bigint"),
        ("event_us", "bigint"),
        ("read_point", "text"),
        ("reason", "text"),
        ("proposals", "text"),
        ("causes", "text"),
        ("evidence", "text"),
    ),
    "ON CONFLICT (id) DO NOTHING",
)
_MOVE_CURSOR = text(
    "INSERT INTO cursor (name, position, state) VALUES (:name, :position, :state) "
    "ON CONFLICT (name) DO UPDATE SET position = excluded.position, state = excluded.state"
)


class _JudgingFailed(Exception):
    """A fault in judging itself: the stretch is judged again, more carefully."""


class Judge:
    """See the module. ``counters``: ``observations``, ``movements``, ``repeated``,
    ``reviews``, ``passes``, ``ignored``, ``failed``, ``retries``.
    """

    def __init__(self, database: Database, tide: Tide, *, clock: Clock | None = None) -> None:
        self._database = database
        self._tide = tide
        self._clock = clock or SystemClock()
        self._told_at_s = -_TELL_EVERY_S
        self._contexts = ContextCache()
        self._reconciler: Reconciler | None = None
        self._position = -1
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Follow the log until cancelled; a database that fails is tried again for ever."""
        while True:
            level = self._tide.level
            try:
                while await self.step():
                    pass
            except DBAPIError as error:
                self.counters["retries"] += 1
                self._waits(error)
                await asyncio.sleep(_RETRY_S)
                continue
            await self._tide.above(level)

    def _waits(self, error: DBAPIError) -> None:
        """Say so when it begins and once a minute, not at every try."""
        now_s = self._clock.steady_s()
        if now_s >= self._told_at_s + _TELL_EVERY_S:
            self._told_at_s = now_s
            _log.error("judging_waits_for_the_database", why=str(error.orig))

    async def step(self) -> bool:
        """Judge the next stretch in one transaction; False when there was nothing to judge."""
        try:
            taken = await self._database.write(self._one_stretch)
        except BaseException:
            self._reconciler = None  # what it learnt was not committed
            raise
        if taken:
            self._tide.rise()
        return taken > 0

    def _one_stretch(self, conn: Connection) -> int:
        position, reconciler = self._resume(conn)
        logged = read_log(conn, position, _STRETCH)
        if not logged:
            return 0
        record_us = self._clock.now_us()
        try:
            with conn.begin_nested():
                told, reconciler = self._each(conn, reconciler, logged, record_us)
        except _JudgingFailed:
            _log.exception("judging_failed", first=logged[0].log_id, last=logged[-1].log_id)
            told, reconciler = self._each(
                conn, self._saved(conn), logged, record_us, setting_aside=True
            )
        conn.execute(
            _MOVE_CURSOR,
            {"name": JUDGE, "position": logged[-1].log_id, "state": reconciler.dump()},
        )
        self._reconciler, self._position = reconciler, logged[-1].log_id
        self.counters.update(told)
        self.counters["observations"] += len(logged)
        return len(logged)

    def _resume(self, conn: Connection) -> tuple[int, Reconciler]:
        row = conn.execute(
            text("SELECT position FROM cursor WHERE name = :name"), {"name": JUDGE}
        ).scalar()
        position = int(row or 0)
        if self._reconciler is None or self._position != position:
            self._reconciler, self._position = self._saved(conn), position
        return position, self._reconciler

    def _saved(self, conn: Connection) -> Reconciler:
        state = conn.execute(
            text("SELECT state FROM cursor WHERE name = :name"), {"name": JUDGE}
        ).scalar()
        return Reconciler(None if state is None else bytes(state))

    def _each(
        self,
        conn: Connection,
        reconciler: Reconciler,
        logged: Sequence[Logged],
        record_us: int,
        *,
        setting_aside: bool = False,
    ) -> tuple[Counter[str], Reconciler]:
        """Judge entry by entry and post what each comes to before the next is judged, so that
        the next sees the ledger as it is, a refusal included, wherever the log is cut.

        Raises ``_JudgingFailed`` at a fault in judging. With ``setting_aside`` the observation
        that shows the fault goes to a person, and judging goes on as if it had not been.
        """
        told: Counter[str] = Counter()
        context = self._contexts.load(conn)
        for one in logged:
            before = reconciler.dump() if setting_aside else b""
            try:
                with conn.begin_nested() if setting_aside else nullcontext():
                    verdict = reconciler.judge([one], context)
                    self._store(conn, verdict, record_us, one.log_id, told)
            except Exception as error:
                if isinstance(error, DBAPIError) and passes_by(error):
                    raise  # the database failed, not judging
                if not setting_aside:
                    raise _JudgingFailed from error
                told["failed"] += 1
                reconciler = Reconciler(before)
                verdict = Verdict(reviews=(_fault(one, error),))
                self._store(conn, verdict, record_us, one.log_id, told)
        return told, reconciler

    def _store(
        self, conn: Connection, verdict: Verdict, record_us: int, log_id: int, told: Counter[str]
    ) -> None:
        told.update(passes=len(verdict.passes), ignored=len(verdict.ignored))
        if not (verdict.movements or verdict.reviews or verdict.passes):
            return
        results = ledger.post_each(conn, verdict.movements, record_us=record_us, log_id=log_id)
        refused: list[Review] = []
        for movement, result in zip(verdict.movements, results, strict=True):
            if isinstance(result, StockError):
                refused.append(_refused(movement, result))
            else:
                told["repeated" if result.repeated else "movements"] += 1
        reviews = [*verdict.reviews, *refused]
        _REVIEWS.run(conn, [_review_row(review, record_us) for review in reviews])
        _PASSES.run(
            conn,
            [
                (
                    one.id,
                    one.read_point,
                    to_us(one.opened_at),
                    to_us(one.closed_at),
                    one.direction,
                    one.decision,
                    _encode(one.tags).decode(),
                    _encode(one.causes).decode(),
                )
                for one in verdict.passes
            ],
        )
        told["reviews"] += len(reviews)


def _review_row(review: Review, record_us: int) -> tuple[object, ...]:
    return (
        review.id,
        record_us,
        to_us(review.event_time),
        review.read_point,
        storable(review.reason),
        _encode(review.proposals).decode(),
        _encode(review.causes).decode(),
        _encode(review.evidence).decode(),
    )


def _refused(movement: Movement, error: StockError) -> Review:
    read_point = movement.evidence.get("read_point")
    return Review(
        id=f"refused-{movement.id}"[:64],
        read_point=read_point if isinstance(read_point, str) else movement.origin,
        reason=f"the ledger refused what the sensors say: {error}",
        event_time=movement.event_time,
        proposals=(movement,),
        causes=movement.causes,
        evidence=movement.evidence,
    )


def _fault(logged: Logged, error: Exception) -> Review:
    seen = logged.observation
    cause = Cause(edge=logged.edge, epoch=logged.epoch, first_seq=logged.seq, last_seq=logged.seq)
    return Review(
        id=f"fault-{logged.log_id}",
        read_point=seen.read_point,
        reason=f"judging failed on this observation: {type(error).__name__}: {error}",
        event_time=seen.event_time,
        causes=(cause,),
        evidence={"observation": msgspec.to_builtins(seen)},
    )
