"""Orders of which something is still to come or to leave, as far as they are within reach."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select

from central import schema
from central.access import reach
from central.orders.model import OPEN
from central.receiving import model, orders

__all__ = ["OpenOrder", "inbound", "outbound"]

_SHOWN = 20
_in, _order, _line = schema.inbound_order.c, schema.outbound_order.c, schema.outbound_line.c
_decode = msgspec.json.Decoder(model.Order).decode
_encode = msgspec.json.Encoder().encode


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """``open`` of ``asked`` units of an order are still on their way, by ``due_us``."""

    id: str
    who: str
    sku: str
    place: str
    asked: int
    open: int
    due_us: int | None
    late: bool
    state: str


def inbound(
    connection: Connection,
    *,
    now_us: int,
    sku: str | None = None,
    within: frozenset[str] = frozenset(),
) -> list[OpenOrder]:
    """Goods that are expected, the soonest first: of an item, or at some places."""
    query: Select[Any] = select(_in.body).where(_in.status == "open")
    if sku is not None:
        query = query.where(_in.body.contains(f'"sku":{_encode(sku).decode()}', autoescape=True))
    else:
        query = query.where(_in.location.in_(sorted(within)))
    granted = reach.within(_in.location)
    if granted is not None:
        query = query.where(granted)
    query = query.order_by(_in.expected_us.is_(None), _in.expected_us, _in.id).limit(_SHOWN)
    found = []
    for body in connection.execute(query).scalars().all():
        order = _decode(body)
        found += _still_to_come(connection, order, sku, now_us)
    return found[:_SHOWN]


def _still_to_come(
    connection: Connection, order: model.Order, sku: str | None, now_us: int
) -> list[OpenOrder]:
    counts = orders.counts_of(connection, order)
    late = order.expected_us is not None and order.expected_us <= now_us
    found = []
    for line in order.lines:
        left = line.quantity - counts[line.line].received
        if left > 0 and sku in {None, line.sku}:
            found.append(OpenOrder(
                id=order.id, who=order.supplier, sku=line.sku, place=order.location,
                asked=line.quantity, open=left, due_us=order.expected_us, late=late,
                state=order.status,
            ))  # fmt: skip
    return found


def outbound(
    connection: Connection,
    *,
    now_us: int,
    sku: str | None = None,
    within: frozenset[str] = frozenset(),
) -> list[OpenOrder]:
    """Goods that customers wait for, the soonest first: of an item, or from some places."""
    query = (
        select(
            _order.id, _order.customer, _order.warehouse, _order.due_us, _order.state, _line.sku,
            _line.quantity, _line.shipped,
        )
        .join(_order.id.table, _order.id == _line.order_id)
        .where(_order.state.in_(OPEN), _line.quantity > _line.shipped)
    )  # fmt: skip
    if sku is not None:
        query = query.where(_line.sku == sku)
    else:
        query = query.where(_order.ship_from.in_(sorted(within)))
    granted = reach.within(_order.warehouse)
    if granted is not None:
        query = query.where(granted)
    query = query.order_by(_order.due_us.is_(None), _order.due_us, _order.id, _line.line)
    return [
        OpenOrder(
            id=row.id, who=row.customer, sku=row.sku, place=row.warehouse, asked=row.quantity,
            open=row.quantity - row.shipped, due_us=row.due_us,
            late=row.due_us is not None and row.due_us <= now_us, state=row.state,
        )
        for row in connection.execute(query.limit(_SHOWN))
    ]  # fmt: skip
