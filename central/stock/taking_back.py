"""Movements the other way round: how what a person decided, or corrected, is taken back. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from central.reconcile.identity import derived_id
from central.stock.model import Movement

__all__ = ["TOOK_BACK", "reversed_of", "taken_back"]

TOOK_BACK = "took_back"
"""In the evidence of a movement that undoes another one: its id."""


def reversed_of(old: Movement, name: str, *, by: str, why: str) -> Movement:
    """The movement that undoes ``old``, from where it put the goods, in the status it left them."""
    return msgspec.structs.replace(
        old,
        id=name,
        source=old.destination,
        destination=old.source,
        source_status=old.destination_status,
        destination_status=old.source_status,
        origin="review",
        confidence=1.0,
        corrects=old.id,
        reason=why,
        actor=by,
        evidence=old.evidence | {"decided_by": by, TOOK_BACK: old.id},
    )


def taken_back(movements: Iterable[Movement], *, name: str, by: str, why: str) -> list[Movement]:
    """All of them the other way round, the last first."""
    return [
        reversed_of(one, derived_id(name, place), by=by, why=why)
        for place, one in enumerate(reversed(list(movements)))
    ]
