"""What a person has booked and a sensor tells again: the same goods, or others like them?

Where both name their pieces, the ledger has that very piece where it would go: the sensor bears
witness to what was booked (``company``, ``scan``). Where they agree in nothing but the item, the
way and the quantity, within ``ReadPoint.fuse_s`` of event time, a person is asked: people book
deliveries that never pass a door, and doors see deliveries that nobody books.

What leaves by a portal is no such question: what a till sold, or hands shipped, the same way within
that time left with it, however many at once. The portal bears witness to as many.

Goods whose tags were never met are taken from where as many lie without a tag (``UNTAGGED``). Were
half as many booked out by hand within a day, from whichever place, of which no sensor has borne
witness, these may be them: a person is asked, too.
"""

from __future__ import annotations

from central.database.moments import to_us
from central.reconcile.holdings import UNTAGGED
from central.reconcile.hypotheses import ranked
from central.reconcile.identity import derived_id
from central.reconcile.serials import names_pieces
from central.reconcile.verdict import Hypothesis, ReadPoint, Review
from central.reconcile.witness import BOOKED, Known, Recent
from central.stock.model import Movement

__all__ = ["booked", "question", "sold"]

SAME_GOODS = 0.7
"""A choice, not a fit: how likely goods that agree so are those that were booked."""
_DAY_S = 86_400


def sold(movement: Movement, point: ReadPoint, recent: Recent) -> list[Known]:
    """The bookings with which goods left that a portal saw leave, nearest in time first."""
    if not point.fuse_s or movement.evidence.get("direction") != "out":
        return []
    ends = (movement.source, movement.destination)
    found = _alike(movement, point.fuse_s, recent)
    return [one for one in found if (one.source, one.destination) == ends]


def booked(movement: Movement, point: ReadPoint, recent: Recent) -> Known | None:
    """The booking that a sensed movement may repeat, nearest in time."""
    if not point.fuse_s:
        return None
    unmet = UNTAGGED in movement.evidence
    found = [
        one
        for one in _alike(movement, _DAY_S if unmet else point.fuse_s, recent)
        if one.destination == movement.destination and (unmet or _is_as_many(one, movement))
    ]
    if unmet and 2 * sum(one.left(movement.origin) for one in found) < movement.quantity:
        return None
    as_many = [one for one in found if one.quantity == movement.quantity]
    return next(iter(as_many or found), None)


def _alike(movement: Movement, within_s: int, recent: Recent) -> list[Known]:
    """What was booked of the item, which no sensor of this kind has seen all of and which may be
    the same pieces, nearest in time first.
    """
    at_us, window_us = to_us(movement.event_time), within_s * 1_000_000
    origin = movement.origin
    found = recent.of(movement.sku, at_us - window_us, at_us + window_us, besides=origin)
    alike = [
        one
        for one in found
        if one.origin == BOOKED
        and one.left(origin) > 0
        and not (names_pieces(one.epcs) and names_pieces(movement.epcs))
        and (one.lot == movement.lot or not (one.lot and movement.lot))
    ]
    return sorted(alike, key=lambda one: (abs(one.event_us - at_us), one.id))


def _is_as_many(known: Known, movement: Movement) -> bool:
    """Whether all of it went the same way and was seen by nobody yet."""
    seen_by_none = known.left(movement.origin) == known.quantity == movement.quantity
    return seen_by_none and known.source == movement.source


def question(movement: Movement, point: ReadPoint, known: Known) -> Review:
    """Whether what a sensor tells is what was booked; nothing moves until somebody says so."""
    goods = f"{movement.quantity} of {movement.sku}"
    as_many = known.quantity == movement.quantity
    told = "as many" if as_many else f"{movement.quantity}, whose tags it had never met"
    return Review(
        id=derived_id("review", "booked", movement.id, known.id),
        read_point=point.code,
        reason=f"{known.quantity} of {movement.sku} were booked by hand, "
        f"and the {movement.origin} tells of {told}",
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
