"""What judging found, as rows: passes, reviews, and the traces that tell why.

A trace stands under the log entry that led to it, which movements, reviews and passes name too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import msgspec
from sqlalchemy import Connection

from central.database.bulk import BulkInsert, storable
from central.database.moments import to_us
from central.reconcile import reconciler
from central.reconcile.verdict import Pass, Review, Trace

__all__ = ["app_version", "keep_passes", "keep_reviews", "keep_traces", "pass_row", "review_row"]

_encode = msgspec.json.Encoder().encode
_ONCE = "ON CONFLICT (id) DO NOTHING"
_PASS = (
    ("id", "text"),
    ("read_point", "text"),
    ("opened_us", "bigint"),
    ("closed_us", "bigint"),
    ("direction", "text"),
    ("decision", "text"),
    ("tags", "text"),
    ("causes", "text"),
)
_REVIEW = (
    ("id", "text"),
    ("event_us", "bigint"),
    ("read_point", "text"),
    ("reason", "text"),
    ("hypotheses", "text"),
    ("causes", "text"),
    ("evidence", "text"),
)
_PASSES = BulkInsert("portal_pass", (*_PASS, ("log_id", "bigint")), _ONCE)
_REVIEWS = BulkInsert("review", (*_REVIEW, ("opened_us", "bigint"), ("log_id", "bigint")), _ONCE)
_TRACES = BulkInsert(
    "trace",
    (
        ("log_id", "bigint"),
        ("app", "text"),
        ("reconciler", "bigint"),
        ("context", "bigint"),
        ("body", "text"),
    ),
    # One entry may let several things go on, one after another as time passes.
    "ON CONFLICT (log_id) DO UPDATE SET body = "
    "substr(trace.body, 1, length(trace.body) - 1) || ',' || substr(excluded.body, 2)",
)


@cache
def app_version() -> str:
    """The version of the program that judges."""
    try:
        return version("tallyport")
    except PackageNotFoundError:  # a checkout on the path that nobody installed
        return "unknown"


def keep_passes(conn: Connection, passes: Sequence[Pass], log_id: int) -> None:
    """Store passes that log entry ``log_id`` led to; a repeat changes nothing."""
    _PASSES.run(conn, [(*pass_row(one).values(), log_id) for one in passes])


def keep_reviews(conn: Connection, reviews: Sequence[Review], record_us: int, log_id: int) -> None:
    """Open reviews that log entry ``log_id`` led to; one that is known stays as it is."""
    _REVIEWS.run(conn, [(*review_row(one).values(), record_us, log_id) for one in reviews])


def keep_traces(conn: Connection, traces: Sequence[Trace], log_id: int, context: int) -> None:
    """Store why log entry ``log_id`` was judged so, with the versions that did; ``context`` is
    the context's version.
    """
    if traces:
        body = _encode(traces).decode()
        _TRACES.run(conn, [(log_id, app_version(), reconciler.VERSION, context, body)])


def pass_row(one: Pass) -> dict[str, object]:
    """A pass's columns, all of which judging again must give alike."""
    return {
        "id": one.id,
        "read_point": one.read_point,
        "opened_us": to_us(one.opened_at),
        "closed_us": to_us(one.closed_at),
        "direction": one.direction,
        "decision": one.decision,
        "tags": _encode(one.tags).decode(),
        "causes": _encode(one.causes).decode(),
    }


def review_row(review: Review) -> dict[str, object]:
    """A review's columns, all of which judging again must give alike."""
    return {
        "id": review.id,
        "event_us": to_us(review.event_time),
        "read_point": review.read_point,
        "reason": storable(review.reason),
        "hypotheses": _encode(review.hypotheses).decode(),
        "causes": _encode(review.causes).decode(),
        "evidence": _encode(review.evidence).decode(),
    }
