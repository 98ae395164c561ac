"""Where goods were carried by moves that name no tags: their tags may be there, or where they lay.

With all goods of a place their tags went, too (``central.tags``). Where some stayed, nobody knows
whose tags went, until a portal hears them leave.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, text

from central.reconcile.witness import BY_RULE

__all__ = ["Carried", "carried_from"]

_MOVES = text(
    "SELECT m.id, m.seq, m.event_us, m.destination, m.quantity - (SELECT coalesce("
    "sum(w.quantity), 0) FROM witness w WHERE w.movement_id = m.id AND w.origin = :rule) AS units "
    "FROM movement m WHERE m.sku = :sku AND m.seq > :after AND m.source = :place "
    "AND m.destination NOT IN (:place, 'adjustment', 'unknown') AND m.epcs = '[]' "
    "AND m.serials = '[]' ORDER BY m.seq"
)
_HELD = text("SELECT coalesce(sum(on_hand), 0) FROM balance WHERE sku = :sku AND location = :place")


class Carried(NamedTuple):
    """A move, number ``seq`` of the ledger, to a place; of ``units`` nobody knows the tags. What is
    booked to an adjustment is none: that was counted wrongly, and carried nowhere.
    """

    id: str
    seq: int
    event_us: int
    destination: str
    units: int


def carried_from(conn: Connection, sku: str, place: str, after: int) -> list[Carried]:
    """What was carried away from a place since number ``after``, in order."""
    asked = {"sku": sku, "place": place, "after": after, "rule": BY_RULE}
    rows = conn.execute(_MOVES, asked)
    return [Carried(row.id, row.seq, row.event_us, row.destination, int(row.units)) for row in rows]
