"""Taking an answer back: what it posted is posted the other way round, and the question is asked
again.

The review itself stays as it was decided. A new one with the same hypotheses takes its place in
the queue, and what the answer taught is forgotten.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from central import audit, schema
from central.audit import Change
from central.catalogue.changes import Told
from central.judging import findings
from central.reconcile.identity import derived_id
from central.reconcile.verdict import Review
from central.reviews import learnt, store
from central.reviews.model import RECEIVED, ReviewError, Stored, in_the_way
from central.stock import ledger, queries
from central.stock.model import InsufficientStock
from central.stock.taking_back import taken_back

__all__ = ["CannotUndo", "Undone", "again", "undo", "why_not"]

_PEOPLE = {"hypothesis", "quantities", "dismissed"}
_movement = schema.movement.c


class CannotUndo(ReviewError):
    """An answer that cannot be taken back; nothing was posted."""


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """``review`` is the question that was asked again, ``movements`` what took the answer back."""

    review: str
    movements: tuple[str, ...] = ()


def again(review_id: str) -> str:
    """The id of the question that takes a review's place when its answer is taken back."""
    return f"again-{derived_id('again', review_id)}"


def why_not(review: Stored) -> str:
    """Why an answer cannot be taken back, as far as the review itself tells; empty when it can."""
    done = review.resolution
    if done is None:
        return "nobody has answered it"
    if done.how not in _PEOPLE:
        return "no person answered it"
    if review.id.startswith(RECEIVED) or "receiving" in review.evidence:
        return "it belongs to a receipt: correct that"
    if "expiry" in review.evidence:
        return "it changed a lot's date: set that anew"
    return ""


def undo(conn: Connection, review_id: str, told: Told) -> Undone:
    """Take back what an answer posted, and ask again. Raises ``NoSuchReview``, ``CannotUndo``,
    and what posting raises.
    """
    review = store.get(conn, review_id)
    if refusal := why_not(review):
        raise CannotUndo(f"this answer cannot be taken back: {refusal}")
    assert review.resolution is not None
    name = again(review.id)
    if conn.execute(select(schema.review.c.id).where(schema.review.c.id == name)).first():
        raise CannotUndo("this answer was taken back already; the question is in the queue again")
    found = [queries.movement_by_id(conn, one) for one in review.resolution.movements]
    originals = [one.movement for one in found if one is not None]
    corrected = select(_movement.id).where(_movement.corrects.in_([one.id for one in originals]))
    if originals and conn.execute(corrected.limit(1)).first():
        raise CannotUndo("what it posted was corrected since: correct that movement instead")
    back = taken_back(
        originals, name=f"undo-{review.id}", by=told.by, why="an answer was taken back"
    )
    if obstacle := in_the_way(tuple(back), store.places_of(conn, back)):
        raise CannotUndo(f"this answer cannot be taken back any more: {obstacle}")
    try:
        ledger.post(conn, back, record_us=told.at_us)
    except InsufficientStock as error:
        raise CannotUndo(f"this answer cannot be taken back any more: {error}") from error
    learnt.forget(conn, review.id)
    findings.keep_reviews(conn, [_again(review, name)], told.at_us, review.log_id)
    after: dict[str, object] = {"asked_again": name, "movements": [one.id for one in back]}
    change = Change(f"review {review.id}", {"status": review.status}, after)
    audit.record(conn, [change], actor=told.by, action="undo review", at_us=told.at_us)
    return Undone(review=name, movements=tuple(one.id for one in back))


def _again(review: Stored, name: str) -> Review:
    return Review(
        id=name,
        read_point=review.read_point,
        reason=review.reason,
        event_time=review.event_time,
        hypotheses=review.hypotheses,
        causes=review.causes,
        evidence=review.evidence | {"again": review.id},
    )
