"""What a verdict comes to: movements on the ledger, questions to people, and why, as rows.

What the ledger refuses becomes a question; so does what was posted and broke a rule of its place.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from sqlalchemy import Connection

from central import audit
from central.documents import books
from central.judging import amendments, findings, left_alone, overtaken, questions, whereabouts
from central.judging.carried_out import leaving
from central.judging.drawn import drawn
from central.judging.hindsight import settled
from central.reconcile.verdict import Context, Review, Verdict
from central.stock import ledger, witnesses
from central.stock.model import Posted, StockError

__all__ = ["At", "store"]


class At(NamedTuple):
    """When central posts something, under which log entry, and in which context."""

    record_us: int
    log_id: int
    context: Context


def store(conn: Connection, verdict: Verdict, at: At) -> Counter[str]:
    """Post and keep all of it; how many there were of each kind."""
    told = Counter(passes=len(verdict.passes), ignored=len(verdict.ignored))
    told["presence"] = len(verdict.presence)
    whereabouts.keep(conn, verdict.presence, at.log_id)
    left_alone.keep(conn, verdict.left_alone, at.log_id, at.context.version)
    audit.rezeroed(conn, verdict.rezeroed, at_us=at.record_us)
    posts = (verdict.movements, verdict.amendments, verdict.witnesses)
    if any((*posts, verdict.reviews, verdict.passes)):
        _Posting(conn, at, told).take(verdict)
    return told


class _Posting:
    """One verdict on its way to the ledger. ``asked`` are the questions that posting leads to."""

    def __init__(self, conn: Connection, at: At, told: Counter[str]) -> None:
        self._conn = conn
        self._at = at
        self._told = told
        self._asked: list[Review] = []
        self._astray: list[Posted] = []

    def take(self, verdict: Verdict) -> None:
        """Post and keep it."""
        conn, at = self._conn, self._at
        self._move(verdict)
        stands = len(self._asked) < len(verdict.movements)
        self._amend(verdict)
        self._asked += map(questions.of_broken_rules, self._astray)
        reviews = [*verdict.reviews, *self._asked]
        findings.keep_reviews(conn, reviews, at.record_us, at.log_id)
        findings.keep_passes(conn, verdict.passes, at.log_id)
        findings.keep_traces(conn, verdict.traces, at.log_id, at.context.version)
        fresh = witnesses.add(conn, verdict.witnesses, record_us=at.record_us, log_id=at.log_id)
        books.keep_notes(conn, verdict.notes, log_id=at.log_id, stands=stands or bool(fresh))
        self._told.update(reviews=len(reviews), witnesses=len(fresh))
        later = settled(conn, verdict.reviews, record_us=at.record_us, log_id=at.log_id)
        self._told.update(movements=later.movements, settled=later.reviews)

    def _move(self, verdict: Verdict) -> None:
        """What was told in time, from where its goods lie; the rest is asked about."""
        conn, (record_us, log_id, context) = self._conn, self._at
        late = overtaken.among(conn, verdict.movements)
        in_time, ways = [], {}
        for one in (movement for movement in verdict.movements if movement.id not in late):
            left = leaving(conn, one)
            witnesses.add(conn, left.along, record_us=record_us, log_id=log_id)
            lies = drawn(conn, left.movement, context)
            in_time.append(lies.movement)
            ways[one.id] = lies.ways
        results = ledger.post_each(conn, in_time, record_us=record_us, log_id=log_id)
        self._asked += (
            questions.of_overtaken(one, late[one.id]) for one in verdict.movements if one.id in late
        )
        self._astray += (one for one in results if isinstance(one, Posted) and one.broken)
        for movement, result in zip(in_time, results, strict=True):
            if isinstance(result, StockError):
                self._asked.append(questions.of_refusal(movement, result, ways[movement.id]))
            else:
                self._told["repeated" if result.repeated else "movements"] += 1

    def _amend(self, verdict: Verdict) -> None:
        for amendment in verdict.amendments:
            applied = amendments.apply(
                self._conn, amendment, record_us=self._at.record_us, log_id=self._at.log_id
            )
            self._asked += [applied.asked] if applied.asked else []
            self._astray += (one for one in applied.posted if one.broken)
            self._told["movements"] += 0 if applied.asked else len(amendment.movements)
