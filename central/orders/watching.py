"""Orders while stock moves: sensors tick lines off, goods come for those that wait, or are lost."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from central import schema
from central.events import log as events
from central.orders import picking, shipping, store, substituting
from central.orders.model import OPEN, Order, after
from central.orders.ordering import told_of
from central.reservations import store as reservations
from central.reservations.following import Watcher
from central.reservations.model import Change
from central.stock.model import Posted
from central.stock.rules import FACTS

__all__ = ["OrderWatcher", "look_again"]

_order = schema.outbound_order.c
_line = schema.outbound_line.c
_IN_THE_HOUSE = ("released", "picking", "packed")


class OrderWatcher(Watcher):
    """See ``central.reservations.following``."""

    def moved(self, conn: Connection, posted: Sequence[Posted], at_us: int) -> None:
        """What sensors saw leave is ticked off before anybody is told that it lacks."""
        gone = {
            one.movement.sku
            for one in posted
            if one.movement.origin in FACTS and one.movement.destination == "customer"
        }
        if not gone:
            return
        query = (
            select(_order.id)
            .join(schema.outbound_line, _line.order_id == _order.id)
            .where(_order.state.in_(OPEN), _order.wave != "", _line.sku.in_(gone))
            .distinct()
            .order_by(_order.id)
        )
        for name in conn.execute(query).scalars().all():
            _plan_again(conn, shipping.see(conn, name, at_us=at_us))

    def settled(self, conn: Connection, changes: Sequence[Change], at_us: int) -> None:
        """Orders whose goods came, or were taken from under them."""
        names = {one.reservation.order_id for one in changes} - {""}
        for _, order in sorted(store.find(conn, names).items()):
            look_again(conn, order, at_us=at_us)


def look_again(conn: Connection, order: Order, *, at_us: int) -> Order:
    """What is set aside for an order has changed, or may change by other items that stand in: its
    state follows, and what is to be picked.
    """
    if order.state in OPEN:
        order = substituting.substitute(conn, order, at_us=at_us)
    missing = sum(one.missing for one in reservations.of_order(conn, order.id))
    if order.state == "new" and not missing:
        order = store.change(conn, order, state=after(order.state, "allocate"), at_us=at_us)
        events.record(conn, "OrderReserved", order.id, told_of(order), at_us=at_us)
    elif order.state == "allocated" and missing:
        order = store.change(conn, order, state=after(order.state, "lose"), at_us=at_us)
    _plan_again(conn, order)
    return order


def _plan_again(conn: Connection, order: Order) -> None:
    """Its goods lie elsewhere than they did, or have left."""
    task = _task_of(conn, order)
    if task is not None and order.state in _IN_THE_HOUSE:
        picking.plan(conn, task, [order])


def _task_of(conn: Connection, order: Order) -> str | None:
    """The newest task that an order's goods are picked on; its wave's, where nothing was to be
    brought for it until now.
    """
    pick, task = schema.pick.c, schema.pick_task.c
    query = select(task.id).join(schema.pick, pick.task == task.id).where(pick.order_id == order.id)
    for asked in (query, select(task.id).where(task.wave == order.wave)):
        found = conn.execute(asked.order_by(task.created_us.desc(), task.id).limit(1)).scalar()
        if found is not None:
            return str(found)
    return None
