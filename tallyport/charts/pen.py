"""What all charts are drawn with: colours, words and lines on a reportlab drawing.

Lengths are points; the origin is at the lower left.
"""

from __future__ import annotations

import re
from typing import Any

from reportlab.graphics import renderSVG
from reportlab.graphics.shapes import Drawing, Line, Rect, String
from reportlab.lib.colors import HexColor
from reportlab.pdfbase.pdfmetrics import stringWidth

INK, GREY, RULE, PALE = "#16202c", "#5d6b7a", "#d5dce4", "#eef2f6"
BLUE, GREEN, AMBER, RED, VIOLET = "#1f5fbf", "#0f7b5a", "#b86a00", "#b3261e", "#6a4bb0"
FONT, BOLD = "Helvetica", "Helvetica-Bold"


class Pen:
    """A drawing and short words for what is put on it."""

    def __init__(self, width: float, height: float) -> None:
        self.drawing: Any = Drawing(width, height)
        self.width, self.height = width, height

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 9,
        ink: str = INK,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Words whose base line is at ``y``."""
        said = String(x, y, words, fontSize=size, textAnchor=anchor, fillColor=HexColor(ink))
        said.fontName = BOLD if bold else FONT
        self.drawing.add(said)

    def line(
        self, x0: float, y0: float, x1: float, y1: float, *, ink: str = RULE, width: float = 0.75
    ) -> None:
        """A straight line."""
        drawn = Line(x0, y0, x1, y1, strokeColor=HexColor(ink), strokeWidth=width)
        self.drawing.add(drawn)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        ink: str,
        *,
        round_: float = 0.0,
    ) -> None:
        """A filled rectangle."""
        drawn = Rect(x, y, width, height, rx=round_, ry=round_, strokeColor=None)
        drawn.fillColor = HexColor(ink)
        self.drawing.add(drawn)

    def add(self, shape: Any) -> None:  # noqa: ANN401 - reportlab is untyped
        """Any other shape."""
        self.drawing.add(shape)


def paler(ink: str, part: float = 0.8) -> str:
    """The colour with so much white in it: unlike opacity, every kind of file can tell it."""
    parts = [int(ink[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 * part + value * (1 - part)):02x}" for value in parts)


def width_of(words: str, size: float, *, bold: bool = False) -> float:
    """How wide words are."""
    return float(stringWidth(words, BOLD if bold else FONT, size))


def as_svg(drawing: Any, title: str) -> str:  # noqa: ANN401 - reportlab is untyped
    """The drawing as an ``<svg>`` element to stand within a page: as wide as there is room."""
    text = str(renderSVG.drawToString(drawing))
    body = text[text.index("<svg") :]
    opening, _, rest = body.partition(">")
    box = re.search(r'viewBox="[^"]+"', opening)
    assert box is not None
    # Ids would be those of every drawing on the page.
    rest = re.sub(
        r"<clipPath.*?</clipPath>|<title>.*?</title>|<desc>.*?</desc>", "", rest, flags=re.DOTALL
    )
    rest = re.sub(r' id="\w+"| style="clip-path: url\(#clip\)"|(?<=>)\s+(?=<)', "", rest)
    rest = rest.replace("font-family: Helvetica", "font-family: Helvetica, Arial, sans-serif")
    safe = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f'<svg {box[0]} role="img" aria-label="{safe}" class="chart">{rest}'


def as_file(drawing: Any, title: str) -> str:  # noqa: ANN401 - reportlab is untyped
    """The drawing as a file of its own, on white: whoever shows it may have a dark page."""
    svg = as_svg(drawing, title)
    opening, _, rest = svg.partition(">")
    paper = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return f'{opening} xmlns="http://www.w3.org/2000/svg">{paper}{rest}\n'
