"""Reviews in the database: list, show, resolve, grow old.

Resolving is one transaction: the movements, the review's end, the audit's entry and the labels.
All writes take turns (see ``central.database.store``), so of two people who resolve one review at
the same time one is second, and told who was first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, RowMapping, Select, func, select, update

from central import audit, schema
from central.access import reach
from central.audit import Change
from central.catalogue.context import PlacedTags
from central.database import keyset
from central.database.bulk import storable
from central.database.moments import from_us
from central.judging import findings, questions
from central.reconcile import serials
from central.reconcile.verdict import Hypothesis
from central.reviews import labels, learnt
from central.reviews.model import (
    RECEIVED,
    AlreadyDecided,
    Choice,
    NoSuchReview,
    Outcome,
    Resolution,
    StaleReview,
    Stored,
    in_the_way,
    outcome,
    told,
)
from central.stock import ledger
from central.stock.model import Cause, ConflictingRepeat, InsufficientStock, Movement

__all__ = [
    "Aged", "Ageing", "Resolved", "Waiting", "age", "get", "granted", "page", "places_of",
    "resolve", "waiting",
]  # fmt: skip

T = TypeVar("T", bound=tuple[Any, ...])
_review = schema.review.c
_HYPOTHESES = msgspec.json.Decoder(tuple[Hypothesis, ...])
_CAUSES = msgspec.json.Decoder(tuple[Cause, ...])
_EVIDENCE = msgspec.json.Decoder(dict[str, Any])
_RESOLUTION = msgspec.json.Decoder(Resolution)
_encode = msgspec.json.Encoder().encode
_ELSEWHERE = "a place that you were not granted"
_INSTEAD = "choose another hypothesis, say the quantities that moved, or dismiss it"


class Resolved(NamedTuple):
    """A review's end; ``repeated`` when this same answer had been given before."""

    resolution: Resolution
    repeated: bool


def get(conn: Connection, review_id: str) -> Stored:
    """One review, where its place is within reach. Raises ``NoSuchReview``."""
    query = granted(select(schema.review)).where(_review.id == review_id)
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        raise NoSuchReview(f"there is no review {review_id}")
    return _stored(row)


def page(
    conn: Connection,
    *,
    status: str | None = "open",
    read_point: str | None = None,
    reason: str | None = None,
    escalated: bool | None = None,
    before: tuple[int, str] | None = None,
    limit: int = 50,
) -> list[Stored]:
    """Reviews of places within reach, newest first; ``before`` is the opening time (microseconds)
    and id of the last one that was seen.
    """
    key = (_review.opened_us, _review.id)
    query = keyset.newest(granted(select(schema.review)), key, before, limit)
    for column, value in (("status", status), ("read_point", read_point), ("reason", reason)):
        if value is not None:
            query = query.where(_review[column] == value)
    if escalated is not None:
        query = query.where(_review.escalated_us.is_not(None) == escalated)
    return [_stored(row) for row in conn.execute(query).mappings()]


def granted(query: Select[T]) -> Select[T]:
    """Only those of read points, or of doors where goods are received, that are within reach."""
    seen, received = reach.at(_review.read_point), reach.within(_review.read_point)
    if seen is None or received is None:
        return query
    at_the_door = _review.id.startswith(RECEIVED)
    return query.where((~at_the_door & seen) | (at_the_door & received))


class Waiting(NamedTuple):
    """How many reviews of a read point are open, and since when the oldest is."""

    read_point: str
    open: int
    oldest_us: int


def waiting(conn: Connection) -> list[Waiting]:
    """The open reviews, by read point."""
    counted = (func.count(), func.min(_review.opened_us))
    query = select(_review.read_point, *counted).where(_review.status == "open")
    return [Waiting(*row) for row in conn.execute(query.group_by(_review.read_point))]


def places_of(conn: Connection, movements: Iterable[Movement]) -> dict[str, str]:
    """Where the tags of some movements are now; of a place that is not within reach no more than
    that they are there.
    """
    epcs = {epc for movement in movements for epc in movement.epcs}
    found = serials.places_of(sorted(epcs), PlacedTags(conn))
    hidden = {place for place in set(found.values()) if not reach.inside(conn, place)}
    return {epc: _ELSEWHERE if place in hidden else place for epc, place in found.items()}


def resolve(
    conn: Connection, review_id: str, choice: Choice, *, at_us: int, log_id: int = 0
) -> Resolved:
    """End a review as a person says, and post what follows (``log_id``: see ``ledger.post``).

    Raises ``NoSuchReview``, ``WrongChoice``, ``AlreadyDecided`` (with who and what),
    ``StaleReview``, ``ConflictingRepeat`` (the id was used for another answer), and what posting
    raises.
    """
    review = get(conn, review_id)
    before = _said_before(conn, review_id, choice)
    if before is not None:
        return Resolved(before, True)
    if review.status != "open":
        raise AlreadyDecided(told(review))
    follows = outcome(review, choice)
    _post(conn, review, follows, (at_us, log_id))
    done = Resolution(
        id=choice.id,
        by=choice.by,
        at=from_us(at_us),
        how=follows.how,
        says=follows.says,
        movements=tuple(movement.id for movement in follows.movements),
        choice=choice.hypothesis,
        note=choice.note,
        asked=choice,
    )
    _end(conn, review, done, follows.status, at_us)
    learnt.keep(conn, labels.of_resolution(review, choice, follows), at_us)
    return Resolved(done, False)


