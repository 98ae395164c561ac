"""From what a person scans, or says by hand, to units of items: ``Seen``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection

from central.catalogue import packs, tags
from central.catalogue.context import PlacedTags
from central.catalogue.errors import NotFound, NotValid
from central.catalogue.items import Item, get_item
from central.catalogue.tree import get_location
from central.documents import books
from central.receiving.model import Order, Piece, Seen
from central.reconcile.expected import Unit
from central.reconcile.scan import MOST_UNITS, units_told
from central.reconcile.serials import (
    gtin_of,
    names_of_label,
    of_contents,
    of_label,
    of_unit,
    places_of,
    serial_in,
    whereabouts,
)
from central.reconcile.verdict import Pack
from central.stock import serials
from central.stock.model import LocationKind
from gateway.gs1 import Gs1Error, ScanParse, parse, parse_scan

__all__ = ["Asked", "one_seen", "pack_of_tag", "seen_of", "unit_of"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has in hand: a ``code`` as it was scanned, or a ``sku`` by hand, with its
    ``serials`` where it is tracked by them. ``quantity`` and ``lot`` say otherwise than the code
    does. ``expiry`` says which day holds where the label tells another one than is ``known`` of its
    lot: that one, or the one that was ``scanned``. ``event_us`` is when, where it is told later.
    """

    code: str | None = None
    symbology: str | None = None
    sku: str | None = None
    quantity: int | None = None
    lot: str = ""
    condition: str = "good"
    serials: tuple[str, ...] = ()
    expiry: Literal["", "known", "scanned"] = ""
    event_us: int | None = None


def seen_of(conn: Connection, order: Order, asked: Asked) -> list[Seen]:
    """The units, by item and lot: several of a pallet's label, else one.

    Raises ``NotValid`` for a code that names no goods, ``NotFound`` for goods that nobody knows.
    """
    unit = unit_of(asked)
    return [one_seen(conn, asked)] if unit is None else _unit(conn, order, unit, asked)


def unit_of(asked: Asked) -> str | None:
    """The unit whose number a person scanned; ``None`` for anything else."""
    if asked.sku is not None:
        return None
    parsed = _read(asked.code or "", asked.symbology)
    return of_unit(parsed.sscc) if parsed is not None and parsed.sscc and not parsed.gtin else None


def one_seen(conn: Connection, asked: Asked) -> Seen:
    """The units of one item, where no order can tell what is in a unit. Raises as ``seen_of``."""
    if asked.sku is not None:
        return _by_hand(conn, get_item(conn, asked.sku), asked)
    code = asked.code or ""
    parsed = _read(code, asked.symbology)
    if parsed is None:
        return _tag(conn, parse(code).hex or "", asked)
    if parsed.gtin is None:
        raise NotValid(f"{code!r} names a unit and no item: scan what is in it one by one")
    return _label(conn, parsed, asked)


def pack_of_tag(conn: Connection, epc: str) -> Pack | None:
    """What a tag, or the label of a piece, stands for; ``None`` when nobody knows."""
    try:
        bound = tags.binding_of(conn, epc)
    except NotFound:
        gtin = gtin_of(epc)
        return packs.find_pack(conn, gtin) if gtin else None
    return Pack(sku=bound.sku, quantity=bound.quantity, lot=bound.lot)


def _read(code: str, symbology: str | None) -> ScanParse | None:
    """A bar code's content; ``None`` for the EPC of a tag. Raises ``NotValid``."""
    parsed = parse_scan(code, symbology)
    if parsed.gtin or parsed.sscc:
        return parsed
    try:
        told = parse(code)
    except Gs1Error as error:
        raise NotValid(f"{code!r} names no goods: {parsed.error or error}") from error
    if told.hex is not None:
        return None
    if told.gtin is None and told.sscc is None:
        raise NotValid(f"{code!r} names no goods: it has neither a GTIN nor an SSCC")
    return ScanParse(
        gtin=told.gtin, sscc=told.sscc, serial=told.serial, lot=told.lot, expiry=told.expiry
    )


def _label(conn: Connection, parsed: ScanParse, asked: Asked) -> Seen:
    gtin, serial = parsed.gtin or "", parsed.serial
    pack = packs.known_pack(conn, gtin)
    quantity = asked.quantity or units_told(parsed, pack)
    if not 1 <= quantity <= MOST_UNITS:
        raise NotValid(f"the label counts {quantity} units")
    lot = asked.lot or parsed.lot or ""
    seen = Seen(pack.sku, quantity, lot, asked.condition, expiry=parsed.expiry)
    tracked = _is_tracked(conn, pack.sku)
    if not serial:
        if tracked:
            raise NotValid(_unnamed(pack.sku))
        return seen
    if tracked and quantity != 1:
        raise NotValid(
            f"the serial {serial} is of {quantity} units of {pack.sku}, which is tracked by serial "
            "numbers: scan its pieces one by one"
        )
    name, place = whereabouts(names_of_label(gtin, serial), PlacedTags(conn)) or (
        of_label(gtin, serial), None,
    )  # fmt: skip
    if tracked:
        return seen._replace(pieces=(_piece(conn, pack.sku, serial, name),))
    return seen._replace(pieces=(Piece(name, quantity, _is_ours(conn, place)),))


