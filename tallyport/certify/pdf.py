"""The certificate on A4, to be signed."""

from __future__ import annotations

from html import escape
from io import BytesIO
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

from tallyport.certify import drawing, words
from tallyport.certify.certificate import Certificate
from tallyport.charts.pen import AMBER, BOLD, FONT, GREEN, GREY, INK, RED, RULE

_WIDTH = A4[0] - 36 * mm - 12  # a frame's own padding is 6 points
_NAVY = "#12304f"
_TEXT = ParagraphStyle("text", fontName=FONT, fontSize=9, leading=12, textColor=HexColor(INK))
_QUIET = ParagraphStyle("quiet", parent=_TEXT, fontSize=8, leading=10.5, textColor=HexColor(GREY))
_HEAD = ParagraphStyle("head", parent=_TEXT, fontName=BOLD, fontSize=11, leading=15, spaceBefore=9)
_BIG = ParagraphStyle("big", parent=_TEXT, fontName=BOLD, fontSize=19, leading=23)
_WHITE = ParagraphStyle("white", parent=_TEXT, textColor=HexColor("#ffffff"))
_TITLE = ParagraphStyle("title", parent=_WHITE, fontName=BOLD, fontSize=19, leading=24)


def document(made: Certificate) -> bytes:
    """The same certificate gives the same bytes."""
    out = BytesIO()
    title = f"Portal certificate: {made.plan.read_point}"
    paper = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=16 * mm,
        bottomMargin=17 * mm, title=title, author=f"Tallyport {made.tallyport}", invariant=1,
    )  # fmt: skip

    def footer(canvas: Any, page: Any) -> None:  # noqa: ANN401 - reportlab is untyped
        canvas.setFont(FONT, 7.5)
        canvas.setFillColor(HexColor(GREY))
        canvas.drawString(18 * mm, 9 * mm, f"{title}, {made.measured_at:%Y-%m-%d}")
        canvas.drawRightString(A4[0] - 18 * mm, 9 * mm, f"page {page.page}")

    paper.build(_story(made), onFirstPage=footer, onLaterPages=footer)
    return out.getvalue()


def _story(made: Certificate) -> list[Any]:
    story: list[Any] = [_banner(made), Spacer(1, 8), _tiles(made)]
    if made.emulated:
        story += [Spacer(1, 6), _p(words.provenance(made), _QUIET)]
    story += _section("The portal, from above", drawing.portal(made.survey, width=_WIDTH))
    story += _section("The walks", _walks(made))
    story += _section("Recommended settings", _advice(made))
    story += _section("How loud", drawing.levels(made.survey, width=_WIDTH))
    story += _section("Reads a second while walking", drawing.rates(made.survey, width=_WIDTH))
    story += _section("More figures", _more(made), Spacer(1, 4), _p(words.caution(made), _QUIET))
    story += _section(
        "What was measured where",
        _p(words.provenance(made), _TEXT), Spacer(1, 4), _sources(made),
    )  # fmt: skip
    return [*story, Spacer(1, 26), _signatures()]


def _section(title: str, *content: Any) -> list[Any]:  # noqa: ANN401
    head = _p(title, _HEAD)
    return [KeepTogether([head, Spacer(1, 3), content[0]]), *content[1:]]


def _p(text: str, style: Any) -> Any:  # noqa: ANN401
    return Paragraph(escape(text), style)


