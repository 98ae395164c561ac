"""The end of an inbound order: how it and what came of it differ, written down with reasons."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, insert, select

from central import schema
from central.catalogue.changes import Told
from central.catalogue.errors import NotValid
from central.events import log as events
from central.receiving import orders, receipts
from central.receiving.model import REASONS, Discrepancy, InboundError, Order, discrepancies

__all__ = ["close", "discrepancies_of", "settle"]

_table = schema.inbound_discrepancy.c


def close(
    conn: Connection, name: str, reasons: Mapping[str, str], told: Told
) -> tuple[Order, list[Discrepancy]]:
    """Expect nothing more of an order; how it differs. Closing again changes nothing.

    ``reasons`` are by line, by SKU for goods that were on none, and under the empty name for all
    else. Raises ``NotValid`` where something differs and nobody says why, ``InboundError`` for an
    order that was cancelled.
    """
    order = orders.get_purchase(conn, name)
    if order.status == "closed":
        return order, discrepancies_of(conn, name)
    ended, found = settle(conn, order, reasons, told)
    body = {
        "id": name,
        "reference": order.reference,
        "supplier": order.supplier,
        "location": order.location,
        "lines": [msgspec.structs.asdict(one) for one in found],
    }
    events.record(conn, "InboundOrderClosed", name, body, at_us=told.at_us)
    return ended, found


def settle(
    conn: Connection, order: Order, reasons: Mapping[str, str], told: Told
) -> tuple[Order, list[Discrepancy]]:
    """The same without a word to subscribers. Raises as ``close``."""
    name = order.id
    if order.status != "open":
        raise InboundError(f"order {name} is {order.status}: there is nothing to close")
    found = [
        _reasoned(one, reasons)
        for one in discrepancies(order, orders.counts_of(conn, order), orders.aside_of(conn, name))
    ]
    for no, one in enumerate(found):
        values = msgspec.structs.asdict(one)
        more = {"order_id": name, "no": no, "by": told.by, "at_us": told.at_us}
        conn.execute(insert(schema.inbound_discrepancy).values(values | more))
    receipts.tell(conn, order, at_us=told.at_us)  # all that came, before its end
    return orders.end(conn, order, "closed", told), found


def discrepancies_of(conn: Connection, name: str) -> list[Discrepancy]:
    """How an order differed when it was closed."""
    query = select(schema.inbound_discrepancy).where(_table.order_id == name).order_by(_table.no)
    fields = Discrepancy.__struct_fields__
    return [
        Discrepancy(**{field: row[field] for field in fields})
        for row in conn.execute(query).mappings()
    ]


def _reasoned(one: Discrepancy, reasons: Mapping[str, str]) -> Discrepancy:
    reason = reasons.get(one.line or one.sku) or reasons.get("", "")
    if reason not in REASONS:
        where = f"line {one.line}" if one.line else one.sku
        raise NotValid(
            f"{where} is {one.kind} by {one.quantity}: say why, one of {', '.join(REASONS)}"
        )
    return msgspec.structs.replace(one, reason=reason)
