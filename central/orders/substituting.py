"""Giving other items for what lacks of an order's lines, where the order allows it.

The catalogue says which may stand in for which. They give only what the item itself cannot, on
lines of their own: nothing is mixed with what was asked for, from the reservation to the carton.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from central.documents import books
from central.events import log as events
from central.orders import store
from central.orders.claiming import claim_id, claim_of
from central.orders.model import Line, Order
from central.reconcile.expected import Line as ExpectedLine
from central.reservations import ending
from central.reservations import store as reservations
from central.reservations.reserving import Reserved, Wish, freshen, reserve_each
from central.reservations.resizing import Resizing, resize_each
from central.reservations.substituting import Share, free_of, shares

__all__ = ["expected_lines", "reserve_lines", "substitute", "told_of"]

_MOST_NAMED = 58


def reserve_lines(conn: Connection, order: Order, *, at_us: int) -> tuple[Order, bool]:
    """Set stock aside for an order that was not taken yet: of other items what its own lack. The
    order with the lines of these, and whether something is missing nevertheless.
    """
    freshen(conn, at_us=at_us)
    lacks = False
    made = order
    for line in order.lines:
        found: list[Share] = []
        if order.may_substitute(line):
            short = line.quantity - free_of(conn, line.sku, order.warehouse)
            found = shares(conn, line.sku, max(0, short), order.warehouse, at_us=at_us)
        given = sum(one.units for one in found)
        wish = Wish(claim_of(order, line), backorder=True, forgone=given)
        (done,) = reserve_each(conn, [wish], at_us=at_us)
        lacks |= not isinstance(done, Reserved) or done.reservation.missing > 0
        if isinstance(done, Reserved) and given == line.quantity:
            ending.forgo(conn, done.reservation.id, 0, at_us=at_us)
        others = _standing_in(conn, made, line, found, at_us)
        less = _less(line, given)
        lines = tuple(less if one.line == line.line else one for one in made.lines)
        made = msgspec.structs.replace(made, lines=(*lines, *others))
    return made, lacks


def substitute(conn: Connection, order: Order, *, at_us: int) -> Order:
    """Give other items for what an order that was taken before waits for, as far as there are any;
    the order as it is then. Nothing changes where it does not allow that, or misses nothing.
    """
    if not any(order.may_substitute(line) for line in order.lines):
        return order
    freshen(conn, at_us=at_us)
    waiting = {one.line: one.missing for one in reservations.of_order(conn, order.id)}
    changed, added = [], list[Line]()
    for line in order.lines:
        missing = waiting.get(line.line, 0)
        if not missing or not order.may_substitute(line):
            continue
        found = shares(conn, line.sku, missing, order.warehouse, at_us=at_us)
        if not found:
            continue
        given = sum(one.units for one in found)
        ending.forgo(conn, claim_id(order.id, line.line), given, at_us=at_us)
        others = _standing_in(conn, order, line, found, at_us)
        order = store.add_lines(conn, order, others)
        changed.append(_less(line, given))
        added += others
    if not added:
        return order
    order = store.change_lines(conn, order, changed)
    events.record_each(conn, told_of(order, added), at_us=at_us)
    if order.wave:
        books.change_lines(conn, order.id, expected_lines(order), at_us=at_us)
    return order


def expected_lines(order: Order) -> tuple[ExpectedLine, ...]:
    """What judging expects to see leave of an order."""
    return tuple(
        ExpectedLine(line=one.line, sku=one.sku, quantity=one.quantity, lot=one.lot)
        for one in order.lines
        if one.quantity
    )


def told_of(order: Order, lines: Iterable[Line]) -> list[events.Happening]:
    """What subscribers hear of those of some lines that stand in for others."""
    return [
        events.Happening(
            "OrderSubstituted",
            order.id,
            {
                "id": order.id, "customer": order.customer, "reference": order.reference,
                "location": order.warehouse, "line": one.line, "sku": one.sku,
                "quantity": one.quantity, "substituted_for": one.substituted_for,
                "asked_sku": order.stands_in_for(one),
            },
        )
        for one in lines
        if one.substituted_for
    ]  # fmt: skip


def _standing_in(
    conn: Connection, order: Order, line: Line, found: Sequence[Share], at_us: int
) -> list[Line]:
    """Lines for what other items give, with the goods set aside."""
    taken = {one.line for one in order.lines}
    made: list[Line] = []
    for share in found:
        number = len(made) + 1
        while (name := f"{line.line[:_MOST_NAMED]}-{number}") in taken:
            number += 1
        taken.add(name)
        made.append(Line(line=name, sku=share.sku, quantity=share.units, substituted_for=line.line))
    # A name may have been another line's, which was dropped: its reservation is taken up again.
    wanted = [Resizing(claim_of(order, one), one.quantity) for one in made]
    resize_each(conn, wanted, at_us=at_us)
    return made


def _less(line: Line, units: int) -> Line:
    return msgspec.structs.replace(
        line, quantity=line.quantity - units, substituted=line.substituted + units
    )
