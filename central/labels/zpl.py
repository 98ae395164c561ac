r"""Labels as ZPL II, and what is written into their tags.

After the ZPL II Programming Guide (Zebra P1099958): Code 128 in mode N with the code sets said
(``>;`` C, ``>:`` B, ``>5``, ``>6``, ``>8`` FNC1), Data Matrix of quality 200 with ``_1`` as FNC1,
QR Code model 2. Texts are UTF-8 (``^CI28``); what the printer's scalable font 0 may lack is sent as
a picture. What is special in ZPL is written in hexadecimal (``^FH``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from central.labels import symbols
from central.labels.drawing import Bars, Drawing, Frame, Grid, Stroke, Words
from central.labels.letters import OWN, Faces, picture_face
from central.labels.model import LabelRefused

__all__ = ["as_zpl", "encoded_tag"]

_QR_LIFT = 10
"""Dots that a printer puts under ``^FO`` before a QR Code: the default height of ``^BY``."""
_MOST_QR_MODULE = 100
_SPECIAL = frozenset("^~_\\")
_MATRIX_ESCAPE = "_"


def as_zpl(drawings: Sequence[Drawing], faces: Faces = OWN) -> bytes:
    """The labels, one after another; equal ones that follow each other are one format with a
    quantity, unless they have tags.
    """
    made = []
    for text, group in groupby(_format(one, faces) for one in drawings):
        count = len(list(group))
        assert count == 1 or "^RFW" not in text, "two tags would hold the same"
        made.append(text.replace("^XZ", f"^PQ{count}^XZ") if count > 1 else text)
    return "\n".join([*made, ""]).encode()


def _format(one: Drawing, faces: Faces) -> str:
    lines = ["^XA", f"^CI28^PW{one.width}^LL{one.height}^LH0,0"]
    if one.epc:
        lines.append(encoded_tag(one.epc))
    for mark in one.marks:
        if isinstance(mark, Words):
            lines.append(_words(mark, faces))
        elif isinstance(mark, Bars):
            lines.append(_bars(mark))
        elif isinstance(mark, Grid):
            lines.append(_grid(mark))
        else:
            lines.append(_strokes(mark))
    return "\n".join([*lines, "^XZ"])


def encoded_tag(epc: str) -> str:
    """``^RFW`` of an EPC (upper-case hexadecimal, whole 16-bit words) into a Gen2 tag.

    96 bits go to bank E, whose protocol control bits are right for that; a longer EPC is written
    from word 1 of the EPC bank on, with the PC word that says how long it is (Gen2, 6.3.2.1.2.2).
    """
    if len(epc) == 24:
        return f"^RS8\n^RFW,H^FD{epc}^FS"
    words = len(epc) // 4
    assert len(epc) == 4 * words, f"{epc} is no whole words"
    assert 0 < words < 32, f"{epc} is no EPC in whole words"
    return f"^RS8\n^RFW,H,1,{2 * words + 2},1^FD{words << 11:04X}{epc}^FS"


def _words(one: Words, faces: Faces) -> str:
    if any(ord(sign) > 0xFF for sign in one.text):
        return _picture(one, faces)
    head = f"^FO{one.x},{one.y}^A0N,{one.size},{one.size}"
    if one.align == "left":
        return f"{head}{_data(one.text)}"
    side = {"center": "C", "right": "R"}[one.align]
    return f"{head}^FB{one.width},1,0,{side}{_data(one.text)}"


def _data(text: str) -> str:
    """Field data, what is special in hexadecimal of its UTF-8."""
    if _SPECIAL.isdisjoint(text) and text.isprintable():
        return f"^FD{text}^FS"
    signs = [
        "".join(f"_{byte:02X}" for byte in sign.encode())
        if sign in _SPECIAL or not sign.isprintable()
        else sign
        for sign in text
    ]
    return f"^FH_^FD{''.join(signs)}^FS"


def _picture(one: Words, faces: Faces) -> str:
    """Words as ``^GFA``: black dots in hexadecimal, rows of whole bytes."""
    from PIL import Image, ImageDraw  # noqa: PLC0415 - only where it is needed

    font = picture_face(faces.of(one.bold), one.size)
    width = min(one.width, int(font.getlength(one.text)) + 2)
    height = round(one.size * 1.15)
    image = Image.new("1", (width, height), 0)
    ImageDraw.Draw(image).text(
        (0, round(0.76 * one.size)), one.text, fill=1, font=font, anchor="ls"
    )
    spare = one.width - width
    x = one.x + {"left": 0, "center": spare // 2, "right": spare}[one.align]
    row = (width + 7) // 8
    data = image.tobytes().hex().upper()
    return f"^FO{x},{one.y}^GFA,{row * height},{row * height},{row},{data}^FS"


_SETS = {"B": (">:", ">6"), "C": (">;", ">5")}
"""How a code set begins a Code 128, and how it is changed to."""
_ESCAPES = {">": ">0", "^": "><", "~": ">="}


def _bars(one: Bars) -> str:
    said, begun, written = "", False, ""
    for code_set, text in symbols.steps(one.content):
        if code_set == "FNC1":
            said += ">8"
        elif not text:
            said += _SETS[code_set][begun]
            begun = True
        else:
            said += "".join(_ESCAPES.get(sign, sign) for sign in text)
        written += text
    assert written == "".join(one.content.pieces() or [one.content.text])
    return f"^FO{one.x},{one.y}^BY{one.module}^BCN,{one.height},N,N,N,N^FD{said}^FS"


def _grid(one: Grid) -> str:
    if one.content.symbology == "qr":
        if one.module > _MOST_QR_MODULE:
            raise LabelRefused(f"a printer's QR Code has modules of {_MOST_QR_MODULE} dots at most")
        at = f"^FO{one.x},{max(0, one.y - _QR_LIFT)}^BY2,2,{_QR_LIFT}"
        return f"{at}^BQN,2,{one.module},M{_data('MA,' + one.content.text)}"
    pieces = one.content.pieces()
    escaped = [piece.replace(_MATRIX_ESCAPE, _MATRIX_ESCAPE * 2) for piece in pieces]
    said = "".join(f"{_MATRIX_ESCAPE}1{piece}" for piece in escaped)
    if not pieces:
        said = one.content.text.replace(_MATRIX_ESCAPE, _MATRIX_ESCAPE * 2)
    data = f"^FD{said}^FS"
    if not {"^", "~", "|"}.isdisjoint(said) or not said.isprintable():
        # The indicator is another one than the escape of the symbol.
        odd = {"^", "~", "|"}
        signs = [
            "".join(f"|{byte:02X}" for byte in sign.encode()) if sign in odd else sign
            for sign in said
        ]
        data = f"^FH|^FD{''.join(signs)}^FS"
    return f"^FO{one.x},{one.y}^BXN,{one.module},200,0,0,6,{_MATRIX_ESCAPE},1{data}"


def _strokes(one: Stroke | Frame) -> str:
    if isinstance(one, Frame):
        return f"^FO{one.x},{one.y}^GB{one.width},{one.height},{one.thick}^FS"
    return f"^FO{one.x},{one.y}^GB{one.width},{one.height},{min(one.width, one.height)}^FS"
