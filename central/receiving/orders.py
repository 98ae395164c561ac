"""Inbound orders in the database, and the documents by which judging knows of them.

An order is a document of the kind ``purchase_order``; an advance shipping notice against it is one
of its own, and the order's expects that much less, so that nothing is expected twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, insert, select, update

from central import schema
from central.access import reach
from central.catalogue.changes import Told
from central.catalogue.errors import AlreadyExists, NotFound, NotValid
from central.database import keyset
from central.documents import books
from central.events import log as events
from central.receiving.model import Arrived, Count, InboundError, Order, OrderLine
from central.reconcile.expected import Document, Line, Note, Unit
from central.stock.model import LocationKind

__all__ = [
    "AGAIN", "Asn", "add_asn", "add_order", "as_kept", "as_told", "aside_of", "cancel",
    "check_cancel", "content", "counts_of", "end", "find_order", "get_order", "get_purchase",
    "keep", "list_orders", "of_body", "ordered_line", "sessions_of",
]  # fmt: skip

AGAIN = "#"
"""Between the name of an order's line and the number of a notice's, which no name contains."""
_MOST_NOTES = 100_000
_MOST_ASNS = 100
_encode = msgspec.json.Encoder().encode
of_body = msgspec.json.Decoder(Order).decode
"""An order as its row holds it."""
_order = schema.inbound_order.c
_take = schema.receipt_take.c


class Asn(msgspec.Struct, frozen=True, kw_only=True):
    """What a supplier announced of an order. Lines are named as the order's are."""

    id: str
    lines: tuple[Line, ...]
    units: tuple[Unit, ...] = ()
    read_point: str | None = None


def add_order(conn: Connection, order: Order, told: Told) -> tuple[Order, bool]:
    """Expect an order's goods from now on; the order, and whether it was known before. Of what
    comes back ``central.returns`` tells.

    Raises ``AlreadyExists`` for another one of the same id, ``NotFound`` and ``NotValid``.
    """
    reach.check(conn, [order.location])
    there = find_order(conn, order.id)
    if there is not None:
        if content(there) != content(order):
            raise AlreadyExists(
                f"order {order.id} was made before with other content: use another id"
            )
        return there, True
    made = msgspec.structs.replace(order, created_us=told.at_us, created_by=told.by)
    books.add_document(conn, _document(made, made.lines), at_us=told.at_us)
    conn.execute(insert(schema.inbound_order).values(_row(made)))
    if not made.is_return:
        events.record(conn, "InboundOrderCreated", made.id, as_told(made), at_us=told.at_us)
    return made, False


def as_told(order: Order) -> dict[str, Any]:
    """What subscribers are told of an order that is new or was changed."""
    return {
        "id": order.id,
        "reference": order.reference,
        "supplier": order.supplier,
        "location": order.location,
        "lines": [{"line": i.line, "sku": i.sku, "quantity": i.quantity} for i in order.lines],
    }


def as_kept(order: Order) -> dict[str, Any]:
    """What was ordered, as the audit keeps it."""
    asked = {name: getattr(order, name) for name in (
        "reference", "supplier", "location", "currency", "expected_us", "over_percent",
    )}  # fmt: skip
    return asked | {"lines": [msgspec.to_builtins(one) for one in order.lines]}


def get_order(conn: Connection, name: str) -> Order:
    """The order of this id; raises ``NotFound``, ``OutOfReach``."""
    found = find_order(conn, name)
    if found is None:
        raise NotFound(f"there is no inbound order {name}")
    reach.check(conn, [found.location])
    return found


def get_purchase(conn: Connection, name: str) -> Order:
    """The same, of goods from a supplier; raises ``NotFound`` for a return."""
    found = get_order(conn, name)
    if found.is_return:
        raise NotFound(f"{name} is a return, and no order from a supplier: see /api/returns/{name}")
    return found


def list_orders(
    conn: Connection,
    *,
    status: str | None = None,
    supplier: str | None = None,
    reference: str | None = None,
    source: str = LocationKind.SUPPLIER.value,
    after: str = "",
    limit: int = 100,
) -> list[Order]:
    """Orders by id, those behind ``after``; only those to places within reach, and of goods from
    suppliers unless another ``source`` is told.
    """
    query: Select[Any] = select(_order.body).where(_order.source == source)
    for column, value in (
        (_order.status, status), (_order.supplier, supplier), (_order.reference, reference),
    ):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    if (granted := reach.within(_order.location)) is not None:
        query = query.where(granted)
    page: Select[Any] = keyset.ascending(query, (_order.id,), (after,), limit)
    return [of_body(body) for body in conn.execute(page).scalars()]


