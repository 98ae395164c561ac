"""Whether what is reserved adds up: places, reservations, and what lies there."""

from __future__ import annotations

from sqlalchemy import Connection, text

__all__ = ["check_reserved", "oversold"]

_PLACES = text(
    "SELECT p.sku, p.lot, p.location, sum(p.units) AS truth, coalesce(r.units, 0) AS said "
    "FROM (SELECT sku, lot, location, sum(units) AS units FROM (SELECT sku, lot, location, units "
    "FROM reservation_part UNION ALL SELECT sku, lot, location, 0 FROM reserved) AS both_of "
    "GROUP BY sku, lot, location) AS p LEFT JOIN reserved r "
    "ON r.sku = p.sku AND r.lot = p.lot AND r.location = p.location "
    "GROUP BY p.sku, p.lot, p.location, r.units HAVING sum(p.units) <> coalesce(r.units, 0) "
    "ORDER BY p.sku, p.lot, p.location"
)
_HELD = text(
    "SELECT r.id, r.held, coalesce(p.units, 0) AS truth FROM reservation r LEFT JOIN "
    "(SELECT reservation, sum(units) AS units FROM reservation_part GROUP BY reservation) AS p "
    "ON p.reservation = r.id WHERE r.held <> coalesce(p.units, 0) ORDER BY r.id"
)
_OVER = text(
    "SELECT r.sku, r.units, coalesce(b.on_hand, 0) AS on_hand FROM "
    "(SELECT sku, sum(units) AS units FROM reserved GROUP BY sku) AS r LEFT JOIN "
    "(SELECT b.sku, sum(b.on_hand) AS on_hand FROM balance b JOIN location l "
    "ON l.code = b.location AND l.kind = 'internal' WHERE b.status = 'available' "
    "GROUP BY b.sku) AS b ON b.sku = r.sku "
    "WHERE r.units > coalesce(b.on_hand, 0) ORDER BY r.sku"
)


def check_reserved(conn: Connection) -> list[str]:
    """A sentence for each place and each reservation that does not add up."""
    found = [
        f"{row.said} of {row.sku} {row.lot} are said to be reserved at {row.location}, the "
        f"reservations hold {row.truth} there"
        for row in conn.execute(_PLACES)
    ]
    return found + [
        f"reservation {row.id} says that it holds {row.held}, its parts say {row.truth}"
        for row in conn.execute(_HELD)
    ]


def oversold(conn: Connection) -> list[str]:
    """A sentence for each item of which more is reserved than is on hand.

    That is no fault of the books: between a movement that a sensor told of and the settling of
    what it took from under reservations lie moments.
    """
    return [
        f"{row.units} of {row.sku} are reserved, and {row.on_hand} are on hand"
        for row in conn.execute(_OVER)
    ]
