"""Where goods were carried by moves that name no tags: their tags may be there, or where they lay.

With all goods of a place their tags went, too (``central.tags``). Where some stayed, nobody knows
whose tags went, until a portal hears them leave.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sqlalchemy import Connection, TextClause, text

from central.reconcile.witness import BY_RULE
from central.stock.model import VIRTUAL_LOCATIONS

__all__ = ["Carried", "carried_from", "ways_from"]

_MOST_WAYS = 100
_MOST_MOVES = 20
_MOVES = (
    "SELECT m.id, m.seq, m.event_us, m.destination, m.biz_step, m.quantity - (SELECT coalesce("
    "sum(w.quantity), 0) FROM witness w WHERE w.movement_id = m.id AND w.origin = :rule) AS units "
    "FROM movement m WHERE m.sku = :sku AND m.seq > :after AND m.source = :place "
    "AND m.destination NOT IN (:place, 'adjustment', 'unknown') AND m.epcs = '[]' "
    "AND m.serials = '[]' AND m.quantity >= :least ORDER BY m.seq"
)
_ALL = text(_MOVES)
_NEWEST = text(f"{_MOVES} DESC LIMIT {_MOST_MOVES}")


class Carried(NamedTuple):
    """A move, number ``seq`` of the ledger, to a place; of ``units`` nobody knows the tags. What is
    booked to an adjustment is none: that was counted wrongly, and carried nowhere.
    """

    id: str
    seq: int
    event_us: int
    destination: str
    biz_step: str
    units: int


def carried_from(conn: Connection, sku: str, place: str, after: int) -> list[Carried]:
    """What was carried away from a place since number ``after``, in order."""
    return _read(conn, _ALL, sku, place, after)


def ways_from(
    conn: Connection, sku: str, place: str, after: int, units: int
) -> list[tuple[Carried, ...]]:
    """The ways, move by move, on which so many units were carried on from a place to another one;
    those that ended last come first. Of very many, those of the newest moves.
    """
    ways: list[tuple[Carried, ...]] = []
    due: deque[tuple[Carried, ...]] = deque([()])
    while due and len(ways) < _MOST_WAYS:
        way = due.popleft()
        at, since = (way[-1].destination, way[-1].seq) if way else (place, after)
        newest = _read(conn, _NEWEST, sku, at, since, units)
        fit = [m for m in newest if m.units >= units and m.destination not in VIRTUAL_LOCATIONS]
        further = [(*way, one) for one in fit]
        ways += further
        due += further
    return sorted(ways, key=lambda way: -way[-1].seq)


def _read(  # noqa: PLR0917 (all that is asked for)
    conn: Connection, query: TextClause, sku: str, place: str, after: int, least: int = 1
) -> list[Carried]:
    asked = {"sku": sku, "place": place, "after": after, "least": least, "rule": BY_RULE}
    rows = conn.execute(query, asked).mappings()
    return [Carried(**{**row, "units": int(row["units"])}) for row in rows]
