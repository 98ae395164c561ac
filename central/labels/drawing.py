"""A label as a printer's dots: what stands where, before it becomes PDF or ZPL. Pure.

Everything lies on whole dots, the thinnest bar too: a bar of two and a half dots is read badly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from central.labels import symbols
from central.labels.letters import OWN, Faces, cut, wide, wrapped
from central.labels.model import Dpi, Fields, LabelRefused
from central.labels.symbols import Content
from central.labels.template import (
    Box,
    Code128,
    DataMatrix,
    DigitalLink,
    Gs1DataMatrix,
    Gs1128,
    Line,
    Qr,
    Symbol,
    Template,
    Text,
    filled,
    filled_elements,
    is_drawn,
)
from gateway.gs1.elements import DIGITAL_LINK_ORIGIN
from gateway.gs1.keys import Gs1Error

__all__ = ["MM_OF_INCH", "Bars", "Drawing", "Frame", "Grid", "Mark", "Stroke", "Words", "draw"]

MM_OF_INCH = 25.4
_BARS_QUIET = 10
"""Modules that stay white at each end of Code 128 (ISO/IEC 15417, 4.2)."""
_QUIET = {"datamatrix": 1, "qr": 4}
_LEAST_TEXT_MM = 1.4
_SHRINK = 0.94


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """One line of text in ``width`` dots; ``y`` is the top of letters of ``size`` dots an em."""

    x: int
    y: int
    width: int
    size: int
    text: str
    bold: bool = False
    align: str = "left"


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """A Code 128 whose first bar begins at ``x``; ``modules`` is the room that is kept for it."""

    x: int
    y: int
    module: int
    modules: int
    height: int
    content: Content


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """A Data Matrix or QR Code; ``modules`` a side is the room that is kept for it."""

    x: int
    y: int
    module: int
    modules: int
    content: Content


class Stroke(msgspec.Struct, frozen=True, kw_only=True):
    """A black rectangle."""

    x: int
    y: int
    width: int
    height: int


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """An empty rectangle, ``thick`` dots inwards."""

    x: int
    y: int
    width: int
    height: int
    thick: int


Mark = Words | Bars | Grid | Stroke | Frame


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """A label in dots, its marks, and what its tag is to hold (hexadecimal; empty: no tag)."""

    width: int
    height: int
    dpi: Dpi
    marks: tuple[Mark, ...]
    epc: str = ""


class _Board:
    """Millimetres to dots, and what all marks of a label share."""

    def __init__(self, dpi: Dpi, faces: Faces, origin: str) -> None:
        self.dpi, self.faces, self.origin = dpi, faces, origin

    def dots(self, length_mm: float) -> int:
        return round(length_mm * self.dpi / MM_OF_INCH)

    def module(self, wanted_mm: float, least_mm: float, count: int, size: int) -> int:
        """Dots of a module, at most what was wanted, so that so many fit into ``size`` dots.
        Raises ``LabelRefused``.
        """
        dots_mm = self.dpi / MM_OF_INCH
        least = max(1, math.ceil(least_mm * dots_mm - 0.05))
        module = min(max(self.dots(wanted_mm), least), size // count)
        if module < least:
            raise LabelRefused(
                f"it needs {count * least / dots_mm:.1f} mm at {self.dpi} dots an inch, with "
                f"modules of {least_mm:g} mm at least, and the template gives "
                f"{size / dots_mm:.1f} mm"
            )
        return module


def draw(
    template: Template,
    fields: Fields,
    dpi: Dpi,
    *,
    faces: Faces = OWN,
    link_origin: str = DIGITAL_LINK_ORIGIN,
    epc: str = "",
) -> Drawing:
    """The label of a thing. Raises ``LabelRefused`` for what does not fit or cannot be encoded."""
    board = _Board(dpi, faces, link_origin)
    marks: list[Mark] = []
    for number, one in enumerate(template.elements):
        if not is_drawn(one, fields):
            continue
        try:
            if isinstance(one, Text):
                marks += _text(board, one, filled(one.text, fields))
            elif isinstance(one, Line):
                marks.append(_line(board, one))
            elif isinstance(one, Box):
                marks.append(_box(board, one))
            else:
                marks += _symbol(board, one, fields)
        except (LabelRefused, Gs1Error) as error:
            raise LabelRefused(f"elements[{number}] ({one.type}): {error}") from error
    return Drawing(
        width=board.dots(template.width_mm), height=board.dots(template.height_mm), dpi=dpi,
        marks=tuple(marks), epc=epc,
    )  # fmt: skip


def _text(board: _Board, one: Text, text: str) -> Iterator[Words]:
    path = board.faces.of(one.bold)
    width = board.dots(one.width_mm)
    least = board.dots(one.least_mm or min(one.size_mm, max(_LEAST_TEXT_MM, one.size_mm * 0.6)))
    size = board.dots(one.size_mm)
    lines = wrapped(text, path, width / size, one.lines)
    while lines is None and size * _SHRINK >= least:
        size = int(size * _SHRINK)
        lines = wrapped(text, path, width / size, one.lines)
    if lines is None:
        lines = cut(text, path, width / size, one.lines)
    top = board.dots(one.y_mm)
    if one.lines == 1:
        top += (board.dots(one.size_mm) - size) // 2
    for number, line in enumerate(lines):
        if line:
            yield Words(
                x=board.dots(one.x_mm), y=top + round(number * size * 1.12), width=width,
                size=size, text=line, bold=one.bold, align=one.align,
            )  # fmt: skip


def _line(board: _Board, one: Line) -> Stroke:
    thick = max(1, board.dots(one.thick_mm))
    return Stroke(
        x=board.dots(one.x_mm),
        y=board.dots(one.y_mm),
        width=board.dots(one.width_mm) or thick,
        height=board.dots(one.height_mm) or thick,
    )


def _box(board: _Board, one: Box) -> Frame:
    return Frame(
        x=board.dots(one.x_mm),
        y=board.dots(one.y_mm),
        width=board.dots(one.width_mm),
        height=board.dots(one.height_mm),
        thick=max(1, board.dots(one.thick_mm)),
    )


def _symbol(board: _Board, one: Symbol, fields: Fields) -> Iterator[Mark]:
    content = _content(board, one, fields)
    if not content.elements and not content.text:
        return
    if isinstance(one, Code128 | Gs1128):
        yield from _bars(board, one, content)
    else:
        yield _grid(board, one, content)


def _content(board: _Board, one: Symbol, fields: Fields) -> Content:
    if isinstance(one, Code128):
        return Content(symbology="code128", text=filled(one.text, fields))
    if isinstance(one, DataMatrix):
        return Content(symbology="datamatrix", text=filled(one.text, fields))
    if isinstance(one, Qr):
        return Content(symbology="qr", text=filled(one.text, fields))
    found = filled_elements(one.ais, fields)
    if isinstance(one, DigitalLink):
        link = (found.digital_link or "").removeprefix(DIGITAL_LINK_ORIGIN)
        return Content(symbology="qr", text=board.origin + link if link else "")
    elements = tuple(found.values.items())
    if isinstance(one, Gs1DataMatrix):
        return Content(symbology="datamatrix", elements=elements)
    return Content(symbology="code128", elements=elements)


def _bars(board: _Board, one: Code128 | Gs1128, content: Content) -> Iterator[Mark]:
    count = symbols.room(content)
    width, height = board.dots(one.width_mm), board.dots(one.height_mm)
    whole = count + 2 * _BARS_QUIET
    module = board.module(one.module_mm, one.least_module_mm, whole, width)
    spare = width - whole * module
    left = board.dots(one.x_mm) + (spare // 2 if one.align == "center" else 0)
    text_size = board.dots(one.text_mm)
    top = board.dots(one.y_mm)
    yield Bars(
        x=left + _BARS_QUIET * module, y=top, module=module, modules=count,
        height=height - round(text_size * 1.2), content=content,
    )  # fmt: skip
    if text_size:
        size = text_size
        while wide(content.shown, board.faces.plain) * size > width and size > 8:
            size = int(size * _SHRINK)
        yield Words(
            x=board.dots(one.x_mm), y=top + height - round(text_size * 1.05), width=width,
            size=size, text=content.shown, align="center",
        )  # fmt: skip


def _grid(
    board: _Board, one: DataMatrix | Gs1DataMatrix | Qr | DigitalLink, content: Content
) -> Grid:
    count = symbols.room(content)
    quiet = _QUIET[content.symbology]
    size = board.dots(one.size_mm)
    module = board.module(one.size_mm, one.least_module_mm, count + 2 * quiet, size)
    inset = (size - count * module) // 2
    return Grid(
        x=board.dots(one.x_mm) + inset, y=board.dots(one.y_mm) + inset, module=module,
        modules=count, content=content,
    )  # fmt: skip
