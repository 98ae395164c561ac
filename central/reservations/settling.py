"""What reservations hold after stock has moved: what left from under them, what came for them.

A sensor's movement is a fact, whatever was promised of the goods. Where more is promised of a
place than lies there, the least urgent and youngest promises give way; each is given other goods
if there are any, and what cannot be given is told and waits on backorder. Goods that came are
given to those who wait, by priority and then by age.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection

from central.database.bulk import BulkLookup
from central.events import log as events
from central.reservations import store
from central.reservations.allocation import Cell, Supply
from central.reservations.holdings import Holdings, cells_of, places_within
from central.reservations.model import Change, Part, Reservation

__all__ = ["settle"]

_CLAIMED = BulkLookup(
    "SELECT k.sku FROM {keys} WHERE EXISTS (SELECT 1 FROM reservation r WHERE r.sku = k.sku "
    "AND r.status = 'open')",
    (("sku", "text"),),
)
_YOUNGEST = BulkLookup(
    "SELECT p.reservation, p.units, k.sku, k.lot, k.location FROM {keys} "
    "JOIN reservation_part p ON p.sku = k.sku AND p.lot = k.lot AND p.location = k.location "
    "JOIN reservation r ON r.id = p.reservation WHERE p.units > 0 "
    "ORDER BY r.priority, r.created_us DESC, r.id DESC",
    (("sku", "text"), ("lot", "text"), ("location", "text")),
)


def settle(conn: Connection, skus: Iterable[str], *, at_us: int) -> list[Change]:
    """Bring what is reserved of some items in line with what is there now; answers the
    reservations that changed.
    """
    claimed = sorted(row[0] for row in _CLAIMED.run(conn, [(one,) for one in set(skus)]))
    if not claimed:
        return []
    holdings = Holdings()
    cells = cells_of(conn, claimed)
    lost = _give_way(conn, cells, holdings)
    waiting = {one.id: one for one in store.waiting(conn, claimed)} | store.find(conn, lost)
    if not waiting:
        return []
    within = places_within(conn, (one.within for one in waiting.values()))
    supply = {sku: Supply(there) for sku, there in cells.items()}
    changes = []
    for one in sorted(waiting.values(), key=lambda one: (-one.priority, one.created_us, one.id)):
        wants = one.missing + lost[one.id]
        there = supply.get(one.sku)
        places = within[one.within] if one.within else None
        parts = there.give(wants, lot=one.lot, places=places) if there else []
        holdings.add(one.id, one.sku, parts)
        change = _changed(one, lost[one.id], parts, at_us)
        if change.lost or change.given:
            changes.append(change)
    holdings.write(conn)
    store.change(conn, (change.reservation for change in changes))
    events.record_each(conn, (told for one in changes for told in _told(one)), at_us=at_us)
    return changes


def _give_way(conn: Connection, cells: dict[str, list[Cell]], holdings: Holdings) -> Counter[str]:
    """Let go of what is promised and is not there; how many units each reservation lost. The
    cells are told.
    """
    over = {
        (sku, one.lot, one.location): one.reserved - one.on_hand
        for sku, there in cells.items()
        for one in there
        if one.reserved > one.on_hand
    }
    lost: Counter[str] = Counter()
    for reservation, held, sku, lot, location in _YOUNGEST.run(conn, sorted(over)):
        units = min(over[sku, lot, location], int(held))
        if units:
            over[sku, lot, location] -= units
            lost[reservation] += units
            holdings.add(reservation, sku, [Part(lot, location, units)], -1)
    for there in cells.values():
        there[:] = [one._replace(reserved=min(one.reserved, one.on_hand)) for one in there]
    return lost


def _changed(before: Reservation, lost: int, parts: Iterable[Part], at_us: int) -> Change:
    given = sum(part.units for part in parts)
    after = msgspec.structs.replace(
        before,
        held=before.held - lost + given,
        missing=before.missing + lost - given,
        changed_us=at_us,
    )
    return Change(after, lost=lost, given=given)


def _told(change: Change) -> list[events.Happening]:
    """What others hear: only what made a difference for whoever waits for the goods."""
    now = change.reservation
    short = change.lost - change.given
    body = {
        "reservation": now.id,
        "sku": now.sku,
        "quantity": abs(short),
        "missing": now.missing,
        "order": now.order_id,
        "line": now.line,
        "reference": now.reference,
    }
    if short > 0:
        return [
            events.Happening("StockShort", now.id, body),
            events.Happening("BackorderCreated", now.id, body | {"quantity": now.missing}),
        ]
    return [events.Happening("BackorderAllocated", now.id, body)] if short < 0 else []
