"""Cancelling orders: what was set aside is free for others, and nobody picks for them any more."""

from __future__ import annotations

from sqlalchemy import Connection

from central.documents import books
from central.events import log as events
from central.orders import picking, store
from central.orders.model import Order, OrderError, after
from central.orders.ordering import told_of
from central.orders.watching import OrderWatcher
from central.reservations import ending
from central.reservations import store as reservations
from central.reservations.settling import settle

__all__ = ["cancel"]


def cancel(conn: Connection, name: str, *, at_us: int) -> Order:
    """Nothing of it leaves any more; what is picked lies where it is, free for others. Again:
    nothing changes. Raises ``NoSuchOrder``, ``WrongState``.
    """
    order = store.get(conn, name)
    if order.state == "cancelled":
        return order
    state = after(order.state, "cancel")
    if any(line.shipped for line in order.lines):
        raise OrderError(f"something of order {name} has left: take it back as a return")
    held = reservations.of_order(conn, name)
    ending.release(conn, [one.id for one in held], at_us=at_us)
    given = settle(conn, {one.sku for one in held}, at_us=at_us)
    OrderWatcher().settled(conn, given, at_us)
    cancelled = store.change(conn, order, state=state, at_us=at_us)
    if order.state not in {"new", "allocated"}:
        picking.call_off(conn, name)
        books.close_document(conn, order.id, at_us=at_us)
    events.record(conn, "OrderCancelled", name, told_of(cancelled), at_us=at_us)
    return cancelled
