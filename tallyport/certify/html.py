"""The certificate as one page that asks nobody for anything: no script, no font, no picture."""

from __future__ import annotations

from html import escape

from tallyport.certify import drawing, words
from tallyport.certify.certificate import Certificate
from tallyport.charts.pen import as_svg

_WIDTH = 380.0
"""Charts are drawn for a phone and grow from there."""
_STYLE = """
:root{color-scheme:light}*{box-sizing:border-box}
body{font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
color:#16202c;background:#eef2f6;margin:0}
main{max-width:62rem;margin:0 auto;padding:1rem 1rem 4rem}
header{background:#12304f;color:#fff;border-radius:14px;padding:1.5rem;margin-bottom:1rem}
header h1{font-size:1.6rem;line-height:1.2;margin:0 0 .75rem}
header p{margin:.75rem 0 0;color:#ffdf9e}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.5rem 1.25rem;margin:0}
dt{font-size:.8rem;color:#b9cbe0}dd{margin:0;font-weight:600;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(12.5rem,1fr));gap:.75rem}
.tile,section{background:#fff;border:1px solid #d5dce4;border-radius:14px;padding:1.1rem}
.tile b{display:block;font-size:2rem;line-height:1.1;letter-spacing:-.02em}
.tile small,.quiet{color:#4b5968}.tile span{display:block}
section{margin-top:1rem}h2{font-size:1.15rem;margin:0 0 .6rem}
.chart{width:100%;max-width:40rem;height:auto;display:block;margin:0 auto}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}
th{font-weight:600;color:#4b5968}th,td{padding:.4rem .55rem;text-align:left;vertical-align:top;
border-bottom:1px solid #e6ebf0}td.n,th.n{text-align:right;white-space:nowrap}
.ok{color:#0f7b5a;font-weight:600}.no{color:#b3261e;font-weight:600}
.ask{color:#8a5200;font-weight:600}
code{font-size:.8rem;overflow-wrap:anywhere}
@media (max-width:40rem){section{padding:.9rem}.cards tr{display:flex;flex-wrap:wrap;
gap:.1rem .75rem;padding:.5rem 0;border-bottom:1px solid #e6ebf0}.cards tr.head{display:none}
.cards td{border:0;padding:0;text-align:left}.cards td:last-child{flex-basis:100%}
.cards td[data-of]::before{content:attr(data-of) " ";color:#4b5968}}
@media print{body{background:#fff}section,.tile{break-inside:avoid}}
"""


def page(made: Certificate) -> str:
    """The whole page."""
    parts = (
        _header(made), _tiles(made), _portal(made), _walks(made), _advice(made), _charts(made),
        _more(made), _sources(made),
    )  # fmt: skip
    title = f"Portal certificate: {made.plan.read_point}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _header(made: Certificate) -> str:
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(told)}</dd></div>"
        for name, told in words.facts(made)
    )
    warning = f"<p>{escape(words.provenance(made))}</p>" if made.emulated else ""
    return f"<header><h1>Portal certificate</h1><dl>{facts}</dl>{warning}</header>"


def _tiles(made: Certificate) -> str:
    tiles = "".join(
        f'<div class="tile"><b>{escape(one.figure)}</b><span>{escape(one.what)}</span>'
        f"<small>{escape(one.interval)}</small></div>"
        for one in words.headlines(made)
    )
    return f'<div class="tiles">{tiles}</div>'


def _portal(made: Certificate) -> str:
    above = as_svg(drawing.portal(made.survey, width=_WIDTH, height=210), "the portal from above")
    return f"<section><h2>The portal, from above</h2>{above}</section>"


def _walks(made: Certificate) -> str:
    rows = "".join(
        f'<tr><td class="n">{walk.number}</td><td>{walk.direction}</td>'
        f'<td class="n" data-of="heard">{walk.heard}/{walk.carried}</td>'
        f'<td class="n" data-of="right">{"-" if walk.direction == "by" else walk.right}</td>'
        f'<td class="{_tone(walk.verdict)}">{escape(walk.verdict)}</td>'
        f"<td>{escape(walk.note)}"
        + (f' <span class="quiet">Asked: {escape(walk.why_asked)}</span>' if walk.asked else "")
        + "</td></tr>"
        for walk in made.walks
    )
    return (
        '<section><h2>The walks</h2><div class="wide"><table class="cards">'
        '<tr class="head"><th class="n">no</th><th>way</th>'
        '<th class="n">heard</th><th class="n">told right</th><th>verdict</th><th>walk</th></tr>'
        f"{rows}</table></div></section>"
    )


def _tone(verdict: str) -> str:
    return {"right": "ok", "asked": "ask"}.get(verdict, "no")


def _advice(made: Certificate) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.setting)}</td><td><b>{escape(one.value)}</b></td>"
        f'<td class="quiet">{escape(one.why)}</td></tr>'
        for one in made.advice
    )
    return (
        "<section><h2>Recommended settings</h2>"
        '<div class="wide"><table class="cards">'
        '<tr class="head"><th>setting</th><th>value</th><th>by which rule</th></tr>'
        f"{rows}</table></div></section>"
    )


def _charts(made: Certificate) -> str:
    levels = as_svg(drawing.levels(made.survey, width=_WIDTH), "levels of carried and other tags")
    rates = as_svg(drawing.rates(made.survey, width=_WIDTH), "reads a second of each antenna")
    return (
        f"<section><h2>How loud</h2>{levels}</section>"
        f"<section><h2>Reads a second while walking</h2>{rates}</section>"
    )


def _more(made: Certificate) -> str:
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="n"><b>{escape(value)}</b></td>'
        f'<td class="quiet">{escape(of)}</td></tr>'
        for name, value, of in words.more_figures(made)
    )
    return (
        f'<section><h2>More figures</h2><div class="wide"><table class="cards">{rows}</table></div>'
        f'<p class="quiet">{escape(words.caution(made))}</p></section>'
    )


def _sources(made: Certificate) -> str:
    rows = "".join(
        f'<tr><td>{escape(one.file)}</td><td>{one.what}</td><td class="n">{one.seconds:.0f} s</td>'
        f'<td class="n">{one.reads:,}</td><td><code>{one.sha256[:16]}</code></td></tr>'
        for one in made.sources
    )
    return (
        f"<section><h2>What was measured where</h2><p>{escape(words.provenance(made))}</p>"
        '<div class="wide"><table class="cards">'
        '<tr class="head"><th>capture</th><th>what</th><th class="n">length</th>'
        f'<th class="n">reads</th><th>SHA-256</th></tr>{rows}</table></div></section>'
    )
