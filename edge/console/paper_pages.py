"""What stands on the paper of a record. The same record gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import SimpleDocTemplate, Spacer

from edge.console.paper_parts import (
    BAD,
    GOOD,
    GREY,
    INK,
    WARN,
    Pen,
    banner,
    grid,
    pairs,
    section,
    signatures,
    tiles,
)

_STATES = {"pass": GOOD, "fail": BAD, "noted": INK, "not done": GREY, "incomplete": WARN}


def draw(record: dict[str, Any], out: BinaryIO) -> None:
    """Write the PDF of a record. ``ValueError`` for one of an unknown kind."""
    pages = {"calibration": _calibration, "walk": _walk}.get(record.get("kind", ""))
    if pages is None:
        raise ValueError(f"no paper for a record of the kind {record.get('kind')!r}")
    pen = Pen()
    title, story = pages(pen, record)
    foot = f"{title}: {record['device']}, {record['at'][:10]}"
    paper = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=16 * mm,
        bottomMargin=17 * mm, title=foot, author=record.get("software", ""), invariant=1,
    )  # fmt: skip

    def footer(canvas: Any, page: Any) -> None:  # noqa: ANN401
        canvas.setFont(pen.font, 7.5)
        canvas.setFillColor(HexColor(GREY))
        canvas.drawString(18 * mm, 9 * mm, f"{foot}; {record.get('software', '')}")
        canvas.drawRightString(A4[0] - 18 * mm, 9 * mm, f"page {page.page}")

    paper.build(story, onFirstPage=footer, onLaterPages=footer)


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
def _calibration(pen: Pen, record: dict[str, Any]) -> tuple[str, list[Any]]:
    title = "Calibration certificate"
    good, piece = record["good_for_pieces_g"], record["piece"]
    figures = [
        (record["verdict"], "verdict", f"division {_mass(record['division_g'])}"),
        (f"{good:.3g} g" if good else "unknown", "lightest piece told here",
         "ten deviations of its noise" if good else "no noise in its digits"),
        (str(piece["countable"]) if piece else "not learnt", "pieces counted for sure",
         f"of {piece['piece_g']:.4g} g each" if piece else "no pieces were weighed"),
        (record["due"], "calibrate again by", ""),
    ]  # fmt: skip
    ink = _STATES.get(record["verdict"], INK)
    story: list[Any] = [
        banner(pen, title, _facts(record)),
        Spacer(1, 8),
        tiles(pen, figures, [ink, INK, INK, INK]),
    ]
    rows = [
        [
            pen.p(row["title"]),
            pen.inked(row["state"], _STATES.get(row["state"], INK)),
            pen.p(row["value"]),
            pen.p(row["limit"], pen.quiet),
            pen.p(row["says"], pen.quiet),
        ]
        for row in record["results"]
        if row["state"] != "not done"
    ]
    head = ("test", "result", "measured", "limit", "")
    story += section(pen, "Tests", grid(pen, head, rows, (0.19, 0.1, 0.25, 0.21, 0.25)))
    if record["not_done"]:
        story.append(Spacer(1, 3))
        story.append(pen.p(f"Not done: {', '.join(record['not_done'])}.", pen.quiet))
    story += section(pen, "With what", pairs(pen, list(_with_what(record))))
    story += section(pen, "Before and after", pairs(pen, list(_before_after(record))))
    if record["note"]:
        story += section(pen, "Note", pen.p(record["note"]))
    story += [Spacer(1, 8), pen.p(record["caution"], pen.quiet)]
    story.append(signatures(pen, f"{record['by']}, date", "For the site, date"))
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
def _walk(pen: Pen, record: dict[str, Any]) -> tuple[str, list[Any]]:
    title = "Walk test: acceptance record"
    told = record["summary"]
    way = told["direction"]
    figures = [
        (record["verdict"], "verdict", f"{told['passes']} of {record['planned']} passes walked"),
        (f"{100 * (told['detected'] or 0):.1f} %", "of carried tags heard",
         f"{told['heard']} of {told['expected']}"),
        (_way_figure(way), "told the right way",
         _way_words(way, record)),
        (f"{told['decided_s']:.1f} s" if told["decided_s"] is not None else "-",
         "from the door to a decision", "the middle of all passes"),
    ]  # fmt: skip
    ink = _STATES.get(record["verdict"], INK)
    story: list[Any] = [
        banner(pen, title, _facts(record)),
        Spacer(1, 8),
        tiles(pen, figures, [ink, INK, INK, INK]),
    ]
    rows = [_pass_row(pen, one) for one in record["passes"]]
    head = ("no", "way", "heard", "right way", "wrong", "unknown", "others", "decided", "missed")
    widths = (0.06, 0.07, 0.1, 0.1, 0.09, 0.1, 0.09, 0.1, 0.29)
    story += section(pen, "Passes", grid(pen, head, rows, widths))
    covered = [
        (f"Antenna {number}", f"heard {100 * share:.0f} % of the tags that were carried past")
        for number, share in told["coverage"].items()
    ]
    if covered:
        story += section(pen, "Antennas", pairs(pen, covered))
    if told["missed"]:
        missed = [
            (f"missed {times} times" if times > 1 else "missed once", epc)
            for epc, times in told["missed"].items()
        ]
        story += section(pen, "Missed tags", pairs(pen, missed))
    story += section(
        pen, "How it was measured",
        pen.p(
            f"{len(record['tags'])} tagged items; {record['identity']}. The portal was not heard "
            f"for the books for {record['blind_s']:.0f} s. {record['direction']}",
        ),
    )  # fmt: skip
    if record["note"]:
        story += section(pen, "Note", pen.p(record["note"]))
    accepted = record["signer"] or "Accepted by"
    site = f", for {record['signed_for']}" if record["signed_for"] else ""
    story.append(signatures(pen, f"{record['by']}, technician, date", f"{accepted}{site}, date"))
    return title, story


def _way_words(way: dict[str, Any] | None, record: dict[str, Any]) -> str:
    if way is None:
        return "no antenna has a side"
    asked = f", {way['asked']} to be asked" if way.get("asked") else ""
    who = record.get("judged_by", {}).get("who", "edge")
    by = "by central" if who == "central" else "by the antennas' order"
    return f"{by}: {way['wrong']} wrong, {way['unknown']} unknown{asked}"


def _way_figure(way: dict[str, Any] | None) -> str:
    if way is None or way["share"] is None:
        return "not judged"
    return f"{100 * way['share']:.1f} %"


def _pass_row(pen: Pen, one: dict[str, Any]) -> list[Any]:
    missed = ", ".join(f"…{epc[-8:]}" for epc in one["missed"][:6])
    if len(one["missed"]) > 6:
        missed += f" and {len(one['missed']) - 6} more"
    whole = one["heard"] == one["expected"]
    return [
        pen.p(one["number"]),
        pen.p(one["want"]),
        pen.inked(f"{one['heard']}/{one['expected']}", GOOD if whole else BAD),
        pen.p(one["right"]),
        pen.inked(str(one["wrong"]), BAD if one["wrong"] else INK),
        pen.p(one["unknown"]),
        pen.p(one["others"]),
        pen.p(f"{one['decided_s']:.1f} s"),
        pen.p(missed or "none", pen.quiet),
    ]
