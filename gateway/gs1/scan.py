"""What a scanner said, as GS1 understands it: never raises, since most codes are not GS1.

The AIM identifier decides where there is one: ``]C1``, ``]d2``, ``]Q3``, ``]e0``, ``]J1`` carry
element strings, ``]E.`` and ``]I1`` a GTIN, any other symbology at most a bare GTIN or a
Digital Link. Without it a GTIN or SSCC with the right check digit wins over a reading as
element string. What else a scan may be is told in ``ambiguity``. biip knows the application
identifiers; it is imported on first use.
"""

from __future__ import annotations

import msgspec

from gateway.gs1.ambiguity import elements_ambiguity, key_ambiguity, upc_e_to_gtin14
from gateway.gs1.elements import (
    GROUP_SEPARATOR,
    Elements,
    parse_digital_link,
    parse_element_string,
    with_separators,
)
from gateway.gs1.keys import Gs1Error, is_digits, is_gtin, is_sscc, refuse_mistyped_key, to_gtin14
from gateway.gs1.symbologies import EAN_ADD_ONS, ELEMENT_SYMBOLOGIES, symbology_name


class ScanParse(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What could be read out of one scan; ``error`` says why when nothing (or not all) could.

    ``gtin`` (14 digits) is of AI 01, else of the content, AI 02. ``quantity`` counts units
    (AI 37, else 30). ``expiry`` is an ISO date (AI 17, else 7003). ``elements`` maps
    application identifiers to their raw values; a bare GTIN or SSCC has none. ``ambiguity``
    says what else the scan may be, or may have lost on its way.
    """

    gtin: str | None = None
    sscc: str | None = None
    elements: dict[str, str] = {}
    lot: str | None = None
    expiry: str | None = None
    quantity: int | None = None
    serial: str | None = None
    error: str | None = None
    ambiguity: str | None = None


def parse_scan(data: str, symbology: str | None = None) -> ScanParse:
    """Read a scan. ``symbology`` is the AIM identifier, which ``data`` may also begin with."""
    text = data.strip(" \t\r\n")
    if symbology is None and len(text) > 3 and text[0] == "]":
        symbology, text = text[:3], text[3:].lstrip(" \t\r\n")
    try:
        return _parse(text, symbology)
    except Gs1Error as error:
        return ScanParse(error=str(error))


def _parse(text: str, symbology: str | None) -> ScanParse:
    if text[:8].lower().startswith(("http://", "https://")):
        return _from_elements(parse_digital_link(text))
    if symbology in ELEMENT_SYMBOLOGIES and not text.startswith("("):
        return _element_string(text, symbology)
    if symbology is not None and symbology.startswith("]E"):
        gtin = _ean_upc(text, symbology)
        return ScanParse(gtin=gtin, ambiguity=key_ambiguity(gtin[1:], symbology))
    if is_gtin(text) and (symbology is None or len(text) > 8):
        # Eight digits in a symbology that says nothing of GTINs are right by chance too often.
        return ScanParse(gtin=to_gtin14(text), ambiguity=key_ambiguity(text, symbology))
    if symbology is not None:
        raise Gs1Error(
            f"{symbology_name(symbology)} ({symbology}) carries no GS1 element string, and "
            f"{text!r} is no GTIN"
        )
    if is_sscc(text):
        return ScanParse(sscc=text, ambiguity=key_ambiguity(text, symbology))
    if text.startswith("("):
        raise Gs1Error("brackets are for people's eyes: a GS1 barcode does not contain them")
    refuse_mistyped_key(text)
    return _element_string(text, symbology)


def _element_string(text: str, symbology: str | None) -> ScanParse:
    text = with_separators(text)
    try:
        elements = parse_element_string(text)
    except Gs1Error as error:
        if GROUP_SEPARATOR in text or not is_gtin(text[2:16]) or text[:2] not in ("01", "02"):
            raise
        raise Gs1Error(
            f"{error} Perhaps a group separator was lost: does the scanner send it?"
        ) from error
    return _from_elements(elements, elements_ambiguity(text, symbology, elements))


def _ean_upc(text: str, symbology: str) -> str:
    if symbology in EAN_ADD_ONS:
        raise Gs1Error(f"{text!r} is only the add-on of an EAN or UPC: scan the whole code")
    if symbology == "]E3" and is_digits(text) and len(text) in (15, 18):
        text = text[:13]  # a two- or five-digit add-on follows
    if symbology == "]E0" and is_digits(text) and len(text) == 8 and text[0] in "01":
        return upc_e_to_gtin14(text)
    return to_gtin14(text)


def _from_elements(elements: Elements, ambiguity: str | None = None) -> ScanParse:
    return ScanParse(
        gtin=elements.gtin,
        sscc=elements.sscc,
        elements=dict(elements.values),
        lot=elements.lot,
        expiry=elements.expiry,
        quantity=elements.quantity,
        serial=elements.serial,
        error=elements.flaw,
        ambiguity=ambiguity,
    )
