"""From what a person scans, or says by hand, to units of items: ``Seen``."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from central.catalogue import packs, tags
from central.catalogue.context import PlacedTags
from central.catalogue.errors import NotFound, NotValid
from central.catalogue.items import get_item
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
    whereabouts,
)
from central.reconcile.verdict import Pack
from central.stock.model import LocationKind
from gateway.gs1 import Gs1Error, ScanParse, parse, parse_scan

__all__ = ["Asked", "one_seen", "pack_of_tag", "seen_of"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has in hand: a ``code`` as it was scanned, or a ``sku`` by hand. ``quantity``
    and ``lot`` say otherwise than the code does.
    """

    code: str | None = None
    symbology: str | None = None
    sku: str | None = None
    quantity: int | None = None
    lot: str = ""
    condition: str = "good"


def seen_of(conn: Connection, order: Order, asked: Asked) -> list[Seen]:
    """The units, by item and lot: several of a pallet's label, else one.

    Raises ``NotValid`` for a code that names no goods, ``NotFound`` for goods that nobody knows.
    """
    if asked.sku is None:
        parsed = _read(asked.code or "", asked.symbology)
        if parsed is not None and parsed.sscc and not parsed.gtin:
            return _unit(conn, order, parsed.sscc, asked)
    return [one_seen(conn, asked)]


def one_seen(conn: Connection, asked: Asked) -> Seen:
    """The units of one item, where no order can tell what is in a unit. Raises as ``seen_of``."""
    if asked.sku is not None:
        get_item(conn, asked.sku)
        return Seen(asked.sku, asked.quantity or 1, asked.lot, asked.condition)
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
    if not serial:
        return seen
    name, place = whereabouts(names_of_label(gtin, serial), PlacedTags(conn)) or (
        of_label(gtin, serial), None,
    )  # fmt: skip
    return seen._replace(pieces=(Piece(name, quantity, _is_ours(conn, place)),))


def _tag(conn: Connection, epc: str, asked: Asked) -> Seen:
    pack = pack_of_tag(conn, epc)
    if pack is None:
        raise NotFound(f"tag {epc} stands for nothing: bind it to an item first")
    place = places_of([epc], PlacedTags(conn)).get(epc)
    piece = Piece(epc, pack.quantity, _is_ours(conn, place))
    return Seen(pack.sku, pack.quantity, asked.lot or pack.lot, asked.condition, (piece,))


def _unit(conn: Connection, order: Order, sscc: str, asked: Asked) -> list[Seen]:
    name = of_unit(sscc)
    for document in order.asns:
        for unit in books.get_document(conn, document).document.units:
            if unit.name == name:
                return _contents(conn, unit, asked)
    raise NotFound(
        f"no notice of order {order.id} tells what is in {sscc}: scan what is in it one by one"
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
    places = places_of([name for name, _ in named], PlacedTags(conn))
    pieces = tuple(Piece(name, units, _is_ours(conn, places.get(name))) for name, units in named)
    return Seen(sku, sum(one.units for one in pieces), lot, asked.condition, pieces)


def _is_ours(conn: Connection, place: str | None) -> bool:
    """Whether goods that lie there have been received."""
    return place is not None and get_location(conn, place).kind == LocationKind.INTERNAL
