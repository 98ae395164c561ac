"""Bars with intervals, curves, and distributions side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from reportlab.graphics.shapes import Circle, PolyLine
from reportlab.lib.colors import HexColor

from tallyport.charts.pen import BLUE, GREY, INK, PALE, RULE, Pen, width_of

_ROW = 24.0
_VALUE = 104.0


class Bar(NamedTuple):
    """A share with its interval."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    ink: str = BLUE
    note: str = ""


def bars(rows: Sequence[Bar], *, width: float = 520.0, most: float = 1.0) -> Any:  # noqa: ANN401
    """Horizontal bars from 0 to ``most``, each with a whisker for its interval."""
    pen = Pen(width, _ROW * len(rows) + 22)
    left = max((width_of(row.label, 9.5) for row in rows), default=0.0) + 12
    right = width - _VALUE
    scale = (right - left) / most
    for step in range(5):
        x = left + (right - left) * step / 4
        pen.line(x, 16, x, pen.height, ink=RULE, width=0.5)
        pen.text(x, 4, f"{most * step / 4:.4g}", size=8, ink=GREY, anchor="middle")
    for number, row in enumerate(rows):
        y = pen.height - _ROW * (number + 1)
        pen.text(0, y + 8, row.label, size=9.5)
        if row.value is None:
            pen.text(left + 4, y + 8, "nothing to tell", size=8.5, ink=GREY)
            continue
        pen.box(left, y + 4, max(row.value * scale, 0.5), _ROW - 9, row.ink, round_=2)
        if row.low is not None and row.high is not None:
            _whisker(pen, left + row.low * scale, left + row.high * scale, y + _ROW / 2 - 0.5)
        pen.text(right + 8, y + 8, row.note or f"{row.value:.4g}", size=9, bold=not row.note)
    return pen.drawing


def _whisker(pen: Pen, low: float, high: float, y: float) -> None:
    pen.line(low, y, high, y, ink=INK, width=1.1)
    pen.line(low, y - 3.5, low, y + 3.5, ink=INK, width=1.1)
    pen.line(high, y - 3.5, high, y + 3.5, ink=INK, width=1.1)


class Curve(NamedTuple):
    """Points joined by a line, in data's units."""

    label: str
    points: Sequence[tuple[float, float]]
    ink: str = BLUE


class Axis(NamedTuple):
    """From where to where, and what is told at the ticks."""

    label: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]


def curves(
    lines: Sequence[Curve], across: Axis, up: Axis, *, width: float = 520.0, height: float = 240.0
) -> Any:  # noqa: ANN401
    """Curves over two axes, with a key below."""
    pen = Pen(width, height)
    place = _frame(pen, across, up, key=_key_rows(lines, width) * 14.0)
    for line in lines:
        flat = [c for x, y in line.points for c in place(x, y)]
        if len(line.points) > 1:
            pen.add(PolyLine(flat, strokeColor=HexColor(line.ink), strokeWidth=1.8))
        elif line.points:
            pen.add(Circle(flat[0], flat[1], 3, fillColor=HexColor(line.ink), strokeColor=None))
    _key(pen, [(line.label, line.ink) for line in lines])
    return pen.drawing


class Heap(NamedTuple):
    """Some values of one kind, to be shown as a distribution."""

    label: str
    values: Sequence[float]
    ink: str = BLUE


def histogram(
    heaps: Sequence[Heap],
    label: str,
    *,
    low: float,
    high: float,
    step: float,
    width: float = 520.0,
    height: float = 190.0,
    mark: tuple[float, str] | None = None,
) -> Any:  # noqa: ANN401
    """Shares of each heap by class of ``step``, side by side; ``mark`` is a line."""
    classes = round((high - low) / step)
    shares: list[list[float]] = []
    for heap in heaps:
        counts = [0] * classes
        for value in heap.values:
            counts[min(max(int((value - low) / step), 0), classes - 1)] += 1
        shares.append([count / max(len(heap.values), 1) for count in counts])
    most = max((max(own) for own in shares), default=0.0) or 1.0
    tens = range(math.ceil(low / 10), math.floor(high / 10) + 1)
    ticks = [(10.0 * ten, str(10 * ten)) for ten in tens]
    up = Axis("", 0.0, most, [(0.0, "0"), (most, f"{100 * most:.0f} %")])
    pen = Pen(width, height)
    labels = [Curve(heap.label, (), heap.ink) for heap in heaps]
    place = _frame(pen, Axis(label, low, high, ticks), up, key=_key_rows(labels, width) * 14.0)
    part = step * 0.9 / max(len(heaps), 1)
    for at, (heap, own) in enumerate(zip(heaps, shares, strict=True)):
        for number, share in enumerate(own):
            if share:
                x0, y0 = place(low + number * step + at * part, 0.0)
                x1, y1 = place(low + number * step + (at + 1) * part, share)
                pen.box(x0, y0, x1 - x0, y1 - y0, heap.ink)
    if mark is not None:
        x, y = place(mark[0], 0.0)
        pen.line(x, y, x, place(0, most)[1], ink=INK, width=1.2)
        pen.text(x + 4, place(0, most)[1] - 8, mark[1], size=8.5)
    _key(pen, [(one.label, one.ink) for one in labels])
    return pen.drawing


def _frame(
    pen: Pen, across: Axis, up: Axis, key: float
) -> Callable[[float, float], tuple[float, float]]:
    """Axes and their words; gives where a point of the data stands."""
    left, right = 46.0, pen.width - 14
    bottom, top = key + 34, pen.height - 10
    pen.box(left, bottom, right - left, top - bottom, PALE)

    def place(x: float, y: float) -> tuple[float, float]:
        part_x = min(max((x - across.low) / (across.high - across.low), 0.0), 1.0)
        part_y = min(max((y - up.low) / (up.high - up.low), 0.0), 1.0)
        return left + part_x * (right - left), bottom + part_y * (top - bottom)

    for value, words in across.ticks:
        x, _ = place(value, up.low)
        pen.line(x, bottom, x, top, ink="#ffffff")
        pen.text(x, bottom - 11, words, size=8, ink=GREY, anchor="middle")
    for value, words in up.ticks:
        _, y = place(across.low, value)
        pen.line(left, y, right, y, ink="#ffffff")
        pen.text(left - 5, y - 3, words, size=8, ink=GREY, anchor="end")
    pen.text((left + right) / 2, bottom - 24, across.label, size=8.5, ink=GREY, anchor="middle")
    pen.text(left, top + 2, up.label, size=8.5, ink=GREY)
    return place


def _key_rows(lines: Sequence[Curve], width: float) -> int:
    rows, x = 1, 46.0
    for line in lines:
        wide = width_of(line.label, 9) + 30
        if x + wide > width:
            rows, x = rows + 1, 46.0
        x += wide
    return rows


def _key(pen: Pen, labels: Sequence[tuple[str, str]]) -> None:
    rows = _key_rows([Curve(words, ()) for words, _ in labels], pen.width)
    x, y = 46.0, 14.0 * rows - 10
    for words, ink in labels:
        wide = width_of(words, 9) + 30
        if x + wide > pen.width:
            x, y = 46.0, y - 14.0
        pen.box(x, y, 10, 8, ink, round_=2)
        pen.text(x + 15, y, words, size=9)
        x += wide
