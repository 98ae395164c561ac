"""Letting orders go: a wave of them is picked together, and judging hears what will leave."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from central.documents import books
from central.events import log as events
from central.orders import store
from central.orders.model import Order, OrderError, after
from central.orders.ordering import told_of
from central.orders.substituting import expected_lines
from central.reconcile.expected import Document
from central.reservations import store as reservations

__all__ = ["release"]


def release(conn: Connection, wave: str, names: Sequence[str], *, at_us: int) -> list[Order]:
    """Put orders on a wave, all or none. Those that are on it already stay.

    One that misses goods goes only if it may be shipped in parts and has some. From now on a portal
    that sees its goods leave ticks its lines off. Raises ``NoSuchOrder``, ``WrongState``.
    """
    released = []
    for name in dict.fromkeys(names):
        order = store.get(conn, name)
        if order.wave != wave or order.state in {"new", "allocated"}:
            order = _released(conn, order, wave, at_us)
        released.append(order)
    return released


def _released(conn: Connection, order: Order, wave: str, at_us: int) -> Order:
    held = reservations.of_order(conn, order.id)
    missing = sum(one.missing for one in held)
    if missing and not (order.partial and any(one.held for one in held)):
        raise OrderError(
            f"order {order.id} waits for {missing} units: let it go when they have come, or take "
            "it as one that may be shipped in parts (`partial`)"
        )
    state = after(order.state, "release")
    _announce(conn, order, at_us)
    order = store.change(conn, order, state=state, wave=wave, at_us=at_us)
    events.record(conn, "OrderReleased", order.id, told_of(order), at_us=at_us)
    return order


def _announce(conn: Connection, order: Order, at_us: int) -> None:
    document = Document(
        id=order.id,
        kind="sales_order",
        source=order.ship_from,
        destination="customer",
        lines=expected_lines(order),
    )
    books.add_document(conn, document, at_us=at_us)
