"""Announcing a return: held against what was shipped, and against what came back before."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from central.access import reach
from central.catalogue.changes import Told
from central.catalogue.errors import NotValid
from central.catalogue.items import get_item
from central.catalogue.tree import get_location
from central.orders import store as orders
from central.orders.model import Line as ShippedLine
from central.orders.model import Order
from central.returns import store
from central.returns.model import Line, Return, ReturnError, left_of
from central.stock import serials
from central.stock.model import LocationKind

__all__ = ["announce"]


def announce(conn: Connection, wanted: Return, told: Told) -> tuple[Return, bool]:
    """Take a return that a customer announces; it, and whether it was known before.

    Lines are of the order's lines, by ``order_line`` or by their item. Raises
    ``ConflictingRepeat``, ``ReturnError`` for more than was shipped and has not come back,
    ``NoSuchOrder``, ``NotFound``, ``NotValid``, ``OutOfReach``.
    """
    reach.check(conn, [wanted.location])
    there = store.find(conn, wanted.id)
    order = orders.get(conn, wanted.order_id) if wanted.order_id else None
    made = wanted if order is None else _of_order(wanted, order)
    if there is not None:
        return store.check_repeat(there, made), True
    if get_location(conn, made.location).kind != LocationKind.INTERNAL:
        raise NotValid(f"{made.location} is no place: goods come back into the house")
    names = [one.line for one in made.lines]
    if len(set(names)) != len(names):
        raise NotValid("each line of a return has a name of its own")
    checked = _free(conn, made) if order is None else _held_against(conn, made, order)
    return store.add(conn, checked, told), False


def _free(conn: Connection, made: Return) -> Return:
    """Of no order that we know: there must be a reason for it."""
    if not made.reason or not made.customer:
        raise NotValid("a return without an order needs its customer and a reason")
    for line in made.lines:
        if get_item(conn, line.sku).family:
            raise NotValid(f"item {line.sku} is a family: name one of its variants")
        _check_named(conn, line)
    return made


def _of_order(wanted: Return, order: Order) -> Return:
    """The same, each line with the order's that it is of."""
    lines = tuple(
        msgspec.structs.replace(line, order_line=_shipped_line(order, line).line)
        for line in wanted.lines
    )
    customer = wanted.customer or order.customer
    return msgspec.structs.replace(wanted, lines=lines, customer=customer)


def _shipped_line(order: Order, line: Line) -> ShippedLine:
    fitting = [one for one in order.lines if one.sku == line.sku]
    if line.order_line:
        fitting = [one for one in fitting if one.line == line.order_line]
    if len(fitting) > 1:
        fitting = [one for one in fitting if one.shipped] or fitting
        fitting = [one for one in fitting if one.lot == line.lot] or fitting
    if not fitting:
        which = f"line {line.order_line} of {line.sku}" if line.order_line else line.sku
        raise NotValid(f"order {order.id} has no {which}: only what was shipped comes back")
    return fitting[0]


def _held_against(conn: Connection, made: Return, order: Order) -> Return:
    shipped = {one.line: one.shipped for one in order.lines}
    before = store.of_order(conn, order.id)
    left = left_of(shipped, before)
    taken: dict[str, set[str]] = {}
    for came in before:
        if came.of.status not in {"refused", "cancelled"}:
            for line in came.of.lines:
                taken.setdefault(line.order_line, set()).update(_own(line))
    for line in made.lines:
        if line.quantity > left[line.order_line]:
            raise ReturnError(
                f"line {line.order_line} of order {order.id}: {shipped[line.order_line]} were "
                f"shipped, of which {max(left[line.order_line], 0)} may still come back, not "
                f"{line.quantity}"
            )
        left[line.order_line] -= line.quantity
    lines = tuple(
        _with_pieces(conn, order, line, taken.get(line.order_line, set())) for line in made.lines
    )
    return msgspec.structs.replace(made, lines=lines)


def _own(line: Line) -> Sequence[str]:
    """The pieces that a line names for itself: not merely all that may come."""
    return line.serials if len(line.serials) == line.quantity else ()


def _with_pieces(conn: Connection, order: Order, line: Line, taken: set[str]) -> Line:
    """Of an item that is tracked by serial numbers: the pieces that were shipped are those that may
    come.
    """
    if not _check_named(conn, line):
        return line
    seen = any(one.seen for one in order.lines if one.line == line.order_line)
    source = order.ship_from if seen else ""
    shipped = serials.sent(conn, line.sku, order.id, source, order.created_us) - taken
    foreign = sorted(set(line.serials) - shipped)
    if foreign:
        raise ReturnError(
            f"{line.sku} {', '.join(foreign)} was not shipped with order {order.id}, or comes back "
            "already: leave it out, or announce it without an order"
        )
    return msgspec.structs.replace(line, serials=line.serials or tuple(sorted(shipped)))


def _check_named(conn: Connection, line: Line) -> bool:
    """Whether pieces of the item have names. Raises ``NotValid`` for names that are wrong."""
    tracked = get_item(conn, line.sku).tracking == "serial"
    if line.serials and not tracked:
        raise NotValid(f"item {line.sku} is not tracked by serial numbers: leave them out")
    if line.serials and len(set(line.serials)) != line.quantity:
        raise NotValid(f"line {line.line} is of {line.quantity} pieces: name each once, or none")
    return tracked
