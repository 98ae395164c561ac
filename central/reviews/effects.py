"""What each hypothesis of a review would do to stock: computed when it is shown, from the ledger.

Only places inside count, and within reach: what suppliers and customers have is nobody's stock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, func, select

from central import schema
from central.access import reach
from central.database.moments import to_us
from central.reconcile.verdict import Hypothesis
from central.reviews.model import Stored, in_the_way
from central.reviews.store import places_of
from central.stock.model import LocationKind, Movement

__all__ = ["Effect", "Weighed", "of_movements", "short", "weighed"]

_Key = tuple[str, str, str]
_balance, _moved = schema.balance.c, schema.movement.c


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one item at one place: ``at_opening`` when the review was opened, ``now``,
    and ``after`` it would be posted now.
    """

    sku: str
    location: str
    at_opening: int
    now: int
    change: int
    after: int
    lot: str = ""


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """A hypothesis with its effect; ``refused`` says why it cannot be posted as things stand."""

    says: str
    probability: float
    movements: tuple[Movement, ...]
    crossed: dict[str, str]
    effect: tuple[Effect, ...]
    refused: str = ""


def weighed(conn: Connection, review: Stored) -> list[Weighed]:
    """Every hypothesis of the review with its effect on stock as it is."""
    changes = [_net(one.movements) for one in review.hypotheses]
    keys = sorted({key for change in changes for key in change})
    inside = _inside(conn, {location for _, _, location in keys})
    keys = [key for key in keys if key[2] in inside]
    now = {key: _on_hand(conn, key) for key in keys}
    since = {key: _since(conn, key, to_us(review.opened_at)) for key in keys}
    places = places_of(conn, [m for one in review.hypotheses for m in one.movements])
    told = []
    for one, change in zip(review.hypotheses, changes, strict=True):
        effect = tuple(
            Effect(
                sku=key[0],
                lot=key[1],
                location=key[2],
                at_opening=now[key] - since[key],
                now=now[key],
                change=change[key],
                after=now[key] + change[key],
            )
            for key in keys
            if change[key]
        )
        told.append(_weighed(one, effect, in_the_way(one.movements, places)))
    return told


def of_movements(conn: Connection, movements: Sequence[Movement]) -> list[Effect]:
    """What these movements would do to stock as it is now."""
    change = _net(movements)
    inside = _inside(conn, {location for _, _, location in change})
    found = []
    for key in sorted(change):
        if key[2] in inside and change[key]:
            now = _on_hand(conn, key)
            found.append(
                Effect(
                    sku=key[0],
                    lot=key[1],
                    location=key[2],
                    at_opening=now,
                    now=now,
                    change=change[key],
                    after=now + change[key],
                )
            )
    return found


def short(effect: Iterable[Effect]) -> str:
    """Which place would hold less than nothing; empty when none would."""
    found = next((one for one in effect if one.after < 0), None)
    return f"{found.location} holds only {found.now} of {found.sku}" if found else ""


def _weighed(one: Hypothesis, effect: Sequence[Effect], obstacle: str) -> Weighed:
    obstacle = obstacle or short(effect)
    return Weighed(
        says=one.says,
        probability=one.probability,
        movements=one.movements,
        crossed=one.crossed,
        effect=tuple(effect),
        refused=obstacle,
    )


def _net(movements: Sequence[Movement]) -> Counter[_Key]:
    change: Counter[_Key] = Counter()
    for movement in movements:
        change[movement.sku, movement.lot, movement.source] -= movement.quantity
        change[movement.sku, movement.lot, movement.destination] += movement.quantity
    return change


def _inside(conn: Connection, codes: set[str]) -> set[str]:
    place = schema.location.c
    query = select(place.code).where(
        place.code.in_(codes), place.kind == LocationKind.INTERNAL.value
    )
    if (granted := reach.within(place.code)) is not None:
        query = query.where(granted)
    return set(conn.execute(query).scalars())


def _on_hand(conn: Connection, key: _Key) -> int:
    sku, lot, location = key
    query = select(func.coalesce(func.sum(_balance.on_hand), 0)).where(
        _balance.sku == sku, _balance.lot == lot, _balance.location == location
    )
    return int(conn.execute(query).scalar_one())


def _since(conn: Connection, key: _Key, opened_us: int) -> int:
    """How much came (less what went) after the review was opened."""
    sku, lot, location = key
    query = select(
        func.coalesce(func.sum(_moved.quantity).filter(_moved.destination == location), 0)
        - func.coalesce(func.sum(_moved.quantity).filter(_moved.source == location), 0)
    ).where(_moved.sku == sku, _moved.lot == lot, _moved.record_us > opened_us)
    return int(conn.execute(query).scalar_one())
