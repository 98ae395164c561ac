"""A movement as an EPCIS event. Pure.

Every movement is an ObjectEvent: the tags that moved, or so many units of a class. ``bizLocation``
is where the goods are afterwards, ``readPoint`` where that was seen; both ends stand in the lists
of sources and destinations. The event's id is its hash; ``tallyport:movement`` in it keeps two
equal movements apart.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from central.epcis.hashing import event_hash
from central.epcis.names import Names, epc_uri
from central.stock.model import VIRTUAL_LOCATIONS, LocationKind, Movement, Posted

__all__ = ["CONTEXT_OF_OURS", "event_of", "moment"]

CONTEXT_OF_OURS = {"tallyport": "urn:tallyport:epcis:"}
_VIRTUAL = frozenset(str(kind) for kind in VIRTUAL_LOCATIONS)
_STATUSES = {"damaged": "damaged", "expired": "expired", "quarantined": "non_sellable_other"}


def event_of(posted: Posted, names: Names, gtin: str | None) -> dict[str, Any]:
    """The event of a movement; ``gtin`` stands for one unit of its item."""
    movement = posted.movement
    scrapped = movement.destination == LocationKind.SCRAP
    event: dict[str, Any] = {
        "type": "ObjectEvent",
        "eventTime": moment(movement.event_time),
        "eventTimeZoneOffset": "+00:00",
        "action": "DELETE" if scrapped else "OBSERVE",
        **_what(movement, names, gtin),
        "bizStep": _step(movement),
        "disposition": _disposition(movement),
        **_where(movement, names),
        "tallyport:movement": movement.id,
    }
    if movement.reference:
        paper = {"bizTransaction": names.paper(movement.reference)}
        event["bizTransactionList"] = [_kind_of_paper(movement, event["bizStep"]) | paper]
    if movement.corrects:
        event["tallyport:corrects"] = movement.corrects
    told = {"eventID": event_hash(event, CONTEXT_OF_OURS), **event}
    return told | {"recordTime": moment(posted.record_time)}


def _kind_of_paper(movement: Movement, step: str) -> dict[str, str]:
    """The type of a business transaction (CBV 2.0, 7.3): a return's authorisation, an order."""
    if movement.disposition == "returned" and movement.source == LocationKind.CUSTOMER:
        return {"type": "rma"}
    return {"type": "po"} if step == "receiving" else {}


def moment(at: datetime) -> str:
    """A time as events have it, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _what(movement: Movement, names: Names, gtin: str | None) -> dict[str, Any]:
    if movement.epcs:
        return {"epcList": [epc_uri(epc) for epc in movement.epcs]}
    kind = names.item(movement.sku, movement.lot, gtin)
    return {"quantityList": [{"epcClass": kind, "quantity": movement.quantity}]}


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
