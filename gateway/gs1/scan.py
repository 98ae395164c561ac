"""What a scanner said, as GS1 understands it: never raises, since most codes are not GS1.

The AIM identifier decides where there is one: ``]C1``, ``]d2``, ``]Q3``, ``]e0``, ``]J1`` carry
element strings, ``]E.`` and ``]I1`` a GTIN, any other symbology at most a bare GTIN or a
Digital Link. Without it a GTIN or SSCC with the right check digit wins over a reading as
element string. biip knows the application identifiers; it is imported on first use.
"""

from __future__ import annotations

import msgspec

from gateway.gs1.elements import Elements, parse_digital_link, parse_element_string
from gateway.gs1.keys import Gs1Error, is_digits, is_gtin, is_sscc, refuse_mistyped_key, to_gtin14

ELEMENT_SYMBOLOGIES = frozenset({"]C1", "]d2", "]Q3", "]e0", "]J1"})
"""AIM identifiers that say: FNC1 in first position, so GS1 element strings follow."""


class ScanParse(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What could be read out of one scan; ``error`` says why when nothing (or not all) could.

    ``gtin`` (14 digits) is of AI 01, else of the content, AI 02. ``quantity`` counts units
    (AI 37, else 30). ``expiry`` is an ISO date (AI 17, else 7003). ``elements`` maps
    application identifiers to their raw values; a bare GTIN or SSCC has none.
    """

    gtin: str | None = None
    sscc: str | None = None
    elements: dict[str, str] = {}
    lot: str | None = None
    expiry: str | None = None
    quantity: int | None = None
    serial: str | None = None
    error: str | None = None


def parse_scan(data: str, symbology: str | None = None) -> ScanParse:
    """Read a scan. ``symbology`` is the AIM identifier, which ``data`` may also begin with."""
    text = data.strip(" \t\r\n")
    if symbology is None and len(text) > 3 and text[0] == "]":
        symbology, text = text[:3], text[3:]
    try:
        return _parse(text, symbology)
    except Gs1Error as error:
        return ScanParse(error=str(error))


def _parse(text: str, symbology: str | None) -> ScanParse:
    if text[:8].lower().startswith(("http://", "https://")):
        return _from_elements(parse_digital_link(text))
    if symbology in ELEMENT_SYMBOLOGIES and not text.startswith("("):
        return _from_elements(parse_element_string(text))
    if symbology is not None and symbology.startswith("]E"):
        return ScanParse(gtin=_ean_upc(text, symbology))
    if is_gtin(text) and (symbology is None or len(text) > 8):
        # Eight digits in a symbology that says nothing of GTINs are right by chance too often.
        return ScanParse(gtin=to_gtin14(text))
    if symbology is not None:
        raise Gs1Error(f"{symbology} carries no GS1 element string, and {text!r} is no GTIN")
    if is_sscc(text):
        return ScanParse(sscc=text)
    if text.startswith("("):
        raise Gs1Error("brackets are for people's eyes: a GS1 barcode does not contain them")
    refuse_mistyped_key(text)
    return _from_elements(parse_element_string(text))


def _ean_upc(text: str, symbology: str) -> str:
    if symbology == "]E3" and is_digits(text) and len(text) in (15, 18):
        text = text[:13]  # a two- or five-digit add-on follows
    if symbology == "]E0" and is_digits(text) and len(text) == 8 and text[0] in "01":
        from biip import ParseError  # noqa: PLC0415 - 0.3 s, only where barcodes are read
        from biip.upc import Upc  # noqa: PLC0415

        try:
            return to_gtin14(Upc.parse(text).as_upc_a())  # zero-suppressed UPC-E
        except ParseError as error:
            raise Gs1Error(f"{text!r} is no UPC-E: {error}") from error
    return to_gtin14(text)


def _from_elements(elements: Elements) -> ScanParse:
    return ScanParse(
        gtin=elements.gtin,
        sscc=elements.sscc,
        elements=dict(elements.values),
        lot=elements.lot,
        expiry=elements.expiry,
        quantity=elements.quantity,
        serial=elements.serial,
        error=elements.flaw,
    )
