"""Since when the goods at a place are in the house, so that what came first can go first.

Kept from the ledger, movement by movement. Goods keep their age when they are moved within the
house; a place that holds older goods of a lot stays as old as these until it is empty.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from central.database.bulk import BulkInsert, BulkLookup
from central.database.moments import to_us
from central.stock.model import VIRTUAL_LOCATIONS, Posted

__all__ = ["note"]

_KEY = (("sku", "text"), ("lot", "text"), ("location", "text"))
_SINCE = BulkLookup(
    "SELECT a.sku, a.lot, a.location, a.since_us FROM {keys} JOIN arrival a "
    "ON a.sku = k.sku AND a.lot = k.lot AND a.location = k.location",
    _KEY,
)
_EMPTY = BulkLookup(
    "SELECT k.sku, k.lot, k.location FROM {keys} WHERE NOT EXISTS (SELECT 1 FROM balance b "
    "WHERE b.sku = k.sku AND b.lot = k.lot AND b.location = k.location AND b.on_hand > 0)",
    _KEY,
)
_UPSERT = BulkInsert(
    "arrival",
    (*_KEY, ("since_us", "bigint")),
    "ON CONFLICT (sku, lot, location) DO UPDATE SET since_us = excluded.since_us",
)
_FORGET = text("DELETE FROM arrival WHERE sku = :sku AND lot = :lot AND location = :location")
_VIRTUAL = frozenset(str(kind) for kind in VIRTUAL_LOCATIONS)
Key = tuple[str, str, str]


def note(conn: Connection, posted: Sequence[Posted]) -> None:
    """Take note of some movements, in the ledger's order, each once."""
    ends = {end for one in posted for end in _ends(one) if end[2] not in _VIRTUAL}
    since: dict[Key, int] = {
        (row[0], row[1], row[2]): int(row[3]) for row in _SINCE.run(conn, sorted(ends))
    }
    before = dict(since)
    for one in posted:
        source, destination = _ends(one)
        if destination[2] in _VIRTUAL:
            continue
        came_us = to_us(one.movement.event_time)
        age_us = min(came_us, since.get(source, came_us))
        since[destination] = min(age_us, since.get(destination, age_us))
    empty: set[Key] = {(row[0], row[1], row[2]) for row in _EMPTY.run(conn, sorted(ends))}
    kept = [(*key, at) for key, at in sorted(since.items()) if key not in empty]
    _UPSERT.run(conn, [row for row in kept if before.get((row[0], row[1], row[2])) != row[3]])
    gone = sorted(empty & before.keys())
    if gone:
        names = ("sku", "lot", "location")
        conn.execute(_FORGET, [dict(zip(names, key, strict=True)) for key in gone])


def _ends(one: Posted) -> tuple[Key, Key]:
    moved = one.movement
    return (moved.sku, moved.lot, moved.source), (moved.sku, moved.lot, moved.destination)
