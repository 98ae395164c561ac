"""A movement as an EPCIS event. Pure.

A movement is an ObjectEvent: the tags that moved, or so many units of a class. What came in a unit
(a pallet by its number, contents as announced) is an AggregationEvent that observes it with them.
``bizLocation`` is where the goods are afterwards, ``readPoint`` where that was seen; both ends are
in the lists of sources and destinations. The event's id is its hash; ``tallyport:movement`` in it
keeps two equal movements apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from central.epcis.hashing import event_hash
from central.epcis.names import Names, epc_uri
from central.reconcile.serials import names_pieces, unit_in
from central.stock.model import VIRTUAL_LOCATIONS, LocationKind, Movement, Posted

__all__ = ["CONTEXT_OF_OURS", "ORIGIN", "declared_wrong", "declares_wrong", "event_of", "moment"]

CONTEXT_OF_OURS = {"tallyport": "urn:tallyport:epcis:"}
_VIRTUAL = frozenset(str(kind) for kind in VIRTUAL_LOCATIONS)
_ORDERED = {"receiving", "shipping"}
"""Steps whose paper is an order: ours to a supplier, a customer's to us."""
ORIGIN = "epcis"
"""Of movements that follow from events of others: these are told as they came."""
_STATUSES = {"damaged": "damaged", "expired": "expired", "quarantined": "non_sellable_other"}


def event_of(
    posted: Posted, names: Names, gtin: str | None, papers: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """The event of a movement; ``gtin`` stands for one unit of its item, ``papers`` are the types
    and numbers of those that it settled.
    """
    movement = posted.movement
    scrapped = movement.destination == LocationKind.SCRAP
    unit = None if scrapped else unit_in(movement.epcs)
    event: dict[str, Any] = {
        "type": "ObjectEvent" if unit is None else "AggregationEvent",
        "eventTime": moment(movement.event_time),
        "eventTimeZoneOffset": "+00:00",
        "action": "DELETE" if scrapped else "OBSERVE",
        **_what(movement, names, gtin, unit),
        "bizStep": _step(movement),
        "disposition": _disposition(movement),
        **_where(movement, names),
        "tallyport:movement": movement.id,
    }
    named = [{"type": kind, "bizTransaction": names.paper(number)} for kind, number in papers]
    if movement.reference:
        paper = {"bizTransaction": names.paper(movement.reference)}
        own = _kind_of_paper(movement, event["bizStep"]) | paper
        named = [own, *(one for one in named if one != own)]
    if named:
        event["bizTransactionList"] = named
    if movement.corrects:
        event["tallyport:corrects"] = movement.corrects
    told = {"eventID": event_hash(event, CONTEXT_OF_OURS), **event}
    return told | {"recordTime": moment(posted.record_time)}


def _kind_of_paper(movement: Movement, step: str) -> dict[str, str]:
    """The type of a business transaction (CBV 2.0, 7.3): a return's authorisation, an order."""
    if movement.disposition == "returned" and movement.source == LocationKind.CUSTOMER:
        return {"type": "rma"}
    return {"type": "po"} if step in _ORDERED else {}


def moment(at: datetime) -> str:
    """A time as events have it, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _what(movement: Movement, names: Names, gtin: str | None, unit: str | None) -> dict[str, Any]:
    pieces = [one for one in movement.epcs if names_pieces([one])]
    if pieces and len(pieces) == len(movement.epcs):
        return {"epcList": [epc_uri(epc) for epc in pieces]}
    kind = names.item(movement.sku, movement.lot, gtin)
    goods = [{"epcClass": kind, "quantity": movement.quantity}]
    if unit is None:
        return {"quantityList": goods}
    return {"parentID": epc_uri(unit), "childQuantityList": goods}


def declares_wrong(by: Movement, first: Movement) -> bool:
    """Whether a movement says of another that it never was: the same the other way round, as of
    the same time. What was brought back later is a movement like any other, and so is what takes a
    part of another back.
    """
    return (
        by.corrects == first.id
        and first.corrects is None
        and first.origin != ORIGIN
        and (by.sku, by.lot, by.quantity, by.event_time)
        == (first.sku, first.lot, first.quantity, first.event_time)
        and (by.source, by.source_status) == (first.destination, first.destination_status)
        and (by.destination, by.destination_status) == (first.source, first.source_status)
    )


def declared_wrong(told: dict[str, Any], by: Posted, right: Sequence[str]) -> dict[str, Any]:
    """The event once more, declared wrong (EPCIS 2.0, 7.4.1.3) by a movement that takes it back;
    ``right`` are the ids of the events that hold instead.
    """
    at = moment(by.record_time)
    declaration: dict[str, Any] = {
        "declarationTime": at,
        "reason": "incorrect_data" if right else "did_not_occur",
        **({"correctiveEventIDs": list(right)} if right else {}),
        "tallyport:movement": by.movement.id,
    }
    return told | {"recordTime": at, "errorDeclaration": declaration}


def _step(movement: Movement) -> str:
    if movement.destination == LocationKind.SCRAP:
        return "destroying"
    if movement.source == movement.destination:
        return "inspecting"
    return movement.biz_step


def _disposition(movement: Movement) -> str:
    if movement.destination == LocationKind.SCRAP:
        return "destroyed"
    return _STATUSES.get(movement.destination_status, movement.disposition)


def _where(movement: Movement, names: Names) -> dict[str, Any]:
    source, destination = movement.source, movement.destination
    seen = source if destination in _VIRTUAL else destination
    where: dict[str, Any] = {}
    if seen not in _VIRTUAL:
        where["readPoint"] = {"id": names.place(seen)}
    if destination not in _VIRTUAL:
        where["bizLocation"] = {"id": names.place(destination)}
    if source not in _VIRTUAL:
        where["sourceList"] = [{"type": "location", "source": names.place(source)}]
    if destination not in _VIRTUAL:
        where["destinationList"] = [{"type": "location", "destination": names.place(destination)}]
    return where
