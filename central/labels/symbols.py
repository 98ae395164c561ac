"""Barcodes: what they hold, how large they become, and their modules. Pure.

zxing-cpp (which has Zint in it) makes the modules that are drawn into a PDF; a ZPL printer makes
its own from the same content, so the room that is kept suffices for the plainest way to encode it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, cast

import msgspec

from central.labels.model import LabelRefused

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Content", "Symbology", "modules", "needs_separator", "room", "steps"]

Symbology = Literal["code128", "datamatrix", "qr"]
Modules = tuple[tuple[bool, ...], ...]

_SQUARES = (
    (10, 3), (12, 5), (14, 8), (16, 12), (18, 18), (20, 22), (22, 30), (24, 36), (26, 44),
    (32, 62), (36, 86), (40, 114), (44, 144), (48, 174), (52, 204), (64, 280), (72, 368),
    (80, 456), (88, 576), (96, 696), (104, 816), (120, 1050), (132, 1304), (144, 1558),
)  # fmt: skip
"""Data Matrix ECC 200: modules a side, and data codewords (ISO/IEC 16022, table 7)."""
_QR_BYTES = (14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560,
             624, 666, 711, 779, 857, 911, 997)  # fmt: skip
"""Bytes that a QR Code of version 1, 2, ... holds at error correction M (ISO/IEC 18004)."""

Step = tuple[Literal["B", "C", "FNC1"], str]
"""A symbol character of Code 128: in which code set, and what of the text it carries."""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a barcode holds: ``text``, or GS1 element strings, each an application identifier and
    its value.
    """

    symbology: Symbology
    text: str = ""
    elements: tuple[tuple[str, str], ...] = ()

    @property
    def is_gs1(self) -> bool:
        """Whether it begins with FNC1."""
        return bool(self.elements)

    @property
    def shown(self) -> str:
        """As people read it under the bars."""
        return "".join(f"({ai}){value}" for ai, value in self.elements) or self.text

    def pieces(self) -> list[str]:
        """The text between separators (FNC1), for GS1: one goes before each piece."""
        found: list[str] = []
        joined = ""
        for place, (ai, value) in enumerate(self.elements):
            joined += ai + value
            if needs_separator(ai) or place == len(self.elements) - 1:
                found.append(joined)
                joined = ""
        return found


@lru_cache(maxsize=256)
def needs_separator(ai: str) -> bool:
    """Whether a value of this application identifier may be of any length (GS1 General
    Specifications, figure 7.8.5-2).
    """
    from biip.gs1_application_identifiers import (  # noqa: PLC0415 (slow, only for barcodes)
        GS1ApplicationIdentifier,
    )

    return GS1ApplicationIdentifier.extract(ai).separator_required


@lru_cache(maxsize=512)
def modules(content: Content) -> Modules:
    """The symbol without its quiet zone, dark is ``True``; bars are one row. Raises
    ``LabelRefused``.
    """
    import zxingcpp  # noqa: PLC0415 (a library of some MiB, only where labels are drawn)

    formats = {
        "code128": zxingcpp.BarcodeFormat.Code128,
        "datamatrix": zxingcpp.BarcodeFormat.DataMatrix,
        "qr": zxingcpp.BarcodeFormat.QRCode,
    }
    text = "".join(f"[{ai}]{value}" for ai, value in content.elements) or content.text
    options: dict[str, object] = {"gs1": True} if content.is_gs1 else {}
    if content.symbology == "datamatrix":
        options["force_square"] = True
    if content.symbology == "qr":
        options["ec_level"] = "M"
    try:
        made = zxingcpp.create_barcode(text, formats[content.symbology], **options)
        image = zxingcpp.write_barcode_to_image(made, scale=1, add_quiet_zones=False)
    except (ValueError, RuntimeError) as error:
        raise LabelRefused(f"no {content.symbology} can hold {content.shown!r}: {error}") from error
    dots = cast("list[list[int]]", memoryview(cast("Buffer", image)).tolist())
    rows = dots[:1] if content.symbology == "code128" else dots
    return tuple(tuple(dot == 0 for dot in row) for row in rows)


def room(content: Content) -> int:
    """Modules a side (bars: their number in a row) that the symbol may need, whoever encodes it,
    without its quiet zone. Raises ``LabelRefused``.
    """
    drawn = len(modules(content)[0])
    if content.symbology == "code128":
        return max(drawn, 11 * (len(steps(content)) + 1) + 13)
    plain = _matrix_side(content) if content.symbology == "datamatrix" else _qr_side(content)
    return max(drawn, plain)


def _matrix_side(content: Content) -> int:
    """In ASCII encodation: two digits to a codeword, and one for everything else."""
    words = 0
    for piece in content.pieces() or [content.text]:
        words += content.is_gs1
        place = 0
        while place < len(piece):
            pair = piece[place : place + 2]
            digits = len(pair) == 2 and pair.isascii() and pair.isdigit()
            words += 1 if digits or ord(pair[0]) < 128 else 2 * len(pair[0].encode())
            place += 2 if digits else 1
    for side, most in _SQUARES:
        if words <= most:
            return side
    raise LabelRefused(f"no Data Matrix can hold the {len(content.shown)} signs of it")


def _qr_side(content: Content) -> int:
    size = len(content.text.encode())
    for version, most in enumerate(_QR_BYTES):
        if size <= most:
            return 21 + 4 * version
    raise LabelRefused(f"a QR Code of a label holds {_QR_BYTES[-1]} bytes, not {size}")


def steps(content: Content) -> list[Step]:
    """The symbol characters of a Code 128 but its check and stop: code set C for digits in pairs,
    where that is shorter, else B. The first step's code set begins the symbol; changes between sets
    are steps with no text. Raises ``LabelRefused`` for what is not printable ASCII.
    """
    parts = content.pieces() or [content.text]
    text = "".join(parts)
    if odd := sorted({sign for sign in text if not " " <= sign <= "~"}):
        raise LabelRefused(f"Code 128 carries printable ASCII, not {''.join(odd)!r} of {text!r}")
    made: list[Step] = []
    current = ""
    for part in parts:
        fnc1: list[Step] = [("FNC1", "")] if content.is_gs1 else []
        place = 0
        while place < len(part):
            wanted, taken = _next(part, place, current)
            if wanted != current:
                made.append((wanted, ""))
                current = wanted
            made += [*fnc1, (wanted, part[place : place + taken])]
            fnc1 = []
            place += taken
    return made


def _next(part: str, place: int, current: str) -> tuple[Literal["B", "C"], int]:
    """The code set for the next signs, and how many go into one symbol character."""
    digits = 0
    while place + digits < len(part) and part[place + digits].isdigit():
        digits += 1
    if current == "C":
        return ("C", 2) if digits >= 2 else ("B", 1)
    if not current and digits >= 4:
        return "C", 2
    worth = digits >= 6 or (digits >= 4 and digits == len(part) - place)
    if worth and digits % 2 == 0:
        return "C", 2
    return "B", 1
