"""Questions to people that come from posting and from faults, not from judging itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from central.reconcile.hypotheses import NOTHING_MOVED, either_or, ranked
from central.reconcile.identity import cause_of, derived_id
from central.reconcile.verdict import Hypothesis, Logged, Review
from central.stock.model import InsufficientStock, LocationKind, Movement, Posted, StockError

__all__ = ["Overtaken", "of_broken_rules", "of_fault", "of_overtaken", "of_refusal"]

LATE_IS_OVER = 0.7
"""A choice, not a fit: where pieces were seen later they are, most likely."""

STANDS = 0.9
"""A choice, not a fit: goods are put where they should not be more often than sensors err."""


class Overtaken(NamedTuple):
    """Where one of a movement's tags was seen since, and when (ISO 8601)."""

    epc: str
    place: str
    at: str


UNCOUNTED = 0.1
"""What is left for goods that lay uncounted at a place, where as many lie in one within it."""


def of_refusal(movement: Movement, error: StockError, ways: Sequence[Movement] = ()) -> Review:
    """A movement that stock's rules refuse; the best that may have happened comes first. ``ways``
    are the same from places that hold it.
    """
    read_point = movement.evidence.get("read_point")
    return Review(
        id=f"refused-{movement.id}"[:64],
        read_point=read_point if isinstance(read_point, str) else movement.origin,
        reason=f"the ledger refused what the sensors say: {error}",
        event_time=movement.event_time,
        hypotheses=_what_then(movement, error, ways),
        causes=movement.causes,
        evidence=movement.evidence,
    )


def of_broken_rules(posted: Posted) -> Review:
    """Goods that lie where they should not: they are posted, and somebody looks after them.

    It asks about the place and not about what was sensed, so it teaches judging nothing of tags.
    """
    movement = posted.movement
    read_point = movement.evidence.get("read_point")
    back = msgspec.structs.replace(
        movement,
        id=derived_id("taken back", movement.id),
        source=movement.destination,
        source_status=movement.destination_status,
        destination=movement.source,
        destination_status=movement.source_status,
        corrects=movement.id,
        evidence={},
    )
    what = f"{movement.quantity} of {movement.sku}"
    return Review(
        id=f"rule-{movement.id}"[:64],
        read_point=read_point if isinstance(read_point, str) else movement.origin,
        reason=f"a rule of the place is broken: {'; '.join(posted.broken)}",
        event_time=movement.event_time,
        hypotheses=either_or(
            f"{what} did not come to {movement.destination}: back to {movement.source}",
            [back],
            1.0 - STANDS,
            otherwise=f"{what} came to {movement.destination} indeed: stock stays as it is",
        ),
        causes=movement.causes,
        evidence={"movement": movement.id, "broken": list(posted.broken)},
    )


def of_overtaken(movement: Movement, since: Overtaken) -> Review:
    """A movement that is told after a later one of the same pieces."""
    asked = of_refusal(movement, StockError(""))
    what = f"{movement.quantity} of {movement.sku} from {movement.source} to {movement.destination}"
    return msgspec.structs.replace(
        asked,
        reason=f"it came late: tag {since.epc} was seen at {since.place} at {since.at}",
        hypotheses=either_or(
            what,
            [movement],
            1.0 - LATE_IS_OVER,
            otherwise="the pieces have moved on since, and lie where they were seen later",
        ),
    )


def _what_then(
    movement: Movement, error: StockError, ways: Sequence[Movement]
) -> tuple[Hypothesis, ...]:
    """The sensors are right, and the goods lay within the place, or there uncounted; or the ledger
    is, and no more than it has moved; or nothing did.
    """
    what = f"{movement.sku} from {movement.source} to {movement.destination}"
    there = error.there if isinstance(error, InsufficientStock) else movement.quantity
    missing = movement.quantity - there
    found = msgspec.structs.replace(
        movement,
        id=derived_id("found", movement.id),
        quantity=max(missing, 1),
        source=LocationKind.UNKNOWN.value,
        destination=movement.source,
        biz_step="stock_taking",
        epcs=(),
    )
    sure = movement.confidence
    if not missing:
        return either_or(f"{movement.quantity} of {what}", [movement], sure)
    uncounted = f", of which {missing} lay there uncounted"
    guesses = [
        Hypothesis(
            says=f"{movement.quantity} of {what}{uncounted}",
            probability=sure * (UNCOUNTED if ways else 1.0),
            movements=(found, movement),
        ),
        *(
            Hypothesis(
                says=f"{way.quantity} of {way.sku} from {way.source} to {way.destination}",
                probability=sure * (1.0 - UNCOUNTED) / len(ways),
                movements=(way,),
            )
            for way in ways
        ),
        Hypothesis(says=NOTHING_MOVED, probability=(1.0 - sure) / 2),
    ]
    if there:
        only = msgspec.structs.replace(movement, quantity=there, epcs=())
        says = f"{there} of {what}: no more was there"
        guesses.append(Hypothesis(says=says, probability=(1.0 - sure) / 2, movements=(only,)))
    return ranked(guesses)


def of_fault(logged: Logged, error: Exception) -> Review:
    """An observation that judging failed on: nothing is known of what it means."""
    seen = logged.observation
    return Review(
        id=f"fault-{logged.log_id}",
        read_point=seen.read_point,
        reason=f"judging failed on this observation: {type(error).__name__}: {error}",
        event_time=seen.event_time,
        causes=(cause_of(logged),),
        evidence={"observation": msgspec.to_builtins(seen)},
    )
