"""Movements that follow from an event of somebody else, where it says enough. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from central.epcis.from_ledger import ORIGIN
from central.epcis.hashing import word
from central.epcis.identifiers import gtin_of
from central.epcis.names import Names, Unit
from central.stock.model import LocationKind, Movement

__all__ = ["Goods", "NotBookable", "expiry_said", "goods_of", "gtins_of", "movements_of"]

_IN = {"receiving", "arriving"}
_OUT = {"shipping", "departing", "retail_selling"}
_EACH = {None, "EA", "H87", "C62"}
"""Units of measure that are pieces."""
_MOST = 2**31
_LONGEST_LOT = 20
"""By the GS1 General Specifications, AI (10)."""
_STEP = "https://ref.gs1.org/cbv/BizStep-"


class NotBookable(Exception):
    """The ledger cannot take it; the message says why. It is kept all the same."""


class Goods(NamedTuple):
    """Units of an item and lot."""

    sku: str
    lot: str
    quantity: int


def gtins_of(event: Mapping[str, Any]) -> set[str]:
    """The GTINs that an event names."""
    epcs, classes = _named(event)
    said = [*epcs, *(one["epcClass"] for one in classes)]
    return {found[0] for uri in said if (found := gtin_of(uri)) is not None}


def _named(event: Mapping[str, Any]) -> tuple[list[str], list[Mapping[str, Any]]]:
    """Its objects, or what is in the unit that it is about."""
    epcs, classes = (
        ("childEPCs", "childQuantityList")
        if event["type"] == "AggregationEvent"
        else ("epcList", "quantityList")
    )
    return list(event.get(epcs, ())), list(event.get(classes, ()))


def movements_of(
    event: Mapping[str, Any], at: datetime, event_id: str, names: Names, units: Mapping[str, Unit]
) -> list[Movement]:
    """What moved; ``units`` says what the GTINs of the event stand for. Raises ``NotBookable``."""
    seen = event["type"] == "AggregationEvent" and event["action"] == "OBSERVE"
    if event["type"] != "ObjectEvent" and not seen:
        kind = " ".join(str(event[name]) for name in ("type", "action") if name in event)
        raise NotBookable(f"{kind}: it moves nothing of ours")
    step = word("bizStep", event.get("bizStep", "")).removeprefix(_STEP)
    source, destination = _ends(event, step, names)
    digest = hashlib.sha256(event_id.encode()).hexdigest()[:40]
    papers = event.get("bizTransactionList", ())
    return [
        Movement(
            id=f"epcis-{digest}-{number}",
            sku=goods.sku,
            lot=goods.lot,
            quantity=goods.quantity,
            source=source,
            destination=destination,
            biz_step=step,
            event_time=at,
            origin=ORIGIN,
            evidence={"epcis_event": event_id},
            reference=names.reference(papers[0]["bizTransaction"])[:100] if papers else "",
        )
        for number, goods in enumerate(goods_of(event, names, units), 1)
    ]


def _ends(event: Mapping[str, Any], step: str, names: Names) -> tuple[str, str]:
    here = _code(event.get("bizLocation") or event.get("readPoint"), names)
    source = _listed(event, "sourceList", "source", names)
    destination = _listed(event, "destinationList", "destination", names)
    ends: tuple[str | None, str | None] = (source, destination)
    if step in _IN:
        ends = (source or str(LocationKind.SUPPLIER), destination or here)
    elif step in _OUT:
        ends = (source or here, destination or str(LocationKind.CUSTOMER))
    elif step == "destroying":
        ends = (source or here, str(LocationKind.SCRAP))
    if not ends[0] or not ends[1]:
        raise NotBookable(
            f"it does not say from which to which of our locations the goods went (step {step!r})"
        )
    return ends[0], ends[1]


def _listed(event: Mapping[str, Any], field: str, name: str, names: Names) -> str | None:
    for one in event.get(field, ()):
        code = names.code(one[name])
        if code is not None:
            return code
    return None


def _code(place: Mapping[str, Any] | None, names: Names) -> str | None:
    return names.code(place["id"]) if place else None


def goods_of(event: Mapping[str, Any], names: Names, units: Mapping[str, Unit]) -> list[Goods]:
    """By item and lot, together. Raises ``NotBookable`` for what no item of ours is."""
    total: dict[tuple[str, str], int] = {}
    epcs, classes = _named(event)
    of_lot = _lot_said(event)
    for epc in epcs:
        named = gtin_of(epc)
        unit = units.get(named[0]) if named else None
        if named is None or unit is None:
            raise NotBookable(f"no item of ours is known by {epc}")
        key = (unit.sku, named[1] or of_lot)
        total[key] = total.get(key, 0) + unit.quantity
    for one in classes:
        goods = _class(one, names, units)
        key = (goods.sku, goods.lot or of_lot)
        total[key] = total.get(key, 0) + goods.quantity
    if not total:
        raise NotBookable("it names no goods")
    return [Goods(sku, lot, quantity) for (sku, lot), quantity in total.items()]


def expiry_said(event: Mapping[str, Any]) -> date | None:
    """The last day of an event's goods by its master data of the lot (CBV 2.0, 9.2:
    ``itemExpirationDate``); ``None`` where it tells none. Raises ``NotBookable``.
    """
    said = _master_data(event, "itemExpirationDate")
    if said is None:
        return None
    try:
        return date.fromisoformat(str(said)[:10])
    except ValueError:
        raise NotBookable(f"{said!r} is no day: itemExpirationDate is as 2030-01-31") from None


def _lot_said(event: Mapping[str, Any]) -> str:
    """The lot of goods whose identifiers tell none (CBV 2.0, 9.2: ``lotNumber``)."""
    said = _master_data(event, "lotNumber")
    if said is None:
        return ""
    if not isinstance(said, str) or not 1 <= len(said) <= _LONGEST_LOT:
        raise NotBookable(f"a lotNumber is of 1 to {_LONGEST_LOT} characters, not {said!r}")
    return said


def _master_data(event: Mapping[str, Any], name: str) -> object:
    ilmd = event.get("ilmd")
    return ilmd.get(f"cbvmda:{name}") if isinstance(ilmd, Mapping) else None


def _class(one: Mapping[str, Any], names: Names, units: Mapping[str, Unit]) -> Goods:
    uri, quantity = one["epcClass"], one.get("quantity", 0)
    pieces = 1 <= quantity <= _MOST and quantity == int(quantity)
    if one.get("uom") not in _EACH or not pieces:
        raise NotBookable(f"{quantity} {one.get('uom', '')} of {uri} are no whole pieces".strip())
    own, named = names.own_item(uri), gtin_of(uri)
    if own is not None:
        return Goods(own[0], own[1], int(quantity))
    unit = units.get(named[0]) if named else None
    if named is None or unit is None:
        raise NotBookable(f"no item of ours is known by {uri}")
    return Goods(unit.sku, named[1], int(quantity) * unit.quantity)
