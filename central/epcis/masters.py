"""What the catalogue knows of the places and goods that events name: their master data, as queries
ask for it (EPCIS 2.0, 8.2.7.1, ``HASATTR`` and ``EQATTR``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from central.catalogue import items, packs, tree, warehouses
from central.catalogue.errors import CatalogueError
from central.epcis.fields import KNOWN, full
from central.epcis.identifiers import gtin_of
from central.epcis.model import Attribute, Wanted
from central.epcis.names import Names
from central.epcis.values import same
from central.stock.model import OutOfReach

__all__ = ["FIELDS", "PLACE_ATTRIBUTES", "Knows", "knowing"]

Knows = Callable[[Mapping[str, Any]], bool]
PLACE_ATTRIBUTES = (
    "cbvmda:name", "tallyport:type", "tallyport:parent", "tallyport:address", "tallyport:timeZone",
)  # fmt: skip
"""What is known of places, by the short names of the attributes."""
FIELDS = ("bizLocation", "readPoint", "epcClass")
"""Fields of events that name what the catalogue knows."""
_CLASSES = ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList")
_KEPT = 4_096
Known = Mapping[str, str | int | float | bool]


def knowing(conn: Connection, wanted: Wanted, names: Names) -> Knows:
    """Whether what an event names has such attributes."""
    if not wanted.attributes:
        return lambda _: True
    known = _Known(conn, names)
    return lambda event: all(_has(event, one, known) for one in wanted.attributes)


def _has(event: Mapping[str, Any], asked: Attribute, known: _Known) -> bool:
    for uri in _named(event, asked.field):
        there = known.of_class(uri) if asked.field == "epcClass" else known.of_place(uri)
        told = [there[name] for name in asked.names if name in there]
        if told and not asked.values:
            return True
        if any(same(value, one) for value in asked.values for one in told):
            return True
    return False


def _named(event: Mapping[str, Any], field: str) -> Iterator[str]:
    if field == "epcClass":
        for each in _CLASSES:
            yield from (one["epcClass"] for one in event.get(each) or ())
    elif event.get(field):
        yield event[field]["id"]


class _Known:
    """Attributes by their full names; of what nobody knows, or may not be seen, there are none."""

    def __init__(self, conn: Connection, names: Names) -> None:
        self._conn, self._names = conn, names
        self.of_place = lru_cache(_KEPT)(self._of_place)
        self.of_class = lru_cache(_KEPT)(self._of_class)

    def _of_place(self, uri: str) -> Known:
        code = self._names.code(uri)
        return {} if code is None else _full(self._place(code))

    def _of_class(self, uri: str) -> Known:
        sku = self._sku(uri)
        return {} if sku is None else _full(self._item(sku))

    def _place(self, code: str) -> Known:
        try:
            place = tree.get_location(self._conn, code)
        except (CatalogueError, OutOfReach):
            return {}
        told = {"cbvmda:name": place.name, "tallyport:type": place.type}
        if place.parent is not None:
            return told | {"tallyport:parent": self._names.place(place.parent)}
        try:
            house = warehouses.get_warehouse(self._conn, code)
        except CatalogueError:
            return told
        return told | {"tallyport:address": house.address, "tallyport:timeZone": house.time_zone}

    def _item(self, sku: str) -> Known:
        try:
            item = items.get_item(self._conn, sku)
        except CatalogueError:
            return {}
        return {
            **item.attributes,
            "cbvmda:descriptionShort": item.name,
            "cbvmda:additionalTradeItemIdentification": item.sku,
            "tallyport:category": item.category,
            "tallyport:unit": item.unit,
        }

    def _sku(self, uri: str) -> str | None:
        own, named = self._names.own_item(uri), gtin_of(uri)
        if own is not None or named is None:
            return None if own is None else own[0]
        try:
            pack = packs.find_pack(self._conn, named[0])
        except CatalogueError:
            return None
        return None if pack is None else pack.sku


def _full(attributes: Known) -> Known:
    """What is not said is no attribute."""
    return {full(name, KNOWN): value for name, value in attributes.items() if value != ""}
