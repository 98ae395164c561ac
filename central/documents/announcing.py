"""From what senders write to what judging knows: places, items, and the names of pieces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from central.catalogue.errors import NotValid
from central.catalogue.packs import known_pack
from central.reconcile.serials import of_label, of_unit, serial_of
from gateway.gs1 import Gs1Error, parse

__all__ = ["Goods", "ends", "goods", "named", "unit_name"]

_OUTSIDE = {
    "asn": ("supplier", None),
    "purchase_order": ("supplier", None),
    "return": ("customer", None),
    "sales_order": (None, "customer"),
}
"""The ends that a kind of document has unless it says otherwise; a transfer has none."""


class Goods(NamedTuple):
    """So many units of an item."""

    sku: str
    units: int


def ends(kind: str, source: str | None, destination: str | None) -> tuple[str, str]:
    """Where the goods come from and go to; raises ``NotValid`` when that is not told."""
    usual = _OUTSIDE.get(kind, (None, None))
    told = (source or usual[0], destination or usual[1])
    if told[0] is None or told[1] is None:
        lacking = "source" if told[0] is None else "destination"
        raise NotValid(f"a document of kind {kind} needs its {lacking}: a location's code")
    return told[0], told[1]


def goods(conn: Connection, sku: str | None, gtin: str | None, quantity: int) -> Goods:
    """Units of an item, or of the item that packs of a GTIN hold. Raises ``NotFound``,
    ``NotValid``.
    """
    if sku is not None:
        return Goods(sku, quantity)
    pack = known_pack(conn, gtin or "")
    return Goods(pack.sku, pack.quantity * quantity)


def named(names: Iterable[str]) -> tuple[str, ...]:
    """The pieces that a sender names, as tags where it names tags; each once, in order.

    Raises ``NotValid`` for a name without a serial.
    """
    return tuple(dict.fromkeys(_named(one) for one in names))


def _named(name: str) -> str:
    try:
        told = parse(name)
    except Gs1Error as error:
        raise NotValid(f"{name!r} names no piece: {error}") from error
    if told.hex is not None:
        return told.hex
    if told.gtin is None or told.serial is None:
        raise NotValid(f"{name!r} names no single piece: it has no GTIN with a serial")
    return of_label(told.gtin, told.serial)


def unit_name(sscc: str | None, epc: str | None) -> str:
    """The name of a logistic unit. Raises ``NotValid``."""
    try:
        return of_unit(sscc) if sscc is not None else serial_of(epc or "")
    except Gs1Error as error:
        raise NotValid(str(error)) from error
