"""The review queue as it is shown: what waits, the oldest first, and what was answered today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, select

from central import schema
from central.catalogue import places
from central.reconcile.verdict import Hypothesis
from central.reviews import store
from central.reviews.model import RECEIVED, Resolution

__all__ = ["Answered", "Asked", "Filter", "Queue", "queue"]

MOST = 200
_review = schema.review.c
_HYPOTHESES = msgspec.json.Decoder(tuple[Hypothesis, ...])
_RESOLUTION = msgspec.json.Decoder(Resolution)
_AGES_US = {"hour": 3_600_000_000, "day": 86_400_000_000}
_COLUMNS = (
    _review.id, _review.read_point, _review.reason, _review.event_us, _review.opened_us,
    _review.escalated_us,
)  # fmt: skip


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which reviews are shown: of a ``kind`` of read point, of a ``place`` (a read point), and
    not younger than ``age`` (hour, day); empty: all.
    """

    kind: str = ""
    place: str = ""
    age: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question that waits, with its likeliest answer."""

    id: str
    read_point: str
    kind: str
    reason: str
    event_us: int
    opened_us: int
    late: bool
    best: Hypothesis | None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A question that somebody answered."""

    id: str
    read_point: str
    kind: str
    reason: str
    resolved_us: int
    resolution: Resolution


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """``waiting`` are those that fit the filter, at most 200, ``count`` how many do and ``all``
    how many wait in all. ``places`` are the read points that ask.
    """

    waiting: tuple[Asked, ...]
    count: int
    all: int
    answered: tuple[Answered, ...]
    places: tuple[str, ...]
    kinds: tuple[str, ...]


def queue(conn: Connection, wanted: Filter, *, now_us: int, since_us: int) -> Queue:
    """What waits, and what was answered since ``since_us``, within reach."""
    kinds = {one.code: one.kind for one in places.list_read_points(conn)}
    whole: Select[Any] = store.granted(select(*_COLUMNS, _review.hypotheses))
    open_ones = whole.where(_review.status == "open")
    fitting = _fitting(open_ones, wanted, kinds, now_us)
    rows = conn.execute(fitting.order_by(_review.opened_us, _review.id).limit(MOST)).all()
    ends: Select[Any] = store.granted(select(*_COLUMNS, _review.resolved_us, _review.resolution))
    done = ends.where(_review.status != "open", _review.resolved_us >= since_us)
    ended = conn.execute(done.order_by(_review.resolved_us.desc(), _review.id).limit(50)).all()
    points = store.granted(select(_review.read_point).distinct())
    asking = sorted(conn.execute(points.where(_review.status == "open")).scalars())
    found = sorted({kinds[one] for one in asking if one in kinds})
    return Queue(
        waiting=tuple(_asked(row, kinds) for row in rows),
        count=_count(conn, fitting),
        all=_count(conn, open_ones),
        answered=tuple(_answered(row, kinds) for row in ended),
        places=tuple(asking),
        kinds=tuple(found),
    )


def _count(conn: Connection, query: Select[Any]) -> int:
    return conn.execute(select(func.count()).select_from(query.subquery())).scalar_one()


def _fitting(
    query: Select[Any], wanted: Filter, kinds: Mapping[str, str], now_us: int
) -> Select[Any]:
    if wanted.place:
        query = query.where(_review.read_point == wanted.place)
    if wanted.kind == "receipt":
        query = query.where(_review.id.startswith(RECEIVED))
    elif wanted.kind:
        codes = [code for code, kind in kinds.items() if kind == wanted.kind]
        query = query.where(_review.read_point.in_(codes), ~_review.id.startswith(RECEIVED))
    if wanted.age in _AGES_US:
        query = query.where(_review.opened_us <= now_us - _AGES_US[wanted.age])
    return query


def _kind(review_id: str, read_point: str, kinds: Mapping[str, str]) -> str:
    return "receipt" if review_id.startswith(RECEIVED) else kinds.get(read_point, "")


def _asked(row: Row[Any], kinds: Mapping[str, str]) -> Asked:
    hypotheses = _HYPOTHESES.decode(row.hypotheses)
    return Asked(
        id=row.id,
        read_point=row.read_point,
        kind=_kind(row.id, row.read_point, kinds),
        reason=row.reason,
        event_us=row.event_us,
        opened_us=row.opened_us,
        late=row.escalated_us is not None,
        best=hypotheses[0] if hypotheses else None,
    )


def _answered(row: Row[Any], kinds: Mapping[str, str]) -> Answered:
    return Answered(
        id=row.id,
        read_point=row.read_point,
        kind=_kind(row.id, row.read_point, kinds),
        reason=row.reason,
        resolved_us=row.resolved_us,
        resolution=_RESOLUTION.decode(row.resolution),
    )