def _by_hand(conn: Connection, item: Item, asked: Asked) -> Seen:
    seen = Seen(item.sku, asked.quantity or 1, asked.lot, asked.condition)
    if item.tracking != "serial":
        if asked.serials:
            raise NotValid(f"item {item.sku} is not tracked by serial numbers: leave them out")
        return seen
    named = asked.serials
    if not named or len(set(named)) != len(named) or asked.quantity not in {None, len(named)}:
        raise NotValid(_unnamed(item.sku))
    units = [pack.gtin for pack in packs.list_packs(conn, item.sku) if pack.quantity == 1]
    pieces = []
    for serial in named:
        tags_of_it = names_of_label(units[0], serial) if units else ()
        found = whereabouts(tags_of_it, PlacedTags(conn))
        name = found[0] if found else of_label(units[0], serial) if units else ""
        pieces.append(_piece(conn, item.sku, serial, name))
    return seen._replace(quantity=len(pieces), pieces=tuple(pieces))


def _unnamed(sku: str) -> str:
    return (
        f"item {sku} is tracked by serial numbers: scan the label or the tag of each piece, or "
        "name each once in `serials`"
    )


def _is_tracked(conn: Connection, sku: str) -> bool:
    return get_item(conn, sku).tracking == "serial"


def _piece(conn: Connection, sku: str, serial: str, name: str) -> Piece:
    """One piece of an item that is tracked by serial numbers."""
    known = serials.piece(conn, sku, serial)
    key = f"{quote(sku, safe='')}/serial/{quote(serial, safe='')}"
    if known is None:
        return Piece(name, 1, here=False, serial=serial, key=key)
    here = _is_ours(conn, known.location)
    return Piece(name, 1, here, serial, lies=known.location, lot=known.lot, key=key)


def _of_tag(conn: Connection, sku: str, epc: str) -> Piece:
    """The same, by its tag: what people said of it goes before what is written in it."""
    bound = tags.serials_of(conn, [epc]).get(epc)
    serial = bound[1] if bound is not None else serial_in(epc)
    if not serial:
        raise NotValid(
            f"tag {epc} stands for a {sku}, which is tracked by serial numbers, and tells none: "
            "scan the label, or bind the tag to the piece"
        )
    return _piece(conn, sku, serial, epc)


def _tag(conn: Connection, epc: str, asked: Asked) -> Seen:
    pack = pack_of_tag(conn, epc)
    if pack is None:
        raise NotFound(f"tag {epc} stands for nothing: bind it to an item first")
    if pack.quantity == 1 and _is_tracked(conn, pack.sku):
        piece = _of_tag(conn, pack.sku, epc)
    else:
        place = places_of([epc], PlacedTags(conn)).get(epc)
        piece = Piece(epc, pack.quantity, _is_ours(conn, place))
    return Seen(pack.sku, pack.quantity, asked.lot or pack.lot, asked.condition, (piece,))


def _unit(conn: Connection, order: Order, name: str, asked: Asked) -> list[Seen]:
    for document in order.asns:
        for unit in books.get_document(conn, document).document.units:
            if unit.name == name:
                return _contents(conn, unit, asked)
    number = name.rpartition("/")[2]
    raise NotFound(
        f"no notice of order {order.id} tells what is in {number}: scan what is in it one by one"
    )


def _contents(conn: Connection, unit: Unit, asked: Asked) -> list[Seen]:
    named: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for one in unit.contents:
        piece = of_contents(unit.name, one.sku, one.lot)
        named.setdefault((one.sku, one.lot), []).append((piece, one.quantity))
    for epc in unit.epcs:
        pack = pack_of_tag(conn, epc)
        if pack is None:
            raise NotFound(f"tag {epc} in {unit.name} stands for nothing: bind it to an item")
        named.setdefault((pack.sku, pack.lot), []).append((epc, pack.quantity))
    return [
        _of_pieces(conn, sku, lot, pieces, asked) for (sku, lot), pieces in sorted(named.items())
    ]


def _of_pieces(
    conn: Connection, sku: str, lot: str, named: Sequence[tuple[str, int]], asked: Asked
) -> Seen:
    if _is_tracked(conn, sku):
        pieces = tuple(_of_tag(conn, sku, name) for name, _ in named)
    else:
        places = places_of([name for name, _ in named], PlacedTags(conn))
        pieces = tuple(Piece(name, n, _is_ours(conn, places.get(name))) for name, n in named)
    return Seen(sku, sum(one.units for one in pieces), lot, asked.condition, pieces)


def _is_ours(conn: Connection, place: str | None) -> bool:
    """Whether goods that lie there have been received."""
    return place is not None and get_location(conn, place).kind == LocationKind.INTERNAL
