"""Sheets of labels, drawn once and written as SVG or PDF (reportlab).

Lengths are millimetres. A4 with a margin that every printer manages; Code 128 with bars that a
pocket scanner reads from an office printer (0.25 mm at least, 0.33 mm where there is room), and
the quiet zones of ten bars that ISO/IEC 15417 asks for; QR Code with its four.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Literal

import msgspec
from reportlab.graphics import renderPDF, renderSVG
from reportlab.graphics.barcode import createBarcodeDrawing
from reportlab.graphics.shapes import Drawing, Group, String
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

Symbology = Literal["code128", "qr"]

PAGE_MM = (210.0, 297.0)
_MARGIN_MM = 12.0
_CELL_HEIGHT_MM = 39.0
_ROWS = 7
_BAR_HEIGHT_MM = 16.0
_QR_SIZE_MM = 22.0
_WIDEST_BAR_MM = 0.33
_THINNEST_BAR_MM = 0.25
_TITLE_POINTS, _TEXT_POINTS = 12, 9


class Label(msgspec.Struct, frozen=True):
    """One label: the barcode's ``code``, and ``title`` for people."""

    title: str
    code: str


def as_pdf(labels: Sequence[Label], symbology: Symbology = "code128") -> bytes:
    """As many A4 pages as it takes; the same labels give the same bytes."""
    columns = _columns(labels, symbology)
    out = BytesIO()
    canvas = Canvas(out, pagesize=(PAGE_MM[0] * mm, PAGE_MM[1] * mm), invariant=1)
    canvas.setTitle("Tallyport labels")
    for first in range(0, len(labels), columns * _ROWS):
        page = labels[first : first + columns * _ROWS]
        renderPDF.draw(_page(page, columns, PAGE_MM[1], symbology), canvas, 0, 0)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def as_svg(labels: Sequence[Label], symbology: Symbology = "code128") -> str:
    """One picture as wide as A4 and as high as it takes."""
    columns = _columns(labels, symbology)
    rows = -(-len(labels) // columns)
    height_mm = rows * _CELL_HEIGHT_MM + 2 * _MARGIN_MM
    return str(renderSVG.drawToString(_page(labels, columns, height_mm, symbology)))


def _columns(labels: Sequence[Label], symbology: Symbology) -> int:
    """Two, unless a code is too long for half the width."""
    if symbology == "qr":
        return 2
    half_mm = (PAGE_MM[0] - 2 * _MARGIN_MM) / 2
    return 2 if all(_bars(label.code) * _THINNEST_BAR_MM <= half_mm for label in labels) else 1


def _bars(code: str) -> int:
    """Width of a Code 128 in code set B in bars: start, characters, check, stop, quiet zones."""
    return 11 * (len(code) + 2) + 13 + 20


def _page(labels: Sequence[Label], columns: int, height_mm: float, symbology: Symbology) -> Any:  # noqa: ANN401 - reportlab is untyped
    page = Drawing(PAGE_MM[0] * mm, height_mm * mm)
    width_mm = (PAGE_MM[0] - 2 * _MARGIN_MM) / columns
    for place, label in enumerate(labels):
        row, column = divmod(place, columns)
        left_mm = _MARGIN_MM + column * width_mm
        bottom_mm = height_mm - _MARGIN_MM - (row + 1) * _CELL_HEIGHT_MM
        page.add(_cell(label, width_mm, symbology, left_mm, bottom_mm))
    return page


def _cell(
    label: Label, width_mm: float, symbology: Symbology, left_mm: float, bottom_mm: float
) -> Any:  # noqa: ANN401 - reportlab is untyped
    cell = Group()
    cell.translate(left_mm * mm, bottom_mm * mm)
    middle = width_mm * mm / 2
    picture = _picture(label.code, width_mm, symbology)
    code = Group(Group(*picture.contents, transform=picture.transform))  # a QR Code is scaled
    code.translate(middle - picture.width / 2, 8 * mm)
    cell.add(code)
    above_mm = 11 + (_QR_SIZE_MM if symbology == "qr" else _BAR_HEIGHT_MM)
    for text, at_mm, points in (
        (label.title, above_mm, _TITLE_POINTS),
        (label.code, 3.5, _TEXT_POINTS),
    ):
        words = String(middle, at_mm * mm, text, fontSize=points, textAnchor="middle")
        words.fontName = "Helvetica"
        cell.add(words)
    return cell


def _picture(code: str, width_mm: float, symbology: Symbology) -> Any:  # noqa: ANN401
    if symbology == "qr":
        size = _QR_SIZE_MM * mm
        return createBarcodeDrawing(
            "QR", value=code, width=size, height=size, barBorder=4, barLevel="M"
        )
    bar_mm = min(_WIDEST_BAR_MM, width_mm / _bars(code))
    return createBarcodeDrawing(
        "Code128",
        value=code,
        barWidth=bar_mm * mm,
        barHeight=_BAR_HEIGHT_MM * mm,
        quiet=True,
        lquiet=10 * bar_mm * mm,
        rquiet=10 * bar_mm * mm,
        humanReadable=False,
    )
