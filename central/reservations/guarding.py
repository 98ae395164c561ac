"""Posting commands beside reservations: what is promised to others does not leave.

Only what a command would ship is looked at. What sensors saw, what a count corrects and what is
scrapped are facts: they are posted, and settling tells who is short (``settling``). Goods may
always be moved within the house: reservations follow them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from central.database.bulk import BulkLookup
from central.reservations.holdings import supplies
from central.reservations.model import StockReserved
from central.stock import ledger, queries
from central.stock.model import LocationKind, Movement, Posted, StockError
from central.stock.rules import FACTS

__all__ = ["post_each"]

_LEAVES = (LocationKind.CUSTOMER, LocationKind.SUPPLIER, LocationKind.TRANSIT)
_CLAIMED = BulkLookup(
    "SELECT DISTINCT r.sku FROM {keys} JOIN reserved r ON r.sku = k.sku WHERE r.units > 0",
    (("sku", "text"),),
)


def post_each(
    conn: Connection, movements: Sequence[Movement], *, record_us: int
) -> list[Posted | StockError]:
    """As ``ledger.post_each``, for commands of people and programs who hold no reservation."""
    leaving = {one.sku for one in movements if _ships(one)}
    claimed = {row[0] for row in _CLAIMED.run(conn, [(one,) for one in sorted(leaving)])}
    if not claimed:
        return ledger.post_each(conn, movements, record_us=record_us)
    guarded = [_ships(one) and one.sku in claimed for one in movements]
    free = [one for one, looked_at in zip(movements, guarded, strict=True) if not looked_at]
    posted = iter(ledger.post_each(conn, free, record_us=record_us))
    return [
        _guarded(conn, one, record_us) if looked_at else next(posted)
        for one, looked_at in zip(movements, guarded, strict=True)
    ]


def _ships(movement: Movement) -> bool:
    sellable = movement.source_status == "available"
    return movement.destination in _LEAVES and movement.origin not in FACTS and sellable


def _guarded(conn: Connection, movement: Movement, record_us: int) -> Posted | StockError:
    """One after another: each changes what is left for the next."""
    there = supplies(conn, [movement.sku])[movement.sku]
    promised = there.available < movement.quantity <= there.on_hand
    if promised and queries.movement_by_id(conn, movement.id) is None:
        return StockReserved(
            f"{there.on_hand} of {movement.sku} are on hand and {there.reserved} of these are "
            f"reserved: {movement.quantity} cannot leave; ship the order that they are for, or "
            "release a reservation"
        )
    (result,) = ledger.post_each(conn, [movement], record_us=record_us)
    return result
