"""Labels as PDF, drawn by reportlab: a page each, or many on a sheet.

The same labels give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from central.labels import symbols
from central.labels.drawing import Bars, Drawing, Frame, Grid, Stroke, Words
from central.labels.letters import OWN, Faces, face, wide
from central.labels.template import Sheet

__all__ = ["as_pdf", "as_sheets"]

_POINTS_OF_MM = 72 / 25.4
_CAP = 0.76
"""How far the baseline lies below the top of the letters, in ems."""
_INSET = 0.05
"""Dots that a bar is narrower at each side: whoever rasters a PDF blackens every dot that is only
touched, and by the last decimal of a coordinate a thin bar would become half as wide again.
"""


def as_pdf(drawings: Sequence[Drawing], faces: Faces = OWN) -> bytes:
    """A page for each label, as large as it is."""
    out = BytesIO()
    canvas = _canvas(out)
    for one in drawings:
        scale = 72 / one.dpi
        canvas.setPageSize((one.width * scale, one.height * scale))
        _draw(canvas, one, 0, one.height * scale, faces)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def as_sheets(
    drawings: Sequence[Drawing],
    sheet: Sheet,
    label_mm: tuple[float, float],
    faces: Faces = OWN,
    skip: int = 0,
) -> bytes:
    """As many pages as it takes, row by row; ``label_mm`` is a label's width and height. The first
    ``skip`` places stay empty: their stickers were used already.
    """
    out = BytesIO()
    canvas = _canvas(out)
    size = (sheet.page_width_mm * _POINTS_OF_MM, sheet.page_height_mm * _POINTS_OF_MM)
    each = sheet.rows * sheet.columns
    placed = [*[None] * skip, *drawings]
    for first in range(0, len(placed), each):
        canvas.setPageSize(size)
        for place, one in enumerate(placed[first : first + each]):
            if one is None:
                continue
            row, column = divmod(place, sheet.columns)
            left_mm = sheet.left_mm + column * (label_mm[0] + sheet.gap_x_mm)
            top_mm = sheet.top_mm + row * (label_mm[1] + sheet.gap_y_mm)
            _draw(canvas, one, left_mm * _POINTS_OF_MM, size[1] - top_mm * _POINTS_OF_MM, faces)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _canvas(out: BytesIO) -> Any:  # noqa: ANN401 - reportlab is untyped
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415 - slow, only where labels are made

    canvas = Canvas(out, invariant=1)
    canvas.setTitle("Labels")
    canvas.setViewerPreference("PrintScaling", "None")  # bars keep their width on paper
    return canvas


class _Pen:
    """Dots from the top left to points from the bottom left."""

    def __init__(self, canvas: Any, left: float, top: float, scale: float) -> None:  # noqa: ANN401
        self._canvas, self._left, self._top, self._scale = canvas, left, top, scale

    def fill(self, x: float, y: float, width: float, height: float) -> None:
        scale = self._scale
        self._canvas.rect(
            self._left + (x + _INSET) * scale, self._top - (y + height) * scale,
            (width - 2 * _INSET) * scale, height * scale, stroke=0, fill=1,
        )  # fmt: skip

    def write(self, one: Words, faces: Faces) -> None:
        path, scale = faces.of(one.bold), self._scale
        spare = one.width - wide(one.text, path) * one.size
        x = one.x + {"left": 0.0, "center": spare / 2, "right": spare}[one.align]
        self._canvas.setFont(face(path).fontName, one.size * scale)
        baseline = self._top - (one.y + _CAP * one.size) * scale
        self._canvas.drawString(self._left + x * scale, baseline, one.text)


def _draw(canvas: Any, drawing: Drawing, left: float, top: float, faces: Faces) -> None:  # noqa: ANN401
    pen = _Pen(canvas, left, top, 72 / drawing.dpi)
    for mark in drawing.marks:
        if isinstance(mark, Words):
            pen.write(mark, faces)
        elif isinstance(mark, Bars):
            _runs(pen, mark, symbols.modules(mark.content)[0], mark.y, mark.height)
        elif isinstance(mark, Grid):
            for row, line in enumerate(symbols.modules(mark.content)):
                _runs(pen, mark, line, mark.y + row * mark.module, mark.module)
        elif isinstance(mark, Stroke):
            pen.fill(mark.x, mark.y, mark.width, mark.height)
        else:
            _frame(pen, mark)


def _runs(pen: _Pen, mark: Bars | Grid, line: Sequence[bool], y: int, height: int) -> None:
    """The dark modules of a row, those side by side as one."""
    start = 0
    while start < len(line):
        end = start
        while end < len(line) and line[end] == line[start]:
            end += 1
        if line[start]:
            pen.fill(mark.x + start * mark.module, y, (end - start) * mark.module, height)
        start = end


def _frame(pen: _Pen, one: Frame) -> None:
    pen.fill(one.x, one.y, one.width, one.thick)
    pen.fill(one.x, one.y + one.height - one.thick, one.width, one.thick)
    pen.fill(one.x, one.y, one.thick, one.height)
    pen.fill(one.x + one.width - one.thick, one.y, one.thick, one.height)
