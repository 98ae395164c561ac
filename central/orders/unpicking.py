"""Goods that were picked by mistake and lie again where they were taken from."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select, update

from central import schema
from central.database.moments import from_us
from central.orders import store
from central.orders.claiming import claim_id
from central.orders.model import NoSuchOrder, Order, OrderError, after
from central.orders.picking import Pick
from central.reconcile.identity import derived_id
from central.reservations import ending
from central.reservations.model import Part
from central.stock import ledger, queries
from central.stock.model import Movement

__all__ = ["put_back"]

_pick = schema.pick.c


def put_back(
    conn: Connection, name: str, command: str, *, by: str, at_us: int
) -> tuple[Pick, bool]:
    """Undo what was brought by a command; the pick, open again, and whether this was done before.

    Raises ``NoSuchOrder``; ``OrderError`` where other goods were given in place of missing ones,
    or the order was packed or shipped meanwhile; and what posting raises.
    """
    query = select(schema.pick).where(_pick.id == name)
    row = conn.execute(query).mappings().one_or_none()
    if row is None:
        raise NoSuchOrder(f"there is no pick {name}")
    pick = Pick(**row)
    order = store.get(conn, pick.order_id)
    posted = queries.movement_by_id(conn, derived_id("picked", name, command))
    if posted is None:
        raise NoSuchOrder(f"nothing was brought for pick {name} by {command}")
    back = derived_id("put-back", name, command)
    if queries.movement_by_id(conn, back) is not None:
        return pick, True
    units = posted.movement.quantity
    _check(pick, order, units)
    ledger.post(conn, [_reversed(posted.movement, back, by, at_us)], record_us=at_us)
    there = Part(pick.lot, order.ship_from, units)
    ending.relocate(conn, claim_id(order.id, pick.line), there, pick.location, at_us=at_us)
    line = order.line(pick.line)
    store.change_lines(conn, order, [msgspec.structs.replace(line, picked=line.picked - units)])
    values: dict[str, object] = {
        "picked": pick.picked - units, "state": "open", "reason": "", "done_by": by,
        "done_us": at_us,
    }  # fmt: skip
    conn.execute(update(schema.pick).where(_pick.id == name).values(values))
    return msgspec.structs.replace(pick, **values), False


def _check(pick: Pick, order: Order, units: int) -> None:
    if pick.state == "void" or (pick.state == "done" and pick.reason not in {"", "later"}):
        raise OrderError(
            "other goods were given in place of what was missing: bring these back with a move, "
            "and ask for the task again"
        )
    after(order.state, "pick")
    line = order.line(pick.line)
    gone = max(line.packed, line.shipped)
    if line.picked - units < gone:
        raise OrderError(f"{gone} units of order {order.id} are packed or shipped already")


def _reversed(was: Movement, name: str, by: str, at_us: int) -> Movement:
    return msgspec.structs.replace(
        was,
        id=name,
        source=was.destination,
        destination=was.source,
        biz_step="storing",
        event_time=from_us(at_us),
        reason="pick put back",
        corrects=was.id,
        actor=by,
    )
