"""Shipments on their way: which a carrier is still to be told of, and what it says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select, update

from central import schema
from central.events import log as events
from central.orders import shipping, store
from central.orders.model import Order, OrderError, after
from central.orders.ordering import told_of
from central.orders.packing import Carton, cartons_of
from central.orders.shipping import Shipment

__all__ = ["Heard", "Unsent", "handed_over", "hear", "unsent"]

_STATES = {"in_transit": "in-transit", "delivered": "delivered", "failed": "failed"}
_shipment = schema.shipment.c


class Unsent(NamedTuple):
    """A shipment that its carrier does not know of, with its order and its cartons."""

    shipment: Shipment
    order: Order
    cartons: list[Carton]


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What ``carrier`` says of a shipment; ``event`` is ``in_transit``, ``delivered`` or
    ``failed``, ``happened_us`` when it happened (microseconds since 1970).
    """

    shipment: str
    carrier: str
    tracking: str
    event: str
    happened_us: int
    reason: str = ""


def unsent(conn: Connection, carrier: str, limit: int = 100) -> list[Unsent]:
    """The first of those."""
    mine = (_shipment.carrier == carrier) & (_shipment.state == "made")
    query = select(_shipment.id).where(mine).order_by(_shipment.id).limit(limit)
    made = [shipping.get(conn, name) for name in conn.execute(query).scalars().all()]
    found = [one for one in made if one is not None]
    orders = store.find(conn, (one.order_id for one in found))
    return [
        Unsent(
            one,
            orders[one.order_id],
            [box for box in cartons_of(conn, one.order_id) if box.shipment == one.id],
        )
        for one in found
    ]


def handed_over(conn: Connection, names: Iterable[str], *, at_us: int) -> None:
    """Their carrier knows of them. One that it told something of meanwhile stays at that."""
    mine = _shipment.id.in_(list(names)) & (_shipment.state == "made")
    values = {"state": "handed-over", "changed_us": at_us}
    conn.execute(update(schema.shipment).where(mine).values(values))


def hear(conn: Connection, heard: Heard, *, at_us: int) -> bool:
    """Keep what a carrier says; ``False`` when that was known. What is delivered stays delivered.

    Raises ``OrderError`` for a shipment that is not the carrier's.
    """
    before = shipping.get(conn, heard.shipment)
    if before is None or before.carrier != heard.carrier:
        raise OrderError(f"there is no shipment {heard.shipment} with {heard.carrier}")
    state = _STATES[heard.event]
    if before.state == "delivered" or (before.state, before.tracking) == (state, heard.tracking):
        return False
    values = {"state": state, "tracking": heard.tracking, "changed_us": at_us}
    conn.execute(update(schema.shipment).where(_shipment.id == before.id).values(values))
    order = store.find(conn, [before.order_id])[before.order_id]
    body = {
        "shipment": before.id,
        "order": order.id,
        "location": order.warehouse,
        "carrier": heard.carrier,
        "tracking": heard.tracking,
        "state": state,
        "happened_us": heard.happened_us,
        "reason": heard.reason,
    }
    events.record(conn, "ShipmentTracked", before.id, body, at_us=at_us)
    if state == "delivered":
        _delivered(conn, order, at_us)
    return True


def _delivered(conn: Connection, order: Order, at_us: int) -> None:
    """One that is still to ship its rest is told delivered with that."""
    if order.state not in {"shipped", "partly-delivered"}:
        return
    units = Counter[str]()
    for one in shipping.shipments_of(conn, order.id):
        if one.state == "delivered":
            units.update(one.lines)
    if any(units[line.line] < line.quantity for line in order.lines):
        store.change(conn, order, state=after(order.state, "deliver part"), at_us=at_us)
        return
    order = store.change(conn, order, state=after(order.state, "deliver"), at_us=at_us)
    events.record(conn, "OrderDelivered", order.id, told_of(order), at_us=at_us)
