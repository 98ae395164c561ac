"""What is reserved for the lines of orders. Pure."""

from __future__ import annotations

from central.orders.model import Line, Order
from central.reconcile.identity import derived_id
from central.reservations.model import Reservation

__all__ = ["claim_id", "claim_of"]


def claim_id(order: str, line: str) -> str:
    """The reservation of an order's line."""
    return derived_id("order", order, line)


def claim_of(order: Order, line: Line) -> Reservation:
    """What a line asks to be set aside for it."""
    stands_in = line.substituted_for
    return Reservation(
        id=claim_id(order.id, line.line),
        sku=line.sku,
        quantity=line.quantity,
        lot=line.lot,
        within=order.warehouse,
        order_id=order.id,
        line=line.line,
        priority=order.priority,
        reference=order.reference,
        actor=order.actor,
        substituted_for=claim_id(order.id, stands_in) if stands_in else "",
    )
