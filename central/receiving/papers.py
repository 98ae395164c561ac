"""What announced documents are called outside: an order's reference, a shipping notice's number."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection, or_, select

from central import schema
from central.catalogue.errors import NotFound
from central.documents import books
from central.receiving import orders
from central.receiving.model import Order
from central.reconcile.expected import Document
from central.stock.model import LocationKind

__all__ = ["Paper", "documents_called", "papers_of"]

_order = schema.inbound_order.c
_encode = msgspec.json.Encoder().encode
Kind = Literal["po", "desadv", "rma"]
_KINDS: dict[str, Kind] = {
    "asn": "desadv", "purchase_order": "po", "sales_order": "po", "return": "rma",
}  # fmt: skip


class Paper(NamedTuple):
    """A business transaction, by its type in CBV 2.0, 7.3, and its number."""

    kind: Kind
    reference: str


def papers_of(conn: Connection, document: str) -> tuple[Paper, ...]:
    """The papers that a document stands for: of a notice also the order that it is against. None
    for a transfer between places of ours, and for what is not known.
    """
    order = orders.find_order(conn, document)
    if order is not None:
        return (_of_order(order),)
    try:
        found = books.get_document(conn, document).document
    except NotFound:
        return ()
    kind = _KINDS.get(found.kind)
    if kind is None:
        return ()
    announced = () if kind != "desadv" else tuple(map(_of_order, _orders_with(conn, found)))
    return (Paper(kind, found.id), *announced)


def documents_called(conn: Connection, references: Collection[str]) -> set[str]:
    """The documents that such papers may stand for: of an order its notices, too."""
    named = or_(_order.reference.in_(references), _order.id.in_(references))
    found = {*references}
    for body in conn.execute(select(_order.body).where(named)).scalars():
        order = orders.of_body(body)
        found |= {order.id, *order.asns}
    return found


def _of_order(order: Order) -> Paper:
    return Paper("rma" if order.is_return else "po", order.reference or order.id)


def _orders_with(conn: Connection, notice: Document) -> list[Order]:
    """The order that a notice was announced for, if it was for one."""
    named = _order.body.contains(_encode(notice.id).decode(), autoescape=True)
    query = select(_order.body).where(
        _order.location == notice.destination, _order.source == LocationKind.SUPPLIER.value, named
    )
    found = map(orders.of_body, conn.execute(query).scalars())
    return [one for one in found if notice.id in one.asns]
