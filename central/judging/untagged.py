"""Goods that were booked without tags, and are first heard when they leave through a portal.

Judging has never met their tags, and asks whether they left although stock never had them. But
where places behind the portal hold as many of the item as no tag is known of, they are these: the
answers say so, likeliest place first, and take the goods from there. What somebody has picked
lies ready to leave.

The question is judging's, and its answers are as the ledger was when it was asked: a replay
compares all but these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central.catalogue.context import load_context
from central.database.bulk import BulkLookup
from central.reconcile.hypotheses import ranked
from central.reconcile.identity import derived_id
from central.reconcile.portal.on_stock import NOT_ON_STOCK
from central.reconcile.portal.sides import Sides
from central.reconcile.portal.track import INSIDE
from central.reconcile.verdict import Context, Hypothesis, Review
from central.stock.model import LocationKind, Movement

__all__ = ["ANSWERED_BY_THE_LEDGER", "with_places"]

ANSWERED_BY_THE_LEDGER = NOT_ON_STOCK
"""The reason of the questions whose answers name places."""
_MOST_PLACES = 3
_PICKED = 4.0
"""How much likelier goods leave from where some were picked to: a choice, not a fit."""
_NEVER_HAD = 0.1
"""What is left for goods that were never booked, where as many lie there without tags."""
_HELD = text(
    "SELECT b.location, sum(b.on_hand) AS units, EXISTS (SELECT 1 FROM movement m "
    "WHERE m.sku = b.sku AND m.destination = b.location AND m.biz_step = 'picking') AS picked "
    "FROM balance b WHERE b.sku = :sku AND b.lot = :lot AND b.on_hand > 0 "
    "GROUP BY b.sku, b.location ORDER BY b.location"
)
_TAGS = BulkLookup(
    "SELECT t.location, t.epc FROM {keys} JOIN tag_place t "
    "ON t.location = k.place AND t.sku = k.sku",
    (("sku", "text"), ("place", "text")),
)


class _Lying(NamedTuple):
    """A place with enough units of which no tag is known, and how likely these left."""

    place: str
    weight: float


def with_places(conn: Connection, review: Review) -> Review:
    """The question whether goods left that were never booked, with where they may have lain."""
    if review.reason != NOT_ON_STOCK:
        return review
    context = load_context(conn)
    point = context.read_points.get(review.read_point)
    if point is None:
        return review
    sides = Sides(point, context)
    answers: list[Hypothesis] = []
    for one in review.hypotheses:
        answers += _answers(conn, one, context, sides)
    return msgspec.structs.replace(review, hypotheses=ranked(answers))


def _answers(
    conn: Connection, one: Hypothesis, context: Context, sides: Sides
) -> Iterator[Hypothesis]:
    unmet = [m for m in one.movements if m.source == LocationKind.UNKNOWN]
    lying = {m.id: _lying(conn, m, context, sides) for m in unmet}
    if not unmet or not all(lying.values()):
        yield one
        return
    ways = min(len(places) for places in lying.values()) if len(unmet) == 1 else 1
    weights = [lying[unmet[0].id][n].weight for n in range(ways)]
    for n in range(ways):
        places = {name: found[n].place for name, found in lying.items()}
        share = (1.0 - _NEVER_HAD) * weights[n] / sum(weights)
        yield Hypothesis(
            says=_says(unmet, places),
            probability=one.probability * share,
            movements=tuple(_from(m, places.get(m.id)) for m in one.movements),
            crossed=one.crossed,
        )
    yield msgspec.structs.replace(one, probability=one.probability * _NEVER_HAD)


def _lying(conn: Connection, movement: Movement, context: Context, sides: Sides) -> list[_Lying]:
    rows = conn.execute(_HELD, {"sku": movement.sku, "lot": movement.lot}).all()
    behind = {row.location: row for row in rows if sides.of(row.location) == INSIDE}
    tagged = dict.fromkeys(behind, 0)
    for place, epc in _TAGS.run(conn, [(movement.sku, place) for place in behind]):
        pack = context.pack_of(epc)
        tagged[place] += 1 if pack is None else pack.quantity
    found = [
        _Lying(place, _PICKED if row.picked else 1.0)
        for place, row in behind.items()
        if int(row.units) - tagged[place] >= movement.quantity
    ]
    return sorted(found, key=lambda one: (-one.weight, one.place))[:_MOST_PLACES]


def _says(unmet: Sequence[Movement], places: dict[str, str]) -> str:
    goods = ", ".join(f"{m.quantity} of {m.sku} from {places[m.id]}" for m in unmet)
    return f"they left: {goods}, where as many lay of which no tag was known"


def _from(movement: Movement, place: str | None) -> Movement:
    if place is None:
        return movement
    name = derived_id("untagged", movement.id, place)
    return msgspec.structs.replace(movement, id=name, source=place)
