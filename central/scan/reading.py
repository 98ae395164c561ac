"""What a scanned code means here: goods, a unit, a place, a command, or nothing that is known."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from central import schema
from central.access import reach
from central.catalogue.errors import CatalogueError
from central.catalogue.items import get_item
from central.receiving.scanning import Asked, one_seen
from central.stock.model import LocationKind, StockError
from gateway.command_codes import CodeError, CommandCode, PlaceCode, parse_code
from gateway.gs1 import parse_scan

__all__ = ["read"]

_place = schema.location.c
_GLN = "414"


def read(
    conn: Connection, code: str, symbology: str | None, glns: dict[str, str]
) -> dict[str, Any]:
    """``kind`` is ``goods``, ``unit``, ``place``, ``command`` or ``unknown``; ``says`` why nothing
    could be told, ``gs1`` what stands in it. ``glns`` are the GLNs of places, by code.
    """
    try:
        ours = parse_code(code)
    except CodeError as error:
        return {"kind": "unknown", "says": str(error)}
    if isinstance(ours, CommandCode):
        return {"kind": "command", "command": ours.verb.value}
    if isinstance(ours, PlaceCode):
        return _named(conn, ours.place) or _unknown("no place that you may use has this label")
    return _goods_or_place(conn, code, symbology, glns)


def _goods_or_place(
    conn: Connection, code: str, symbology: str | None, glns: dict[str, str]
) -> dict[str, Any]:
    parsed = parse_scan(code, symbology)
    gs1 = {name: getattr(parsed, name) for name in parsed.__struct_fields__}
    if parsed.sscc and not parsed.gtin:
        return {"kind": "unit", "sscc": parsed.sscc, "gs1": gs1}
    gln = parsed.elements.get(_GLN)
    if gln is not None:
        named = next((place for place, known in glns.items() if gln in known), None)
        found = None if named is None else _named(conn, named)
        return found or _unknown("no place that you may use has this GLN")
    if not parsed.gtin:
        named_so = _named(conn, code.strip()) or _item(conn, code.strip())
        if named_so is not None:
            return named_so
    try:
        seen = one_seen(conn, Asked(code=code, symbology=symbology))
    except (CatalogueError, StockError) as error:
        return _unknown(str(error)) | {"gs1": gs1}
    return {
        "kind": "goods",
        "sku": seen.sku,
        "name": get_item(conn, seen.sku).name,
        "quantity": seen.quantity,
        "lot": seen.lot,
        "expiry": seen.expiry,
        "serials": [one.serial for one in seen.pieces if one.serial],
        "gs1": gs1,
    }


def _named(conn: Connection, name: str) -> dict[str, Any] | None:
    """The place of this code, however its case was turned on the way."""
    same = (_place.code == name) | (func.lower(_place.code) == name.lower())
    query = select(_place.code, _place.name).where(
        same, _place.kind == LocationKind.INTERNAL.value, _place.status == "active"
    )
    if (granted := reach.within(_place.code)) is not None:
        query = query.where(granted)
    rows = conn.execute(query.limit(10)).all()
    exact = [row for row in rows if row.code == name]
    if exact or len(rows) == 1:
        row = (exact or rows)[0]
        return {"kind": "place", "place": row.code, "name": row.name}
    return None


def _item(conn: Connection, name: str) -> dict[str, Any] | None:
    try:
        item = get_item(conn, name)
    except CatalogueError:
        return None
    return {"kind": "goods", "sku": item.sku, "name": item.name, "quantity": 1, "lot": "",
            "expiry": None, "serials": []}  # fmt: skip


def _unknown(says: str) -> dict[str, Any]:
    return {"kind": "unknown", "says": says}
