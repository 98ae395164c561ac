"""Returns in the database: announced, authorised, refused, cancelled, closed.

What is expected of one that is authorised is an inbound order of its id whose goods come from
customers: sessions, sensors and discrepancies are those of receiving.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from central import audit, schema
from central.access import reach
from central.catalogue.changes import Told
from central.database import keyset
from central.events import log as events
from central.receiving import closing, orders
from central.receiving.model import Discrepancy, state
from central.receiving.model import Order as Inbound
from central.receiving.model import OrderLine as InboundLine
from central.returns.model import (
    Came,
    Inspection,
    Line,
    NoSuchReturn,
    Return,
    ReturnError,
    after,
    stands,
)
from central.stock.model import ConflictingRepeat, LocationKind

__all__ = [
    "add", "authorise", "cancel", "check_repeat", "close", "find", "get", "inspected_of",
    "inspections_of", "line_of", "of_order", "page", "received_of", "refuse", "stands_as",
    "told_of",
]  # fmt: skip

_return = schema.customer_return.c
_inspection = schema.return_inspection.c
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Return).decode
_decode_inspection = msgspec.json.Decoder(Inspection).decode


def find(conn: Connection, name: str) -> Return | None:
    """The return of this id, if there is one."""
    body = conn.execute(select(_return.body).where(_return.id == name)).scalar_one_or_none()
    return None if body is None else _decode(body)


def get(conn: Connection, name: str) -> Return:
    """The return of this id. Raises ``NoSuchReturn``, ``OutOfReach``."""
    found = find(conn, name)
    if found is None:
        raise NoSuchReturn(f"there is no return {name}")
    reach.check(conn, [found.location])
    return found


def page(
    conn: Connection,
    *,
    status: str | None = None,
    order: str | None = None,
    customer: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[Return]:
    """Returns by id, those behind ``after``; only those to places within reach."""
    query = keyset.ascending(select(_return.body), (_return.id,), (after,), limit)
    for column, value in (
        (_return.status, status), (_return.order_id, order), (_return.customer, customer),
    ):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    if (granted := reach.within(_return.location)) is not None:
        query = query.where(granted)
    return [_decode(body) for body in conn.execute(query).scalars()]


def of_order(conn: Connection, order: str) -> list[Came]:
    """All returns of an order, with what came of each."""
    query = select(_return.body).where(_return.order_id == order).order_by(_return.id)
    found = [_decode(body) for body in conn.execute(query).scalars()]
    return [Came(one, received_of(conn, one)) for one in found]


def add(conn: Connection, made: Return, told: Told) -> Return:
    """Keep a new one, and tell of it."""
    new = msgspec.structs.replace(
        made, created_us=told.at_us, created_by=told.by, changed_us=told.at_us, changed_by=told.by
    )
    conn.execute(insert(schema.customer_return).values(_row(new)))
    _audit(conn, None, new, "announce return", told)
    events.record(conn, "ReturnAnnounced", new.id, told_of(new), at_us=told.at_us)
    return new


def authorise(conn: Connection, name: str, told: Told) -> Return:
    """Let its goods come: from the next observation on they are expected. Again changes nothing.

    Raises ``NoSuchReturn``, ``WrongState``, and what receiving raises.
    """
    before = get(conn, name)
    if before.status == "authorised":
        return before
    now = _changed(before, after(before.status, "authorise"), told)
    orders.add_order(conn, _inbound(now), told)
    return _keep(conn, before, now, "ReturnAuthorised", told)


def refuse(conn: Connection, name: str, why: str, told: Told) -> Return:
    """Take nothing of it. Raises as ``cancel``."""
    before = get(conn, name)
    if (before.status, before.why) == ("refused", why):
        return before
    now = _changed(before, after(before.status, "refuse"), told)
    _expect_nothing(conn, before, told)
    now = msgspec.structs.replace(now, why=why)
    return _keep(conn, before, now, "ReturnRefused", told)


def cancel(conn: Connection, name: str, told: Told) -> Return:
    """Its goods do not come. Again changes nothing. Raises ``NoSuchReturn``, ``WrongState``,
    ``ReturnError`` once something of it came.
    """
    before = get(conn, name)
    if before.status == "cancelled":
        return before
    now = _changed(before, after(before.status, "cancel"), told)
    _expect_nothing(conn, before, told)
    return _keep(conn, before, now, "ReturnCancelled", told)


def close(
    conn: Connection, name: str, reasons: Mapping[str, str], told: Told
) -> tuple[Return, list[Discrepancy]]:
    """Nothing more comes of it; how it and what came differ. Again changes nothing.

    ``reasons`` are as ``receiving.closing.close`` takes them. Raises ``ReturnError`` while units
    wait for their inspection, ``WrongState``, ``NotValid``.
    """
    before = get(conn, name)
    if before.status == "closed":
        return before, closing.discrepancies_of(conn, name)
    now = _changed(before, after(before.status, "close"), told)
    received, inspected = received_of(conn, before), inspected_of(conn, name)
    for line, units in received.items():
        if units > inspected.get(line, 0):
            raise ReturnError(
                f"{units - inspected.get(line, 0)} units of line {line} wait for their "
                "inspection: say what is to become of them first"
            )
    _, found = closing.settle(conn, orders.get_order(conn, name), reasons, told)
    more = {"differences": [msgspec.structs.asdict(one) for one in found]}
    return _keep(conn, before, now, "ReturnClosed", told, **more), found


# ---- what came, and what was found -----------------------------------------------------------
def received_of(conn: Connection, one: Return) -> dict[str, int]:
    """Units that came, by line; none of a return that was never authorised."""
    if one.status not in {"authorised", "closed"}:
        return {}
    order = orders.get_order(conn, one.id)
    return {line: count.received for line, count in orders.counts_of(conn, order).items()}


def line_of(conn: Connection, one: Return, name: str) -> Line | None:
    """The line of this name: one that was announced, or one more that goods were taken for."""
    known = one.line(name)
    if known is not None:
        return known
    order = orders.get_order(conn, one.id)
    more = [line for line in order.lines if line.line == name]
    return next(
        (Line(line=name, sku=i.sku, quantity=i.quantity, lot=i.lot, reason="other") for i in more),
        None,
    )


def inspected_of(conn: Connection, name: str) -> dict[str, int]:
    """Units that were inspected, by line."""
    query = (
        select(_inspection.line, func.sum(_inspection.quantity))
        .where(_inspection.return_id == name)
        .group_by(_inspection.line)
    )
    return {row[0]: int(row[1]) for row in conn.execute(query)}


def inspections_of(conn: Connection, name: str) -> list[tuple[Inspection, str]]:
    """What was found, oldest first, each with its movement."""
    query = select(_inspection.body, _inspection.movement).where(_inspection.return_id == name)
    rows = conn.execute(query.order_by(_inspection.at_us, _inspection.id))
    return [(_decode_inspection(row.body), row.movement) for row in rows]


def stands_as(conn: Connection, one: Return) -> str:
    """How a return stands."""
    if one.status != "authorised":
        return one.status
    order = orders.get_order(conn, one.id)
    counts = orders.counts_of(conn, order)
    inbound = state(order, counts, sessions=orders.sessions_of(conn, one.id))
    received = sum(count.received for count in counts.values())
    return stands(one.status, inbound, received, sum(inspected_of(conn, one.id).values()))


def told_of(one: Return) -> dict[str, Any]:
    """A return as events tell of it."""
    return {
        "id": one.id,
        "customer": one.customer,
        "order": one.order_id,
        "reference": one.reference,
        "location": one.location,
        "status": one.status,
        "reason": one.why or one.reason,
        "lines": [
            {
                "line": line.line, "sku": line.sku, "lot": line.lot, "quantity": line.quantity,
                "order_line": line.order_line, "reason": line.reason,
            }
            for line in one.lines
        ],
    }  # fmt: skip


def check_repeat(before: Return, wanted: Return) -> Return:
    """The return that was announced under this id. Raises ``ConflictingRepeat`` for another one."""
    if _asked(before) != _asked(wanted):
        raise ConflictingRepeat(
            f"return {before.id} was announced before with other content: use another id"
        )
    return before


def _asked(one: Return) -> tuple[object, ...]:
    lines = tuple((i.line, i.sku, i.quantity, i.reason, i.lot) for i in one.lines)
    return one.customer, one.location, one.order_id, one.reference, one.reason, lines


def _expect_nothing(conn: Connection, before: Return, told: Told) -> None:
    if before.status != "authorised":
        return
    order = orders.get_order(conn, before.id)
    if any(received_of(conn, before).values()) or orders.aside_of(conn, before.id):
        raise ReturnError(f"something of return {before.id} came already: close it instead")
    orders.end(conn, order, "cancelled", told)


def _inbound(one: Return) -> Inbound:
    """What is expected of it."""
    lines = tuple(
        InboundLine(
            line=line.line, sku=line.sku, quantity=line.quantity, lot=line.lot, serials=line.serials
        )
        for line in one.lines
    )
    return Inbound(
        id=one.id,
        reference=one.reference or one.id,
        supplier=one.customer,
        location=one.location,
        lines=lines,
        source=LocationKind.CUSTOMER.value,
    )


def _changed(before: Return, status: str, told: Told) -> Return:
    return msgspec.structs.replace(before, status=status, changed_us=told.at_us, changed_by=told.by)


def _keep(
    conn: Connection, before: Return, now: Return, kind: str, told: Told, **more: object
) -> Return:
    conn.execute(update(schema.customer_return).where(_return.id == now.id).values(_row(now)))
    _audit(conn, before, now, f"{kind.removeprefix('Return').lower()} return", told)
    events.record(conn, kind, now.id, told_of(now) | more, at_us=told.at_us)
    return now


def _audit(conn: Connection, before: Return | None, now: Return, action: str, told: Told) -> None:
    was = None if before is None else msgspec.to_builtins(before)
    change = audit.Change(f"return {now.id}", was, msgspec.to_builtins(now))
    audit.record(conn, [change], actor=told.by, action=action, at_us=told.at_us)


def _row(one: Return) -> dict[str, object]:
    return {
        "id": one.id,
        "order_id": one.order_id,
        "customer": one.customer,
        "location": one.location,
        "status": one.status,
        "body": _encode(one).decode(),
    }
