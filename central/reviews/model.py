"""What a person may say to a review, and what follows from it. Pure.

A review is decided once: by one of its hypotheses, by quantities of the person's own, or by
dismissing it (nothing is posted and nothing is learnt). It is never opened again: whoever finds
out later that it was wrong posts a further movement that names the first in ``corrects``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from central.reconcile.identity import derived_id
from central.reconcile.verdict import Hypothesis
from central.stock.model import Cause, Movement, StockError

__all__ = [
    "RECEIVED", "AlreadyDecided", "Choice", "Line", "NoSuchReview", "Outcome", "Resolution",
    "ReviewError", "StaleReview", "Stored", "WrongChoice", "in_the_way", "outcome", "told",
]  # fmt: skip

RECEIVED = "received-"
"""How the ids of reviews begin that are asked while goods are received: their ``read_point`` is the
place where the goods wait.
"""


class ReviewError(StockError):
    """A review could not be resolved; nothing was posted."""


class NoSuchReview(ReviewError):
    """No review has this id."""

    status = 404


class WrongChoice(ReviewError):
    """What was chosen is not there to choose."""

    status = 422


class AlreadyDecided(ReviewError):
    """Somebody else was first; the text says who, when and what."""


class StaleReview(ReviewError):
    """Stock has changed since: what would follow is not possible any more."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Goods that moved, as a person says."""

    sku: str
    quantity: int
    source: str
    destination: str
    lot: str = ""
    epcs: tuple[str, ...] = ()


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says: ``hypothesis`` (its place, 0 is the best), ``lines``, or neither to
    dismiss. ``id`` is the client's: the same one again returns the first answer.
    """

    id: str
    by: str
    hypothesis: int | None = None
    lines: tuple[Line, ...] = ()
    note: str = ""


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """How a review ended. ``how`` is ``hypothesis``, ``quantities``, ``dismissed``, ``expired`` or
    ``answered`` (by observations that came late); ``choice`` is the hypothesis that was chosen (0
    was the best), ``says`` tells what happened, ``movements`` are the ids of what was posted.
    """

    id: str
    by: str
    at: datetime
    how: str
    says: str
    movements: tuple[str, ...] = ()
    choice: int | None = None
    note: str = ""
    asked: Choice | None = None


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A review as it stands in the database. ``log_id`` is the log entry that opened it."""

    id: str
    read_point: str
    reason: str
    opened_at: datetime
    event_time: datetime
    status: str
    log_id: int
    hypotheses: tuple[Hypothesis, ...] = ()
    causes: tuple[Cause, ...] = ()
    evidence: dict[str, Any] = {}
    escalated_at: datetime | None = None
    resolution: Resolution | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from a choice: how it is told, and the movements to post."""

    how: str
    status: str
    says: str
    movements: tuple[Movement, ...] = ()


def outcome(review: Stored, choice: Choice) -> Outcome:
    """What ``choice`` makes of ``review``. Raises ``WrongChoice``."""
    if choice.hypothesis is not None and choice.lines:
        raise WrongChoice("choose a hypothesis or say the quantities, not both")
    if choice.hypothesis is not None:
        chosen = _chosen(review, choice.hypothesis)
        movements = tuple(
            _posting(review, choice, place, proposed)
            for place, proposed in enumerate(chosen.movements)
        )
        return Outcome(how="hypothesis", status="resolved", says=chosen.says, movements=movements)
    if choice.lines:
        said = [_of_line(review, line) for line in choice.lines]
        movements = tuple(_posting(review, choice, place, one) for place, one in enumerate(said))
        says = ", ".join(f"{one.quantity} of {one.sku} to {one.destination}" for one in said)
        return Outcome(how="quantities", status="resolved", says=says, movements=movements)
    return Outcome(how="dismissed", status="dismissed", says="nothing was posted")


def _chosen(review: Stored, place: int) -> Hypothesis:
    if not 0 <= place < len(review.hypotheses):
        many = len(review.hypotheses)
        there = f"0 to {many - 1}" if many else "none"
        raise WrongChoice(
            f"review {review.id} has no hypothesis {place} (there are: {there}); say the "
            "quantities, or dismiss it"
        )
    return review.hypotheses[place]


def alike(review: Stored, source: str, destination: str) -> Movement | None:
    """A proposed movement between these ends, which tells what such a one means."""
    for hypothesis in review.hypotheses:
        for movement in hypothesis.movements:
            if (movement.source, movement.destination) == (source, destination):
                return movement
    return None


def _of_line(review: Stored, line: Line) -> Movement:
    meant = alike(review, line.source, line.destination)
    return Movement(
        id=derived_id("said", review.id),
        sku=line.sku,
        quantity=line.quantity,
        source=line.source,
        destination=line.destination,
        lot=line.lot,
        epcs=line.epcs,
        biz_step="storing" if meant is None else meant.biz_step,
        disposition="in_progress" if meant is None else meant.disposition,
        event_time=review.event_time,
        evidence={} if meant is None else meant.evidence,
    )


def _posting(review: Stored, choice: Choice, place: int, proposed: Movement) -> Movement:
    """A proposed movement as it goes on the ledger. Its id follows from the review alone, so
    that no review can post twice; a person has decided, so nothing is uncertain about it.
    """
    evidence = {
        **proposed.evidence,
        "review": review.id,
        "read_point": review.read_point,
        "decided_by": choice.by,
        "confidence_before": proposed.confidence,
    }
    if choice.hypothesis is not None:
        evidence["hypothesis"] = review.hypotheses[choice.hypothesis].says
    note = f"; {choice.note}" if choice.note else ""
    return msgspec.structs.replace(
        proposed,
        id=derived_id("resolved", review.id, place),
        origin="review",
        confidence=1.0,
        causes=proposed.causes or review.causes,
        evidence=evidence,
        reason=f"{review.reason}{note}"[:500],
    )


def in_the_way(movements: tuple[Movement, ...], places: Mapping[str, str]) -> str:
    """Why tags cannot be moved so any more (``places`` says where they are now); empty when they
    can.
    """
    for movement in movements:
        elsewhere = [
            epc for epc in movement.epcs if places.get(epc, movement.source) != movement.source
        ]
        if elsewhere:
            return (
                f"{len(elsewhere)} of the tags ({elsewhere[0]} ...) are at "
                f"{places[elsewhere[0]]} by now, not at {movement.source}"
            )
    return ""


def told(review: Stored) -> str:
    """Who decided a review, when and what: a sentence for whoever comes second."""
    done = review.resolution
    if done is None:
        return f"review {review.id} is {review.status}"
    when = done.at.strftime("%Y-%m-%d %H:%M:%S UTC")
    who = done.by or "nobody"
    return f"{who} decided review {review.id} at {when}: {done.says} ({done.how})"
