"""What labels are of, and the fields that their templates may name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import msgspec

__all__ = [
    "DPI", "FIELDS", "KINDS", "MEDIA_TYPES", "Dpi", "Fields", "Form", "Kind", "Label", "LabelClash",
    "LabelRefused", "NoSuchLabel", "Printed", "Subject", "default_dpi",
]  # fmt: skip

Kind = Literal["item", "lot", "serial", "place", "logistic", "shipping", "asset"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Dpi = Literal[203, 300, 600]
DPI: tuple[Dpi, ...] = get_args(Dpi)
"""Dots of an inch that label printers have."""


def default_dpi(*, sheet: bool) -> Dpi:
    """What is drawn for where nobody says it: label printers have 203, an office's 600 or more."""
    return 600 if sheet else 203


Form = Literal["pdf", "zpl"]
MEDIA_TYPES: dict[Form, str] = {"pdf": "application/pdf", "zpl": "application/zpl"}
Fields = Mapping[str, str]
"""What is known of a thing, by name, as it is printed; a name that is not there is empty."""

_ITEM = {
    "sku": "the item's SKU",
    "name": "its name",
    "gtin": "its GTIN, 14 digits: the one that stands for `quantity` units, empty if there is none",
    "quantity": "units that it stands for",
    "unit": "what is counted, as the catalogue has it",
    "category": "the item's category",
}
_TAG = {
    "epc": "what is written into the tag, hexadecimal; empty without a tag",
    "epc_uri": "the same as a tag URI",
}
_LOT = {
    "lot": "the lot",
    "supplier_lot": "what its maker calls it",
    "expires": "its last day, YYYY-MM-DD",
    "expires_yymmdd": "the same as (17) has it",
    "made": "the day it was made, YYYY-MM-DD",
    "made_yymmdd": "the same as (11) has it",
}
_SSCC = {"sscc": "the number of the logistic unit, 18 digits"}
_CONTENT = {
    "content_gtin": "the GTIN of what is in it, if that is one trade item",
    "content_count": "how many of these",
    "content_lot": "their lot, if it is one",
    "content_expires": "its last day, YYYY-MM-DD",
    "content_expires_yymmdd": "the same as (17) has it",
    "content_name": "the item's name",
    "contents": "all that is in it, a line for each",
}
_JOURNEY = {
    "order": "the order's id",
    "reference": "the customer's own word for it",
    "from": "who sends it, several lines",
    "to": "whom it goes to, several lines",
    "postcode": "where it goes to, without blanks",
    "country": "where it goes to, as the order has it",
    "carrier": "who brings it",
    "service": "how",
    "tracking": "the carrier's number for the shipment",
    "shipment": "our own",
    "carton": "which carton of the shipment this is",
    "cartons": "how many there are",
}

FIELDS: dict[Kind, dict[str, str]] = {
    "item": {**_ITEM, **_TAG},
    "lot": {**_ITEM, **_LOT, **_TAG},
    "serial": {**_ITEM, **_LOT, "serial": "the piece's serial number", **_TAG},
    "place": {
        "code": "the location's code",
        "name": "its name",
        "type": "warehouse, zone, aisle, rack, shelf, bin, dock or area",
        "parent": "the code of what encloses it",
        "path": "the codes from the warehouse down to it",
        "floor_code": "what Tallyport's own scanning reads as this place; empty if its code has "
        "characters that this cannot carry",
        "gln": "its GLN, if [epcis.locations] names one",
        "gln_extension": "the extension of that, if there is one",
        **_TAG,
    },
    "logistic": {**_SSCC, **_CONTENT, **_JOURNEY, **_TAG},
    "shipping": {**_SSCC, **_CONTENT, **_JOURNEY, **_TAG},
    "asset": {
        "grai": "the GRAI without serial, 14 digits",
        "serial": "its serial",
        "name": "what it is called",
        **_TAG,
    },
}
"""By kind of label: what its templates may name, and what that means."""


class LabelRefused(Exception):
    """A label cannot be made or printed; the text is a sentence for people, ``status`` fits
    HTTP.
    """

    status = 422


class NoSuchLabel(LabelRefused):
    """No template, printer, job or carton has this name."""

    status = 404


class LabelClash(LabelRefused):
    """It would contradict what is there."""

    status = 409


class Subject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one label is of; which of these are told depends on the kind. ``gtin`` chooses among an
    item's, ``quantity`` is what a logistic unit holds.
    """

    sku: str = ""
    gtin: str = ""
    lot: str = ""
    serial: str = ""
    place: str = ""
    sscc: str = ""
    quantity: int = 0
    grai: str = ""
    name: str = ""


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """One label: its fields, and what its tag is to hold (upper-case hexadecimal, padded to 16
    bits), if it has one.
    """

    fields: dict[str, str]
    epc: str = ""


class Printed(NamedTuple):
    """A document for a printer or a person, and how many labels are in it."""

    content: bytes
    form: Form
    labels: int
