"""What papers are made of: fonts, a banner, tiles, tables, lines to sign on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import reportlab
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.platypus import KeepTogether, Paragraph, Spacer, Table

_DEJAVU = Path("/usr/share/fonts/truetype/dejavu")
_VERA = Path(reportlab.__file__).parent / "fonts"
INK, GREY, _RULE, _NAVY = "#1b2733", "#5b6875", "#d5dce3", "#12304f"
GOOD, WARN, BAD = "#1c6b3c", "#8a5a00", "#a3262a"
_WIDTH = A4[0] - 36 * mm - 12


def _fonts() -> tuple[str, str]:
    """DejaVu where the system has it, for names in any European script; else what reportlab
    brings, which knows Western ones.
    """
    for folder, plain, bold in (
        (_DEJAVU, "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
        (_VERA, "Vera.ttf", "VeraBd.ttf"),
    ):
        try:
            pdfmetrics.registerFont(TTFont("plain", str(folder / plain)))
            pdfmetrics.registerFont(TTFont("bold", str(folder / bold)))
        except (TTFError, OSError):
            continue
        return "plain", "bold"
    return "Helvetica", "Helvetica-Bold"


class Pen:
    """Styles, once the fonts are known."""

    def __init__(self) -> None:
        plain, bold = _fonts()
        self.font = plain
        ink, grey, white = HexColor(INK), HexColor(GREY), HexColor("#ffffff")
        self.text = ParagraphStyle("text", fontName=plain, fontSize=9, leading=12, textColor=ink)
        self.strong = ParagraphStyle("strong", parent=self.text, fontName=bold)
        self.quiet = ParagraphStyle(
            "quiet", parent=self.text, fontSize=7.8, leading=10.4, textColor=grey
        )
        self.head = ParagraphStyle("head", parent=self.strong, fontSize=11, leading=15)
        self.big = ParagraphStyle("big", parent=self.strong, fontSize=14.5, leading=19)
        self.white = ParagraphStyle("white", parent=self.text, textColor=white)
        self.label = ParagraphStyle("label", parent=self.white, fontSize=7.5, leading=10)
        self.title = ParagraphStyle(
            "title", parent=self.white, fontName=bold, fontSize=18, leading=23
        )

    def p(self, text: object, style: Any = None) -> Any:  # noqa: ANN401 - reportlab is untyped
        """A paragraph."""
        return Paragraph(escape(str(text)), style or self.text)

    def inked(self, text: str, ink: str) -> Any:  # noqa: ANN401
        """A strong word in a colour."""
        return Paragraph(f'<font color="{ink}">{escape(text)}</font>', self.strong)


def banner(pen: Pen, title: str, facts: Sequence[tuple[str, object]]) -> Any:  # noqa: ANN401
    """The head of a paper: its title, and who, where and when."""
    cells = [
        [pen.p(name, pen.label), pen.p(told, pen.white)]
        for name, told in facts
        if told not in ("", None)
    ]
    table = Table(
        [[pen.p(title, pen.title), *[""] * (len(cells) - 1)], cells],
        colWidths=[_WIDTH / len(cells)] * len(cells),
    )
    table.setStyle(
        [
            ("SPAN", (0, 0), (-1, 0)),
            ("BACKGROUND", (0, 0), (-1, -1), HexColor(_NAVY)),
            ("ROUNDEDCORNERS", [7, 7, 7, 7]),
            ("LEFTPADDING", (0, 0), (-1, -1), 11),
            ("TOPPADDING", (0, 0), (-1, 0), 10),
            ("BOTTOMPADDING", (0, 1), (-1, 1), 11),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
    )
    return table


def tiles(pen: Pen, told: Sequence[tuple[str, str, str]], inks: Sequence[str]) -> Any:  # noqa: ANN401
    """Large figures side by side: the figure, what it is, more of it."""
    cells = [
        [
            Paragraph(f'<font color="{ink}">{escape(figure)}</font>', pen.big),
            pen.p(what),
            pen.p(more, pen.quiet),
        ]
        for (figure, what, more), ink in zip(told, inks, strict=True)
    ]
    table = Table([cells], colWidths=[_WIDTH / len(cells)] * len(cells))
    table.setStyle(
        [
            ("BOX", (0, 0), (-1, -1), 0.75, HexColor(_RULE)),
            ("INNERGRID", (0, 0), (-1, -1), 0.75, HexColor(_RULE)),
            ("ROUNDEDCORNERS", [7, 7, 7, 7]),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("TOPPADDING", (0, 0), (-1, -1), 7),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
        ]
    )
    return table


def grid(pen: Pen, head: Sequence[str], rows: list[list[Any]], widths: Sequence[float]) -> Any:  # noqa: ANN401
    """A table; ``widths`` are shares of the page."""
    top = [[pen.p(one, pen.quiet) for one in head]] if head else []
    table = Table(
        [*top, *rows], colWidths=[_WIDTH * width for width in widths], repeatRows=len(top)
    )
    table.setStyle(
        [
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(_RULE)),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ]
    )
    return table


def section(pen: Pen, title: str, *content: Any) -> Iterator[Any]:  # noqa: ANN401
    """A heading and what stands below it; heading and first part stay together."""
    yield Spacer(1, 9)
    yield KeepTogether([pen.p(title, pen.head), Spacer(1, 3), content[0]])
    yield from content[1:]


def pairs(pen: Pen, told: Sequence[tuple[str, object]]) -> Any:  # noqa: ANN401
    """Names and what they are, as far as something is known."""
    rows = [
        [pen.p(name, pen.quiet), pen.p(value)] for name, value in told if value not in ("", None)
    ]
    return grid(pen, (), rows, (0.32, 0.68))


def signatures(pen: Pen, left: str, right: str) -> Any:  # noqa: ANN401
    """Two lines to sign on."""
    table = Table(
        [[pen.p(left, pen.quiet), "", pen.p(right, pen.quiet)]],
        colWidths=[_WIDTH * 0.45, _WIDTH * 0.1, _WIDTH * 0.45],
    )
    line = HexColor(INK)
    table.setStyle(
        [("LINEABOVE", (0, 0), (0, 0), 0.75, line), ("LINEABOVE", (2, 0), (2, 0), 0.75, line)]
    )
    return KeepTogether([Spacer(1, 34), table])
