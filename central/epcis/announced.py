"""What others packed: a unit and its contents, expected with the order that the event names.

An AggregationEvent that adds contents to a unit (a pallet by its SSCC, or by its own tag) and names
a purchase order of ours in ``bizTransactionList`` is a shipping notice of that order. From then on
the unit's number stands for its contents, for portals and at receiving.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from central.catalogue.changes import Told
from central.catalogue.errors import CatalogueError
from central.documents import announcing
from central.epcis.identifiers import canonical
from central.epcis.into_ledger import NotBookable, goods_of
from central.epcis.names import Names, Unit
from central.receiving import orders
from central.receiving.model import Order
from central.reconcile.expected import Content, Line
from central.reconcile.expected import Unit as Announced
from central.reconcile.serials import of_unit, serial_of
from central.stock.model import StockError
from gateway.gs1 import Gs1Error, parse

__all__ = ["announce", "announces"]

_SSCC = "https://id.gs1.org/00/"


def announces(event: Mapping[str, Any]) -> bool:
    """Whether an event says what was put into a unit."""
    return (event["type"], event.get("action")) == ("AggregationEvent", "ADD")


def announce(  # noqa: PLR0917 (an event and how it is taken)
    conn: Connection,
    event: Mapping[str, Any],
    event_id: str,
    names: Names,
    units: Mapping[str, Unit],
    told: Told,
) -> str:
    """Expect the contents with their order; a sentence that says so. Raises ``NotBookable``."""
    order = _order(conn, event, names)
    goods = goods_of(event, names, units)
    tags = dict(event) | {"childQuantityList": []}
    tagged = Counter[tuple[str, str]]()
    if event.get("childEPCs"):
        tagged.update({(one.sku, one.lot): one.quantity for one in goods_of(tags, names, units)})
    contents = tuple(
        Content(sku=one.sku, lot=one.lot, quantity=rest)
        for one in goods
        if (rest := one.quantity - tagged[one.sku, one.lot])
    )
    total = Counter[str]()
    for one in goods:
        total[one.sku] += one.quantity
    inner = conn.begin_nested()
    try:
        pieces = announcing.named(event.get("childEPCs", ()))
        unit = Announced(name=_unit(event["parentID"]), epcs=pieces, contents=contents)
        asn = orders.Asn(
            id=f"epcis-{hashlib.sha256(event_id.encode()).hexdigest()[:40]}",
            lines=tuple(Line(line="", sku=sku, quantity=n) for sku, n in total.items()),
            units=(unit,),
        )
        orders.add_asn(conn, order.id, asn, told)
    except (CatalogueError, StockError) as refused:
        inner.rollback()
        raise NotBookable(str(refused)) from refused
    inner.commit()
    return f"its contents are expected with inbound order {order.id}, as notice {asn.id}"


def _order(conn: Connection, event: Mapping[str, Any], names: Names) -> Order:
    """The open order that the event names; the only one of that name."""
    for paper in event.get("bizTransactionList", ()):
        said = names.reference(paper["bizTransaction"])
        known = orders.find_order(conn, said)
        found = [known] if known is not None else orders.list_orders(conn, reference=said, limit=2)
        still_open = [one for one in found if one.status == "open" and not one.is_return]
        if len(still_open) == 1:
            return still_open[0]
    raise NotBookable(
        "its bizTransactionList names no open purchase order of ours: what is in the unit is kept "
        "and expected nowhere"
    )


def _unit(uri: str) -> str:
    """The name of the unit, as judging knows it."""
    link = canonical(uri)
    try:
        if link.startswith(_SSCC):
            return of_unit(link.removeprefix(_SSCC))
        return serial_of(parse(uri).hex or "")
    except Gs1Error as error:
        raise NotBookable(f"{uri} names no unit: {error}") from error
