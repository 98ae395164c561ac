"""Whose pieces are whose: what a second sensor counted, shared out among what had moved. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from central.reconcile.identity import derived_id
from central.reconcile.verdict import ReadPoint
from central.reconcile.witness import Known, Witness
from central.stock.model import Movement

__all__ = ["remainder", "shared", "witness_to"]


def shared(movement: Movement, known: Sequence[Known]) -> tuple[list[tuple[Known, int]], int]:
    """Which pieces are those of which movement, and how many are of none.

    A count that is just what one movement has left is that movement's; else the nearest in time
    are filled one after another.
    """
    origin, rest = movement.origin, movement.quantity
    for one in known:
        if one.left(origin) == rest:
            return [(one, rest)], 0
    shares = []
    for one in known:
        quantity = min(one.left(origin), rest)
        if quantity:
            shares.append((one, quantity))
            rest -= quantity
    return shares, rest


def witness_to(
    movement: Movement, point: ReadPoint, known: Known, quantity: int, *, first: bool
) -> Witness:
    """What a movement is to another one that was the same event; ``first`` names its tags."""
    return Witness(
        id=derived_id("witness", movement.id, known.id),
        movement_id=known.id,
        quantity=quantity,
        origin=movement.origin,
        read_point=point.code,
        event_time=movement.event_time,
        confidence=movement.confidence,
        causes=movement.causes,
        epcs=movement.epcs if first else (),
        evidence=movement.evidence | {"counted_here": movement.quantity},
    )


def remainder(movement: Movement, rest: int, witnesses: Sequence[Witness]) -> Movement:
    """What single scans had not received yet of a count that goes beyond them."""
    fused = [one.movement_id for one in witnesses]
    evidence = movement.evidence | {"counted_here": movement.quantity, "beyond": fused}
    return msgspec.structs.replace(movement, quantity=rest, evidence=evidence)
