"""What reservations hold at which places: read, and changed together at the end of a command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, text

from central.database.bulk import BulkInsert, BulkLookup, WholeLookup
from central.reservations.allocation import Cell, Supply
from central.reservations.model import Part

__all__ = ["Holdings", "cells_of", "parts_of", "places_within", "reserved_of", "supplies"]

_PLACE = (("sku", "text"), ("lot", "text"), ("location", "text"))
_CELLS = WholeLookup(
    # Most goods are of no lot: then nothing is looked up.
    ("b.sku", "b.lot", "b.location", "b.on_hand", "coalesce(r.units, 0)", "a.since_us",
     "CASE WHEN b.lot <> '' THEN "
     "(SELECT e.expires_on FROM lot e WHERE e.sku = b.sku AND e.lot = b.lot) END"),
    "FROM {keys} JOIN balance b ON b.sku = k.sku "
    "JOIN location l ON l.code = b.location AND l.kind = 'internal' "
    "LEFT JOIN reserved r ON r.sku = b.sku AND r.lot = b.lot AND r.location = b.location "
    "LEFT JOIN arrival a ON a.sku = b.sku AND a.lot = b.lot AND a.location = b.location "
    "WHERE b.status = 'available' AND (b.on_hand > 0 OR r.units > 0)",
    (("sku", "text"),),
)  # fmt: skip
_WITHIN = BulkLookup(
    "WITH RECURSIVE below(root, code) AS (SELECT k.code, k.code FROM {keys} "
    "UNION SELECT b.root, l.code FROM below b JOIN location l ON l.parent = b.code) "
    "SELECT root, code FROM below",
    (("code", "text"),),
)
_PARTS = BulkLookup(
    "SELECT p.reservation, p.lot, p.location, p.units FROM {keys} "
    "JOIN reservation_part p ON p.reservation = k.id WHERE p.units > 0 "
    "ORDER BY p.reservation, p.location, p.lot",
    (("id", "text"),),
)
_RESERVED = BulkLookup(
    "SELECT r.sku, r.lot, r.location, r.units FROM {keys} JOIN reserved r ON r.sku = k.sku "
    "WHERE r.units > 0",
    (("sku", "text"),),
)
_UPSERT_PART = BulkInsert(
    "reservation_part",
    (("reservation", "text"), ("lot", "text"), ("location", "text"), ("sku", "text"),
     ("units", "bigint")),
    "ON CONFLICT (reservation, lot, location) DO UPDATE SET "
    "units = reservation_part.units + excluded.units",
)  # fmt: skip
_UPSERT_RESERVED = BulkInsert(
    "reserved",
    (*_PLACE, ("units", "bigint")),
    "ON CONFLICT (sku, lot, location) DO UPDATE SET units = reserved.units + excluded.units",
)
_NOTHING_LEFT = text("DELETE FROM reservation_part WHERE reservation = :id AND units = 0")


def cells_of(conn: Connection, skus: Iterable[str]) -> dict[str, list[Cell]]:
    """What lies where of each item and how much of it is reserved, by SKU."""
    found: dict[str, list[Cell]] = {}
    for sku, lot, location, on_hand, units, since_us, expires_on in _CELLS.run(conn, _keys(skus)):
        cell = Cell(lot, location, int(on_hand), int(units), expires_on or "", since_us)
        found.setdefault(sku, []).append(cell)
    return found


def supplies(conn: Connection, skus: Iterable[str]) -> dict[str, Supply]:
    """What can be given of each item, by SKU."""
    wanted = list(dict.fromkeys(skus))
    cells = cells_of(conn, wanted)
    return {sku: Supply(cells.get(sku, ())) for sku in wanted}


def places_within(conn: Connection, roots: Iterable[str]) -> dict[str, set[str]]:
    """The codes of some locations and of all within them, by root; all of them for ``""``."""
    found: dict[str, set[str]] = {}
    for root, code in _WITHIN.run(conn, _keys(code for code in roots if code)):
        found.setdefault(root, set()).add(code)
    return found


def parts_of(conn: Connection, ids: Iterable[str]) -> dict[str, list[Part]]:
    """Where each of some reservations holds what it holds."""
    found: dict[str, list[Part]] = {}
    for reservation, lot, location, units in _PARTS.run(conn, _keys(ids)):
        found.setdefault(reservation, []).append(Part(lot, location, int(units)))
    return found


def reserved_of(conn: Connection, skus: Iterable[str]) -> dict[tuple[str, str, str], int]:
    """How many units of some items are reserved, by SKU, lot and location."""
    rows = _RESERVED.run(conn, _keys(skus))
    return {(sku, lot, location): int(units) for sku, lot, location, units in rows}


class Holdings:
    """What changes of the parts, gathered and written in a few statements."""

    def __init__(self) -> None:
        self._parts: Counter[tuple[str, str, str, str]] = Counter()

    def add(self, reservation: str, sku: str, parts: Iterable[Part], sign: int = 1) -> None:
        """Set the parts aside; with ``sign`` -1 let go of them."""
        for part in parts:
            self._parts[reservation, part.lot, part.location, sku] += sign * part.units

    def write(self, conn: Connection) -> None:
        """Once, at the end."""
        changes = [(*key, units) for key, units in sorted(self._parts.items()) if units]
        _UPSERT_PART.run(conn, changes)
        less = sorted({reservation for reservation, *_, units in changes if units < 0})
        if less:
            conn.execute(_NOTHING_LEFT, [{"id": one} for one in less])
        _UPSERT_RESERVED.run(conn, _summed(changes))


def _summed(changes: Sequence[tuple[str, str, str, str, int]]) -> list[tuple[object, ...]]:
    sums: Counter[tuple[str, str, str]] = Counter()
    for _, lot, location, sku, units in changes:
        sums[sku, lot, location] += units
    return [(*key, units) for key, units in sorted(sums.items()) if units]


def _keys(values: Iterable[str]) -> list[tuple[str]]:
    return [(value,) for value in dict.fromkeys(values)]
