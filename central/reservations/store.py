"""Reservations as they are kept: found, listed, written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, literal_column, select, text

from central import schema
from central.access import reach
from central.database import keyset
from central.database.bulk import BulkInsert, BulkLookup
from central.database.prepared import Prepared
from central.reservations.model import NoSuchReservation, Reservation

__all__ = [
    "amend",
    "change",
    "due",
    "find",
    "get",
    "insert",
    "of_order",
    "page",
    "standing_in",
    "waiting",
]

_NAMES = Reservation.__struct_fields__
_NUMBERS = {
    "quantity", "held", "fulfilled", "missing", "priority", "created_us", "changed_us",
    "expires_us",
}  # fmt: skip
_COLUMNS = [(name, "bigint" if name in _NUMBERS else "text") for name in _NAMES]
_SELECTED = ", ".join(f"r.{name}" for name in _NAMES)
_INSERT = BulkInsert("reservation", _COLUMNS)
_BY_ID = BulkLookup(
    f"SELECT {_SELECTED} FROM {{keys}} JOIN reservation r ON r.id = k.id",  # noqa: S608
    (("id", "text"),),
)
_WAITING = BulkLookup(
    f"SELECT {_SELECTED} FROM {{keys}} JOIN reservation r ON r.sku = k.sku "  # noqa: S608
    "AND r.status = 'open' AND r.missing > 0 ORDER BY r.priority DESC, r.created_us, r.id",
    (("sku", "text"),),
)
_CHANGE = text(
    "UPDATE reservation SET held = :held, fulfilled = :fulfilled, missing = :missing, "
    "status = :status, expires_us = :expires_us, changed_us = :changed_us WHERE id = :id"
)
_CHANGED = ("id", "held", "fulfilled", "missing", "status", "expires_us", "changed_us")
_AMEND = text(
    "UPDATE reservation SET sku = :sku, lot = :lot, quantity = :quantity, priority = :priority, "
    "reference = :reference, held = :held, fulfilled = :fulfilled, missing = :missing, "
    "status = :status, changed_us = :changed_us WHERE id = :id"
)
_reservation = schema.reservation.c
_DUE = Prepared(
    select(*(_reservation[name] for name in _NAMES))
    # Word for word what its index is of, which is not used otherwise.
    .where(_reservation.status == literal_column("'open'"), _reservation.expires_us.is_not(None))
    .where(_reservation.expires_us <= bindparam("now_us"))
    .order_by(_reservation.expires_us, _reservation.id)
    .limit(bindparam("n"))
)


def find(conn: Connection, ids: Iterable[str]) -> dict[str, Reservation]:
    """The reservations of these ids that there are, by id."""
    keys = [(one,) for one in dict.fromkeys(ids)]
    return {row[0]: _of(row) for row in _BY_ID.run(conn, keys)}


def get(conn: Connection, name: str) -> Reservation:
    """The reservation of this id. Raises ``NoSuchReservation``, ``OutOfReach``."""
    found = find(conn, [name]).get(name)
    if found is None:
        raise NoSuchReservation(f"there is no reservation {name}")
    if found.within:
        reach.check(conn, [found.within])
    else:
        reach.everywhere("a reservation of goods wherever they lie")
    return found


def of_order(conn: Connection, order: str) -> list[Reservation]:
    """What is reserved for an order, by line."""
    query = select(schema.reservation).where(_reservation.order_id == order)
    return _all(conn, query.order_by(_reservation.line, _reservation.id))


def standing_in(conn: Connection, name: str) -> list[Reservation]:
    """Those whose items stand in for this one's."""
    query = select(schema.reservation).where(
        _reservation.substituted_for == name, _reservation.substituted_for != ""
    )
    return _all(conn, query.order_by(_reservation.created_us, _reservation.id))


def waiting(conn: Connection, skus: Iterable[str]) -> list[Reservation]:
    """Open ones that miss units of some items, in the order in which they are served."""
    return [_of(row) for row in _WAITING.run(conn, [(sku,) for sku in dict.fromkeys(skus)])]


def due(conn: Connection, now_us: int, limit: int = 1_000) -> list[Reservation]:
    """Open ones whose time is over, the oldest first."""
    return [_of(row) for row in _DUE.rows(conn, {"now_us": now_us, "n": limit})]


def page(
    conn: Connection,
    *,
    sku: str | None = None,
    order: str | None = None,
    status: str | None = "open",
    category: str | None = None,
    missing: bool | None = None,
    after: str = "",
    limit: int = 100,
) -> list[Reservation]:
    """Reservations by id, those behind ``after``, of items of a ``category``; ``missing``: with a
    backorder, or without.
    """
    query = keyset.ascending(select(schema.reservation), (_reservation.id,), (after,), limit)
    for column, value in (("sku", sku), ("order_id", order), ("status", status)):
        if value is not None:
            query = query.where(_reservation[column] == value)
    if category is not None:
        query = query.join(schema.item, schema.item.c.sku == _reservation.sku)
        query = query.where(schema.item.c.category == category)
    within = reach.within(_reservation.within)
    if within is not None:
        query = query.where(within)
    if missing is not None:
        query = query.where((_reservation.missing > 0) == missing)
    return _all(conn, query)


def insert(conn: Connection, made: Iterable[Reservation]) -> None:
    """Keep new ones."""
    _INSERT.run(conn, [msgspec.structs.astuple(one) for one in made])


def change(conn: Connection, changed: Iterable[Reservation]) -> None:
    """Keep what became of some."""
    values = [{name: getattr(one, name) for name in _CHANGED} for one in changed]
    if values:
        conn.execute(_CHANGE, values)


def amend(conn: Connection, changed: Sequence[Reservation]) -> None:
    """Keep what became of some, and what is asked of them now."""
    if changed:
        conn.execute(_AMEND, [msgspec.structs.asdict(one) for one in changed])


def _all(conn: Connection, query: Any) -> list[Reservation]:  # noqa: ANN401 (a Select of all)
    rows = conn.execute(query).mappings()
    return [Reservation(**{name: row[name] for name in _NAMES}) for row in rows]


def _of(row: Sequence[Any]) -> Reservation:
    return Reservation(**dict(zip(_NAMES, row, strict=True)))
