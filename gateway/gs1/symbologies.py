"""AIM symbology identifiers (ISO/IEC 15424): ``]``, a letter for the symbology, a modifier.

The modifier says how the code was made and what the scanner did to it; those that say "FNC1 in
first position" are what sets a GS1 code apart from one that merely looks so.
"""

from __future__ import annotations

ELEMENT_SYMBOLOGIES = frozenset({"]C1", "]d2", "]d5", "]Q3", "]Q4", "]e0", "]J1"})
"""AIM identifiers that say: FNC1 in first position, so GS1 element strings follow."""

EAN_ADD_ONS = frozenset({"]E1", "]E2"})
"""A two- or five-digit add-on alone: an issue or a price, no item."""

_GS1_NAMES = {
    "]C1": "GS1-128",
    "]d2": "GS1 DataMatrix",
    "]d5": "GS1 DataMatrix",
    "]Q3": "GS1 QR Code",
    "]Q4": "GS1 QR Code",
    "]e0": "GS1 DataBar",
    "]J1": "GS1 DotCode",
    "]E0": "EAN-13 or UPC",
    "]E1": "two-digit add-on",
    "]E2": "five-digit add-on",
    "]E3": "EAN-13 or UPC with add-on",
    "]E4": "EAN-8",
}
_NAMES = {
    "A": "Code 39",
    "B": "Telepen",
    "C": "Code 128",
    "E": "EAN/UPC",
    "F": "Codabar",
    "G": "Code 93",
    "H": "Code 11",
    "I": "Interleaved 2 of 5",
    "J": "DotCode",
    "K": "Code 16K",
    "L": "PDF417",
    "M": "MSI",
    "O": "Codablock",
    "Q": "QR Code",
    "R": "Straight 2 of 5",
    "S": "Straight 2 of 5",
    "T": "Code 49",
    "U": "MaxiCode",
    "X": "another symbology",
    "Z": "no bar code",
    "c": "Channel Code",
    "d": "Data Matrix",
    "e": "GS1 DataBar",
    "o": "OCR",
    "z": "Aztec Code",
}


def symbology_name(identifier: str) -> str:
    """What people call the symbology of an AIM identifier; the identifier itself if unknown."""
    return _GS1_NAMES.get(identifier) or _NAMES.get(identifier[1:2], identifier)
