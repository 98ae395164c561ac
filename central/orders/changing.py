"""Another version of an outbound order: what is still open of it may change, what was done may not.

What is set aside follows in the same transaction: more of it, or on backorder; what is given back
is free for whoever waits. So do its picks, and what judging expects to see leave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, func, select

from central import audit, schema
from central.catalogue.changes import Told
from central.documents import books
from central.events import log as events
from central.orders import picking, shipping, store
from central.orders.claiming import claim_id, claim_of
from central.orders.model import OPEN, Line, Order, OrderError, WrongState, after
from central.orders.ordering import check_each, told_of
from central.orders.revising import Revised, misfits, revise
from central.orders.substituting import expected_lines
from central.orders.watching import OrderWatcher, look_again
from central.reservations import ending
from central.reservations import store as reservations
from central.reservations.model import Reservation
from central.reservations.resizing import Resizing, resize_each
from central.reservations.settling import settle

__all__ = ["change_order"]

_IN_THE_HOUSE = ("released", "picking", "packed")
_pick = schema.pick.c


def change_order(conn: Connection, wanted: Order, told: Told) -> tuple[Order, bool]:
    """Let an order be ``wanted`` from now on, by its id; the order, and whether that changed
    something. All of it or nothing.

    Raises ``NoSuchOrder``, ``WrongState`` for one that has left or was cancelled, ``OrderError``
    with all that does not fit, and what taking an order raises.
    """
    there = store.get(conn, wanted.id)
    if there.asked() == wanted.asked():
        return there, False
    if there.state not in OPEN:
        raise WrongState(f"order {there.id} is {there.state}: nothing of it can be changed")
    refusal = next(iter(check_each(conn, [wanted])), None)
    if refusal is not None:
        raise refusal
    inner = conn.begin_nested()
    try:
        changed = _changed(conn, there, wanted, told)
    except Exception:
        inner.rollback()
        raise
    inner.commit()
    return changed, True


def _changed(conn: Connection, first: Order, wanted: Order, told: Told) -> Order:
    # What sensors saw leave until now is gone, whoever says otherwise.
    there = shipping.see(conn, first.id, at_us=told.at_us) if first.wave else first
    if there.state not in OPEN:
        raise WrongState(f"order {there.id} is {there.state}: nothing of it can be changed")
    done = _done(conn, there)
    wrong = misfits(there, wanted, done)
    if wrong:
        raise OrderError(f"order {there.id} cannot be changed so: {'; '.join(wrong)}")
    waits = {one.line: one.missing for one in reservations.of_order(conn, there.id)}
    revised = revise(there, wanted, done, waits)
    for line in revised.dropped:
        picking.call_off(conn, there.id, line.line)
    changed = store.revise(conn, there, wanted, revised, at_us=told.at_us)
    _set_aside(conn, there, changed, revised, told.at_us)
    _note(conn, first, changed, told)
    given = settle(conn, {line.sku for line in there.lines}, at_us=told.at_us)
    OrderWatcher().settled(conn, given, told.at_us)
    if changed.wave:
        books.change_lines(conn, changed.id, expected_lines(changed), at_us=told.at_us)
    changed = look_again(conn, store.get(conn, changed.id), at_us=told.at_us)
    changed = _state(conn, store.get(conn, changed.id), told.at_us)
    _check_whole(conn, changed, revised, waits)
    return changed


def _done(conn: Connection, order: Order) -> dict[str, int]:
    """Units of each line that somebody brought, packed, or that have left."""
    query = select(_pick.line, func.sum(_pick.picked)).where(_pick.order_id == order.id)
    brought = {line: int(units) for line, units in conn.execute(query.group_by(_pick.line))}
    return {
        line.line: max(line.packed, line.shipped, brought.get(line.line, 0)) for line in order.lines
    }


def _set_aside(
    conn: Connection, there: Order, changed: Order, revised: Revised, at_us: int
) -> None:
    """What is set aside for the lines: fewer first, so that others of it may have more."""
    ending.release(conn, (claim_id(there.id, one.line) for one in revised.dropped), at_us=at_us)
    terms = (there.priority, there.reference) != (changed.priority, changed.reference)
    resize_each(
        conn,
        [
            Resizing(_claim(changed, line), units, last=changed.ship_from)
            for line in changed.lines
            if (units := revised.more.get(line.line, 0)) or terms
        ],
        at_us=at_us,
    )


def _claim(order: Order, line: Line) -> Reservation:
    """A line's reservation is of what was asked for, whoever gives it."""
    claim = claim_of(order, line)
    return msgspec.structs.replace(claim, quantity=line.quantity + line.substituted)


def _note(conn: Connection, before: Order, changed: Order, told: Told) -> None:
    events.record(conn, "OrderChanged", changed.id, told_of(changed), at_us=told.at_us)
    change = audit.Change(f"outbound order {changed.id}", _kept(before), _kept(changed))
    audit.record(conn, [change], actor=told.by, action="change order", at_us=told.at_us)


def _kept(order: Order) -> dict[str, object]:
    """An order as the audit keeps it, which forgets nothing: without where the customer lives."""
    asked = {name: getattr(order, name) for name in (
        "customer", "warehouse", "ship_from", "priority", "due_us", "partial", "reference",
        "substitution",
    )}  # fmt: skip
    lines = [list(line.asked()) for line in order.lines if not line.substituted_for]
    return asked | {"lines": lines}


def _state(conn: Connection, order: Order, at_us: int) -> Order:
    """Where it stands with these lines."""
    if all(line.shipped >= line.quantity for line in order.lines):
        return shipping.completed(conn, order, at_us)
    packed = all(line.packed == line.picked == line.quantity for line in order.lines)
    if order.state == "packed" and not packed:
        return store.change(conn, order, state=after(order.state, "pick"), at_us=at_us)
    if order.state == "picking" and packed:
        order = store.change(conn, order, state=after(order.state, "pack"), at_us=at_us)
        events.record(conn, "OrderPacked", order.id, told_of(order), at_us=at_us)
    return order


def _check_whole(
    conn: Connection, order: Order, revised: Revised, waited: Mapping[str, int]
) -> None:
    """One that is to leave as a whole, and is being picked, is not to wait for more than before."""
    if order.state not in _IN_THE_HOUSE or order.partial:
        return
    waits = Counter({one.line: one.missing for one in reservations.of_order(conn, order.id)})
    for line, more in revised.more.items():
        lacking = waits[line] - waited.get(line, 0)
        if more > 0 and lacking > 0:
            raise OrderError(
                f"{lacking} units of line {line} are not there, and order {order.id} is being "
                "picked to leave as a whole: ask for fewer, let it leave in parts (`partial`), or "
                "take another order for the rest"
            )