def _said_before(conn: Connection, review_id: str, choice: Choice) -> Resolution | None:
    query = select(_review.id, _review.resolution).where(_review.resolution_id == choice.id)
    row = conn.execute(query).one_or_none()
    if row is None:
        return None
    done = _RESOLUTION.decode(row.resolution)
    if row.id == review_id and done.asked == choice:
        return done
    other = granted(select(_review.id)).where(_review.id == row.id)
    which = f"review {row.id} ({done.says})" if conn.execute(other).first() else "another review"
    raise ConflictingRepeat(
        f"the id {choice.id} was used before for {which}: use a fresh id for another answer"
    )


def _post(conn: Connection, review: Stored, follows: Outcome, told: tuple[int, int]) -> None:
    at_us, log_id = told
    obstacle = in_the_way(follows.movements, places_of(conn, follows.movements))
    if obstacle:
        raise StaleReview(f"stock has changed since this was asked: {obstacle}; {_INSTEAD}")
    try:
        posted = ledger.post(conn, follows.movements, record_us=at_us, log_id=log_id)
    except InsufficientStock as error:
        raise StaleReview(f"stock does not allow this now: {error}; or {_INSTEAD}") from error
    astray = [questions.of_broken_rules(one) for one in posted if one.broken]
    findings.keep_reviews(conn, astray, at_us, review.log_id)


def _end(conn: Connection, review: Stored, done: Resolution, status: str, at_us: int) -> None:
    ended = conn.execute(
        update(schema.review)
        .where(_review.id == review.id, _review.status == "open")
        .values(
            status=status,
            resolved_us=at_us,
            resolution=storable(_encode(done).decode()),
            resolution_id=done.id,
        )
    )
    assert ended.rowcount == 1, "it was open a moment ago, in this transaction"
    after: dict[str, object] = {"status": status, **msgspec.to_builtins(done)}
    change = Change(f"review {review.id}", {"status": review.status}, after)
    audit.record(conn, [change], actor=done.by or "central", action="resolve review", at_us=at_us)


# ---- growing old -------------------------------------------------------------------------
class Ageing(msgspec.Struct, frozen=True, kw_only=True):
    """How long a review may wait, in microseconds; 0 is for ever. Age alone posts nothing."""

    escalate_us: int = 0
    expire_us: int = 0


class Aged(NamedTuple):
    """How many reviews were escalated just now, and how many expired."""

    escalated: int
    expired: int


def age(conn: Connection, rules: Ageing, *, now_us: int) -> Aged:
    """Mark what has waited too long, and close what has waited far too long, without posting."""
    escalated = 0
    if rules.escalate_us:
        escalated = conn.execute(
            update(schema.review)
            .where(
                _review.status == "open",
                _review.escalated_us.is_(None),
                _review.opened_us <= now_us - rules.escalate_us,
            )
            .values(escalated_us=now_us)
        ).rowcount
    expired = _expired(conn, now_us - rules.expire_us) if rules.expire_us else []
    for review in expired:
        done = Resolution(
            id=f"expired-{review.id}",
            by="",
            at=from_us(now_us),
            how="expired",
            says="nobody decided in time; nothing was posted",
        )
        _end(conn, review, done, "expired", now_us)
    return Aged(escalated, len(expired))


def answer(
    conn: Connection,
    ids: Collection[str],
    *,
    name: str,
    says: str,
    movements: tuple[str, ...],
    now_us: int,
) -> None:
    """Close open reviews that observations which came late have answered; ``name`` is theirs."""
    query = select(schema.review).where(_review.status == "open", _review.id.in_(ids))
    for review in [_stored(row) for row in conn.execute(query.order_by(_review.id)).mappings()]:
        done = Resolution(
            id=f"{name}-{review.id}",
            by="",
            at=from_us(now_us),
            how="answered",
            says=says,
            movements=movements,
        )
        _end(conn, review, done, "answered", now_us)


def _expired(conn: Connection, opened_before_us: int) -> Sequence[Stored]:
    query = select(schema.review).where(
        _review.status == "open", _review.opened_us <= opened_before_us
    )
    return [_stored(row) for row in conn.execute(query.order_by(_review.id)).mappings().all()]


def _stored(row: RowMapping) -> Stored:
    escalated, resolution = row["escalated_us"], row["resolution"]
    return Stored(
        id=row["id"],
        read_point=row["read_point"],
        reason=row["reason"],
        opened_at=from_us(row["opened_us"]),
        event_time=from_us(row["event_us"]),
        status=row["status"],
        log_id=row["log_id"],
        hypotheses=_HYPOTHESES.decode(row["hypotheses"]),
        causes=_CAUSES.decode(row["causes"]),
        evidence=_EVIDENCE.decode(row["evidence"]),
        escalated_at=None if escalated is None else from_us(escalated),
        resolution=None if resolution is None else _RESOLUTION.decode(resolution),
    )
