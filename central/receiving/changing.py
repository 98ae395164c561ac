"""Another version of an inbound order: what is still open of it may change, what came may not."""

from __future__ import annotations

from collections import Counter

import msgspec
from sqlalchemy import Connection

from central.catalogue.changes import Told
from central.catalogue.errors import NotValid
from central.documents import books
from central.events import log as events
from central.receiving import orders
from central.receiving.model import InboundError, Order, OrderLine
from central.reconcile.expected import Line

__all__ = ["change_order"]


def change_order(conn: Connection, wanted: Order, told: Told) -> tuple[Order, bool]:
    """Let an order be ``wanted`` from the next observation on, by its id; the order, and whether
    that changed something.

    A line keeps what came of it: it may not become less than that, or than what was announced, nor
    another item's or lot's. Raises ``InboundError`` with all that does not fit, ``NotFound``,
    ``NotValid``.
    """
    there = orders.get_order(conn, wanted.id)
    if orders.content(there) == orders.content(wanted):
        return there, False
    if there.status != "open":
        raise InboundError(f"order {there.id} is {there.status}: it cannot be changed any more")
    announced = _announced(conn, there)
    wrong = _misfits(conn, there, wanted, announced)
    if wrong:
        raise InboundError(f"order {there.id} cannot be changed so: {'; '.join(wrong)}")
    changed = msgspec.structs.replace(
        wanted, created_us=there.created_us, created_by=there.created_by, asns=there.asns
    )
    books.change_lines(conn, there.id, _expected(changed.lines, announced), at_us=told.at_us)
    orders.keep(conn, changed)
    events.record(
        conn, "InboundOrderChanged", changed.id, orders.as_told(changed), at_us=told.at_us
    )
    return changed, True


def _misfits(conn: Connection, there: Order, wanted: Order, announced: Counter[str]) -> list[str]:
    """Why what is wanted does not go with what came and was announced."""
    counts = orders.counts_of(conn, there)
    wrong = []
    if wanted.location != there.location:
        wrong.append(
            f"it is to come to {there.location}, and {wanted.location} would be another order: "
            "cancel this one"
        )
    came = any(count.received for count in counts.values())
    if wanted.supplier != there.supplier and came:
        wrong.append(f"some of it came from {there.supplier} already")
    lines = {one.line: one for one in wanted.lines}
    if len(lines) != len(wanted.lines):
        raise NotValid("each line of an order has a name of its own")
    for before in there.lines:
        least, after = counts[before.line].received, lines.get(before.line)
        said = f"{least} units of line {before.line} came already"
        if announced[before.line] > least:
            least = announced[before.line]
            said = f"{least} units of line {before.line} are announced already"
        if not least:
            continue
        if after is None:
            wrong.append(f"{said}, and it is no longer on it")
        elif (after.sku, after.lot) != (before.sku, before.lot):
            wrong.append(f"{said}, and it is of another item or lot now")
        elif after.quantity < least:
            wrong.append(f"{said}, which is more than {after.quantity}")
    return wrong


def _announced(conn: Connection, order: Order) -> Counter[str]:
    """Units of each line that notices tell of."""
    units: Counter[str] = Counter()
    for asn in order.asns:
        for line in books.get_document(conn, asn).document.lines:
            units[orders.ordered_line(line.line)] += line.quantity
    return units


def _expected(lines: tuple[OrderLine, ...], announced: Counter[str]) -> tuple[Line, ...]:
    """What the order's own document expects, beside its notices."""
    return tuple(
        Line(line=one.line, sku=one.sku, quantity=units, lot=one.lot)
        for one in lines
        if (units := one.quantity - announced[one.line]) > 0
    )
