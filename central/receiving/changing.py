"""Another version of an inbound order: what is still open of it may change, what came may not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection

from central import audit
from central.catalogue.changes import Told
from central.catalogue.errors import NotValid
from central.documents import books
from central.events import log as events
from central.receiving import orders
from central.receiving.model import InboundError, Order, OrderLine
from central.reconcile.expected import Line

__all__ = ["change_order", "misfits"]


def change_order(conn: Connection, wanted: Order, told: Told) -> tuple[Order, bool]:
    """Let an order be ``wanted`` from the next observation on, by its id; the order, and whether
    that changed something.

    A line keeps what came of it: it may not become less than that, or than what was announced, nor
    another item's or lot's. Raises ``InboundError`` with all that does not fit, ``NotFound``,
    ``NotValid``.
    """
    there = orders.get_purchase(conn, wanted.id)
    if orders.content(there) == orders.content(wanted):
        return there, False
    wrong = misfits(conn, there, wanted)
    if wrong:
        raise InboundError(f"order {there.id} cannot be changed so: {'; '.join(wrong)}")
    changed = msgspec.structs.replace(
        wanted, created_us=there.created_us, created_by=there.created_by, asns=there.asns
    )
    expected = _expected(changed.lines, _announced(conn, there))
    books.change_lines(conn, there.id, expected, at_us=told.at_us)
    orders.keep(conn, changed)
    change = audit.Change(
        f"inbound order {changed.id}", orders.as_kept(there), orders.as_kept(changed)
    )
    audit.record(conn, [change], actor=told.by, action="change inbound order", at_us=told.at_us)
    events.record(
        conn, "InboundOrderChanged", changed.id, orders.as_told(changed), at_us=told.at_us
    )
    return changed, True


def misfits(conn: Connection, there: Order, wanted: Order) -> list[str]:
    """Why an order cannot become what is wanted: what came and was announced. Raises ``NotValid``
    for what no order can be.
    """
    if there.status != "open":
        return [f"it is {there.status}"]
    announced = _announced(conn, there)
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
        came_of_it = counts[before.line].received
        wrong += _misfit(before, lines.get(before.line), came_of_it, announced[before.line])
    return wrong


def _misfit(before: OrderLine, after: OrderLine | None, came: int, announced: int) -> Iterator[str]:
    """The same of a line."""
    least = max(came, announced)
    if not least:
        return
    how = "came" if came == least else "are announced"
    said = f"{least} units of line {before.line} {how} already"
    if after is None:
        yield f"{said}, and it is no longer on it"
    elif (after.sku, after.lot) != (before.sku, before.lot):
        yield f"{said}, and it is of another item or lot now"
    elif after.quantity < least:
        yield f"{said}, which is more than {after.quantity}"


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
