"""What stands on the paper of a record. The same record gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, BinaryIO

import reportlab
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table

_DEJAVU = Path("/usr/share/fonts/truetype/dejavu")
_VERA = Path(reportlab.__file__).parent / "fonts"
_INK, _GREY, _RULE, _NAVY = "#1b2733", "#5b6875", "#d5dce3", "#12304f"
_GOOD, _WARN, _BAD = "#1c6b3c", "#8a5a00", "#a3262a"
_WIDTH = A4[0] - 36 * mm - 12
_STATES = {"pass": _GOOD, "fail": _BAD, "noted": _INK, "not done": _GREY, "incomplete": _WARN}


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


class _Pen:
    """Styles, once the fonts are known."""

    def __init__(self) -> None:
        plain, bold = _fonts()
        self.font = plain
        ink, grey, white = HexColor(_INK), HexColor(_GREY), HexColor("#ffffff")
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
        return Paragraph(escape(str(text)), style or self.text)

    def inked(self, text: str, ink: str) -> Any:  # noqa: ANN401
        return Paragraph(f'<font color="{ink}">{escape(text)}</font>', self.strong)


def draw(record: dict[str, Any], out: BinaryIO) -> None:
    """Write the PDF of a record. ``ValueError`` for one of an unknown kind."""
    pages = {"calibration": _calibration, "walk": _walk}.get(record.get("kind", ""))
    if pages is None:
        raise ValueError(f"no paper for a record of the kind {record.get('kind')!r}")
    pen = _Pen()
    title, story = pages(pen, record)
    foot = f"{title}: {record['device']}, {record['at'][:10]}"
    paper = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=16 * mm,
        bottomMargin=17 * mm, title=foot, author=record.get("software", ""), invariant=1,
    )  # fmt: skip

    def footer(canvas: Any, page: Any) -> None:  # noqa: ANN401
        canvas.setFont(pen.font, 7.5)
        canvas.setFillColor(HexColor(_GREY))
        canvas.drawString(18 * mm, 9 * mm, f"{foot}; {record.get('software', '')}")
        canvas.drawRightString(A4[0] - 18 * mm, 9 * mm, f"page {page.page}")

    paper.build(story, onFirstPage=footer, onLaterPages=footer)


# ---- parts ---------------------------------------------------------------------------------
def _banner(pen: _Pen, title: str, facts: Sequence[tuple[str, object]]) -> Any:  # noqa: ANN401
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


def _tiles(pen: _Pen, tiles: Sequence[tuple[str, str, str]], inks: Sequence[str]) -> Any:  # noqa: ANN401
    cells = [
        [
            Paragraph(f'<font color="{ink}">{escape(figure)}</font>', pen.big),
            pen.p(what),
            pen.p(more, pen.quiet),
        ]
        for (figure, what, more), ink in zip(tiles, inks, strict=True)
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


def _grid(pen: _Pen, head: Sequence[str], rows: list[list[Any]], widths: Sequence[float]) -> Any:  # noqa: ANN401
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


def _section(pen: _Pen, title: str, *content: Any) -> Iterator[Any]:  # noqa: ANN401
    yield Spacer(1, 9)
    yield KeepTogether([pen.p(title, pen.head), Spacer(1, 3), content[0]])
    yield from content[1:]


def _pairs(pen: _Pen, pairs: Sequence[tuple[str, object]]) -> Any:  # noqa: ANN401
    rows = [[pen.p(name, pen.quiet), pen.p(told)] for name, told in pairs if told not in ("", None)]
    return _grid(pen, (), rows, (0.32, 0.68))


def _signatures(pen: _Pen, left: str, right: str) -> Any:  # noqa: ANN401
    table = Table(
        [[pen.p(left, pen.quiet), "", pen.p(right, pen.quiet)]],
        colWidths=[_WIDTH * 0.45, _WIDTH * 0.1, _WIDTH * 0.45],
    )
    line = HexColor(_INK)
    table.setStyle(
        [("LINEABOVE", (0, 0), (0, 0), 0.75, line), ("LINEABOVE", (2, 0), (2, 0), 0.75, line)]
    )
    return KeepTogether([Spacer(1, 34), table])


def _facts(record: dict[str, Any]) -> list[tuple[str, object]]:
    place = record["read_point"]
    if record.get("plate") is not None and record["kind"] == "calibration":
        place = f"{place}, plate {record['plate']}"
    return [
        ("Device", record["device"]),
        ("Place", f"{record['site']}, {place}"),
        ("Measured", f"{record['at'][:16].replace('T', ' ')} UTC"),
        ("By", record["by"]),
    ]


# ---- the calibration of a scale --------------------------------------------------------------
def _calibration(pen: _Pen, record: dict[str, Any]) -> tuple[str, list[Any]]:
    title = "Calibration certificate"
    good, piece = record["good_for_pieces_g"], record["piece"]
    tiles = [
        (record["verdict"], "verdict", f"division {_mass(record['division_g'])}"),
        (f"{good:.3g} g" if good else "unknown", "lightest piece told here",
         "ten deviations of its noise"),
        (str(piece["countable"]) if piece else "not learnt", "pieces counted for sure",
         f"of {piece['piece_g']:.4g} g each" if piece else "no pieces were weighed"),
        (record["due"], "calibrate again by", ""),
    ]  # fmt: skip
    ink = _STATES.get(record["verdict"], _INK)
    story: list[Any] = [
        _banner(pen, title, _facts(record)),
        Spacer(1, 8),
        _tiles(pen, tiles, [ink, _INK, _INK, _INK]),
    ]
    rows = [
        [
            pen.p(row["title"]),
            pen.inked(row["state"], _STATES.get(row["state"], _INK)),
            pen.p(row["value"]),
            pen.p(row["limit"], pen.quiet),
            pen.p(row["says"], pen.quiet),
        ]
        for row in record["results"]
        if row["state"] != "not done"
    ]
    head = ("test", "result", "measured", "limit", "")
    story += _section(pen, "Tests", _grid(pen, head, rows, (0.19, 0.1, 0.25, 0.21, 0.25)))
    if record["not_done"]:
        story.append(Spacer(1, 3))
        story.append(pen.p(f"Not done: {', '.join(record['not_done'])}.", pen.quiet))
    story += _section(pen, "With what", _pairs(pen, list(_with_what(record))))
    story += _section(pen, "Before and after", _pairs(pen, list(_before_after(record))))
    if record["note"]:
        story += _section(pen, "Note", pen.p(record["note"]))
    story += [Spacer(1, 8), pen.p(record["caution"], pen.quiet)]
    story.append(_signatures(pen, f"{record['by']}, date", "For the site, date"))
    return title, story


def _mass(grams: float | None) -> str:
    return "unknown" if grams is None else f"{grams:,.6g} g"


def _with_what(record: dict[str, Any]) -> Iterator[tuple[str, object]]:
    mass = record["mass"]
    if mass is not None:
        told = _mass(mass["mass_g"])
        if mass["pieces"]:
            told += f" ({mass['pieces']} pieces)"
        unsure = mass["uncertainty_g"]
        yield "Mass", told + (f" ± {unsure:g} g (k = 2)" if unsure else ", uncertainty not given")
    if record["factor_uncertainty"]:
        yield (
            "Factor known to",
            f"{100 * record['factor_uncertainty']:.2g} % (standard uncertainty)",
        )
    temperature = record["temperature_c"]
    yield "Temperature", "not known" if temperature is None else f"{temperature:g} °C"
    if record["capacity_g"]:
        yield "Capacity", _mass(record["capacity_g"])
    yield "Device", f"{record['identity']} ({record['driver']})"
    yield "Edge", record["edge"]


def _before_after(record: dict[str, Any]) -> Iterator[tuple[str, object]]:
    before, after = record["before"], record["after"]
    if "says" in before:
        yield "Before", before["says"]
    else:
        errors = [
            f"{name} was wrong by {before[key]:+.3g} g"
            for name, key in (("zero", "zero_error_g"), ("the span mass", "span_error_g"))
            if key in before
        ]
        yield "Before", f"version {before['version']} of {before['date']}: {', '.join(errors)}"
    if after is not None:
        yield (
            "After",
            (
                f"version {after['version']}: zero at {float(after['zero_counts']):,.1f} counts, "
                f"{float(after['counts_per_g']):,.6g} counts/g"
            ),
        )
        applied = record["applied"]
        if applied is None:
            yield "In the settings", "no: it was not applied"
        elif "refused" in applied:
            yield "In the settings", f"no: {applied['refused']}"
        else:
            yield "In the settings", f"yes, version {applied.get('version', '')} of the settings"


# ---- the acceptance of a portal ---------------------------------------------------------------
def _walk(pen: _Pen, record: dict[str, Any]) -> tuple[str, list[Any]]:
    title = "Walk test: acceptance record"
    told = record["summary"]
    way = told["direction"]
    tiles = [
        (record["verdict"], "verdict", f"{told['passes']} of {record['planned']} passes walked"),
        (f"{100 * (told['detected'] or 0):.1f} %", "of carried tags heard",
         f"{told['heard']} of {told['expected']}"),
        (_way_figure(way), "told the right way",
         f"{way['wrong']} wrong, {way['unknown']} unknown" if way else "no antenna has a side"),
        (f"{told['decided_s']:.1f} s" if told["decided_s"] is not None else "-",
         "from the door to a decision", "the middle of all passes"),
    ]  # fmt: skip
    ink = _STATES.get(record["verdict"], _INK)
    story: list[Any] = [
        _banner(pen, title, _facts(record)),
        Spacer(1, 8),
        _tiles(pen, tiles, [ink, _INK, _INK, _INK]),
    ]
    rows = [_pass_row(pen, one) for one in record["passes"]]
    head = ("no", "way", "heard", "right way", "wrong", "unknown", "others", "decided", "missed")
    widths = (0.06, 0.07, 0.1, 0.1, 0.09, 0.1, 0.09, 0.1, 0.29)
    story += _section(pen, "Passes", _grid(pen, head, rows, widths))
    covered = [
        (f"Antenna {number}", f"heard {100 * share:.0f} % of the tags that were carried past")
        for number, share in told["coverage"].items()
    ]
    if covered:
        story += _section(pen, "Antennas", _pairs(pen, covered))
    if told["missed"]:
        missed = [
            (f"missed {times} times" if times > 1 else "missed once", epc)
            for epc, times in told["missed"].items()
        ]
        story += _section(pen, "Missed tags", _pairs(pen, missed))
    story += _section(
        pen, "How it was measured",
        pen.p(
            f"{len(record['tags'])} tagged items; {record['identity']}. The portal was not heard "
            f"for the books for {record['blind_s']:.0f} s. {record['direction']}",
        ),
    )  # fmt: skip
    if record["note"]:
        story += _section(pen, "Note", pen.p(record["note"]))
    accepted = record["signer"] or "Accepted by"
    site = f", for {record['signed_for']}" if record["signed_for"] else ""
    story.append(_signatures(pen, f"{record['by']}, technician, date", f"{accepted}{site}, date"))
    return title, story


def _way_figure(way: dict[str, Any] | None) -> str:
    if way is None or way["share"] is None:
        return "not judged"
    return f"{100 * way['share']:.1f} %"


def _pass_row(pen: _Pen, one: dict[str, Any]) -> list[Any]:
    missed = ", ".join(f"…{epc[-8:]}" for epc in one["missed"][:6])
    if len(one["missed"]) > 6:
        missed += f" and {len(one['missed']) - 6} more"
    whole = one["heard"] == one["expected"]
    return [
        pen.p(one["number"]),
        pen.p(one["want"]),
        pen.inked(f"{one['heard']}/{one['expected']}", _GOOD if whole else _BAD),
        pen.p(one["right"]),
        pen.inked(str(one["wrong"]), _BAD if one["wrong"] else _INK),
        pen.p(one["unknown"]),
        pen.p(one["others"]),
        pen.p(f"{one['decided_s']:.1f} s"),
        pen.p(missed or "none", pen.quiet),
    ]
