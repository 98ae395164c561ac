"""Inbound orders whose goods should have come."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.receiving.model import Order
from central.receiving.orders import counts_of

__all__ = ["Overdue", "overdue"]

_order = schema.inbound_order.c
_decode = msgspec.json.Decoder(Order).decode


class Overdue(NamedTuple):
    """An order, and how many units of it are still to come."""

    order: Order
    missing: int


def overdue(conn: Connection, now_us: int) -> list[Overdue]:
    """Open orders of which something is still to come, past the time it was expected."""
    query = select(_order.body).where(_order.status == "open", _order.expected_us <= now_us)
    found = []
    for body in conn.execute(query.order_by(_order.expected_us, _order.id)).scalars():
        order = _decode(body)
        counts = counts_of(conn, order)
        missing = sum(max(0, one.quantity - counts[one.line].received) for one in order.lines)
        if missing:
            found.append(Overdue(order, missing))
    return found