def _banner(made: Certificate) -> Any:  # noqa: ANN401
    facts = [
        Paragraph(f"<font size=7.5>{escape(name)}</font><br/><b>{escape(told)}</b>", _WHITE)
        for name, told in words.facts(made)
    ]
    table = Table(
        [[_p("Portal certificate", _TITLE), *[""] * (len(facts) - 1)], facts],
        colWidths=[_WIDTH / len(facts)] * len(facts),
    )
    table.setStyle(
        [
            ("SPAN", (0, 0), (-1, 0)),
            ("BACKGROUND", (0, 0), (-1, -1), HexColor(_NAVY)),
            ("ROUNDEDCORNERS", [7, 7, 7, 7]),
            ("LEFTPADDING", (0, 0), (-1, -1), 11),
            ("TOPPADDING", (0, 0), (-1, 0), 10),
            ("BOTTOMPADDING", (0, 1), (-1, 1), 12),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
    )
    return table


def _tiles(made: Certificate) -> Any:  # noqa: ANN401
    cells = [
        [_p(one.figure, _BIG), _p(one.what, _TEXT), _p(one.interval, _QUIET)]
        for one in words.headlines(made)
    ]
    table = Table([cells], colWidths=[_WIDTH / len(cells)] * len(cells))
    table.setStyle(
        [
            ("BOX", (0, 0), (-1, -1), 0.75, HexColor(RULE)),
            ("INNERGRID", (0, 0), (-1, -1), 0.75, HexColor(RULE)),
            ("ROUNDEDCORNERS", [7, 7, 7, 7]),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("TOPPADDING", (0, 0), (-1, -1), 8),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
        ]
    )
    return table


def _grid(rows: list[list[Any]], widths: list[float], *, head: bool = True) -> Any:  # noqa: ANN401
    table = Table(rows, colWidths=[_WIDTH * width for width in widths], repeatRows=int(head))
    table.setStyle(
        [
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(RULE)),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("TOPPADDING", (0, 0), (-1, -1), 2.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ]
    )
    return table


def _walks(made: Certificate) -> Any:  # noqa: ANN401
    rows: list[list[Any]] = [
        [_p(one, _QUIET) for one in ("no", "way", "heard", "told right", "verdict", "walk")]
    ]
    for walk in made.walks:
        ink = {"right": GREEN, "asked": AMBER}.get(walk.verdict, RED)
        verdict = f'<font color="{ink}"><b>{escape(walk.verdict)}</b></font>'
        note = f"{walk.note} Asked: {walk.why_asked}." if walk.asked else walk.note
        told = "-" if walk.direction == "by" else str(walk.right)
        rows.append(
            [
                _p(str(walk.number), _TEXT),
                _p(walk.direction, _TEXT),
                _p(f"{walk.heard}/{walk.carried}", _TEXT),
                _p(told, _TEXT),
                Paragraph(verdict, _TEXT),
                _p(note, _QUIET),
            ]
        )
    return _grid(rows, [0.05, 0.07, 0.1, 0.11, 0.2, 0.47])


def _advice(made: Certificate) -> Any:  # noqa: ANN401
    rows = [[_p(one, _QUIET) for one in ("setting", "value", "by which rule")]]
    for one in made.advice:
        value = Paragraph(f"<b>{escape(one.value)}</b>", _TEXT)
        rows.append([_p(one.setting, _TEXT), value, _p(one.why, _QUIET)])
    return _grid(rows, [0.22, 0.23, 0.55])


def _more(made: Certificate) -> Any:  # noqa: ANN401
    rows = [
        [_p(name, _TEXT), _p(value, _TEXT), _p(of, _QUIET)]
        for name, value, of in words.more_figures(made)
    ]
    return _grid(rows, [0.34, 0.3, 0.36], head=False)


def _sources(made: Certificate) -> Any:  # noqa: ANN401
    rows = [[_p(one, _QUIET) for one in ("capture", "what", "length", "reads", "SHA-256")]]
    for one in made.sources:
        told = (one.file, one.what, f"{one.seconds:.0f} s", f"{one.reads:,}", one.sha256[:24])
        rows.append([_p(part, _QUIET) for part in told])
    return _grid(rows, [0.27, 0.14, 0.11, 0.11, 0.37])


def _signatures() -> Any:  # noqa: ANN401
    names = [_p("Technician, date", _QUIET), "", _p("For the site, date", _QUIET)]
    table = Table([names], colWidths=[_WIDTH * 0.45, _WIDTH * 0.1, _WIDTH * 0.45])
    line = HexColor(INK)
    table.setStyle(
        [("LINEABOVE", (0, 0), (0, 0), 0.75, line), ("LINEABOVE", (2, 0), (2, 0), 0.75, line)]
    )
    return KeepTogether([table])
