"""The ladder for people: a page with charts (HTML) or tables (Markdown), of what was graded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

NAMES = {
    "any_read": "any read",
    "strong_read": "a read above -50 dBm",
    "edgex_mobility": "EdgeX mobility profile",
    "rssi_classifier": "classifier of RSSI and times",
    "tallyport": "Tallyport",
}
SHARES = {
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "recall_heard": "recall of heard",
    "direction_accuracy": "direction",
    "passes_exact": "passes exact",
    "posted_wrong": "posted wrong",
    "reviewed": "reviewed",
}
OTHERS = (
    "latency p50 / p95", "false passes an hour", "calibration error", "decidable at 1 % error",
)  # fmt: skip
_STYLE = """
:root{color-scheme:light}
body{font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:#16202c;
background:#f6f8fa;margin:0}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
section{background:#fff;border:1px solid #d5dce4;border-radius:12px;padding:1.25rem;margin:1rem 0}
h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.25rem;margin:0 0 .5rem}
h3{font-size:1rem;margin:1.25rem 0 .25rem}
.chart{width:100%;max-width:44rem;height:auto;display:block}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;width:100%}
th,td{padding:.35rem .6rem;text-align:right;border-bottom:1px solid #e6ebf0;white-space:nowrap}
th:first-child,td:first-child{text-align:left}
small,.quiet{color:#5d6b7a}td small{display:block}
"""


def write(path: Path, suites: Mapping[str, Any]) -> None:
    """The report; by its suffix HTML or Markdown."""
    if path.suffix.lower() in {".md", ".markdown"}:
        text = "\n".join(line for name, suite in suites.items() for line in markdown(name, suite))
    else:
        text = html(suites)
    path.write_text(text, encoding="utf-8")


def markdown(name: str, suite: Mapping[str, Any]) -> Iterator[str]:
    """A table of one suite: a row for every rung."""
    yield f"**{name}**: {suite['recordings']} recordings."
    yield ""
    yield f"| rule | {' | '.join([*SHARES.values(), *OTHERS])} |"
    yield f"|---|{'---|' * (len(SHARES) + len(OTHERS))}"
    for rung, told in suite["rungs"].items():
        cells = [*(_cell(told, key) for key in SHARES), *_others(told)]
        yield f"| {NAMES.get(rung, rung)} | {' | '.join(cells)} |"
    yield ""


def html(suites: Mapping[str, Any]) -> str:
    """A page that asks nobody for anything: charts and tables of every suite."""
    parts = "".join(f"<section>{_suite(name, suite)}</section>" for name, suite in suites.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Tallyport: the accuracy ladder</title><style>{_STYLE}</style></head><body><main>"
        "<h1>How right is the judging?</h1><p>The same recordings through simpler rules, published "
        "ones and ours. Whiskers are 95 % intervals: Wilson's for shares, a bootstrap over "
        f"recordings for F1.</p>{parts}</main></body></html>\n"
    )


def _suite(name: str, suite: Mapping[str, Any]) -> str:
    rungs = suite["rungs"]
    pictures = "".join(
        f"<h3>{escape(SHARES[key])}</h3>{ladder_svg(rungs, key)}"
        for key in ("f1", "direction_accuracy", "passes_exact")
    )
    head = "".join(f"<th>{escape(words)}</th>" for words in (*SHARES.values(), *OTHERS))
    rows = "".join(
        f"<tr><td>{escape(NAMES.get(rung, rung))}</td>"
        + "".join(f"<td>{_html_cell(told, key)}</td>" for key in SHARES)
        + "".join(f"<td>{escape(cell)}</td>" for cell in _others(told))
        + "</tr>"
        for rung, told in rungs.items()
    )
    return (
        f'<h2>{escape(name)}</h2><p class="quiet">{suite["recordings"]} recordings, '
        f"{_movers(rungs)} tags crossed.</p>{pictures}"
        f"<h3>Error over what is decided unasked, the surest first</h3>{coverage_svg(rungs)}"
        f'<h3>All figures</h3><div class="wide"><table><tr><th></th>{head}</tr>'
        f"{rows}</table></div>"
    )


def _movers(rungs: Mapping[str, Any]) -> int:
    return max(int(told["intervals"]["recall"]["cases"]) for told in rungs.values())


def ladder_svg(rungs: Mapping[str, Any], key: str, *, alone: bool = False) -> str:
    """Bars of one figure, a rung each; ``alone`` as a file of its own."""
    from tallyport.charts.pen import BLUE, GREEN, as_file, as_svg  # noqa: PLC0415 (reportlab)
    from tallyport.charts.plots import Bar, bars  # noqa: PLC0415

    rows = []
    for rung, told in rungs.items():
        between = told["intervals"].get(key, {})
        ink = GREEN if rung == "tallyport" else BLUE
        value = told[key]
        rows.append(Bar(NAMES.get(rung, rung), value, between.get("low"), between.get("high"), ink))
    made = as_file if alone else as_svg
    return made(bars(rows), f"{SHARES[key]} of each rule")


def coverage_svg(rungs: Mapping[str, Any]) -> str:
    """Error against coverage, for the rungs that say how sure they are."""
    from tallyport.charts.pen import AMBER, BLUE, GREEN, GREY, VIOLET, as_svg  # noqa: PLC0415
    from tallyport.charts.plots import Axis, Curve, curves  # noqa: PLC0415

    inks = dict(zip(NAMES, (GREY, AMBER, VIOLET, BLUE, GREEN), strict=True))
    lines = [
        Curve(NAMES.get(rung, rung), told["curve"], inks.get(rung, BLUE))
        for rung, told in rungs.items()
        if told["curve"]
    ]
    worst = max((error for line in lines for _, error in line.points), default=0.0)
    top = min(1.0, max(0.01, worst * 1.1))
    across = Axis(
        "share of the answers that is decided",
        0.0,
        1.0,
        [(step / 5, f"{step * 20} %") for step in range(6)],
    )
    up = Axis("wrong", 0.0, top, [(top * step / 4, f"{top * step / 4:.2g}") for step in range(5)])
    return as_svg(curves(lines, across, up), "error over coverage")


def _cell(told: Mapping[str, Any], key: str) -> str:
    value, between = told[key], told["intervals"].get(key, {})
    if value is None:
        return "-"
    if between.get("low") is None:
        return digits(value)
    return f"{digits(value)} ({digits(between['low'])} - {digits(between['high'])})"


def _html_cell(told: Mapping[str, Any], key: str) -> str:
    text = _cell(told, key)
    value, open_, rest = text.partition(" (")
    return f"{value}<small>{rest.removesuffix(')')}</small>" if open_ else text


def digits(value: float) -> str:
    """Four decimals, or fewer where there are none."""
    return f"{value:.4f}".rstrip("0").rstrip(".") or "0"


def _others(told: Mapping[str, Any]) -> list[str]:
    """The cells of ``OTHERS``."""
    hours, at_1 = told["hours"], told["coverage_at_error"]["0.01"]
    return [
        _late(told["latency_s"]),
        f"{told['false_passes'] / hours:.1f}" if hours else "-",
        "-" if told["calibration_error"] is None else digits(told["calibration_error"]),
        "-" if at_1 is None else digits(at_1),
    ]


def _late(late: Mapping[str, Any]) -> str:
    return " / ".join("-" if late[q] is None else f"{late[q]:.1f} s" for q in ("p50", "p95"))