def keep(conn: Connection, order: Order) -> None:
    """Let an order be this from now on."""
    values = _row(order)
    conn.execute(update(schema.inbound_order).where(_order.id == order.id).values(values))


def cancel(conn: Connection, name: str, told: Told) -> Order:
    """Expect nothing of an order any more; cancelling again changes nothing.

    Raises ``InboundError`` once something of it came, ``NotFound``.
    """
    order = get_purchase(conn, name)
    check_cancel(conn, order)
    return order if order.status == "cancelled" else end(conn, order, "cancelled", told)


def check_cancel(conn: Connection, order: Order) -> None:
    """Raises ``InboundError`` where an order cannot be cancelled (any more)."""
    if order.status == "cancelled":
        return
    if order.status != "open":
        raise InboundError(f"order {order.id} is {order.status}: it cannot be cancelled any more")
    came = sum(count.received for count in counts_of(conn, order).values())
    if came or aside_of(conn, order.id):
        raise InboundError(f"{came} units of order {order.id} came already: close it instead")


def end(conn: Connection, order: Order, status: str, told: Told) -> Order:
    """Nothing more is expected of an order, nor of its notices."""
    for document in (order.id, *order.asns):
        books.close_document(conn, document, at_us=told.at_us)
    ended = msgspec.structs.replace(order, status=status, closed_us=told.at_us)
    keep(conn, ended)
    sessions = schema.receiving_session
    conn.execute(
        update(sessions)
        .where(sessions.c.order_id == order.id, sessions.c.status == "open")
        .values(status="closed", closed_us=told.at_us)
    )
    if status == "cancelled" and not order.is_return:
        body = {"id": order.id, "reference": order.reference, "location": order.location}
        events.record(conn, "InboundOrderCancelled", order.id, body, at_us=told.at_us)
    return ended


# ---- notices -----------------------------------------------------------------------------
def add_asn(conn: Connection, name: str, asn: Asn, told: Told) -> tuple[Document, bool]:
    """Take an advance shipping notice for an order; the document, and whether it was known.

    Raises ``NotValid`` for a line that the order has not, and what announcing raises.
    """
    order = get_purchase(conn, name)
    lines = _matched(order, asn.lines)
    document = Document(
        id=asn.id,
        kind="asn",
        source=LocationKind.SUPPLIER,
        destination=order.location,
        read_point=asn.read_point,
        lines=lines,
        units=asn.units,
    )
    if asn.id in order.asns:
        return books.add_document(conn, document, at_us=told.at_us)[0].document, True
    if order.status != "open":
        raise InboundError(f"order {name} is {order.status}: nothing more is announced for it")
    if len(order.asns) >= _MOST_ASNS:
        raise NotValid(f"an order has at most {_MOST_ASNS} notices")
    listed, known = books.add_document(conn, document, at_us=told.at_us)
    if known:
        raise AlreadyExists(f"document {asn.id} stands for itself already: use another id")
    keep(conn, msgspec.structs.replace(order, asns=(*order.asns, asn.id)))
    rest = _unannounced(conn, order, lines)
    books.change_lines(conn, order.id, rest, at_us=told.at_us)
    return listed.document, False


def _matched(order: Order, lines: Iterable[Line]) -> tuple[Line, ...]:
    """A notice's lines, named as the order's that they are of: ``1``, and ``1#2`` for the second
    that is of line 1.
    """
    times: Counter[str] = Counter()
    matched = []
    for line in lines:
        same = [one for one in order.lines if one.sku == line.sku]
        if line.line:
            same = [one for one in same if one.line == line.line]
        fitting = [one for one in same if not (one.lot and line.lot and one.lot != line.lot)]
        if not fitting:
            lot = f", lot {line.lot}" if line.lot else ""
            raise NotValid(
                f"order {order.id} has no line for {line.line or line.sku} ({line.sku}{lot}): a "
                "notice tells of what was ordered"
            )
        name = fitting[0].line
        times[name] += 1
        named = name if times[name] == 1 else f"{name}{AGAIN}{times[name]}"
        matched.append(msgspec.structs.replace(line, line=named))
    return tuple(matched)


