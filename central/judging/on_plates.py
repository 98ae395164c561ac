"""What stands on the shelves' plates, by the last levels that judging decided. Read-only.

Judging keeps its memory in the transaction that posts what it decided: what is read here and the
balances on the same snapshot tell of the same moment, however long a hand rests on a plate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from central.catalogue.planogram import list_plates
from central.intake.partitions import partition_of
from central.judging.stretches import memories
from central.reconcile.mind import ForeignState, Mind
from central.reconcile.shelf.plates import Shelf
from central.reconcile.shelf.standing import Standing, standing
from central.reconcile.verdict import ReadPoint

__all__ = ["Weighed", "weighed"]


class Weighed(NamedTuple):
    """Pieces of an item on all plates at a place that are planned for it, and their variance."""

    location: str
    sku: str
    pieces: float
    variance: float


def weighed(conn: Connection, points: Iterable[ReadPoint], now_us: int) -> list[Weighed]:
    """What stands on the plates of some read points, by place and item; only where each plate
    that is planned for the item can tell.
    """
    shelves = {one.code: one for one in points if one.kind == "shelf"}
    known = _shelves(conn, shelves)
    found: dict[tuple[str, str], list[Standing | None]] = defaultdict(list)
    for plan in list_plates(conn, at_us=now_us):
        if plan.read_point not in shelves:
            continue
        shelf = known.get(plan.read_point)
        plate = None if shelf is None else shelf.plates.get(plan.plate)
        seen = None if plate is None or plate.sku != plan.sku else standing(plate)
        found[shelves[plan.read_point].location, plan.sku].append(seen)
    return [
        Weighed(*key, sum(one.pieces for one in told), sum(one.variance for one in told))
        for key, each in sorted(found.items())
        if len(told := [one for one in each if one is not None]) == len(each)
    ]


def _shelves(conn: Connection, codes: Collection[str]) -> dict[str, Shelf]:
    """What judging remembers of some read points. A memory that another release wrote tells
    nothing until it is built anew.
    """
    found: dict[str, Shelf] = {}
    kept = memories(conn, {partition_of(code) for code in codes})
    for no, state in kept.items():
        try:
            mind = Mind(state)
        except ForeignState:
            continue
        for code in codes:
            if partition_of(code) == no and (shelf := mind.shelf(code)) is not None:
                found[code] = shelf
    return found
