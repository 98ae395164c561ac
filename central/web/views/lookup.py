"""What somebody scanned or typed anywhere: whose page it is.

First what names exactly one thing (an item, a barcode, a tag, a place, an order, a lot, a serial
number, a shelf, a device), then what looks like it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.access import reach
from central.catalogue import packs, tags
from central.catalogue.errors import CatalogueError
from central.web.views import stock_list
from gateway.gs1 import Gs1Error, parse, parse_scan

__all__ = ["Found", "exact", "like"]

_LONGEST = 200
_item, _place, _lot = schema.item.c, schema.location.c, schema.lot.c
_at, _serial, _device = schema.tag_place.c, schema.serial_place.c, schema.device.c


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A page: what it is about (``kind`` is a word for people), and its address."""

    kind: str
    name: str
    detail: str
    address: str


def exact(connection: Connection, said: str) -> Found | None:
    """What is called so, or stands for it; only what lies within reach."""
    said = said.strip()[:_LONGEST]
    if not said or "\x00" in said:
        return None
    finders: tuple[Callable[[Connection, str], Iterator[Found]], ...] = (
        _an_item, _a_place, _an_order, _a_shelf, _a_code, _a_lot, _a_serial, _a_device,
    )  # fmt: skip
    for find in finders:
        found = next(iter(find(connection, said)), None)
        if found is not None:
            return found
    return None


def like(connection: Connection, said: str, limit: int = 12) -> list[Found]:
    """Items and places whose names or codes hold these words."""
    said = said.strip()[:_LONGEST]
    if not said or "\x00" in said:
        return []
    rows = stock_list.listed(connection, stock_list.Wanted(search=said), limit=limit)
    found = [_of_item(row.sku, row.name, f"{row.sku}, {row.on_hand:,} on hand") for row in rows]
    query = select(_place.code, _place.name).where(
        _place.kind == "internal",
        _place.code.icontains(said, autoescape=True) | _place.name.icontains(said, autoescape=True),
    )
    granted = reach.within(_place.code)
    if granted is not None:
        query = query.where(granted)
    places = connection.execute(query.order_by(_place.code).limit(limit))
    return [*found, *(_of_place(code, name) for code, name in places)]


def _of_item(sku: str, name: str, detail: str = "") -> Found:
    address = f"/screen/items/{quote(sku, safe='')}"
    return Found(kind="Item", name=name, detail=detail or sku, address=address)


def _of_place(code: str, name: str) -> Found:
    address = f"/screen/places/{quote(code, safe='')}"
    return Found(kind="Place", name=name, detail=code, address=address)


def _an_item(connection: Connection, said: str) -> Iterator[Found]:
    for sku in dict.fromkeys((said, said.upper())):
        name = connection.execute(select(_item.name).where(_item.sku == sku)).scalar()
        if name is not None:
            yield _of_item(sku, name)


def _a_place(connection: Connection, said: str) -> Iterator[Found]:
    codes = {said, said.upper(), said.lower()}
    query = select(_place.code, _place.name).where(
        _place.code.in_(codes), _place.kind == "internal"
    )
    granted = reach.within(_place.code)
    if granted is not None:
        query = query.where(granted)
    for code, name in connection.execute(query):
        yield _of_place(code, name)


def _an_order(connection: Connection, said: str) -> Iterator[Found]:
    out, into = schema.outbound_order.c, schema.inbound_order.c
    for table, where, words in (
        (out, reach.within(out.warehouse), "to a customer"),
        (into, reach.within(into.location), "from a supplier"),
    ):
        query = select(table.id).where((table.id == said) | (table.reference == said))
        if where is not None:
            query = query.where(where)
        for name in connection.execute(query.limit(1)).scalars():
            yield Found(kind="Order", name=name, detail=words,
                        address=f"/screen/orders/{quote(name, safe='')}")  # fmt: skip


def _a_shelf(connection: Connection, said: str) -> Iterator[Found]:
    point = schema.read_point.c
    query = select(point.code, point.kind).where(point.code == said).order_by(point.id.desc())
    granted = reach.at(point.code)
    if granted is not None:
        query = query.where(granted)
    row = connection.execute(query.limit(1)).one_or_none()
    if row is not None and row.kind in {"shelf", "portal"}:
        part = {"shelf": "shelves", "portal": "portals"}[row.kind]
        address = f"/screen/{part}/{quote(row.code, safe='')}"
        yield Found(kind=row.kind.capitalize(), name=row.code, detail="", address=address)


def _a_code(connection: Connection, said: str) -> Iterator[Found]:
    """A barcode, a GS1 element string or link, or the EPC of a tag."""
    gtin, epc, lot = _read(said)
    skus = []
    if epc:
        try:
            skus.append(tags.binding_of(connection, epc).sku)
        except CatalogueError:
            placed = select(_at.sku).where(_at.epc == epc)
            skus += connection.execute(placed).scalars().all()
    if gtin and not skus:
        pack = packs.find_pack(connection, gtin)
        skus += [] if pack is None else [pack.sku]
    for sku in skus:
        name = connection.execute(select(_item.name).where(_item.sku == sku)).scalar()
        if name is not None:
            yield _of_item(sku, name, f"{sku}{', lot ' + lot if lot else ''}")


def _read(said: str) -> tuple[str, str, str]:
    """The GTIN, the EPC and the lot that a scan names; empty where it names none."""
    try:
        scanned = parse_scan(said, None)
        if scanned.gtin:
            return scanned.gtin, "", scanned.lot or ""
        told = parse(said)
    except Gs1Error:
        return "", "", ""
    return told.gtin or "", told.hex or "", told.lot or ""


def _a_lot(connection: Connection, said: str) -> Iterator[Found]:
    lying = schema.balance.c
    here = [_lot.lot == said, lying.sku == _lot.sku, lying.lot == _lot.lot]
    granted = reach.within(lying.location)
    if granted is not None:
        here += [granted, lying.on_hand > 0]
    query = select(_item.sku, _item.name).join(_lot.sku.table, _lot.sku == _item.sku)
    for sku, name in connection.execute(query.where(*here).limit(1)):
        yield _of_item(sku, name, f"{sku}, lot {said}")


def _a_serial(connection: Connection, said: str) -> Iterator[Found]:
    query = select(_item.sku, _item.name).join(_serial.sku.table, _serial.sku == _item.sku)
    query = query.where(_serial.serial == said)
    granted = reach.within(_serial.location)
    if granted is not None:
        query = query.where(granted)
    for sku, name in connection.execute(query.limit(1)):
        yield _of_item(sku, name, f"{sku}, serial {said}")


def _a_device(connection: Connection, said: str) -> Iterator[Found]:
    query = select(_device.edge, _device.device).where(
        (_device.device == said) | (_device.edge == said)
    )
    granted = reach.at(_device.read_point)
    if granted is not None:
        query = query.where(granted)
    for edge, device in connection.execute(query.limit(1)):
        address = f"/devices/{quote(edge, safe='')}/device/{quote(device, safe='')}"
        yield Found(kind="Device", name=device, detail=f"on {edge}", address=address)