def ordered_line(line: str) -> str:
    """The order's line that a notice's is of."""
    return line.partition(AGAIN)[0]


def _unannounced(conn: Connection, order: Order, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """What the order's own document still expects, beside its notices."""
    announced: dict[str, int] = {}
    for one in lines:
        name = ordered_line(one.line)
        announced[name] = announced.get(name, 0) + one.quantity
    left = []
    for expected in books.get_document(conn, order.id).document.lines:
        units = expected.quantity - announced.get(expected.line, 0)
        if units > 0:
            left.append(msgspec.structs.replace(expected, quantity=units))
    return tuple(left)


# ---- what came ---------------------------------------------------------------------------
def counts_of(conn: Connection, order: Order) -> dict[str, Count]:
    """What came of each line: sensed, as the notes of its documents tell, and by hand."""
    by_hand = _by_hand(conn, order.id)
    notes: list[Note] = []
    for document in (order.id, *order.asns):
        found = books.notes_of(conn, document, limit=_MOST_NOTES, standing=True)
        notes += [_of_order(note) for note in found]
    counts = {}
    for told in books.progress(_document(order, order.lines), notes):
        line = str(told["line"])
        confirmed, posted, damaged = by_hand.get(line, (0, 0, 0))
        sensed = int(str(told["read_qty"])) + int(str(told["inferred_qty"]))
        counts[line] = Count(sensed, confirmed, posted, damaged)
    return counts


def _of_order(note: Note) -> Note:
    """A note whose lines are named as the order's."""
    lines = tuple(msgspec.structs.replace(one, line=ordered_line(one.line)) for one in note.lines)
    return msgspec.structs.replace(note, lines=lines)


def aside_of(conn: Connection, name: str) -> list[Arrived]:
    """Units of an order that were set aside, by item and why."""
    query = (
        select(_take.sku, _take.kind, func.sum(_take.aside))
        .where(_take.order_id == name, _take.aside > 0)
        .group_by(_take.sku, _take.kind)
        .order_by(_take.sku, _take.kind)
    )
    return [Arrived(row[0], row[1], int(row[2])) for row in conn.execute(query)]


def sessions_of(conn: Connection, name: str) -> list[str]:
    """The statuses of an order's receiving sessions."""
    session = schema.receiving_session.c
    query = select(session.status).where(session.order_id == name)
    return list(conn.execute(query).scalars())


def _by_hand(conn: Connection, name: str) -> Mapping[str, tuple[int, int, int]]:
    units = _take.confirmed + _take.posted
    query = (
        select(
            _take.line,
            func.sum(_take.confirmed),
            func.sum(_take.posted),
            func.sum(units).filter(_take.kind == "damaged"),
        )
        .where(_take.order_id == name, _take.line != "")
        .group_by(_take.line)
    )
    rows = conn.execute(query)
    return {row[0]: (int(row[1]), int(row[2]), int(row[3] or 0)) for row in rows}


def _document(order: Order, lines: tuple[OrderLine, ...]) -> Document:
    return Document(
        id=order.id,
        kind="return" if order.is_return else "purchase_order",
        source=order.source,
        destination=order.location,
        lines=tuple(
            Line(line=one.line, sku=one.sku, quantity=one.quantity, lot=one.lot) for one in lines
        ),
    )


def content(order: Order) -> tuple[object, ...]:
    """What makes two orders the same: all that was ordered."""
    return (
        order.reference, order.supplier, order.location, order.lines, order.currency,
        order.expected_us, order.over_percent,
    )  # fmt: skip


def _row(order: Order) -> dict[str, object]:
    return {
        "id": order.id,
        "reference": order.reference,
        "supplier": order.supplier,
        "location": order.location,
        "source": order.source,
        "status": order.status,
        "expected_us": order.expected_us,
        "body": _encode(order).decode(),
    }


def find_order(conn: Connection, name: str) -> Order | None:
    """The order of this id, wherever it is; ``None`` where there is none."""
    body = conn.execute(select(_order.body).where(_order.id == name)).scalar_one_or_none()
    return None if body is None else of_body(body)
