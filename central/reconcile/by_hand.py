"""What a person has booked and a sensor tells again: the same goods, or others like them?

Where both name their pieces, the ledger has that very piece where it would go: the sensor bears
witness to what was booked (``company``, ``scan``). Where they agree in nothing but the item, the
way and the quantity, within ``ReadPoint.fuse_s`` of event time, a person is asked: people book
deliveries that never pass a door, and doors see deliveries that nobody books.
"""

from __future__ import annotations

from central.database.moments import to_us
from central.reconcile.hypotheses import ranked
from central.reconcile.identity import derived_id
from central.reconcile.serials import names_pieces
from central.reconcile.verdict import Hypothesis, ReadPoint, Review
from central.reconcile.witness import BOOKED, Known, Recent
from central.stock.model import Movement

__all__ = ["booked", "question"]

SAME_GOODS = 0.7
"""A choice, not a fit: how likely goods that agree so are those that were booked."""


def booked(movement: Movement, point: ReadPoint, recent: Recent) -> Known | None:
    """The booking that a sensed movement may repeat, nearest in time."""
    at_us, window_us = to_us(movement.event_time), point.fuse_s * 1_000_000
    if not window_us:
        return None
    found = [
        one
        for one in recent.of(
            movement.sku, at_us - window_us, at_us + window_us, besides=movement.origin
        )
        if one.origin == BOOKED
        and (one.source, one.destination) == (movement.source, movement.destination)
        and one.left(movement.origin) == one.quantity == movement.quantity
        and not (names_pieces(one.epcs) and names_pieces(movement.epcs))
        and (one.lot == movement.lot or not (one.lot and movement.lot))
    ]
    return min(found, key=lambda one: (abs(one.event_us - at_us), one.id), default=None)


def question(movement: Movement, point: ReadPoint, known: Known) -> Review:
    """Whether what a sensor tells is what was booked; nothing moves until somebody says so."""
    goods = f"{movement.quantity} of {movement.sku}"
    return Review(
        id=derived_id("review", "booked", movement.id, known.id),
        read_point=point.code,
        reason=f"{goods} were booked by hand, and the {movement.origin} tells of as many",
        event_time=movement.event_time,
        hypotheses=ranked(
            [
                Hypothesis(says="they are those that were booked", probability=SAME_GOODS),
                Hypothesis(
                    says=f"they are others: {goods} more moved",
                    probability=1.0 - SAME_GOODS,
                    movements=(movement,),
                ),
            ]
        ),
        causes=movement.causes,
        evidence={**movement.evidence, "booked": known.id},
    )
