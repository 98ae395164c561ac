"""What happened and was no movement, as EPCIS events: packing, unpacking, reserving. Pure.

A carton that was packed is an AggregationEvent that adds its contents to its number, one whose
contents were taken in deletes them. What is set aside for an order is a TransactionEvent that ties
the goods to it, and what is free again one that unties them. The event's id is its hash, with the
number of ours in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from central.database.moments import from_us
from central.epcis.from_ledger import CONTEXT_OF_OURS, moment
from central.epcis.hashing import event_hash
from central.epcis.names import Names, epc_uri
from central.events.log import Event

__all__ = ["KINDS", "event_of_log"]

Gtins = Callable[[str], str | None]
"""The GTIN of one unit of an item, if it has one."""
_ADDING = {"StockReserved", "OrderCreated", "BackorderAllocated"}
_PACKING = {"CartonPacked": ("ADD", "packing"), "UnitUnpacked": ("DELETE", "unpacking")}
_FREEING = ("StockShort", "ReservationReduced", "ReservationReleased", "ReservationExpired")
KINDS = (*_PACKING, *sorted(_ADDING), *_FREEING)
"""What of the log is told; what of a reservation was shipped is told as that."""


def event_of_log(one: Event, names: Names, gtins: Gtins) -> dict[str, Any] | None:
    """The event; ``None`` where nothing was tied to anything."""
    said = _packed(one, names, gtins) if one.kind in _PACKING else _reserved(one, names, gtins)
    if said is None:
        return None
    event = {
        "type": said.pop("type"),
        "eventTime": moment(from_us(one.at_us)),
        "eventTimeZoneOffset": "+00:00",
        **said,
        "tallyport:event": f"event-{one.seq}",
    }
    told = {"eventID": event_hash(event, CONTEXT_OF_OURS), **event}
    return told | {"recordTime": moment(from_us(one.at_us))}


def _packed(one: Event, names: Names, gtins: Gtins) -> dict[str, Any]:
    action, step = _PACKING[one.kind]
    body = one.body
    children: dict[str, Any] = {}
    if epcs := body.get("epcs"):
        children["childEPCs"] = [epc_uri(epc) for epc in epcs]
    if contents := body.get("contents"):
        goods = ((part["sku"], part["lot"], part["quantity"]) for part in contents)
        children["childQuantityList"] = _classes(goods, names, gtins)
    return {
        "type": "AggregationEvent",
        "action": action,
        "parentID": epc_uri(body["unit"]),
        **children,
        "bizStep": step,
        "disposition": "in_progress",
        **_there([body["location"]], names),
        **_papers(names, body["order"], body["reference"]),
    }


def _reserved(one: Event, names: Names, gtins: Gtins) -> dict[str, Any] | None:
    body = one.body
    if one.kind == "OrderCreated":
        lines = body["lines"]
        goods = [(line["sku"], line["lot"], line.get("reserved", 0)) for line in lines]
        paper = names.paper(body["id"])
    else:
        parts = body.get("parts") or [{"lot": "", "units": body["quantity"]}]
        goods = [(body["sku"], part["lot"], part["units"]) for part in parts]
        order = body.get("order") or body.get("reference")
        paper = names.paper(order) if order else names.reservation(body["reservation"])
    classes = _classes((one for one in goods if one[2]), names, gtins)
    if not classes:
        return None
    adds = one.kind in _ADDING
    places = [part["location"] for part in body.get("parts", ())] or [body.get("location", "")]
    return {
        "type": "TransactionEvent",
        "action": "ADD" if adds else "DELETE",
        "bizTransactionList": [{"type": "po", "bizTransaction": paper}],
        "quantityList": classes,
        "bizStep": "reserving",
        **({"disposition": "reserved"} if adds else {}),
        **_there(places, names),
    }


def _classes(
    goods: Iterable[tuple[str, str, int]], names: Names, gtins: Gtins
) -> list[dict[str, object]]:
    """By item and lot, together."""
    total: dict[tuple[str, str], int] = {}
    for sku, lot, units in goods:
        total[sku, lot] = total.get((sku, lot), 0) + units
    return [
        {"epcClass": names.item(sku, lot, gtins(sku)), "quantity": units}
        for (sku, lot), units in total.items()
    ]


def _there(places: Iterable[str], names: Names) -> dict[str, Any]:
    """Where it was, if it was at one place."""
    found = set(places)
    place = found.pop() if len(found) == 1 else ""
    return {"bizLocation": {"id": names.place(place)}} if place else {}


def _papers(names: Names, order: str, reference: str) -> dict[str, Any]:
    papers = [names.paper(one) for one in dict.fromkeys((order, reference)) if one]
    return {"bizTransactionList": [{"type": "po", "bizTransaction": one} for one in papers]}
