"""What else a scan may be: told beside the reading that was taken, never in its place.

A scanner that sends AIM identifiers leaves little to guess; one without leaves digits that
are a GTIN and an element string at once, and text that happens to begin like one.
"""

from __future__ import annotations

import re
from contextlib import suppress

from gateway.gs1.elements import GROUP_SEPARATOR, Elements, parse_element_string
from gateway.gs1.keys import Gs1Error, is_digits, to_gtin14
from gateway.gs1.symbologies import symbology_name

_SWALLOWED = re.compile(
    r".(?P<found>1[1-7]\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])|3[1-6]\d\d\d{6}|0[12]\d{14})$"
)
"""A date, a measure or a GTIN at the end of a value of any length: these have forms that a lot
or serial number rarely ends with by chance."""
_CHECKED_KEYS = frozenset({"00", "01", "02", "253", "255", "402", "8003"})
"""Application identifiers whose check digit shows that an element string is meant."""


def key_ambiguity(text: str, symbology: str | None) -> str | None:
    """What bare digits that were taken as a GTIN or SSCC may be besides; ``None``: nothing."""
    if symbology is not None and not symbology.startswith(("]E", "]I")):
        return (
            f"{symbology_name(symbology)} ({symbology}) does not say that this is a GTIN: its "
            "check digit is right, but so is that of one number in ten"
        )
    if symbology is None:
        others = [*_as_elements(text), *_as_upc_e(text)]
        if others:
            return (
                f"{text} has the right check digit of a GTIN or SSCC and is taken as one; it may "
                f"also be {' or '.join(others)}: let the scanner send AIM identifiers"
            )
    if len(text) in (12, 13) and text.zfill(13).startswith(("02", "04", "2")):
        return (
            f"{text} is of the numbers for use within one company (prefixes 02, 04, 20 to 29): "
            "it may hold a weight or a price"
        )
    return None


def elements_ambiguity(text: str, symbology: str | None, elements: Elements) -> str | None:
    """What an element string may be besides, or may have lost on its way; ``None``: nothing."""
    if GROUP_SEPARATOR not in text:
        for ai, value in elements.values.items():
            swallowed = _SWALLOWED.search(value)
            if swallowed and ai not in _CHECKED_KEYS and len(value) > 8:
                return (
                    f"({ai}){value} may hold {swallowed['found']} as an element of its own: no "
                    "group separator came. Does the scanner send it?"
                )
    known = any(ai in _CHECKED_KEYS or ai.startswith("41") for ai in elements.values)
    if symbology is None and not known:
        return (
            f"{text!r} is taken as {elements.element_string} by its form alone; it may be no GS1 "
            "code at all: let the scanner send AIM identifiers"
        )
    return None


def _as_elements(text: str) -> list[str]:
    with suppress(Gs1Error):
        found = parse_element_string(text)
        if found.flaw is None:
            return [f"the element string {found.element_string}"]
    return []


def _as_upc_e(text: str) -> list[str]:
    with suppress(Gs1Error):
        return [f"a UPC-E of GTIN {upc_e_to_gtin14(text)}"]
    return []


def upc_e_to_gtin14(text: str) -> str:
    """The GTIN that a zero-suppressed UPC-E of eight digits stands for; raises ``Gs1Error``."""
    from biip import ParseError  # noqa: PLC0415 - 0.3 s, only where barcodes are read
    from biip.upc import Upc  # noqa: PLC0415

    if not is_digits(text) or len(text) != 8 or text[0] not in "01":
        raise Gs1Error(f"a UPC-E has 8 digits, the first 0 or 1, unlike {text!r}")
    try:
        return to_gtin14(Upc.parse(text).as_upc_a())
    except ParseError as error:
        raise Gs1Error(f"{text!r} is no UPC-E: {error}") from error
