"""Balances as they were: of an earlier time, and as the ledger knew them then.

They are summed up from an item's movements, which an index finds: the cost grows with how often the
item moved, not with the ledger. Movements that are told late stand where they were posted, with the
time at which they happened: "as of" asks for the one, "known" for the other.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select, union_all

from central import schema
from central.access import reach
from central.stock.model import Balance, LocationKind

__all__ = ["Then", "stock_then"]

_moved = schema.movement.c


class Then(NamedTuple):
    """Only what had happened by ``as_of_us``, and was on the ledger by ``known_us`` and up to
    number ``known_seq``. Times in microseconds since 1970; ``None``: as of now.
    """

    as_of_us: int | None = None
    known_us: int | None = None
    known_seq: int | None = None


def stock_then(conn: Connection, sku: str, then: Then) -> list[Balance]:
    """Where an item was, by lot, location and status, inside and within reach. What late movements
    took from a place before it was brought there is below zero, as long as not all is told.
    """
    meant = [_moved.sku == sku]
    limits = (_moved.event_us, then.as_of_us), (_moved.record_us, then.known_us), (
        _moved.seq, then.known_seq,
    )  # fmt: skip
    meant += [column <= limit for column, limit in limits if limit is not None]
    legs = union_all(
        *(
            select(
                _moved.lot,
                place.label("location"),
                status.label("status"),
                units.label("units"),
                _moved.seq,
            ).where(*meant)
            for place, status, units in (
                (_moved.source, _moved.source_status, -_moved.quantity),
                (_moved.destination, _moved.destination_status, _moved.quantity),
            )
        )
    ).subquery()
    there = legs.c
    total = func.sum(there.units)
    query = (
        select(there.lot, there.location, there.status, total, func.max(there.seq))
        .join(schema.location, schema.location.c.code == there.location)
        .where(schema.location.c.kind == LocationKind.INTERNAL.value)
        .group_by(there.lot, there.location, there.status)
        .having(total != 0)
        .order_by(there.lot, there.location, there.status)
    )
    if (granted := reach.within(there.location)) is not None:
        query = query.where(granted)
    return [
        Balance(sku=sku, lot=lot, location=place, status=status, on_hand=int(units), last_seq=seq)
        for lot, place, status, units, seq in conn.execute(query)
    ]
