"""An order that comes, or a return: how each line stands, and what happened so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.receiving import closing, orders, sessions
from central.receiving.model import Count, Order, discrepancies, state
from central.returns import store as returns
from central.returns.model import Return
from central.web.views.order_out import Happened, moved
from central.web.views.stock import item_names, location_names

__all__ = ["Line", "facts", "return_facts"]

MOST_TOLD = 60
_note, _receipt, _pass = schema.document_note.c, schema.receipt.c, schema.portal_pass.c


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it stands; ``open`` units are still to come, ``over`` came beyond it."""

    line: str
    sku: str
    name: str
    lot: str
    quantity: int
    count: Count
    inspected: int = 0
    reason: str = ""

    @property
    def open(self) -> int:
        """Units that did not come."""
        return max(0, self.quantity - self.count.received)

    @property
    def over(self) -> int:
        """Units that came beyond what was ordered."""
        return max(0, self.count.received - self.quantity)


def facts(conn: Connection, name: str, *, now_us: int) -> dict[str, Any]:
    """Raises ``NotFound``, ``OutOfReach``."""
    order = orders.get_purchase(conn, name)
    counts = orders.counts_of(conn, order)
    aside = orders.aside_of(conn, name)
    stands = state(order, counts, sessions=orders.sessions_of(conn, name))
    lines = _lines(conn, order, counts)
    late = order.status == "open" and order.expected_us is not None and order.expected_us <= now_us
    return {
        "order": order,
        "stands": stands,
        "lines": lines,
        "aside": aside,
        "sessions": sessions.list_sessions(conn, name),
        "differs": discrepancies(order, counts, aside) if order.status == "open" else [],
        "ended": closing.discrepancies_of(conn, name),
        "places_of": location_names(conn, [order.location]),
        "late": late,
        "came": any(one.count.received for one in lines),
        "holds": _holds(order, stands, lines, late),
        "history": _history(conn, order),
    }


def return_facts(conn: Connection, one: Return) -> dict[str, Any]:
    """A return as it stands; its goods are taken in as an inbound order's are."""
    expected = orders.find_order(conn, one.id)
    counts = orders.counts_of(conn, expected) if expected is not None else {}
    inspected = returns.inspected_of(conn, one.id)
    names = item_names(conn, {line.sku for line in one.lines})
    lines = [
        Line(
            line=line.line, sku=line.sku, name=names.get(line.sku, line.sku), lot=line.lot,
            quantity=line.quantity, count=counts.get(line.line, Count()),
            inspected=inspected.get(line.line, 0), reason=line.reason,
        )
        for line in one.lines
    ]  # fmt: skip
    found = returns.inspections_of(conn, one.id)
    return {
        "order": one,
        "stands": returns.stands_as(conn, one),
        "lines": lines,
        "waits": [line for line in lines if line.count.received > line.inspected],
        "inspections": found,
        "places_of": location_names(conn, [one.location]),
        "history": _history(conn, expected) if expected is not None else [],
        "came": any(line.count.received for line in lines),
    }


def _lines(conn: Connection, order: Order, counts: dict[str, Count]) -> list[Line]:
    names = item_names(conn, {one.sku for one in order.lines})
    return [
        Line(
            line=one.line, sku=one.sku, name=names.get(one.sku, one.sku), lot=one.lot,
            quantity=one.quantity, count=counts[one.line],
        )
        for one in order.lines
    ]  # fmt: skip


def _holds(order: Order, stands: str, lines: Sequence[Line], late: bool) -> str:
    """How an order stands, in one sentence."""
    left = sum(one.open for one in lines)
    if stands == "cancelled":
        return "It was cancelled: nothing of it is expected."
    if stands == "closed":
        return "It is closed: nothing more of it is expected."
    if stands == "expected":
        return "Nothing of it came yet" + (", and it is late." if late else ".")
    over = sum(one.over for one in lines)
    if left:
        return f"{left} units are still to come" + (", and it is late." if late else ".")
    if over:
        return f"{over} units came beyond what was ordered. Close it with a reason."
    return "All of it came. Close it, so that nothing more is expected."


def _history(conn: Connection, order: Order) -> list[Happened]:
    found = [
        Happened(order.created_us, "plus", "Made", f"by {order.created_by}" if order.created_by
                 else "")
    ]  # fmt: skip
    found += _sensed(conn, (order.id, *order.asns))
    query = select(_receipt.at_us, _receipt.by, _receipt.session, _receipt.answer).where(
        _receipt.order_id == order.id
    )
    for row in conn.execute(query.order_by(_receipt.at_us.desc()).limit(MOST_TOLD)):
        said = msgspec.json.decode(row.answer)
        found.append(Happened(
            row.at_us, "scan", str(said.get("says") or said.get("verdict") or "Taken in"),
            f"by {row.by}, session {row.session}",
        ))  # fmt: skip
    found += moved(conn, order.id, {one.sku for one in order.lines}, order.created_us)
    if order.closed_us is not None:
        found.append(Happened(order.closed_us, "check", order.status.capitalize()))
    return sorted(found, key=lambda one: -one.at_us)


def _sensed(conn: Connection, documents: Sequence[str]) -> list[Happened]:
    """What portals and scanners told of it, with the passes."""
    query = (
        select(_note.event_id, _note.event_us, _note.read_point, _pass.id)
        .outerjoin(schema.portal_pass, _pass.id == _note.event_id)
        .where(_note.document.in_(documents))
        .order_by(_note.event_us.desc())
        .limit(MOST_TOLD)
    )
    return [
        Happened(
            row.event_us, "portal", f"Seen at {row.read_point}", "its lines were ticked off",
            f"/screen/passes/{row.id}" if row.id else "",
        )
        for row in conn.execute(query)
    ]  # fmt: skip
