"""What the books' items and places are called in EPCIS, and back. Pure.

An item with a GTIN of one unit is that trade item, a lot of it its LGTIN; any other has a name of
this central's own. A location is what the settings say, else a name of our own as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

from central.epcis.identifiers import canonical, class_link
from gateway.gs1.forms import parse
from gateway.gs1.keys import Gs1Error

__all__ = ["Names", "Unit", "epc_uri"]

_ITEM, _PLACE, _PAPER, _RESERVATION = (
    f"urn:tallyport:{kind}:" for kind in ("item", "location", "reference", "reservation")
)


class Unit(NamedTuple):
    """What an identifier stands for: so many units of an item."""

    sku: str
    quantity: int


class Names:
    """``places`` are the settings': URIs of locations by their codes."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self._codes = {canonical(uri): code for code, uri in places.items()}

    def place(self, code: str) -> str:
        """A location's URI."""
        return self._places.get(code) or _PLACE + quote(code, safe="")

    def code(self, uri: str) -> str | None:
        """The location that a URI names; ``None`` for one that is not ours."""
        known = self._codes.get(canonical(uri))
        if known is None and uri.startswith(_PLACE):
            return unquote(uri.removeprefix(_PLACE))
        return known

    @staticmethod
    def item(sku: str, lot: str, gtin: str | None) -> str:
        """An item's class, or that of a lot of it."""
        if gtin is not None:
            return class_link(gtin, lot)
        return _ITEM + quote(sku, safe="") + (f":{quote(lot, safe='')}" if lot else "")

    @staticmethod
    def own_item(uri: str) -> tuple[str, str] | None:
        """SKU and lot of a name of our own."""
        if not uri.startswith(_ITEM):
            return None
        sku, _, lot = uri.removeprefix(_ITEM).partition(":")
        return unquote(sku), unquote(lot)

    @staticmethod
    def paper(reference: str) -> str:
        """An order or paper."""
        return _PAPER + quote(reference, safe="")

    @staticmethod
    def reference(uri: str) -> str:
        """What a paper is called in the books, of whoever named it."""
        if uri.startswith(_PAPER):
            return unquote(uri.removeprefix(_PAPER))
        return uri.rpartition("/" if "://" in uri else ":")[2]

    @staticmethod
    def reservation(name: str) -> str:
        """A reservation that is for no order."""
        return _RESERVATION + quote(name, safe="")


def epc_uri(hexadecimal: str) -> str:
    """A tag's EPC as a URI: its identity where it has one of GS1's, else its bits."""
    try:
        known = parse(hexadecimal)
    except Gs1Error:
        known = None
    if known is not None and known.digital_link is not None:
        return known.digital_link
    return f"urn:epc:raw:{len(hexadecimal) * 4}.x{hexadecimal}"
